"""A memory frontier for complex synapses (Lahiri & Ganguli 2013, NIPS).

Left: the envelope figure (N = 100, M = 12 by default), the bound on SNR over all synapses with M states, with chains
of increasing stickiness and a cascade below it. Middle: area under the curve against the stickiness of the end states,
towards the bound sqrt(N) (M - 1). Right: states ordered by the mean time to become strong.

Agrees: no model crosses the envelope; its early part exp(-t/(M-1)) and late part (M-1)/(e t) meet at t = M-1; sticky
chains reach 97 % of the late part; the area tends to M - 1 as the ends get stickier; the order by first passage is that
of the chain. Dots: the best synapse that a search over all chains finds for an age; it reaches .42, .48, .61, .81 of
the envelope at t = 3, 10, 30, 100, so the early part, which the paper does not prove tight, is not reached by any.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import fusi_models as fm
from fusi_models.plot import plot_curve, plot_envelope
from fusi_models.theory.frontier import passage_order
from fusi_models.theory.optimise import optimise
from neuromorph.stopping import run_page


@dataclass(frozen=True)
class Args:
    synapses: float = 100
    """Number of synapses N."""
    states: int = 12
    """Number of states M, even."""
    ages: tuple[float, ...] = (3.0, 10.0, 30.0, 100.0)
    """Ages for which the best synapse is searched."""
    out: Path = Path("Lahiri_Ganguli_2013.svg")
    """Figure to write."""


def main(args: Args) -> None:
    page = Figure(figsize=(12, 3.8), layout="constrained")
    frontier, areas, order = page.subplots(1, 3)
    m, stickiness = args.states, np.geomspace(1e-4, 1, 30)

    times = np.append(0, np.geomspace(0.1, 1e4, 200))
    for eps in (1, 0.3, 0.1, 0.03, 0.01):
        curve = fm.memory_curve(fm.serial(m, eps), times, args.synapses, "poisson")
        plot_curve(curve, frontier, f"chain, ends left with {eps:g}", lw=1)
    plot_curve(fm.memory_curve(fm.cascade(m // 2), times, args.synapses, "poisson"), frontier, color="k", lw=1)
    plot_envelope(times, m, args.synapses, frontier)
    best = [
        fm.memory_curve(optimise(m, t, starts=2), np.array([t]), args.synapses, "poisson").snr[0] for t in args.ages
    ]
    frontier.plot(args.ages, best, "r.", label="best found for the age")
    frontier.set(title="envelope", ylim=(1e-3, 2 * np.sqrt(args.synapses)))

    areas.semilogx(stickiness, [fm.area(fm.serial(m, eps)) for eps in stickiness], label="chain")
    areas.axhline(m - 1, color="0.3", ls="--", lw=1, label="bound, M - 1")
    areas.axhline(fm.area(fm.cascade(m // 2)), color="k", lw=1, label="cascade")
    areas.set(title="area / sqrt(N)", xlabel="probability to leave an end", ylim=(0, m))

    for syn in (fm.serial(m, 0.1), fm.cascade(m // 2)):
        order.plot(np.arange(1, m + 1), passage_order(syn)[1], "o-", label=syn.name)
    order.set(title="mean events to become strong", xlabel="state, weak to strong", ylabel="sum of T_ij pi_j")
    for ax in (frontier, areas, order):
        ax.legend(frameon=False, fontsize=7, loc="lower left" if ax is frontier else "best")
    page.savefig(args.out)

    bound = np.sqrt(args.synapses) * fm.envelope(np.array(args.ages), m)
    print("best synapse found, share of the envelope at t =", args.ages, np.round(best / bound, 3))
    late = np.geomspace(10, 1e4, 300)
    shares = [fm.envelope_share(fm.serial(m, eps), late).max() for eps in (0.1, 0.03, 0.01)]
    print("largest share of the envelope after t = 10, ends left with .1, .03, .01:", np.round(shares, 3))
    print(
        "area / sqrt(N), ends left with .1, .01, .001:",
        [round(fm.area(fm.serial(m, e)), 3) for e in (0.1, 0.01, 0.001)],
    )
    print("cascade, largest share and area:", fm.envelope_share(fm.cascade(m // 2), times).max().round(3),
          round(fm.area(fm.cascade(m // 2)), 3))  # fmt: skip


if __name__ == "__main__":
    run_page(main, Args)
