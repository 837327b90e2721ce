"""The page of ``neuromorph compare``: synapses x substrates on one stream."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from neuromorph.figures import grid, look, memory_curves
from neuromorph.metrics import AccuracyMatrix
from neuromorph.page.content import Page, Picture, Section
from neuromorph.page.parts import (
    CHANCE,
    JOINT,
    UNPROTECTED,
    average_panel,
    bands,
    bar_keys,
    bar_panel,
    barred,
    drawn,
    metrics,
    substrate_keys,
    task_pictures,
    task_table,
)  # fmt: skip
from neuromorph.page.svg import Key, Panel
from neuromorph.palette import INK
from neuromorph.study import JOINT as ALL_AT_ONCE
from neuromorph.study import spread
from neuromorph.tables import Table, tenth

Matrices = Mapping[str, AccuracyMatrix]
LINE = 18  # letters of a label beside a map; a longer one has several lines
Cells = Sequence[Mapping[str, Any]]
COLUMNS = {
    "average_accuracy": "ACC",
    "learning_accuracy": "LA",
    "forgetting": "forgetting",
    "backward_transfer": "BWT",
}
ROLES = (
    "No protection: hidden weights with m = 0, or with the rule of prototypes the same synapse under the delta rule. "
    "Joint: the samples of all tasks mixed, the upper reference. lava: Lava's fixed-point models. deep: multi-layer "
    "binarized spiking network with the metaplastic optimiser; deep(m=0)+ewc... the same with m = 0 and a part."
)


def comparison(results: Mapping[str, Any], matrices: Matrices, config: Mapping[str, Any]) -> Page:
    """From what ``compare`` wrote: results.json, matrices.npz, config.json."""
    cells = [cell for cell in results["cells"] if cell["role"] != ALL_AT_ONCE]
    titled = {_title(cell): matrices[cell["matrix"]] for cell in cells}
    samples = results["stream"]["samples"]
    folded = tuple(task_table(f"Each task: {title}", matrix, samples) for title, matrix in titled.items())
    sections = (
        Section(
            "Results",
            (metrics(results["seeds"]), ROLES),
            (summary(results),),
            (_averages(results, matrices), _bars(results)),
        ),
        Section("Synapses and substrates", (), (), (_grids(cells),)),
        Section("Task by task", (), (), task_pictures(titled, results["chance"]), folded),
        Section("Memory curves", (), (), (_memory(results["memory"]),)),
    )
    title = f"Forgetting on {results['stream']['name']}"
    return Page(title, heading(results), sections, config, results["stream"]["tasks"])


def heading(results: Mapping[str, Any]) -> str:
    """What was run, in words."""
    stream = results["stream"]
    fewest, most = min(stream["samples"]), max(stream["samples"])
    each = f"{most}" if fewest == most else f"{fewest} to {most}"
    epochs = " or ".join(str(e) for e in sorted({cell["epochs"] for cell in results["cells"]}))
    seeds = f"{results['seeds']} seeds (mean \u00b1 sd, percent)" if results["seeds"] > 1 else "one seed (percent)"
    return (
        f"{stream['name']}, {stream['scenario']}: {stream['tasks']} tasks, {each} training samples "
        f"each, {epochs} epoch{'s' * (epochs != '1')}, {seeds}; {results['boundary']}."
    )


def summary(results: Mapping[str, Any]) -> Table:
    """A row a cell, as text: synapse, substrate, what the row is for, epochs, the metrics in percent, seconds."""
    rows = []
    for cell in results["cells"]:
        joint = cell["role"] == ALL_AT_ONCE
        numbers = ["" if joint and name != "average_accuracy" else spread(cell["metrics"][name]) for name in COLUMNS]
        named = (cell["synapse"], cell["substrate"], cell["role"], str(cell["epochs"]))
        rows.append((*named, *numbers, f"{cell['seconds']:.0f}"))
    rows.append(("chance", "", "", "", tenth(100 * results["chance"]), *[""] * len(COLUMNS)))
    head = ("synapse", "substrate", "role", "epochs", *(f"{name} (%)" for name in COLUMNS.values()), "seconds")
    return Table("Accuracy and forgetting of every synapse on every substrate", head, tuple(rows))


def numbers(results: Mapping[str, Any]) -> Table:
    """A row a cell and seed, with fractions as they were measured."""
    rows = [
        (cell["synapse"], cell["substrate"], cell["role"], cell["epochs"], seed, *values)
        for cell in results["cells"]
        for seed, values in enumerate(zip(*cell["metrics"].values(), strict=True))
    ]
    names = results["cells"][0]["metrics"]
    return Table("Metrics of every seed", ("synapse", "substrate", "role", "epochs", "seed", *names), tuple(rows))


def long(results: Mapping[str, Any], matrices: Matrices) -> Table:
    """A row a number of the accuracy matrices; learned 0: before learning."""
    rows = [
        (cell["synapse"], cell["substrate"], cell["role"], *one.values())
        for cell in results["cells"]
        for one in matrices[cell["matrix"]].table()
    ]
    head = ("synapse", "substrate", "role", "learned", "tested", "seed", "accuracy")
    return Table("Accuracy matrices", head, tuple(rows))


def memory_table(memory: Mapping[str, Any]) -> Table:
    """A row a reading of the memory curves."""
    rows = [
        (synapse, substrate, *values)
        for synapse, curve in memory["curves"].items()
        for substrate, found in curve["measured"].items()
        for values in zip(memory["lags"], _theory(memory, curve, ""), found["signal"], found["error"], strict=True)
    ]
    return Table("Memory curves", ("synapse", "substrate", "lag", "theory", "signal", "error"), tuple(rows))


def references(cells: Cells, cell: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The cells "joint" and "no protection" that a cell is to be held against: of its synapse, else of its kind."""
    kind = cell["synapse"].startswith("deep(")
    found = {}
    for role in (ALL_AT_ONCE, "no protection"):
        some = [one for one in cells if one["role"] == role and one["synapse"].startswith("deep(") == kind]
        own = [one for one in some if one["synapse"].partition(", delta rule")[0] == cell["synapse"]]
        for one in (own or some)[:1]:
            found[role] = one
    return found


def _title(cell: Mapping[str, Any]) -> str:
    return " ".join([cell["synapse"], cell["substrate"], cell["role"]]).strip()


def _protected(cells: Cells) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """Each synapse of the grid with its cells, one a substrate."""
    for synapse in dict.fromkeys(cell["synapse"] for cell in cells if not cell["role"]):
        yield synapse, [cell for cell in cells if cell["synapse"] == synapse and not cell["role"]]


def _averages(results: Mapping[str, Any], matrices: Matrices) -> Picture:
    cells, panels = results["cells"], []
    for k, (synapse, some) in enumerate(_protected(cells)):
        own = {cell["substrate"]: matrices[cell["matrix"]] for cell in some}
        found = {role: matrices[cell["matrix"]] for role, cell in references(cells, some[0]).items()}
        if ALL_AT_ONCE in found:
            found[ALL_AT_ONCE] = found[ALL_AT_ONCE].average_accuracy
        panels.append(average_panel(f"average{k}", synapse, own, results["chance"], found))
    names = list(dict.fromkeys(cell["substrate"] for cell in cells))
    return Picture(
        "average",
        "Average accuracy while learning",
        f"Mean accuracy on the tasks learned so far, for every synapse. {bands(results['seeds'], points=True)}",
        tuple(panels),
        (*substrate_keys(names), UNPROTECTED, JOINT, CHANCE),
    )


def _bars(results: Mapping[str, Any]) -> Picture:
    cells = [cell for cell in results["cells"] if cell["role"] != ALL_AT_ONCE]
    values = [cell["metrics"]["average_accuracy"] for cell in cells]
    marks = []
    for cell in cells:
        held = references(results["cells"], cell) if not cell["role"] else {}
        marks.append({role: float(np.mean(one["metrics"]["average_accuracy"])) for role, one in held.items()})
    labels, colours = [_title(cell) for cell in cells], [look(cell["substrate"])[0] for cell in cells]
    one = bar_panel("final0", "", labels, values, results["chance"], marks, colours)
    keys = bar_keys({cell["substrate"]: look(cell["substrate"])[0] for cell in cells})
    caption = f"{barred(results['seeds'])}, in the substrate's colour."
    return Picture("final", "Average accuracy after the last task", caption, (one,), keys)


def _grids(cells: Cells) -> Picture:
    synapses, substrates = (list(dict.fromkeys(cell[key] for cell in cells)) for key in ("synapse", "substrate"))
    panels: list[Panel] = []
    for name, title in (("average_accuracy", "average accuracy (%)"), ("forgetting", "forgetting (%)")):
        values = np.full((len(synapses), len(substrates)), np.nan)
        for cell in cells:
            place = synapses.index(cell["synapse"]), substrates.index(cell["substrate"])
            values[place] = np.mean(cell["metrics"][name])
        rows = [_broken(synapse) for synapse in synapses]
        said = "; ".join(f"{_title(cell)} {tenth(100 * np.mean(cell['metrics'][name]))}" for cell in cells)

        def draw(ax: Any, values: Any = values, rows: Any = rows, low: bool = name == "forgetting") -> None:
            grid(values, rows, substrates, "", ax, low)

        size = (3.4, 1.1 + sum(max(0.36, 0.06 + 0.15 * (1 + row.count("\n"))) for row in rows))
        panels.append(
            drawn(f"{name[:4]}0", title.capitalize(), f"Heat map of {title}: {said}.", draw, size=size, measured=True)
        )
    caption = (
        "Average accuracy after the last task, and forgetting (Chaudhry), for every synapse and substrate, mean over "
        "seeds. Light is good in both."
    )
    return Picture("grid", "Average accuracy and forgetting", caption, tuple(panels))


def _broken(label: str) -> str:
    """Long names in several lines, broken where a number or a part begins.

    >>> _broken("deep(m=0)+ewc:strength=10").split("\\n")
    ['deep(m=0)', '+ewc:strength=10']
    """
    lines = [""]
    for word in re.findall(r"[(+]?[^(+, ]+[, ]*", label):
        if lines[-1] and len(lines[-1] + word.strip()) > LINE:
            lines.append("")
        lines[-1] += word
    return "\n".join(line.strip() for line in lines)


def _memory(memory: Mapping[str, Any]) -> Picture:
    lags, curves = np.array(memory["lags"]), memory["curves"]
    highest = max(max(_theory(memory, curve, 0.0)) or _first(curve) for curve in curves.values())
    floor = highest / 1000
    panels = []
    for k, (name, curve) in enumerate(curves.items()):

        def draw(ax: Any, curve: Any = curve) -> None:
            memory_curves(lags, curve["theory"], curve["measured"], "", ax, floor)
            ax.set_ylabel("signal")

        ends = ", ".join(f"{key} {found['signal'][-1]:.2g}" for key, found in curve["measured"].items())
        alt = f"{name}: no theory; the signal measured after {lags[-1]} patterns: {ends}."
        if curve["theory"]:
            alt = (
                f"{name}: the signal falls from {curve['theory'][0]:.3g} at once to {curve['theory'][-1]:.2g} after "
                f"{lags[-1]} patterns in theory; measured there: {ends}."
            )
        panels.append(drawn(f"memory{k}", name, alt, draw, measured=True))
    names = list(dict.fromkeys(key for curve in curves.values() for key in curve["measured"]))
    caption = (
        f"The ideal observer's signal of one pattern while others are stored, {memory['synapses']} synapses: simulated "
        "on each substrate (points, one standard error) over the exact theory of the chain (line). Open triangles "
        "at the foot: below the axis or negative, where noise hides the signal."
    )
    without = [name for name, curve in curves.items() if not curve["theory"]]
    if without:
        caption += f" No theory: {', '.join(without)}, which is no finite chain."
    below = Key("below the axis or negative", INK, "w", "none")
    keys = (Key("theory", INK, ""), *substrate_keys(names), below)
    return Picture("memory", "Memory curves", caption, tuple(panels), keys)


def _theory(memory: Mapping[str, Any], curve: Mapping[str, Any], missing: Any) -> Sequence[Any]:
    """A number a lag; ``missing`` where the model has no theory."""
    return curve["theory"] or [missing] * len(memory["lags"])


def _first(curve: Mapping[str, Any]) -> float:
    """The highest signal measured at once."""
    return max(found["signal"][0] for found in curve["measured"].values())
