"""``neuromorph recall``: how well a network recalls patterns from a noisy cue, by decoder: a table, a figure, data."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from fusi_models.catalogue import parse
from fusi_models.checks import count, whole
from fusi_models.networks.recall import DECODERS, EXPLAIN, additive_errors, chain_errors
from fusi_models.synapse import Chain, need
from fusi_models.theory.pairs import GATING, additive_rule
from neuromorph.atomic import write_json, write_text
from neuromorph.outputs import check_files
from neuromorph.page.svg import drawing
from neuromorph.palette import COLOURS, INK, MARKERS
from neuromorph.tables import Table

MOST_NEURONS = 100_000  # their synapses are the square of it: 80 GB


@dataclass(frozen=True)
class RecallArgs:
    """Recall of stored patterns from a noisy cue: root mean square error by decoder and by age of the pattern."""

    synapse: str = "cascade:depth=5"
    """A finite chain, NAME or NAME:OPTION=VALUE,... (plain, cascade, multistate, serial: see memory-curve), or
    "additive" for weights that are the sum over all patterns."""
    rule: str = "pre"
    """Chains: pre or post (that neuron gates), symmetric, coincidence. Additive: hebb, pre, post, covariance."""
    neurons: int = 200
    """Number of neurons N, all connected."""
    coding: float = 0.5
    """Fraction of the neurons that a pattern activates."""
    flip: float = 0.2
    """Chance that a bit of the cue is wrong."""
    ages: tuple[int, ...] = (0, 1, 2, 3, 5, 8, 12, 20)
    """Chains: ages of the recalled patterns, in patterns stored since."""
    patterns: int = 20
    """Additive: number of stored patterns."""
    age: Literal["known", "prior", "familiarity"] = "known"
    """Chains: what decoders know of the age; "familiarity" estimates it from the cue."""
    mean_age: float = 20.0
    """Chains: mean of the prior over ages, where the age is not known."""
    decoders: tuple[str, ...] = (*DECODERS, EXPLAIN)
    """cue (alone), attractor (Hopfield), factorised and factorised-mean (synapses taken as independent; Gibbs, mean
    field), aware and aware-mean (correlated), stop (aware, stopped in time), explain (chains: newer patterns explained
    away; additive: the span of all patterns)."""
    trials: int = 5
    """Number of networks."""
    seed: int = 0
    """Seed of the random numbers."""
    out: Path = Path("recall")
    """Files to write: this name with .json, .csv and .svg."""


def recall(args: RecallArgs) -> None:
    """Compute, print the table and write the files; raises ``ValueError`` or ``OSError`` for a user's mistake."""
    whole("seed", args.seed)
    whole("neurons", args.neurons, 2, MOST_NEURONS)
    count("trials", args.trials)
    count("patterns", args.patterns)
    args = replace(args, out=check_files(args.out, ("json", "csv", "svg"), ("arguments", "ages")))
    ages, errors = _errors(args)
    print(_table(args, ages, errors))
    mean = {name: values.mean(0).tolist() for name, values in errors.items()}
    data = {"arguments": asdict(args) | {"out": str(args.out)}, "ages": ages, "mean": mean}
    write_json(f"{args.out}.json", data | {"errors": {name: values.tolist() for name, values in errors.items()}})
    rows = [(name, ages[k], n, float(v)) for name, values in errors.items() for (n, k), v in np.ndenumerate(values)]
    write_text(f"{args.out}.csv", Table("rms error of recall", ("decoder", "age", "trial", "error"), tuple(rows)).csv())
    write_text(f"{args.out}.svg", drawing(figure(args, ages, errors)))
    print(f"wrote {args.out}.json, .csv and .svg")


def _errors(args: RecallArgs) -> tuple[list[int], dict[str, np.ndarray]]:
    """The ages, and [trial, age] for each decoder; additive weights have one age."""
    many, noise = (args.trials, args.seed), (args.coding, args.flip)
    if args.synapse == "additive":
        rule = additive_rule(args.rule, args.coding)
        found = additive_errors(rule, args.neurons, args.patterns, *many, args.decoders, *noise, progress=True)
        return [0], {name: values[:, None] for name, values in found.items()}
    if args.rule not in GATING:
        raise ValueError(f"the rule of a chain is one of {', '.join(GATING)}, got '{args.rule}'.")
    chain, rule, known = (
        need(parse(args.synapse, "theory"), Chain).chain(),
        GATING[args.rule],
        (args.age, args.mean_age),
    )
    errors = chain_errors(chain, rule, args.neurons, args.ages, *many, args.decoders, *noise, *known, progress=True)
    return list(args.ages), errors


def _table(args: RecallArgs, ages: list[int], errors: dict[str, np.ndarray]) -> str:
    stored = f"{args.patterns} patterns" if args.synapse == "additive" else f"age {args.age}"
    lines = [
        f"{args.synapse}, {args.rule}, N = {args.neurons}, f = {args.coding:g}, cue {args.flip:.0%} wrong, {stored}",
        f"{'rmse (standard error), age':26}" + "".join(f"{age:>14}" for age in ages),
    ]
    for name, values in errors.items():
        spread = values.std(0, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.full(len(ages), np.nan)
        cells = (
            f"{f'{m:.3f}' if np.isnan(s) else f'{m:.3f} ({s:.3f})':>14}"
            for m, s in zip(values.mean(0), spread, strict=True)
        )
        lines.append(f"{name:26}" + "".join(cells))
    return "\n".join(lines)


def figure(args: RecallArgs, ages: list[int], errors: dict[str, np.ndarray]):
    """Error against age, a line a decoder with its standard error, as a matplotlib figure."""
    from matplotlib.figure import Figure

    page = Figure(figsize=(6, 4.2), layout="constrained")
    ax = page.add_subplot()
    plot_errors(ages, errors, ax)
    ax.set_title(f"{args.synapse}, {args.rule}, N = {args.neurons}", fontsize=10)
    return page


def plot_errors(ages, errors: dict[str, np.ndarray], ax):
    """``errors``: [trial, age] by decoder. Returns ``ax``."""
    from matplotlib.ticker import MaxNLocator

    for k, (name, values) in enumerate(errors.items()):
        spread = values.std(0, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else None
        style: dict[str, Any] = {"color": COLOURS[k % len(COLOURS)], "marker": MARKERS[k % len(MARKERS)], "ms": 4}
        style = {"color": INK, "ls": "--"} if name == "cue" else style
        ax.errorbar(ages, values.mean(0), spread, label=name, lw=1, **style)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="age (patterns stored since)", ylabel="rms error of recall", ylim=(0, 1))
    ax.legend(loc="upper center", frameon=False, fontsize=7, ncol=2, columnspacing=1, handlelength=1.5)
    return ax
