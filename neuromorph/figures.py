"""Figures of a comparison. Every function draws on the axes it is given, or new ones, and returns them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from neuromorph.metrics import AccuracyMatrix

# Okabe & Ito's colours, distinguishable with any colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
MARKERS = ("o", "s", "^", "D", "v")


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots()[1]


def task_accuracy(matrix: AccuracyMatrix, chance: float, ax: Axes | None = None) -> Axes:
    """Accuracy on each task after each learned task; a band of one standard deviation where there are replicas."""
    ax = _axes(ax)
    accuracy = matrix.accuracy if matrix.accuracy.ndim == 3 else matrix.accuracy[..., None]
    learned = np.arange(1, matrix.tasks + 1)
    for j in range(matrix.tasks):
        mean, colour = accuracy[:, j].mean(-1), COLOURS[j % len(COLOURS)]
        ax.plot(learned[j:], mean[j:], "o-", color=colour, ms=3, lw=1.2, label=f"task {j + 1}")
        if accuracy.shape[-1] > 1:
            sd = accuracy[j:, j].std(-1, ddof=1)
            ax.fill_between(learned[j:], mean[j:] - sd, mean[j:] + sd, color=colour, alpha=0.15, lw=0)
    ax.axhline(chance, color="0.6", lw=0.8, ls=":")
    ax.set(
        ylim=(0, 1),
        xlim=(0.7, matrix.tasks + 0.3),
        xticks=learned if matrix.tasks <= 12 else learned[:: matrix.tasks // 10],
    )
    return ax


def grid(values: np.ndarray, rows: Sequence[str], columns: Sequence[str], title: str, ax: Axes | None = None) -> Axes:
    """A heat map [row, column] of numbers between 0 and 1, each written in its cell; NaN is left empty."""
    ax = _axes(ax)
    ax.imshow(np.ma.masked_invalid(values), vmin=0, vmax=1, cmap="viridis", aspect="auto")
    for i, j in np.ndindex(*values.shape):
        if np.isfinite(values[i, j]):
            ax.text(j, i, f"{values[i, j]:.2f}", ha="center", va="center", color="w" if values[i, j] < 0.6 else "k")
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.set_title(title, fontsize=10)
    return ax


def bars(labels: Sequence[str], values: Sequence[Sequence[float]], chance: float, ax: Axes | None = None) -> Axes:
    """A bar a label up to the mean of its ``values`` in [0, 1], each of which is a point; dotted: chance."""
    ax = _axes(ax)
    places = np.arange(len(labels))[::-1]
    for k, (place, some) in enumerate(zip(places, values, strict=True)):
        points = 100 * np.atleast_1d(some)
        ax.barh(place, points.mean(), color=COLOURS[k % len(COLOURS)], height=0.7, alpha=0.55)
        ax.plot(points, np.full(len(points), place), "k|", ms=6)
    ax.axvline(100 * chance, color="0.4", lw=0.8, ls=":")
    ax.set_yticks(places, labels, fontsize=7)
    ax.set_xlim(0, 100)
    ax.set_xlabel("average accuracy after the last task (%)", fontsize=8)
    return ax


def memory_curves(
    lags: np.ndarray, theory: np.ndarray, measured: Mapping[str, Mapping[str, Any]], title: str, ax: Axes | None = None
) -> Axes:
    """Signal against the number of later patterns, logarithmic: theory as a line, substrates as points with one SE.

    ``measured``: substrate -> {"signal": [lag], "error": [lag]}. Lag t is drawn at t + 1, so that storage is seen.
    """
    ax = _axes(ax)
    ax.plot(lags + 1, theory, "-", color="0.3", lw=1.2, label="theory")
    for k, (substrate, curve) in enumerate(measured.items()):
        signal, error = np.asarray(curve["signal"]), np.asarray(curve["error"])
        seen = signal > 0
        ax.errorbar(
            (lags[seen] + 1) * 1.06 ** (k - (len(measured) - 1) / 2),
            signal[seen],
            np.minimum(error[seen], 0.99 * signal[seen]),
            fmt=MARKERS[k % len(MARKERS)],
            ms=3.5,
            lw=0.8,
            color=COLOURS[k % len(COLOURS)],
            label=substrate,
        )
    ax.set(xscale="log", yscale="log", xlabel="later patterns + 1")
    ax.set_title(title, fontsize=10)
    return ax
