"""Figures of results, in percent. Every function draws on the axes it is given, or new ones, and returns them.

Values are given as fractions in [0, 1]. What a reader of a page is told at a line, point or cell is kept with it
(``tips``) until the figure is written by ``neuromorph.page.svg``.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, to_hex
from matplotlib.patches import Rectangle

from neuromorph.metrics import AccuracyMatrix
from neuromorph.palette import COLOURS, INK, MAP, MARKERS, QUIET, RULE, SUBSTRATES, on, task_colours
from neuromorph.tables import tenth

BANDED = 12  # tasks whose bands can be told apart
WRITTEN = 144  # a map of more cells has no numbers in them,
ROOM = 38  # letters above a bar; a longer label is written smaller
TOLD = 900  # and one of more than that tells no number at a cell
__all__ = [
    "COLOURS",
    "MARKERS",
    "average_curve",
    "bars",
    "grid",
    "matrix_map",
    "memory_curves",
    "task_accuracy",
    "tips",
]


def tips(artist: Artist, texts: Sequence[str]) -> None:
    """Keep ``texts`` with an artist: one for all of it, or one a marker."""
    vars(artist)["tips"] = list(texts)


def look(name: str, k: int = 0) -> tuple[str, str]:
    """Colour and marker of a substrate; of another name those of its place ``k``."""
    return SUBSTRATES.get(name, (COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)]))


def task_accuracy(matrix: AccuracyMatrix, chance: float, ax: Axes | None = None) -> Axes:
    """Accuracy on each task after each learned task; a band of one standard deviation where there are replicas.

    Of more than twelve tasks thin lines alone are drawn.
    """
    ax = _axes(ax)
    accuracy, many = _replicas(matrix), matrix.tasks > BANDED
    size, width = (1.5, 0.8) if many else (3, 1.2)
    for j, colour in enumerate(task_colours(matrix.tasks)):
        style = {"color": colour, "marker": MARKERS[j % len(MARKERS)], "label": f"task {j + 1}"}
        told = [f"task {j + 1} after task {i + 1}" for i in range(j, matrix.tasks)]
        steps = np.arange(j + 1, matrix.tasks + 1)
        _line(ax, steps, accuracy[j:, j], told, not many, ms=size, lw=width, **style)
    return _learned(ax, matrix.tasks, chance)


def average_curve(
    matrices: Mapping[str, AccuracyMatrix], chance: float, references: Mapping[str, Any] = {}, ax: Axes | None = None
) -> Axes:
    """Mean accuracy on the tasks learned so far, a line a substrate: band of one standard deviation, seeds as points.

    ``references``: "joint" [replica], a dashed level, and "no protection", a matrix drawn as a dashed line.
    """
    ax = _axes(ax)
    tasks = max(matrix.tasks for matrix in matrices.values())
    steps = np.arange(1, tasks + 1)
    if "joint" in references:
        level = 100 * float(np.mean(references["joint"]))
        tips(ax.axhline(level, color=INK, lw=1.2, ls=(0, (7, 2))), [f"joint: {tenth(level)} %"])
    if "no protection" in references:
        values = _so_far(references["no protection"])
        told = [f"no protection after task {i}" for i in steps]
        _line(ax, steps, values, told, color=QUIET, ls=(0, (2, 1.5)), marker="x", ms=4, lw=1.4, label="no protection")
    for k, (name, matrix) in enumerate(matrices.items()):
        (colour, marker), values = look(name, k), _so_far(matrix)
        if values.shape[1] > 1:
            places = np.repeat(steps, values.shape[1])
            style: Any = {"color": colour, "ms": 3, "alpha": 0.55, "clip_on": False}
            ax.plot(places, values.ravel(), ".", label=f"_{name}, seeds", **style)
        told = [f"{name} after task {i}" for i in steps]
        _line(ax, steps, values, told, color=colour, marker=marker, ms=4, lw=1.5, label=name)
    return _learned(ax, tasks, chance)


def matrix_map(matrix: AccuracyMatrix, ax: Axes | None = None, before: bool = True) -> Axes:
    """Accuracy [after task, tested task], the mean over replicas, as a heat map.

    ``before``: with a first row, the baseline before learning.
    """
    ax = _axes(ax)
    whole = np.concatenate([matrix.baseline[None], matrix.accuracy])[0 if before else 1 :]
    values = 100 * whole.reshape(*whole.shape[:2], -1)
    after = ["before learning", *(f"after task {i + 1}" for i in range(matrix.tasks))][0 if before else 1 :]
    tested = range(matrix.tasks)
    told = [[f"{one}, on task {j + 1}: {_percent(values[i, j])}" for j in tested] for i, one in enumerate(after)]
    _cells(ax, values.mean(-1), Normalize(0, 100), MAP, told, "{:.0f}".format)
    step = -(-matrix.tasks // 12)
    ax.set_xticks(tested[::step], [str(j + 1) for j in tested[::step]])
    rows = range(len(values))[::step]
    ax.set_yticks(rows, [str(i if before else i + 1) for i in rows])
    ax.set(xlabel="tested on task", ylabel="tasks learned")
    return ax


def grid(
    values: np.ndarray, rows: Sequence[str], columns: Sequence[str], title: str, ax: Axes | None = None,
    low_is_good: bool = False,
) -> Axes:  # fmt: skip
    """A heat map [row, column] of fractions, each written in its cell in percent; NaN is left empty.

    Light is good: high values, or with ``low_is_good`` low ones; a colour bar says so.
    """
    ax = _axes(ax)
    percent = 100 * np.asarray(values, float)
    norm = Normalize(min(0.0, float(np.nanmin(percent, initial=0))), 100)
    told = [
        [f"{row}, {column}: {tenth(percent[i, j])} %" for j, column in enumerate(columns)] for i, row in enumerate(rows)
    ]
    name = f"{MAP}_r" if low_is_good else MAP
    _cells(ax, percent, norm, name, told, tenth)
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.set_title(title, fontsize=10)
    _colour_bar(ax, norm, name, low_is_good)
    return ax


def bars(
    labels: Sequence[str], values: Sequence[Sequence[float]], chance: float, ax: Axes | None = None,
    references: Sequence[Mapping[str, float]] = (), colours: Sequence[str] = (),
) -> Axes:  # fmt: skip
    """A bar a label up to the mean of its ``values``, each of which is a point, with one standard deviation.

    ``references``: a label's "joint" and "no protection" (diamond, cross); dotted: chance. Labels stand above the bars.
    """
    ax = _axes(ax)
    for k, (label, some) in enumerate(zip(labels, values, strict=True)):
        points, place = 100 * np.atleast_1d(some), float(len(labels) - 1 - k)
        colour = colours[k] if colours else COLOURS[0]
        bar = ax.barh(place, points.mean(), color=colour, height=0.34, alpha=0.6)
        tips(bar.patches[0], [f"{label}: {_percent(points)}"])
        if len(points) > 1:
            low, high = (max(0, points.mean() + sign * points.std(ddof=1)) for sign in (-1, 1))
            ax.plot([low, high], [place, place], "-", color=INK, lw=1)
        (marks,) = ax.plot(points, np.full(len(points), place), "|", color=INK, ms=7, mew=1)
        tips(marks, [f"{label}, seed {n}: {tenth(value)} %" for n, value in enumerate(points)])
        for name, value in (references[k] if references else {}).items():
            shape: Any = {"marker": "D", "mfc": "none"} if name == "joint" else {"marker": "x"}
            (mark,) = ax.plot([100 * value], [place], ls="", color=INK, ms=6, mew=1.3, **shape)
            tips(mark, [f"{label}, {name}: {tenth(100 * value)} %"])
        ax.text(0.8, place + 0.22, label, fontsize=8 * min(1, ROOM / len(label)), va="bottom")
    ends = np.arange(len(labels))[:, None] + (-0.3, 0.2)  # broken where the labels stand
    level = ax.vlines(np.full(len(labels), 100 * chance), *ends.T, color=QUIET, lw=1, ls=":")
    tips(level, [f"chance: {tenth(100 * chance)} %"])
    ax.set(xlim=(0, 100), ylim=(-0.5, len(labels) - 0.25), yticks=[], xlabel="average accuracy after the last task (%)")
    return ax


def memory_curves(
    lags: np.ndarray, theory: Sequence[float] | None, measured: Mapping[str, Mapping[str, Any]], title: str,
    ax: Axes | None = None, floor: float | None = None,
) -> Axes:  # fmt: skip
    """Signal against the number of later patterns, logarithmic: theory as a line, substrates as points with one SE.

    ``theory``: [lag], or None for a model without. ``measured``: substrate -> {"signal": [lag], "error": [lag]}. Lag t
    is drawn at t + 1, so that storage is seen. ``floor``: where the axis ends, by default a thousandth of the highest
    theory (without, of the highest signal); what is measured below it, or negative, is an open triangle there.
    """
    ax = _axes(ax)
    highest = float(np.max([curve["signal"] for curve in measured.values()] if theory is None else theory))
    floor = floor if floor is not None else highest / 1000
    if theory is not None:
        tips(ax.plot(lags + 1, theory, "-", color=INK, lw=1.4, label="theory")[0], ["theory"])
    ax.set(xscale="log", yscale="log", xlabel="later patterns + 1", ylim=(floor, 2 * highest))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter("{x:g}")
    for k, (substrate, curve) in enumerate(measured.items()):
        signal, error = np.asarray(curve["signal"]), np.asarray(curve["error"])
        (colour, marker), seen = look(substrate, k), signal > floor
        places = (lags + 1) * 1.06 ** (k - (len(measured) - 1) / 2)
        told = np.array(
            [f"{substrate}, {t} later: {s:.4g} \u00b1 {e:.2g}" for t, s, e in zip(lags, signal, error, strict=True)]
        )
        drawn = ax.errorbar(
            places[seen], signal[seen], np.minimum(error[seen], 0.99 * signal[seen]),
            fmt=marker, ms=3.5, lw=0.8, color=colour, label=substrate,
        )  # fmt: skip
        tips(drawn.lines[0], list(told[seen]))
        if not seen.all():
            below: Any = {"marker": "v", "mfc": "none", "ms": 5, "mew": 1, "ls": "", "color": colour, "clip_on": False}
            (marks,) = ax.plot(places[~seen], np.full((~seen).sum(), floor), label=f"_{substrate}, below", **below)
            tips(marks, list(told[~seen]))
    ax.set_title(title, fontsize=10)
    return ax


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots()[1]


def _replicas(matrix: AccuracyMatrix) -> np.ndarray:
    """[learned, tested, replica] in percent."""
    return 100 * (matrix.accuracy if matrix.accuracy.ndim == 3 else matrix.accuracy[..., None])


def _so_far(matrix: AccuracyMatrix) -> np.ndarray:
    """[learned, replica]: mean over the tasks learned so far, in percent."""
    accuracy = _replicas(matrix)
    return np.array([accuracy[i, : i + 1].mean(0) for i in range(matrix.tasks)])


def _percent(values: np.ndarray) -> str:
    spread = f" \u00b1 {tenth(values.std(ddof=1))}" if len(values) > 1 else ""
    return f"{tenth(values.mean())}{spread} %"


def _line(
    ax: Axes, steps: np.ndarray, values: np.ndarray, told: Sequence[str], band: bool = True, **style: Any
) -> None:
    """Mean over the last axis, whole where it is 0 or 100 %, and a band of one standard deviation."""
    (line,) = ax.plot(steps, values.mean(-1), clip_on=False, **style)
    tips(line, [f"{one}: {_percent(some)}" for one, some in zip(told, values, strict=True)])
    if band and values.shape[-1] > 1:
        mean, sd = values.mean(-1), values.std(-1, ddof=1)
        ax.fill_between(steps, mean - sd, mean + sd, color=style["color"], alpha=0.15, lw=0)


def _learned(ax: Axes, tasks: int, chance: float) -> Axes:
    tips(ax.axhline(100 * chance, color=QUIET, lw=1, ls=":"), [f"chance: {tenth(100 * chance)} %"])
    steps = np.arange(1, tasks + 1)
    ax.set(ylim=(0, 100), xlim=(0.7, tasks + 0.3), xticks=steps if tasks <= 12 else steps[:: tasks // 10])
    ax.set(xlabel="tasks learned", ylabel="test accuracy (%)")
    return ax


def _cells(ax: Axes, values: np.ndarray, norm: Normalize, name: str, told: Any, words: Callable[[Any], str]) -> None:
    """A rectangle a cell, with what is told at it; of very many cells an image. NaN is left empty."""
    colours = colormaps[name]
    height, width = values.shape
    ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    ax.spines[:].set_visible(False)
    ax.grid(False)
    if values.size > TOLD:
        ax.imshow(np.ma.masked_invalid(values), norm=norm, cmap=name, aspect="auto", interpolation="nearest")
        return
    for i, j in np.argwhere(np.isfinite(values)):
        colour = to_hex(colours(norm(values[i, j])))
        cell = ax.add_artist(Rectangle((j - 0.5, i - 0.5), 1, 1, facecolor=colour, edgecolor=colour, lw=0.3))
        tips(cell, [told[i][j]])
        if values.size <= WRITTEN:
            size = 9 if width <= 6 else 6.5
            ax.text(j, i, words(values[i, j]), ha="center", va="center", color=on(colour), fontsize=size)


def _colour_bar(ax: Axes, norm: Normalize, name: str, low_is_good: bool) -> None:
    """Steps of the map under the axes, and which end is good: the light one, drawn on the same side."""
    bar = ax.inset_axes((0, -0.28, 1, 0.06))
    edges = np.linspace(norm.vmin or 0, norm.vmax or 100, 17)
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        colour = to_hex(colormaps[name](norm((low + high) / 2)))
        bar.add_artist(Rectangle((low, 0), high - low, 1, facecolor=colour, edgecolor=colour, lw=0.3))
    ends = (edges[-1], edges[0]) if low_is_good else (edges[0], edges[-1])
    bar.set(xlim=ends, ylim=(0, 1), yticks=[], xlabel="percent; the right end is good")
    bar.spines[:].set_color(RULE)
