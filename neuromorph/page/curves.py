"""Figures and tables of ``neuromorph memory-curve``."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import fusi_models as fm
from fusi_models.plot import plot_curve, plot_envelope, plot_guides
from fusi_models.synapse import Chain, find
from fusi_models.theory.coding import coding
from fusi_models.theory.curve import lifetime_exponent
from neuromorph.palette import COLOURS, INK
from neuromorph.tables import Table

LINES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)))
Found = Sequence[Sequence[float | None]]


def figure(
    models: Sequence[fm.SynapseModel], curves: Sequence[fm.MemoryCurve], args: Any, survivals: Sequence = (),
    theories: Sequence[fm.MemoryCurve | None] = (), lifetimes: Found = (),
) -> Figure:  # fmt: skip
    """The curves, the bound of the largest model (Poisson events), power laws and the threshold, in matplotlib.

    ``args``: those of the command. ``survivals``: [model][time], the share of memories that a threshold unit still has;
    ``lifetimes``: [model][number of synapses]; each in a panel of its own. ``theories``: a line under each simulation.
    """
    beside = [bool(survivals), bool(args.lifetimes)]
    page = Figure(figsize=(6 + 5 * sum(beside), 4.2), layout="constrained")
    ax, *rest = page.subplots(1, 1 + sum(beside), squeeze=False)[0]
    _curves(ax, models, curves, args, theories)
    if survivals:
        _survivals(rest[0], curves, survivals, args)
    if args.lifetimes:
        _lifetimes(rest[-1], [syn.name for syn in models], lifetimes, args)
    return page


def table(rows: list[dict], args: Any) -> str:
    """The curves' summaries as text, a line each, with notes; ``args``: those of the command."""
    passages = args.observer == "first-passage"
    width = max(28, *(len(row["model"]) + 1 for row in rows))
    lines = [f"N = {args.synapses:g}, f+ = {args.f_pot:g}, {args.events} events, engine {args.engine}"]
    lines.append(
        f"{'model':{width}}{'SNR(0)':>11}{'lifetime':>12}{'read >= ' + f'{args.threshold:g}':>13}{'area':>9}"
        f"{'envelope':>10}" + f"{'first passage':>19}" * passages
    )
    for row in rows:
        lifetime, area, share = (
            "-" if row[key] is None else _number(row[key], digits)
            for key, digits in (("lifetime", 1), ("area", 3), ("envelope_share", 3))
        )
        last = ">= " * row["censored"] + f"{row['last_above']:.0f}"
        if row["censored"] and lifetime == "-" and args.observer != "correlated":
            lifetime = last
        line = f"{row['model']:{width}}{row['initial_snr']:11.4g}{lifetime:>12}{last:>13}{area:>9}{share:>10}"
        if passages:
            mean = ">= " * bool(row["kept"]) + f"{row['passage']:.1f}"
            line += f"{mean:>12} +- {row['passage_error']:<3.1f}"
        lines.append(line)
    notes = [
        "lifetime, area: theory; read: last reading above the threshold; >=: the last reading is still above it;",
        "envelope: largest share of the bound",
        "on Poisson curves of finite chains (no bound is known for discrete events)",
    ]
    silent = [row["model"] for row in rows if args.engine == "theory" and row["initial_snr"] == 0]
    if silent:
        notes.append(
            f"no signal at equilibrium, which theory means: {', '.join(silent)} (frozen); --engine lumped begins at "
            "first states"
        )
    if args.observer == "correlated":
        active, f_pot = coding(args.coding, args.rule)
        notes = [
            f"{args.rule} gating at coding level {args.coding:g}: a memory touches {active:.3g} of the synapses, f+ = "
            f"{f_pot:.3g}; shared: with the noise of shared neurons; aware: knows their covariance (discrete events)"
        ]
    if passages:
        notes.append(
            f"first passage: mean and standard error of {args.trials} memories (discrete events); still above the "
            f"threshold at {args.last:g} and counted as lost there: " + ", ".join(f"{row['kept']:.0%}" for row in rows)
        )
    return "\n".join([*lines, *notes])


def _number(value: float, digits: int) -> str:
    """Without the minus of a rounding error: -4e-13 is 0."""
    return f"{round(value, digits) + 0.0:.{digits}f}"


def curves_csv(curves: Sequence[fm.MemoryCurve]) -> str:
    """Every reading of every curve as CSV."""
    names = ("times", "signal", "noise", "snr", "spread", "error")
    rows = [(c.name, *row) for c in curves for row in zip(*(getattr(c, n).tolist() for n in names), strict=True)]
    return Table("Memory curves", ("model", *names), tuple(rows)).csv()


def summary_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """What ``table`` shows of each curve, as numbers: empty where the model has none."""
    names = [name for name in rows[0] if name != "survival"]
    cells = tuple(tuple("" if row[name] is None else row[name] for name in names) for row in rows)
    return Table("Summaries of memory curves", tuple(names), cells).csv()


def lifetime_table(names: Sequence[str], synapses: Sequence[float], found: Found) -> Table:
    """A row a model and number of synapses, with the local exponent d ln(lifetime) / d ln(N)."""
    rows: list[tuple[Any, ...]] = []
    for name, lifetimes in zip(names, found, strict=True):
        known = np.array([n is not None and n > 0 for n in lifetimes])
        slopes = np.full(len(known), np.nan)
        if known.sum() > 1:
            times = np.array([t for t, seen in zip(lifetimes, known, strict=True) if seen], float)
            slopes[known] = lifetime_exponent(np.array(synapses)[known], times)
        for n, time, slope in zip(synapses, lifetimes, slopes, strict=True):
            shown = ("-" if time is None else round(time, 1), "-" if np.isnan(slope) else round(float(slope), 3))
            rows.append((name, f"{n:g}", *shown))
    return Table("Lifetime against N", ("model", "synapses", "lifetime", "exponent"), tuple(rows), 2)


def _look(k: int) -> dict[str, Any]:
    """Colour and dashes of the k-th curve, so that curves that lie on each other are both seen."""
    return {"color": COLOURS[k % len(COLOURS)], "ls": LINES[k % len(LINES)], "lw": 1.6, "zorder": 3 - 0.01 * k}


def _curves(ax: Any, models: Sequence[Any], curves: Sequence[fm.MemoryCurve], args: Any, theories: Sequence) -> None:
    for k, curve in enumerate(curves):
        style = _look(k)
        theory = theories[k] if theories else None
        if theory is not None:
            plot_curve(theory, ax, _named(theory, ", theory"), color=style["color"], lw=1.2, alpha=0.8)
            style |= {"ls": "", "marker": "osD^v"[k % 5], "ms": 3}
        plot_curve(curve, ax, _named(curve), **style)
    chains = [found.chain() for found in (find(syn, Chain) for syn in models) if found is not None]
    if chains and args.events == "poisson" and args.observer != "correlated":
        plot_envelope(curves[0].times, max(chain.states for chain in chains), args.synapses * args.active, ax)
    exact = [theory if theory is not None else curve for theory, curve in zip(theories or curves, curves, strict=True)]
    peaks = [curve.snr[curve.times > 0].max() for curve in exact]
    if max(peaks) > 0:
        plot_guides(ax, (1, max(curve.snr[1] for curve in curves) or max(peaks)), args.last)
    ax.axhline(args.threshold, color="0.4", lw=0.9, ls=":", label=f"threshold {args.threshold:g}")
    bottom = 0.1 * min([args.threshold or 1, *(peak for peak in peaks if peak > 0)])
    ax.set_ylim(bottom=bottom, top=2 * np.sqrt(args.synapses))
    ax.set_xlim(left=min(1.0, args.last))
    reader = "" if args.observer == "ideal" else f", observer {args.observer}"
    touched = "" if args.active == 1 else f", {args.active:.3g} of the synapses touched"
    ax.set_title(f"N = {args.synapses:g}, {args.engine}{reader}{touched}", fontsize=10)
    ax.legend(frameon=False, fontsize=8)


def _named(curve: fm.MemoryCurve, word: str = "") -> str:
    """The label of a curve, which says so where there is nothing to be seen but triangles."""
    seen = (curve.times > 0) & (curve.snr > 0)
    return f"{curve.name}{word}" + ": no signal from age 1 on" * (not seen.any())


def _survivals(ax: Any, curves: Sequence[fm.MemoryCurve], survivals: Sequence, args: Any) -> None:
    for k, (curve, survived) in enumerate(zip(curves, survivals, strict=True)):
        ax.step(curve.times[1:], survived[1:], where="post", label=curve.name, **_look(k))
    ax.set(xscale="log", ylim=(0, 1.05), xlabel="age (events per synapse)", ylabel="memories not yet lost")
    ax.set_title(f"first passage to {args.threshold:g} noise units, {args.trials} memories", fontsize=10)


def _lifetimes(ax: Any, names: Sequence[str], found: Found, args: Any) -> None:
    for k, (name, lifetimes) in enumerate(zip(names, found, strict=True)):
        points = [(n, time) for n, time in zip(args.lifetimes, lifetimes, strict=True) if time]
        ax.plot(*np.array(points or [(np.nan, np.nan)]).T, marker="osD^v"[k % 5], ms=4, label=name, **_look(k))
    ax.axvline(args.synapses, color=INK, lw=0.8, ls=":")
    ax.set(xscale="log", yscale="log", xlabel="synapses N", ylabel="lifetime (events per synapse)")
    ax.set_title(f"lifetime, threshold {args.threshold:g}", fontsize=10)
    ax.legend(frameon=False, fontsize=8)
