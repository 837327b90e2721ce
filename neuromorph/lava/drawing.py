"""Figures of a deployed network. Every function draws on the axes it is given, or new ones, and returns them."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from neuromorph.chip import UNITS
from neuromorph.figures import COLOURS


def raster(ours: NDArray[np.bool_], lava: NDArray[np.bool_], title: str, ax: Axes | None = None) -> Axes:
    """Spikes [time, neuron] of one sample, of the training network (rings) and of Lava (dots); differences in red."""
    ax = _axes(ax)
    for spikes, look, size in ((ours, "o", 4.5), (lava, "k.", 1.5), (ours != lava, "rx", 6)):
        time, neuron = np.nonzero(spikes)
        ax.plot(time + 1, neuron, look, ms=size, mfc="none", mew=0.7)
    ax.set(xlim=(0.5, len(ours) + 0.5), ylim=(-0.5, ours.shape[1] - 0.5), xlabel="step", ylabel="neuron")
    ax.set_title(title, fontsize=10)
    return ax


def membranes(
    ours: NDArray[np.float64], lava: NDArray[np.int64], thresholds: ArrayLike, title: str, ax: Axes | None = None
) -> Axes:
    """Membranes after reset [time, neuron] in units of weight: training network as lines, Lava as dots.

    ``thresholds`` [neuron] are dotted.
    """
    ax = _axes(ax)
    steps = np.arange(1, len(ours) + 1)
    for k in range(ours.shape[1]):
        colour = COLOURS[k % len(COLOURS)]
        ax.plot(steps, ours[:, k] / UNITS, "-", color=colour, lw=1)
        ax.plot(steps, lava[:, k] / UNITS, ".", color=colour, ms=5)
    for threshold in np.unique(thresholds):
        ax.axhline(threshold, color="0.6", lw=0.8, ls=":")
    ax.set(xlabel="step", ylabel="membrane / weight")
    ax.set_title(title, fontsize=10)
    return ax


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots()[1]
