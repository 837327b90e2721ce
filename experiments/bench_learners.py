"""Speed of the local learners: presentations a millisecond while learning, ratios within one run on one machine.

``Looped`` is the learner as it was before: the neurons step by step in ``snn.Leaky``, every synapse found by three
indices. It learns the same bits, which is checked here too. The last column is what the products alone would allow.
"""

import time
from dataclasses import dataclass

import numpy as np
import torch

from fusi_models import HiddenWeight, SynapseModel, cascade
from neuromorph import streams
from neuromorph.learners.torch import TorchLearner
from neuromorph.local_rule.rule import LocalRule, error
from neuromorph.stopping import run_page


@dataclass(frozen=True)
class Args:
    """Time the torch learner against its earlier loop."""

    stream: str = "permuted-digits"
    """KIND-DATA as in ``neuromorph compare``."""
    samples: int = 300
    """Training samples of a call."""
    units: int = 20
    """Output units a class."""
    seeds: int = 1
    """Replicas side by side."""
    repeats: int = 7
    """Calls of each, alternating."""


class Looped(TorchLearner):
    """``TorchLearner`` as it was."""

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
                self._send(s.any(0), e[replica, unit], replica, unit)
        return np.stack(spk_rec)

    def _integrate(self, current: torch.Tensor) -> torch.Tensor:
        mem = torch.zeros_like(current[0])
        spk_rec = []
        for cur in current:
            spk, mem = self.lif(cur, mem)
            spk_rec.append(spk)
        return torch.stack(spk_rec)

    def _send(self, active: torch.Tensor, e: np.ndarray, replica: np.ndarray, unit: np.ndarray) -> None:
        row, source = active[torch.as_tensor(replica, device=self.device)].nonzero(as_tuple=True)
        r, u, drive = (torch.as_tensor(v, device=self.device)[row] for v in (replica, unit, e.astype(float)))
        old = self.state[r, u, source]
        uniform = None
        if self.synapse.stochastic:
            uniform = torch.rand(old.shape, generator=self.random, device=self.device, dtype=torch.float64)
        new = self.synapse.step(old, drive, uniform)
        self.state[r, u, source] = new
        self.weight[r, u, source] = self.synapse.efficacy(new).float()


def main(args: Args) -> None:
    torch.set_num_threads(1)
    print(f"{args.stream}, {args.samples} presentations a call, {args.seeds} seed(s), {args.repeats} calls; median +-")
    print("half of the quartiles' distance; presentations a millisecond\n")
    print(f"{'synapse':32}{'earlier loop':>18}{'now':>18}{'ratio':>16}{'products alone':>18}")
    for synapse in (HiddenWeight(2.0), cascade(5).slowed(0.1)):
        row(args, synapse)


def row(args: Args, synapse: SynapseModel) -> None:
    seeds = tuple(range(args.seeds))
    stream = streams.parallel([streams.by_name(args.stream, 1, seed, args.samples, 10) for seed in seeds])
    x, y = stream[0].train
    rule = LocalRule(units_per_class=args.units)
    old, new = (kind(synapse, x.shape[-1], stream.outputs, rule, seeds) for kind in (Looped, TorchLearner))
    rates = []
    for _ in range(args.repeats + 1):
        rates.append([len(x) / timed(lambda one=one: one.partial_fit(x, y)) for one in (old, new)])
        rates[-1] += [rates[-1][1] / rates[-1][0], len(x) / timed(lambda: products(new, len(x)))]
    assert np.array_equal(old.states(), new.states())
    rates = np.array(rates[1:])  # the first call warms up
    low, middle, high = np.percentile(rates, [25, 50, 75], axis=0)
    cells = [f"{m:.2f} +- {(h - lo) / 2:.2f}" for lo, m, h in zip(low, middle, high, strict=True)]
    print(f"{synapse.name:32}" + "".join(f"{cell:>{w}}" for cell, w in zip(cells, (18, 18, 16, 18), strict=True)))


def products(learner: TorchLearner, times: int) -> None:
    """The products of so many presentations, and nothing else."""
    frames = torch.ones(len(learner.seeds), learner.rule.num_steps, learner.inputs)
    for _ in range(times):
        torch.bmm(frames, learner.weight.transpose(1, 2))


def timed(call) -> float:
    """Milliseconds that the processor spends on a call; other programs of the machine do not count."""
    begun = time.process_time()
    call()
    return 1e3 * (time.process_time() - begun)


if __name__ == "__main__":
    run_page(main, Args)
