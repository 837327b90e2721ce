"""The same cascade in five engines: exact theory, lumped simulation, and Brian2 on its three targets.

Prints S(t) for two depths; simulations show the mean over populations, and in brackets its distance from theory in
exact standard errors (spread / sqrt(trials)). Distances should look like draws from a standard normal.
"""

from dataclasses import dataclass

import numpy as np

import fusi_models as fm
from fusi_models.engines.brian import simulate_brian
from neuromorph.stopping import run_page


@dataclass(frozen=True)
class Args:
    synapses: int = 2000
    """Synapses of each population."""
    trials: int = 100
    """Populations."""
    last: int = 100
    """Last age read."""


def main(args: Args) -> None:
    times = np.unique(np.array([0, 1, 2, 5, 10, 20, 50, args.last]))
    times = times[times <= args.last]
    for depth in (5, 10):
        syn = fm.cascade(depth)
        theory = fm.memory_curve(syn, times, args.synapses)
        error = theory.spread / np.sqrt(args.trials)
        runs = {"lumped": fm.simulate(syn, times, args.synapses, args.trials, np.random.default_rng(1))}
        for k, target in enumerate(("numpy", "cython", "cpp_standalone")):
            runs[f"brian2 {target}"] = simulate_brian(syn, times, args.synapses, args.trials, 2 + k, target)
        spikes = simulate_brian(syn, times, args.synapses, args.trials, 5, "cython", protocol="spikes")
        runs["brian2 cython, spikes"] = spikes
        print(f"depth {depth}, N = {args.synapses}, {args.trials} populations")
        print(f"{'t':24}" + "".join(f"{t:>17g}" for t in times))
        print(f"{'theory':24}" + "".join(f"{s:>17.5f}" for s in theory.signal))
        for name, run in runs.items():
            distance = (run.signal - theory.signal) / error
            print(f"{name:24}" + "".join(f"{s:>10.5f} ({d:+.1f})" for s, d in zip(run.signal, distance, strict=True)))


if __name__ == "__main__":
    run_page(main, Args)
