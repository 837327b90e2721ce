"""Figures of a deployed network. Every function draws on the axes it is given, or new ones, and returns them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from neuromorph.chip import UNITS
from neuromorph.palette import COLOURS, INK, QUIET

WIDEST = 60  # rows of a raster that can be told apart


def raster(
    ours: NDArray[np.bool_], lava: NDArray[np.bool_], title: str, ax: Axes | None = None,
    neurons: ArrayLike | None = None,
) -> Axes:  # fmt: skip
    """Spikes [time, neuron] of one sample, of the training network (rings) and of Lava (dots); differences in red.

    ``neurons``: [row], those that are drawn, a row each, by default those that ``shown`` chooses; rows are named.
    """
    ax = _axes(ax)
    chosen = shown(ours, lava) if neurons is None else np.asarray(neurons)
    for spikes, look, size in ((ours, "o", 4.5), (lava, "k.", 1.5), (ours != lava, "rx", 6)):
        time, row = np.nonzero(spikes[:, chosen])
        ax.plot(time + 1, row, look, ms=size, mfc="none", mew=0.7)
    ax.set(xlim=(0.5, len(ours) + 0.5), ylim=(-0.5, len(chosen) - 0.5), xlabel="step", ylabel="neuron")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    rows = range(0, len(chosen), -(-len(chosen) // 20))
    ax.set_yticks(rows, [str(chosen[row]) for row in rows], fontsize=7)
    every = len(chosen) == ours.shape[1]
    silent = int((~(ours | lava).any(0)).sum())
    ax.set_title(title if every else f"{title}\n{len(chosen)} of them shown; {silent} are silent", fontsize=10)
    return ax


def shown(ours: NDArray[np.bool_], lava: NDArray[np.bool_], most: int = WIDEST) -> NDArray[np.int64]:
    """The neurons of spikes [time, neuron] that a raster draws, in order: all, or of a wide layer those that differ
    and then some of those that spike, from one end of the layer to the other."""
    if ours.shape[1] <= most:
        return np.arange(ours.shape[1])
    differ = np.flatnonzero((ours != lava).any(0))[:most]
    others = np.setdiff1d(np.flatnonzero((ours | lava).any(0)), differ)
    room = min(most - len(differ), len(others))
    some = others[np.linspace(0, len(others) - 1, room).round().astype(int)] if room else others[:0]
    return np.sort(np.concatenate([differ, some])).astype(np.int64)


def distinct(spikes: NDArray[np.bool_], membranes: NDArray[np.float64], most: int = 5) -> NDArray[np.int64]:
    """The neurons of [time, neuron] whose membranes show most, no two of them with the same trace."""
    count = spikes.sum(0)  # neurons that spike at every step, or never, show little
    liveliest = np.argsort(-np.minimum(count, len(spikes) - count), kind="stable")
    _, first = np.unique(membranes[:, liveliest], axis=1, return_index=True)
    return np.asarray(liveliest[np.sort(first)[:most]])


def membranes(
    ours: NDArray[np.float64], lava: NDArray[np.int64], thresholds: ArrayLike, title: str, ax: Axes | None = None,
    neurons: Sequence[int] | NDArray[np.int64] = (),
) -> Axes:  # fmt: skip
    """Membranes after reset [time, neuron] in units of weight: training network as lines, Lava as dots.

    ``thresholds`` [neuron] are dotted, and named. ``neurons``: their numbers in the layer, for the legend.
    """
    ax = _axes(ax)
    steps = np.arange(1, len(ours) + 1)
    for k in range(ours.shape[1]):
        colour = COLOURS[k % len(COLOURS)]
        label = f"neuron {neurons[k]}" if len(neurons) else f"neuron {k}"
        ax.plot(steps, ours[:, k] / UNITS, "-", color=colour, lw=1, label=label)
        ax.plot(steps, lava[:, k] / UNITS, ".", color=colour, ms=5)
    for threshold in np.unique(thresholds):
        ax.axhline(threshold, color=QUIET, lw=0.9, ls=":")
        ax.annotate(
            f"threshold {threshold:g}", (1, threshold), xycoords=("axes fraction", "data"), xytext=(-2, 2),
            textcoords="offset points", ha="right", va="bottom", fontsize=7, color=INK,
        )  # fmt: skip
    ax.margins(y=0.12)
    ax.set(xlabel="step", ylabel="membrane / weight")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(frameon=False, fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncol=3)  # not over lines
    ax.set_title(title, fontsize=10)
    return ax


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots()[1]
