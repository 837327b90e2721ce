"""``neuromorph memory-curve``: how long synapses remember, as a table, a figure and data."""

import csv
import io
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

import fusi_models as fm
from fusi_models.catalogue import parse
from fusi_models.files import load_synapse
from fusi_models.seeds import generator
from fusi_models.synapse import Chain, find
from neuromorph.atomic import write_text


@dataclass(frozen=True)
class MemoryCurveArgs:
    """Memory curves of synapse models: the signal-to-noise ratio of one memory as later ones overwrite it."""

    models: tuple[str, ...] = ("cascade:depth=10",)
    """Models to overlay, each NAME or NAME:OPTION=VALUE,..., in the regime "theory", where every candidate event is
    accepted: plain (q=1), cascade (depth, x=0.5, rate=1), multistate (states, q=1, rate=1), serial (states, eps=0.01,
    rate=1), hidden (m, step=0.02, bound=1, width=0.2, leak=0), uncertain (window=20, ...), benna-fusi (levels, base=2,
    alpha=0.25, values, binary); NAME@local and NAME@gradient take the numbers of compare and of train; or file:PATH, an
    .npz with the arrays potentiation, depression [state, state] and strength [state]."""
    engine: Literal["theory", "lumped", "brian2"] = "theory"
    """Exact theory; exact simulation of finite populations; or Brian2."""
    synapses: float = 1e6
    """Number of synapses N."""
    last: float = 1e4
    """Age of the memory at the last reading, in candidate events per synapse."""
    points: int = 60
    """Number of readings, evenly spaced in the logarithm of the age."""
    x: float = 0.5
    """Ratio between the levels of a cascade, where a model does not give its own."""
    f_pot: float = 0.5
    """Fraction of the events that potentiate."""
    events: Literal["discrete", "poisson"] = "discrete"
    """One event per synapse and step, or Poisson events (not in Brian2)."""
    threshold: float = 1.0
    """SNR below which a memory counts as lost."""
    trials: int = 20
    """Simulations only: number of populations."""
    seed: int = 0
    """Simulations only: seed of the random numbers."""
    burn_in: int = 0
    """Simulations of hidden weights only: events before the memory, to reach the equilibrium."""
    target: Literal["numpy", "cython", "cpp_standalone"] = "numpy"
    """Brian2's code generation target."""
    out: Path = Path("memory-curve")
    """Files to write: this name with .json, .csv and .svg."""


def memory_curve(args: MemoryCurveArgs) -> None:
    """Compute, print the table and write the three files; raises ``ValueError`` or ``OSError`` for a user's mistake."""
    if args.points < 2 or not args.last >= 1:
        raise ValueError(f"a curve needs points >= 2 and last >= 1, got points={args.points}, last={args.last:g}.")
    if not args.models:
        raise ValueError("name at least one model, for example cascade:depth=10.")
    models = [parse_model(text, args.x, args.f_pot) for text in args.models]
    times = np.unique(np.append(0, np.geomspace(1, args.last, args.points).round()))
    curves = [_curve(syn, times, args) for syn in models]
    rows = [_summary(syn, curve, args) for syn, curve in zip(models, curves, strict=True)]
    print(_table(rows, args))
    arguments = asdict(args) | {"out": str(args.out)}
    data = [
        {"summary": row} | {k: _plain(v) for k, v in asdict(c).items()} for row, c in zip(rows, curves, strict=True)
    ]
    write_text(f"{args.out}.json", json.dumps({"arguments": arguments, "curves": data}, indent=1))
    write_text(f"{args.out}.csv", _csv(curves))
    svg = io.StringIO()
    figure(models, curves, args).savefig(svg, format="svg")
    write_text(f"{args.out}.svg", svg.getvalue())
    print(f"wrote {args.out}.json, .csv and .svg")


def parse_model(text: str, x: float = 0.5, f_pot: float = 0.5) -> fm.SynapseModel:
    """The model that ``text`` names, such as ``cascade:depth=10,x=0.3``.

    Raises ``ValueError`` for an unknown model or option, ``OSError`` for a file that cannot be read.
    """
    name, _, path = text.partition(":")
    if name == "file":
        return load_synapse(path, f_pot)
    model: Any = parse(text, "theory", x=x, f_pot=f_pot)
    return replace(model, f_pot=f_pot)


def _curve(syn: fm.SynapseModel, times: np.ndarray, args: MemoryCurveArgs) -> fm.MemoryCurve:
    if args.engine == "theory":
        return fm.memory_curve(syn, times, args.synapses, args.events)
    if args.engine == "lumped":
        rng = generator("memory-curve", args.seed)
        return fm.simulate(
            syn, times, int(args.synapses), args.trials, rng, args.events, burn_in=args.burn_in, progress=True
        )
    if args.events != "discrete":
        raise ValueError("Brian2 steps discrete events: leave out --events or choose another engine.")
    from fusi_models.engines.brian import simulate_brian

    return simulate_brian(
        syn, times, int(args.synapses), args.trials, args.seed, args.target, burn_in=args.burn_in, progress=True
    )


def _summary(syn: fm.SynapseModel, curve: fm.MemoryCurve, args: MemoryCurveArgs) -> dict:
    """One row of the table; ``None`` where the model has no theory, and for the share where no bound is known."""
    above = curve.times[curve.snr >= args.threshold]
    row = {"model": syn.name, "initial_snr": float(curve.snr[0]), "last_above": float(above.max(initial=0))}
    row |= {"lifetime": None, "area": None, "envelope_share": None}
    try:
        row["lifetime"] = fm.lifetime(syn, args.synapses, args.threshold, args.events)
        row["area"] = fm.area(syn)
    except ValueError:
        return row
    found = find(syn, Chain)
    if found is not None and args.events == "poisson":  # it bounds no discrete curve
        row["envelope_share"] = float(fm.envelope_share(found.chain(), curve.times).max())
    return row


def _table(rows: list[dict], args: MemoryCurveArgs) -> str:
    lines = [f"N = {args.synapses:g}, f+ = {args.f_pot:g}, {args.events} events, engine {args.engine}"]
    lines.append(
        f"{'model':28}{'SNR(0)':>11}{'lifetime':>12}{'read >= ' + f'{args.threshold:g}':>13}{'area':>9}{'envelope':>10}"
    )
    for row in rows:
        lifetime, area, share = (
            "-" if row[key] is None else format(row[key], form)
            for key, form in (("lifetime", ".1f"), ("area", ".3f"), ("envelope_share", ".3f"))
        )
        lines.append(
            f"{row['model']:28}{row['initial_snr']:11.4g}{lifetime:>12}{row['last_above']:13.0f}{area:>9}{share:>10}"
        )
    return "\n".join(
        [
            *lines,
            "lifetime, area: theory; read: last reading above the threshold; envelope: largest share of the bound",
            "on Poisson curves of finite chains (no bound is known for discrete events)",
        ]
    )


def _csv(curves: list[fm.MemoryCurve]) -> str:
    out, names = io.StringIO(), ("times", "signal", "noise", "snr", "spread", "error")
    writer = csv.writer(out)
    writer.writerow(("model", *names))
    for curve in curves:
        writer.writerows((curve.name, *row) for row in zip(*(getattr(curve, n).tolist() for n in names), strict=True))
    return out.getvalue()


def figure(models: list[fm.SynapseModel], curves: list[fm.MemoryCurve], args: MemoryCurveArgs):
    """The curves, the bound of the largest model (Poisson events), power laws and the threshold, in matplotlib."""
    from matplotlib.figure import Figure

    from fusi_models.plot import plot_curve, plot_envelope, plot_guides

    page = Figure(figsize=(6, 4.2), layout="constrained")
    ax = page.add_subplot()
    for curve in curves:
        plot_curve(curve, ax)
    chains = [found.chain() for found in (find(syn, Chain) for syn in models) if found is not None]
    if chains and args.events == "poisson":
        plot_envelope(curves[0].times, max(chain.states for chain in chains), args.synapses, ax)
    peak = max(curve.snr[1] for curve in curves)
    plot_guides(ax, (1, peak), args.last)
    ax.axhline(args.threshold, color="0.5", lw=0.8, ls=":")
    ax.set_ylim(bottom=0.1 * args.threshold, top=2 * np.sqrt(args.synapses))
    ax.set_title(f"N = {args.synapses:g}, {args.engine}", fontsize=10)
    ax.legend(frameon=False, fontsize=8)
    return page


def _plain(value):
    """JSON has no arrays and no NaN."""
    return [v if np.isfinite(v) else None for v in value.tolist()] if isinstance(value, np.ndarray) else value
