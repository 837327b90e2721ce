"""Efficient partitioning of memory systems and its importance for consolidation (Roxin & Fusi 2013, PLoS CB 9).

Left: SNR of the five populations against age, the best weighted sum of them, and a homogeneous system of as many
synapses with its best rate. Middle: longest lifetime against the number of populations, for three ratios between the
rates of the first and the last. Right: initial SNR of the same systems. The paper's abstract was at hand; equations and
rates are a reconstruction, panels are named by what they show.

Agrees: with n = 5 and rates from .727 to .0073 a memory starts at an SNR of 325, where the homogeneous system of the
same lifetime has 2.7: the initial strength is "orders of magnitude larger".
Does not: "the improvement in memory lifetime is proportional to the number of memory regions". With the same million
synapses read in the best way, the lifetime is 327 against 367 homogeneous; with equal rates, tuned for each n, it grows
from 367 (n = 1) to 413 (n = 20) only. The reason is not known: the paper's own equations could not be read.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fusi_models.theory.partitioned import hyperbolic, lifetime, signals, snr
from neuromorph.stopping import run_page


@dataclass(frozen=True)
class Args:
    synapses: float = 1e6
    """Number of synapses N, in all populations together."""
    populations: tuple[int, ...] = (1, 2, 3, 5, 10, 20)
    """Numbers n of populations of the middle and right panels."""
    out: Path = Path("Roxin_Fusi_2013.svg")
    """Figure to write."""


def longest(n: int, ratio: float, synapses: float) -> tuple[float, float]:
    """Lifetime and initial SNR with the first rate that makes the lifetime longest."""
    slowest = 0.3 / np.sqrt(synapses)
    tried = [hyperbolic(n, q, ratio) for q in np.geomspace(1, slowest, 60) if q / ratio >= slowest]
    lives = [lifetime(rates, synapses, "all") for rates in tried]
    best = int(np.argmax(lives))
    return lives[best], float(snr(tried[best], np.array([0]), synapses)[0])


def main(args: Args) -> None:
    page = Figure(figsize=(12, 3.8), layout="constrained")
    decay, lives, initial = page.subplots(1, 3)
    rates, slow = hyperbolic(5, 0.727, 100), np.array([np.e / np.sqrt(args.synapses)])
    times = np.unique(np.geomspace(1, 2000, 200).round())
    parts = np.sqrt(args.synapses / 5) * signals(rates, times)
    for k, part in enumerate(parts.T):
        decay.loglog(times, part, lw=1, label=f"population {k + 1}, q = {rates[k]:.2g}")
    decay.loglog(times, snr(rates, times, args.synapses, "all"), "k", label="all, best weights")
    decay.loglog(times, snr(slow, times, args.synapses), "0.5", ls="--", label=f"homogeneous, q = {slow[0]:.2g}")
    decay.axhline(1, color="0.5", lw=0.8, ls=":")
    decay.set(title="decay", xlabel="age (memories)", ylabel="SNR", ylim=(0.1, 500))

    for ratio in (1, 10, 100):
        found = np.array([longest(n, ratio if n > 1 else 1, args.synapses) for n in args.populations])
        lives.plot(args.populations, found[:, 0], "o-", label=f"first / last rate = {ratio}")
        initial.semilogy(args.populations, found[:, 1], "o-", label=f"first / last rate = {ratio}")
        print(f"ratio {ratio:3}: n {args.populations} lifetime {found[:, 0].round()} SNR(0) {found[:, 1].round(1)}")
    lives.set(title="longest lifetime", xlabel="populations n", ylabel="memories", ylim=(0, None))
    initial.set(title="initial SNR of these", xlabel="populations n", ylabel="SNR(0)")
    for ax in (decay, lives, initial):
        ax.legend(frameon=False, fontsize=8)
    page.savefig(args.out)

    start = [float(snr(q, np.array([0]), args.synapses)[0]) for q in (rates, slow)]
    print("SNR(0), five populations and homogeneous:", np.round(start, 1))
    print("lifetime, best population, all, homogeneous:", lifetime(rates, args.synapses),
          lifetime(rates, args.synapses, "all"), lifetime(slow, args.synapses))  # fmt: skip


if __name__ == "__main__":
    run_page(main, Args)
