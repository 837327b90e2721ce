"""Parts that several pages have: panels of accuracy matrices, tables of tasks, words that explain the metrics."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from neuromorph.figures import BANDED, average_curve, bars, look, matrix_map, task_accuracy
from neuromorph.metrics import AccuracyMatrix
from neuromorph.page.content import Picture
from neuromorph.page.svg import Key, Panel, panel, style
from neuromorph.palette import INK, MARKERS, QUIET, task_colours
from neuromorph.study import spread
from neuromorph.tables import Table, tenth

SIZE = (3.4, 2.5)
_METRICS = (
    "R[i, j] is the accuracy on task j after task i. ACC: mean of the last row. LA: mean of the diagonal (plasticity). "
    "Forgetting: mean over old tasks of the best accuracy before the last task minus the last (Chaudhry et al. 2018). "
    "BWT: mean over old tasks of the last accuracy minus the one right after learning (Lopez-Paz & Ranzato 2017). "
)
CHANCE = Key("chance", QUIET, "", "1.5 2.5")
JOINT = Key("joint: all tasks at once", INK, "", "8 3")
UNPROTECTED = Key("no protection", QUIET, "x", "3 2")
BARS = (Key("seed", INK, "|", "none"), Key("joint", INK, "d", "none"), Key("no protection", INK, "x", "none"), CHANCE)


def metrics(seeds: int, more: str = "") -> str:
    """The paragraph that explains the metrics; ``more``: sentences on others that this page has."""
    end = "mean \u00b1 one standard deviation over seeds" if seeds > 1 else "of one seed"
    return f"{_METRICS}{more}All in percent, {end}."


def bands(seeds: int, points: bool = False) -> str:
    """What a curve's spread shows, for its caption; nothing where one seed has none."""
    if seeds < 2:
        return "One seed."
    return "Band: one standard deviation over seeds." + " Small points: seeds." * points


def barred(seeds: int) -> str:
    """What bars show, for their caption, without a full stop."""
    return "Average accuracy after the last task" + (": mean, one standard deviation, and every seed" * (seeds > 1))


def drawn(
    name: str,
    title: str,
    alt: str,
    draw: Callable[[Any], Any],
    tasks: int = 0,
    size: Any = SIZE,
    measured: bool = False,
) -> Panel:
    """A panel with what ``draw`` draws on its axes; ``measured``: room is made for long labels, which takes time."""
    with style():
        figure = Figure(figsize=size, layout="constrained" if measured else None)
        draw(figure.add_subplot() if measured else figure.add_axes((0.15, 0.42 / size[1], 0.83, 1 - 0.5 / size[1])))
        return panel(figure, name, title, alt, tasks)


def bar_panel(
    name: str, title: str, labels: Sequence[str], values: Sequence[Any], chance: float,
    marks: Sequence[Mapping[str, float]], colours: Sequence[str],
) -> Panel:  # fmt: skip
    """The average accuracy after the last task, a bar a label; the keys are ``BARS``."""
    said = "; ".join(f"{label} {spread(some)} %" for label, some in zip(labels, values, strict=True))
    alt = f"Bars of the average accuracy after the last task: {said}."

    def draw(ax: Any) -> None:
        bars(labels, values, chance, ax, marks, colours)

    return drawn(name, title, alt, draw, size=(SIZE[0], 0.7 + 0.44 * len(labels)), measured=True)


def bar_keys(colours: Mapping[str, str]) -> tuple[Key, ...]:
    """Legend of bars; ``colours``: what has a colour of its own -> the colour."""
    return (*(Key(name, colour, "s", "none") for name, colour in colours.items()), *BARS)


def substrate_keys(names: Sequence[str]) -> list[Key]:
    """Legend of substrates, each in its own colour."""
    return [Key(name, *look(name, k)) for k, name in enumerate(names)]


def average_panel(
    name: str, title: str, matrices: Mapping[str, AccuracyMatrix], chance: float, references: Mapping[str, Any]
) -> Panel:
    """The average accuracy while tasks are learned, a line a substrate."""
    ends = ", ".join(f"{key} {tenth(_end(matrix))} %" for key, matrix in matrices.items())
    if "no protection" in references:
        ends += f", no protection {tenth(_end(references['no protection']))} %"
    if "joint" in references:
        ends += f", joint {tenth(100 * np.mean(references['joint']))} %"
    alt = f"{title}: average accuracy on the tasks learned so far; at the end {ends}, chance {tenth(100 * chance)} %."
    return drawn(name, title, alt, lambda ax: average_curve(matrices, chance, references, ax))


def task_pictures(
    matrices: Mapping[str, AccuracyMatrix], chance: float, name: str = "", before: bool = True
) -> tuple[Picture, Picture]:
    """Accuracy on each task while later ones are learned, as lines and as heat maps; a panel a title.

    ``name``: at the end of the names of their files and ids. ``before``: with what was right before learning.
    """
    tasks = max(matrix.tasks for matrix in matrices.values())
    seeds = max(matrix.accuracy[..., None].shape[2] for matrix in matrices.values())
    lines, maps = [], []
    for k, (title, matrix) in enumerate(matrices.items()):
        words = (
            f"{title}: the first task falls from {_at(matrix, 0, 0)} right after it was learned to {_at(matrix, -1, 0)}"
        )
        words += f" after the last; the last task reaches {_at(matrix, -1, -1)}."
        alts = (f"Curves, a task a line. {words}", f"Heat map of R[i, j]. {words}")
        lines.append(drawn(f"tasks{name}-{k}", title, alts[0], partial(task_accuracy, matrix, chance), tasks))
        maps.append(
            drawn(f"map{name}-{k}", title, alts[1], partial(matrix_map, matrix, before=before), tasks, (3.4, 3.0))
        )
    colours = task_colours(tasks)
    keys = [Key(f"task {j + 1}", colour, MARKERS[j % len(MARKERS)]) for j, colour in enumerate(colours)]
    spreads = bands(seeds) if tasks <= BANDED or seeds < 2 else "Mean over seeds."
    caption = f"Accuracy on each task while the later ones are learned. {spreads} Dotted: chance."
    about = (
        "Accuracy in percent on each task (across) after so many tasks were learned "
        f"(down{'; row 0: before any learning' * before}){', mean over seeds' * (seeds > 1)}. Light is good."
    )
    return (
        Picture(f"accuracy{name}", "Accuracy on each task", caption, tuple(lines), (*keys, CHANCE)),
        Picture(f"matrix{name}", "Accuracy matrices", about, tuple(maps)),
    )


def task_table(title: str, matrix: AccuracyMatrix, samples: Sequence[int] = (), names: Sequence[str] = ()) -> Table:
    """A row a task, by number or name: before any learning, right after it was learned, at the end, and the change."""
    counted = ("training samples",) if samples else ()
    head = ("task", *counted, "before learning (%)", "right after (%)", "at the end (%)", "change (%)")
    rows = []
    for j, learned in enumerate(matrix.diagonal):
        end = matrix.accuracy[-1, j]
        found = (matrix.baseline[j], learned, end, end - learned)
        rows.append((names[j] if names else str(j + 1), *map(str, samples[j : j + 1]), *map(spread, found)))
    return Table(title, head, tuple(rows))


def _end(matrix: AccuracyMatrix) -> float:
    return 100 * float(np.mean(matrix.average_accuracy))


def _at(matrix: AccuracyMatrix, i: int, j: int) -> str:
    return f"{tenth(100 * np.mean(matrix.accuracy[i, j]))} %"
