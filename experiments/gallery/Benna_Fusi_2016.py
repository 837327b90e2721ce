"""Computational principles of synaptic memory consolidation (Benna & Fusi 2016, Nat. Neurosci. 19:1697).

Left: the figure of memory decay, SNR against age for chains of several lengths (theory; dots: simulated chains).
Middle: the figure of lifetimes, chains and the best cascade against the number of synapses. Right: a chain whose
variables keep a few discrete values, beside the real-valued one. Panels are named by what they show; the equations are
taken from secondary quotations of the paper.

Agrees: SNR falls as 1/sqrt(t) up to the slowest time scale; lifetime grows as N until it meets 2^(2m+1), 70 times the
cascade's at N = 1e6 (77068 against 1080 events, m = 8); initial SNR falls only as 1/sqrt(m); few values a variable cost
little: about a tenth of the initial SNR with 40, 30, 20 and 10.
Does not: the paper's closed form diverges at t = 0; the step map and the continuous chain differ by 4 % at t = 10.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import fusi_models as fm
from fusi_models.plot import plot_curve, plot_guides
from neuromorph.stopping import run_page


@dataclass(frozen=True)
class Args:
    synapses: float = 1e6
    """Number of synapses of the decay panel."""
    simulated: int = 500
    """Synapses of each simulated population (dots); SNR is scaled to the number of the panel."""
    trials: int = 40
    """Simulated populations."""
    out: Path = Path("Benna_Fusi_2016.svg")
    """Figure to write."""


def main(args: Args) -> None:
    page = Figure(figsize=(12, 3.8), layout="constrained")
    decay, lives, values = page.subplots(1, 3)
    rng = np.random.default_rng(0)

    times = np.unique(np.geomspace(1, 1e7, 80).round())
    for levels in (4, 6, 8, 10):
        plot_curve(fm.memory_curve(fm.BennaFusi(levels), times, args.synapses), decay, f"m = {levels}")
    plot_curve(fm.memory_curve(fm.cascade(12), times, args.synapses), decay, "cascade, n = 12", color="0.5")
    plot_guides(decay, (1, 300), 1e7, (0.5, 1.0))
    decay.set(title="decay", ylim=(0.1, 1e3))

    counts = 10.0 ** np.arange(3, 10)
    for levels in (4, 8, 12):
        lives.loglog(counts, [fm.lifetime(fm.BennaFusi(levels), n) for n in counts], "o-", label=f"m = {levels}")
    best = [fm.optimal_depth(n)[1] for n in counts]
    lives.loglog(counts, best, "s-", color="0.5", label="cascade, best n")
    lives.set(title="lifetime", xlabel="synapses N", ylabel="events")

    short, scale = np.array([0, 1, 2, 5, 10, 20, 50, 100, 200]), np.sqrt(args.synapses / args.simulated)
    for color, chain, burn_in in (("C0", fm.BennaFusi(4), 0), ("C1", fm.BennaFusi(4, values=(40, 30, 20, 10)), 500)):
        run = fm.simulate(chain, short, args.simulated, args.trials, rng, burn_in=burn_in, progress=True)
        error = scale * run.error / run.noise
        values.errorbar(short + 1, scale * run.snr, error, fmt="o", ms=3, color=color, label=run.name)
    theory = fm.memory_curve(fm.BennaFusi(4), short, args.synapses)
    values.loglog(short + 1, theory.snr, color="C0", label="theory")
    values.set(title="quantised to 40, 30, 20, 10 values", xlabel="age + 1", ylabel="SNR")
    for ax in (decay, lives, values):
        ax.legend(frameon=False, fontsize=8)
    page.savefig(args.out)

    eight = fm.memory_curve(fm.BennaFusi(8), np.array([0, 100, 1000, 10000]), args.synapses)
    print(
        "m = 8: SNR at t = 0, 100, 1000, 1e4:",
        eight.snr.round(2),
        "ratios:",
        (eight.snr[1:-1] / eight.snr[2:]).round(3),
    )
    print("lifetimes at N = 1e6, m = 4, 8, 12:", [fm.lifetime(fm.BennaFusi(m), 1e6) for m in (4, 8, 12)])


if __name__ == "__main__":
    run_page(main, Args)
