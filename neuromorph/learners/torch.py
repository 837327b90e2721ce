"""The local rule on snnTorch: ``snn.Leaky`` neurons, synaptic states as tensors; CPU or CUDA."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import snntorch as snn
import torch

from fusi_models import SynapseModel
from neuromorph.learners.local import INITIAL, LocalLearner
from neuromorph.local_rule.rule import LocalRule, error
from neuromorph.snn.device import checked_device


class TorchLearner(LocalLearner):
    """``LocalLearner`` on torch. Raises ``ValueError`` for a device that is not there."""

    def __init__(
        self,
        synapse: SynapseModel,
        inputs: int,
        classes: int,
        rule: LocalRule = LocalRule(),
        seeds: int | Sequence[int] = 0,
        device: str = "cpu",
    ):
        self.device = checked_device(device)
        super().__init__(synapse, inputs, classes, rule, seeds)
        self.lif = snn.Leaky(beta=rule.beta, threshold=rule.tie_free_threshold(inputs), reset_mechanism="zero")
        self.lif.to(self.device)
        snn.SpikingNeuron.instances.remove(self.lif)  # snnTorch would keep it for ever
        self.random = torch.Generator(self.device).manual_seed(self.transition_seed())

    def states(self):
        return np.array(self.state.cpu())

    def _set_states(self, states):
        self.state = torch.tensor(states, device=self.device)
        self.weight = self.synapse.efficacy(self.state).float()

    def _integrate(self, current: torch.Tensor) -> torch.Tensor:
        """Output spikes, [time, ...], of a current of that shape."""
        mem = torch.zeros_like(current[0])
        spk_rec = []
        for cur in current:
            spk, mem = self.lif(cur, mem)
            spk_rec.append(spk)
        return torch.stack(spk_rec)

    @torch.no_grad()
    def _learn(self, raster, labels):
        spk_rec = []
        for sample, label in zip(raster, labels, strict=True):
            s = torch.as_tensor(sample, device=self.device)
            current = torch.einsum("tri,roi->tro", s.float(), self.weight)
            spk_rec.append((self._integrate(current) > 0).cpu().numpy())
            e = error(spk_rec[-1].sum(0), label, self.rule)
            replica, unit = np.nonzero(e)
            if len(unit):
                self._consolidate(s.any(0), e[replica, unit], replica, unit)
        return np.stack(spk_rec)

    def _consolidate(self, active: torch.Tensor, e: np.ndarray, replica: np.ndarray, unit: np.ndarray) -> None:
        """Send the candidate events of the units in error to their synapses with an active input."""
        row, source = active[torch.as_tensor(replica, device=self.device)].nonzero(as_tuple=True)
        r, u, drive = (torch.as_tensor(v, device=self.device)[row] for v in (replica, unit, e.astype(float)))
        old = self.state[r, u, source]
        uniform = None
        if self.synapse.stochastic:
            uniform = torch.rand(old.shape, generator=self.random, device=self.device, dtype=torch.float64)
        new = self.synapse.step(old, drive, uniform)
        self.state[r, u, source] = new
        self.weight[r, u, source] = self.synapse.efficacy(new).float()

    @torch.no_grad()
    def spikes(self, raster):
        s = torch.as_tensor(raster, device=self.device).float()
        current = torch.einsum("ntri,roi->tnro", s, self.weight)
        return (self._integrate(current) > 0).transpose(0, 1).cpu().numpy()

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"random": self.random.get_state()}

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.random.set_state(state["random"])


def imprint(synapse: SynapseModel, events: np.ndarray, seed: int, device: str = "cpu") -> np.ndarray:
    """Efficacies int8 [time, synapse] right after each of ``events`` [time, synapse] in {-1, +1}, in tensors."""
    state = torch.as_tensor(synapse.init(events.shape[1:], np.random.default_rng([seed, INITIAL])), device=device)
    random = torch.Generator(device).manual_seed(seed)
    efficacy = np.empty(events.shape, np.int8)
    for k, event in enumerate(events):
        uniform = torch.rand(state.shape, generator=random, device=device, dtype=torch.float64)
        state = synapse.step(state, torch.as_tensor(event, dtype=torch.float64, device=device), uniform)
        efficacy[k] = synapse.efficacy(state).cpu().numpy()
    return efficacy
