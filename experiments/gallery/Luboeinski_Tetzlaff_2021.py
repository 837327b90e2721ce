"""Synaptic tagging and capture in two phases (Luboeinski & Tetzlaff 2021, Commun. Biol. 4:275).

Left: the basic early-phase protocol of the paper's public code (presynaptic spikes at 10, 20, .. 60 and 100 ms): mean
of many noisy synapses in Brian2, the mean in closed form, and the public curve (100 x 10 trials, read off its figure).
Middle: the basic late-phase protocol, four hours of strongest activity, then four of rest, in the same three ways.
Right: capture. A synapse tagged by 0.15 s of potentiation makes no protein of its own; how much of the late phase it
gets when another synapse of the neuron is saturated some time before or after. This panel is not in the public code.

Agrees: h falls to 98.76 +- .01 %, rises to 103.90 +- .02 and settles at 100.79 +- .03 in Brian2 at the public step of
0.2 ms (public figure: 98.75, 103.9, 100.8; closed form, in continuous time: 98.81, 103.85, 100.73); 200 % for four
hours, 112 % after four more; 1 + z is 195 % when activity ends and goes on to 199.4, since protein is made for another
75 minutes (315; figure: about 312). A weak memory alone leaves z = 0; beside a strong one it gets up to .6, most if the
strong one came about an hour before, nothing if it comes an hour after. Left out: the recurrent network of the paper.
For the late phase calcium is held above its thresholds and let go, in place of millions of spikes; where it falls
through the window of depression, h loses 4 % more (closed form: 196.0 %, figure: about 195).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fusi_models.engines.tagging_brian import follow_brian
from fusi_models.models.tagging import POTENTIATED, REST, Regime, Tagging, course, regime
from neuromorph.stopping import run_page
from neuromorph.tables import deviation

RULE = Tagging()
PULSES = np.array([10, 20, 30, 40, 50, 60, 100]) / 1e3
PUBLISHED_EARLY = np.array([[0.069, 98.75], [0.091, 103.9], [0.159, 100.8], [0.2, 100.8]])
PUBLISHED_LATE = {"h": [[120, 200], [235, 200], [312, 150], [420, 120], [480, 112]], "z": [[240, 195], [480, 199.5]],
                  "p": [[100, 182], [312, 199.5], [480, 106]]}  # fmt: skip


@dataclass(frozen=True)
class Args:
    trials: int = 1000
    """Synapses of the early protocol."""
    late: int = 10
    """Synapses of the late protocol."""
    step: float = 0.5
    """Step of the late protocol, s."""
    hours: float = 4.0
    """Activity of the late protocol, and rest after it."""
    quick: bool = False
    """A small size: fewer trials, and a quarter of an hour of the late protocol."""
    out: Path = Path("Luboeinski_Tetzlaff_2021.svg")
    """Figure to write."""


def early(args: Args, ax: Axes) -> None:
    times, runs = follow_brian(RULE, [PULSES], np.array([]), 0.2, 2e-4, 100 if args.quick else args.trials)
    h = 100 / RULE.h0 * np.array([run.h[:, 0] for run in runs])
    mean, error = h.mean(0), deviation(h) / np.sqrt(len(h))
    exact = 100 / RULE.h0 * course(RULE, [regime(RULE, PULSES, [])], times[1:], 0.01).h[:, 0]
    ax.fill_between(1e3 * times, mean - 2 * error, mean + 2 * error, alpha=0.3, label="Brian2, 2 SE")
    ax.plot(1e3 * times[1:], exact, "k", lw=1, label="closed form")
    ax.plot(1e3 * PUBLISHED_EARLY[:, 0], PUBLISHED_EARLY[:, 1], "r+", ms=10, label="public figure")
    ax.set(title="early phase", xlabel="ms", ylabel="h / h0 (%)")
    at = np.searchsorted(times, PUBLISHED_EARLY[:3, 0] - 1e-9)
    print("early, h at 69, 91, 159 ms: Brian2", mean[at].round(2), "+-", error[at].round(2), "closed form",
          exact[at - 1].round(2), "public", PUBLISHED_EARLY[:3, 1])  # fmt: skip


def late(args: Args, ax: Axes) -> None:
    active = (0.125 if args.quick else args.hours) * 3600
    held = Regime(np.array([0, active]), np.array([POTENTIATED, REST]))
    times, runs = follow_brian(
        RULE, [np.array([])], np.array([]), 2 * active, args.step, args.late, held=[held], every=30
    )
    exact, minutes = course(RULE, [held], times[1:]), times / 60
    simulated = {"h": np.mean([r.h[:, 0] for r in runs], 0) / RULE.h0, "z": 1 + np.mean([r.z[:, 0] for r in runs], 0),
                 "p": 1 + np.mean([r.p for r in runs], 0)}  # fmt: skip
    closed = {"h": exact.h[:, 0] / RULE.h0, "z": 1 + exact.z[:, 0], "p": 1 + exact.p}
    for k, name in enumerate("hzp"):
        ax.plot(minutes, 100 * simulated[name], color=f"C{k}", lw=3, alpha=0.4, label=f"{name}, Brian2")
        ax.plot(minutes[1:], 100 * closed[name], color=f"C{k}", lw=1)
        if active == 4 * 3600:
            ax.plot(*np.array(PUBLISHED_LATE[name]).T, "r+", ms=10, label="public figure" if name == "h" else None)
    ax.set(title="late phase", xlabel="min", ylabel="h / h0, 1 + z, 1 + p (%)")
    at = np.searchsorted(times, [active - 60, active + 60, 2 * active - 60])
    falls = Regime(
        np.append(held.start, active + RULE.tau_c * np.log(RULE.theta_p / RULE.theta_d)), np.array([2, 1, 0])
    )
    print(f"h when calcium has fallen: {100 / RULE.h0 * course(RULE, [falls], np.array([active + 0.1])).h[0, 0]:.1f} %")
    for name in "hzp":
        print(f"late, {name} before and after the end of activity, and at the end: Brian2",
              (100 * simulated[name][at]).round(1), "closed form", (100 * closed[name][at - 1]).round(1))  # fmt: skip


def capture(args: Args, ax: Axes) -> None:
    """z of the weak synapse eight hours on."""
    when, end = 4 * 3600.0, np.array([12 * 3600.0])
    weak = Regime(np.array([0, when, when + 0.15]), np.array([REST, POTENTIATED, REST]))
    gaps, step = np.arange(-3.5, 3.01, 1.5 if args.quick else 0.25), 120.0 if args.quick else 20.0
    found = []
    for gap in gaps:
        start = when + 3600 * gap
        strong = Regime(np.array([0, start, start + 10]), np.array([REST, POTENTIATED, REST]))
        found.append(course(RULE, [weak, strong], end, step).z[0])
    alone = course(RULE, [weak], end, step).z[0, 0]
    ax.plot(gaps, np.array(found)[:, 0], "o-", ms=3, label="weak synapse")
    ax.plot(gaps, np.array(found)[:, 1], "o-", ms=3, color="0.6", label="strong synapse")
    ax.axhline(alone, color="k", ls=":", lw=1, label="weak synapse alone")
    ax.set(title="capture", xlabel="strong after weak (h)", ylabel="late phase z after 8 h")
    best = int(np.argmax(np.array(found)[:, 0]))
    print(f"capture: alone {alone:.3f}, at best {found[best][0]:.3f} with the strong one {gaps[best]:+.2f} h")


def main(args: Args) -> None:
    page = Figure(figsize=(12, 3.8), layout="constrained")
    left, middle, right = page.subplots(1, 3)
    early(args, left)
    late(args, middle)
    capture(args, right)
    for ax in (left, middle, right):
        ax.legend(frameon=False, fontsize=8)
    page.savefig(args.out)


if __name__ == "__main__":
    run_page(main, Args)
