"""Cascade models of synaptically stored memories (Fusi, Drew & Abbott 2005, Neuron 45:599).

Left: the figure of memory decay, SNR against age for cascades of several depths, with the exponential forgetting of
binary synapses (theory as lines, exact finite-N simulation as dots). Middle: the figure of lifetimes, the best cascade
and the best binary synapse against the number of synapses. Right: initial SNR against depth. The paper itself was not
at hand: panels are named by what they show, and its statements are taken from reviews.

Agrees: equal occupancy of all depths (it defines the probabilities); initial SNR falls only as sqrt(N)/n; the
power-law window grows as 2^n; memories last far longer than in fast binary synapses.
Does not, as stated: "t^-3/4" and lifetime "N^(2/3)" are windows of one slowly steepening curve. The local exponent
passes .57 at t = 10, .75 at t = 100 and .84 at t = 1000 (n = 20), and lifetime grows with exponent .58 at N = 1e3,
falling to 1/2. The binary synapse with its best q also lasts sqrt(N) / e events; the cascade's gain is 3-fold in
lifetime and 1000-fold in initial SNR (N = 1e9).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import fusi_models as fm
from fusi_models.plot import plot_curve, plot_guides
from fusi_models.theory.curve import decay_exponent, lifetime_exponent
from neuromorph.stopping import run_page


@dataclass(frozen=True)
class Args:
    synapses: float = 1e6
    """Number of synapses of the decay panel."""
    trials: int = 20
    """Simulated populations (dots)."""
    out: Path = Path("Fusi_Drew_Abbott_2005.svg")
    """Figure to write."""


def main(args: Args) -> None:
    page = Figure(figsize=(12, 3.8), layout="constrained")
    decay, lives, initial = page.subplots(1, 3)
    rng = np.random.default_rng(0)

    times = np.unique(np.geomspace(1, 1e4, 40).round())
    for color, depth in zip(("C0", "C1", "C2", "C3"), (5, 8, 10, 12), strict=True):
        syn = fm.cascade(depth)
        plot_curve(fm.memory_curve(syn, times, args.synapses, "poisson"), decay, f"n = {depth}", color=color)
        run = fm.simulate(syn, times, int(args.synapses), args.trials, rng, "poisson")
        plot_curve(run, decay, "_", color=color, marker=".", ls="")
    for q in (1.0, 0.03):
        plot_curve(
            fm.memory_curve(fm.plain(q), times, args.synapses, "poisson"), decay, f"binary, q = {q:g}", color="0.5"
        )
    plot_guides(decay, (1, 100), 1e4)
    decay.set(title="decay", ylim=(0.1, 2e3))

    counts = 10.0 ** np.arange(3, 10)
    best = np.array([fm.optimal_depth(n) for n in counts])
    binary = np.array([fm.lifetime(fm.plain(np.e / np.sqrt(n)), n, events="poisson") for n in counts * 1.0001])
    fast = np.array([fm.lifetime(fm.plain(), n, events="poisson") for n in counts])
    lives.loglog(counts, best[:, 1], "o-", label="cascade, best n")
    lives.loglog(counts, binary, "s-", color="0.5", label="binary, best q")
    lives.loglog(counts, fast, "^-", color="0.7", label="binary, q = 1")
    lives.set(title="lifetime", xlabel="synapses N", ylabel="events")

    depths = np.arange(2, 21)
    values = [fm.initial_snr(fm.cascade(n), args.synapses) for n in depths]
    initial.plot(depths, values, "o-", label="cascade")
    initial.plot(depths, 2 * np.sqrt(args.synapses) / depths, color="0.5", ls=":", label="2 sqrt(N) / n")
    initial.set(title="initial SNR", xlabel="depth n", ylabel="SNR(0)", ylim=(0, None))
    for ax in (decay, lives, initial):
        ax.legend(frameon=False, fontsize=8)
    page.savefig(args.out)

    ages = np.geomspace(1, 1e5, 501)
    local = decay_exponent(fm.memory_curve(fm.cascade(20), ages, 1, "poisson"))
    print("decay exponent, n = 20, at t = 10, 100, 1000, 1e4:", local[100::100][:4].round(3))
    print("best depth:", best[:, 0].astype(int), "lifetime:", best[:, 1].round(1))
    print("lifetime exponent in N:", lifetime_exponent(counts, best[:, 1]).round(3), "binary:", binary.round())


if __name__ == "__main__":
    run_page(main, Args)
