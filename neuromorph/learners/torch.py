"""The local rule on snnTorch: ``snn.Leaky`` neurons, synaptic states as tensors; CPU or CUDA.

A presentation is one product for all its steps, the steps of the neurons, and one step of the synapses that receive an
event. While learning, the neurons' recurrence is written out (``leaky``): ``snn.Leaky`` spends most
of its time on bookkeeping and gives the same numbers to the bit; where nothing is learned, it runs itself.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import snntorch as snn
import torch

from fusi_models import SynapseModel
from neuromorph.learners.local import LocalLearner
from neuromorph.local_rule import chance
from neuromorph.local_rule.layer import LayerRule, events
from neuromorph.local_rule.rule import LocalRule
from neuromorph.snn.device import checked_device


class TorchLearner(LocalLearner):
    """``LocalLearner`` on torch. Raises ``ValueError`` for a device that is not there."""

    threads = 1

    def __init__(
        self,
        synapse: SynapseModel,
        inputs: int,
        classes: int,
        rule: LayerRule = LocalRule(),
        seeds: int | Sequence[int] = 0,
        device: str = "cpu",
    ):
        self.device = checked_device(device)
        super().__init__(synapse, inputs, classes, rule, seeds)
        self.threshold = rule.tie_free_threshold(self.sources)
        self.lif = snn.Leaky(beta=rule.beta, threshold=self.threshold, reset_mechanism="zero")
        self.lif.to(self.device)
        snn.SpikingNeuron.instances.remove(self.lif)  # snnTorch would keep it for ever
        self.random = torch.Generator().manual_seed(self.transition_seed())  # a state may go on elsewhere

    def states(self):
        return np.array(self.state.cpu())

    def _set_states(self, states):
        self.state = torch.tensor(states, device=self.device)
        self.weight = self.synapse.efficacy(self.state).float()
        self._flat_state = self.state.view(-1, *self.state.shape[3:])  # one row a synapse
        self._flat_weight = self.weight.view(-1)

    @torch.no_grad()
    def _learn(self, raster, labels):
        active = raster.any(1)
        spk_rec = np.empty((*raster.shape[:3], self.units), bool)
        for k, sample in enumerate(raster):
            frames = torch.from_numpy(sample).to(self.device).float().transpose(0, 1)  # [replica, time, input]
            current = torch.bmm(frames, self.weight.transpose(1, 2)).cpu().numpy()
            spk_rec[k] = leaky(current.swapaxes(0, 1), self.rule.beta, self.threshold)
            self._transition(self.rule.error(spk_rec[k].sum(0), labels[k]), active[k], self.presented + k)
        return spk_rec

    def _transition(self, errors: np.ndarray, active: np.ndarray, presented: int) -> None:
        """Send the events of ``errors`` [replica, unit] and inputs ``active``, bool [replica, source], to synapses.

        The synapses of all replicas change in one step, in the order of their numbers, and so do their random numbers.
        """
        opposed = [self.rule.opposed(seed, presented, self.sources) for seed in self.seeds]
        numbers, signs = events(errors, active, opposed)
        if not len(numbers):
            return
        place, drive = (torch.from_numpy(each).to(self.device) for each in (numbers, signs.astype(float)))
        old = self._flat_state.index_select(0, place)
        uniform = None
        if self.synapse.stochastic:
            uniform = torch.rand(old.shape, generator=self.random, dtype=torch.float64).to(self.device)
        new = self.synapse.step(old, drive, uniform)
        self._flat_state.index_copy_(0, place, new)
        self._flat_weight.index_copy_(0, place, self.synapse.efficacy(new).float())

    @torch.no_grad()
    def spikes(self, raster):
        s = torch.as_tensor(raster, device=self.device).float()
        current = torch.einsum("ntri,roi->tnro", s, self.weight)
        mem, spk_rec = torch.zeros_like(current[0]), []
        for cur in current:
            spk, mem = self.lif(cur, mem)
            spk_rec.append(spk > 0)
        return torch.stack(spk_rec, 1).cpu().numpy()

    @torch.no_grad()
    def drives(self, raster):
        s = torch.as_tensor(raster.sum(1), device=self.device).float()
        return torch.einsum("nri,roi->nro", s, self.weight).cpu().numpy()

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"random": self.random.get_state()}

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.random.set_state(state["random"])


def leaky(current: np.ndarray, beta: float, threshold: float) -> np.ndarray:
    """Spikes, bool, of ``current`` float32 [time, ...], as ``snn.Leaky`` with reset to zero has them, bit for bit."""
    spk_rec, mem = np.empty(current.shape, bool), np.zeros_like(current[0])
    keep, limit = np.float32(beta), np.float32(threshold)
    for cur, spk in zip(current, spk_rec, strict=True):
        mem *= keep  # rounded before the current comes, as there
        mem += cur
        np.greater(mem, limit, out=spk)
        np.putmask(mem, spk, 0)
    return spk_rec


def imprint(synapse: SynapseModel, events: np.ndarray, seed: int, device: str = "cpu") -> np.ndarray:
    """Efficacies int8 [time, synapse] right after each of ``events`` [time, synapse] in {-1, +1}, in tensors."""
    state = torch.as_tensor(synapse.init(events.shape[1:], chance.initial_states(seed)), device=device)
    random = torch.Generator().manual_seed(chance.imprinting_seed(seed))
    efficacy = np.empty(events.shape, np.int8)
    for k, event in enumerate(events):
        uniform = torch.rand(state.shape, generator=random, dtype=torch.float64).to(device)
        state = synapse.step(state, torch.as_tensor(event, dtype=torch.float64, device=device), uniform)
        efficacy[k] = synapse.efficacy(state).cpu().numpy()
    return efficacy
