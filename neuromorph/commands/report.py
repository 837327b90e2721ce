"""``neuromorph report``: the figures and the page of a finished comparison or benchmark, from its files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import UndefinedError

from neuromorph.atomic import read_json, replacing, write_text
from neuromorph.data.store import read_npz
from neuromorph.metrics import AccuracyMatrix
from neuromorph.study import columns, spread

AGAIN = "run the command that wrote it again; what was finished is kept."
COLUMNS = {
    "average_accuracy": "ACC",
    "learning_accuracy": "LA",
    "forgetting": "forgetting",
    "backward_transfer": "BWT",
}
FIGURES = {
    "accuracy.svg": "Accuracy on each task while the later ones are learned: mean and one standard deviation over "
    "seeds; dotted: chance.",
    "grid.svg": "Average accuracy after the last task, and forgetting (Chaudhry), for every synapse and substrate.",
    "memory.svg": "Memory curves of the same synapses on a stream of random patterns: the ideal observer's signal, "
    "simulated on each substrate (points, one standard error), over the exact theory of the chain (line).",
}


@dataclass(frozen=True)
class ReportArgs:
    """Draw the figures and write report.html again from the files of a finished comparison or benchmark."""

    folder: Path = Path("runs/compare")
    """The folder that ``neuromorph compare`` or ``neuromorph benchmark`` wrote."""


def report(args: ReportArgs) -> None:
    """Raises ``FileNotFoundError`` where there is no finished comparison."""
    if not (args.folder / "results.json").exists():
        raise FileNotFoundError(
            f"{args.folder} holds no results.json: run 'neuromorph compare --out {args.folder}' first."
        )
    results = read_json(args.folder / "results.json", ["schema"], AGAIN)
    try:
        if "rows" in results:
            from neuromorph.commands.benchmark import lines, write_tables

            write_tables(args.folder, results)
            print(columns(lines(results)))
            return
        write_report(args.folder)
        print(table(results))
    except (KeyError, TypeError, IndexError, AttributeError, UndefinedError) as error:
        raise ValueError(
            f"The files of {args.folder} are damaged, or of another version ({type(error).__name__}: "
            f"{' '.join(str(error).split())}): {AGAIN}"
        ) from error


def rows(results: Mapping[str, Any]) -> list[list[str]]:
    """The table's cells as text: synapse, substrate, what the row is for, the metrics in percent, seconds."""
    lines = []
    for cell in results["cells"]:
        joint = cell["role"] == "joint"
        numbers = ["" if joint and name != "average_accuracy" else spread(cell["metrics"][name]) for name in COLUMNS]
        lines.append([cell["synapse"], cell["substrate"], cell["role"], *numbers, f"{cell['seconds']:.0f}"])
    lines.append(["chance", "", "", f"{100 * results['chance']:.1f}", *[""] * len(COLUMNS)])
    return lines


def heading(results: Mapping[str, Any]) -> str:
    """What was run, in words."""
    stream = results["stream"]
    fewest, most = min(stream["samples"]), max(stream["samples"])
    each = f"{most}" if fewest == most else f"{fewest} to {most}"
    epochs = " or ".join(str(e) for e in sorted({cell["epochs"] for cell in results["cells"]}))
    return (
        f"{stream['name']}, {stream['scenario']}: {stream['tasks']} tasks, {each} training samples "
        f"each, {epochs} epochs, {results['seeds']} seeds (mean \u00b1 sd, percent); {results['boundary']}."
    )


def table(results: Mapping[str, Any]) -> str:
    """The table as text, columns aligned."""
    lines = [["synapse", "substrate", "", *COLUMNS.values(), "seconds"], *rows(results)]
    return "\n".join([heading(results), "", columns(lines)])


def write_report(folder: Path) -> None:
    """Figures as SVG, and report.html with them inside."""
    results = read_json(folder / "results.json", ["cells", "stream", "seeds", "chance", "memory"], AGAIN)
    names = [cell["matrix"] for cell in results["cells"]]
    wanted = [f"{name}/{part}" for name in names for part in ("accuracy", "baseline")]
    arrays = iter(read_npz(folder / "matrices.npz", wanted, AGAIN))
    matrices = {name: AccuracyMatrix(next(arrays), next(arrays)) for name in names}
    config = read_json(folder / "config.json", ["arguments"], AGAIN)
    for name, draw in (("accuracy.svg", _accuracy), ("grid.svg", _grid), ("memory.svg", _memory)):
        _save(draw(results, matrices), folder / name)
    pictures = [(_inline(folder / name), caption) for name, caption in FIGURES.items()]
    shown = {"results": results, "heading": heading(results), "columns": COLUMNS, "rows": rows(results)}
    _write_page(folder, "report.html", **shown, pictures=pictures, config=config)


def write_benchmark(folder: Path, content: Mapping[str, Any], heading: str, table: Any, config: Any) -> None:
    """benchmark.svg, and report.html with it inside."""
    from matplotlib.figure import Figure

    from neuromorph.figures import bars

    streams = list(dict.fromkeys(row["stream"] for row in content["rows"]))
    most = max(sum(row["stream"] == stream for row in content["rows"]) for stream in streams)
    figure = Figure(figsize=(8, len(streams) * (0.7 + 0.22 * most)), layout="constrained")
    for stream, ax in zip(streams, figure.subplots(len(streams), 1, squeeze=False)[:, 0], strict=True):
        some = [row for row in content["rows"] if row["stream"] == stream]
        labels = [f"{row['learner']} {row['role']}".strip() for row in some]
        bars(labels, [row["metrics"]["average_accuracy"] for row in some], some[0]["chance"], ax)
        ax.set_title(f"{stream}, {some[0]['scenario']}-incremental, {some[0]['tasks']} tasks", fontsize=9)
    _save(figure, folder / "benchmark.svg")
    shown = {"heading": heading, "table": table, "picture": _inline(folder / "benchmark.svg"), "config": config}
    _write_page(folder, "benchmark.html", **shown)


def _accuracy(results: Mapping[str, Any], matrices: Mapping[str, AccuracyMatrix]) -> Any:
    from matplotlib.figure import Figure

    from neuromorph.figures import task_accuracy

    cells = [cell for cell in results["cells"] if cell["role"] != "joint"]
    width = max(3, len({cell["substrate"] for cell in cells}))
    height = -(-len(cells) // width)
    figure = Figure(figsize=(2.6 * width, 2.1 * height), layout="constrained")
    axes = figure.subplots(height, width, sharey=True, squeeze=False)
    for ax in axes.flat[len(cells) :]:
        ax.axis("off")
    for cell, ax in zip(cells, axes.flat, strict=False):
        task_accuracy(matrices[cell["matrix"]], results["chance"], ax)
        ax.set_title(" ".join([cell["synapse"], cell["substrate"], cell["role"]]).strip(), fontsize=8)
        ax.tick_params(labelsize=7)
    for ax in axes[:, 0]:
        ax.set_ylabel("test accuracy", fontsize=8)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(len(labels), 10), fontsize=8, frameon=False)
    figure.supxlabel("tasks learned", fontsize=9)
    return figure


def _grid(results: Mapping[str, Any], matrices: Mapping[str, AccuracyMatrix]) -> Any:
    from matplotlib.figure import Figure

    from neuromorph.figures import grid

    cells = [cell for cell in results["cells"] if cell["role"] != "joint"]
    synapses, substrates = (list(dict.fromkeys(cell[key] for cell in cells)) for key in ("synapse", "substrate"))
    figure = Figure(figsize=(9, 0.8 + 0.55 * len(synapses)), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for ax, (name, title) in zip(
        axes, (("average_accuracy", "average accuracy (ACC)"), ("forgetting", "forgetting")), strict=True
    ):
        values = np.full((len(synapses), len(substrates)), np.nan)
        for cell in cells:
            place = synapses.index(cell["synapse"]), substrates.index(cell["substrate"])
            values[place] = np.mean(getattr(matrices[cell["matrix"]], name))
        grid(values, synapses, substrates, title, ax)
    return figure


def _memory(results: Mapping[str, Any], matrices: Mapping[str, AccuracyMatrix]) -> Any:
    from matplotlib.figure import Figure

    from neuromorph.figures import memory_curves

    memory = results["memory"]
    count = len(memory["curves"])
    figure = Figure(figsize=(3.2 * count, 2.9), layout="constrained")
    axes = figure.subplots(1, count, sharey=True, squeeze=False)
    for ax, (name, curve) in zip(axes[0], memory["curves"].items(), strict=True):
        memory_curves(np.array(memory["lags"]), np.array(curve["theory"]), curve["measured"], name, ax)
    highest = max(max(curve["theory"]) for curve in memory["curves"].values())
    axes[0, 0].set(ylabel="signal", ylim=(highest / 1000, highest * 2))
    axes[0, 0].legend(fontsize=7)
    return figure


def _save(figure: Any, path: Path) -> None:
    from matplotlib import rc_context

    with replacing(path) as unfinished, rc_context({"svg.hashsalt": "neuromorph"}):
        figure.savefig(unfinished, format="svg", metadata={"Date": None})


def _write_page(folder: Path, template: str, **shown: Any) -> None:
    """report.html from a template of this folder."""
    from jinja2 import Environment, PackageLoader, select_autoescape

    pages = Environment(loader=PackageLoader("neuromorph.commands", ""), autoescape=select_autoescape())
    write_text(folder / "report.html", pages.get_template(template).render(**shown))


def _inline(path: Path) -> str:
    """The <svg> element of a file, for a page of one piece."""
    text = path.read_text(encoding="utf-8")
    return text[text.index("<svg") :]
