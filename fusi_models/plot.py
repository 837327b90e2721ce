"""Memory curves on a user's matplotlib axes: every function takes ``ax`` and returns it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fusi_models.synapse import Values
from fusi_models.theory.curve import MemoryCurve
from fusi_models.theory.frontier import envelope
from fusi_models.theory.propagator import Events


def plot_curve(curve: MemoryCurve, ax: Any, label: str | None = None, **style: Any) -> Any:
    """SNR against age on log axes, with a band of one standard error where the curve was simulated.

    Readings at age 0 do not fit on log axes and are left out; those with SNR <= 0 are open triangles at the foot.
    """
    shown, below = (curve.times > 0) & (curve.snr > 0), (curve.times > 0) & (curve.snr <= 0)
    line = ax.plot(curve.times[shown], curve.snr[shown], label=label or curve.name, **style)[0]
    if below.any():
        look = {"color": line.get_color(), "mfc": "none", "ms": 4, "mew": 0.8, "ls": "", "clip_on": False}
        foot = ax.get_xaxis_transform()
        ax.plot(curve.times[below], np.zeros(below.sum()), "v", transform=foot, label="_below", **look)
    error = np.nan_to_num(curve.error / curve.noise)
    if np.any(error > 0):
        low = np.maximum(curve.snr - error, 1e-3 * curve.snr.max())
        ax.fill_between(curve.times, low, curve.snr + error, where=curve.times > 0, color=line.get_color(), alpha=0.25)
    ax.set(xscale="log", yscale="log", xlabel="age (events per synapse)", ylabel="SNR")
    return ax


def plot_envelope(times: Values, states: int, synapses: float, ax: Any, events: Events = "poisson") -> Any:
    """The upper bound of Lahiri & Ganguli (2013) on Poisson curves of synapses with ``states`` states."""
    times = times[times > 0]
    bound = np.sqrt(synapses) * envelope(times, states, events)
    ax.plot(times, bound, color="0.3", lw=1, ls="--", label=f"upper bound, {states} states")
    return ax


def plot_guides(ax: Any, start: tuple[float, float], end: float, exponents: Sequence[float] = (0.5, 0.75, 1.0)) -> Any:
    """Thin lines of power laws t^-exponent from the point ``start`` to the time ``end``."""
    times = np.geomspace(start[0], end, 2)
    for exponent in exponents:
        values = start[1] * (times / start[0]) ** -exponent
        ax.plot(times, values, color="0.75", lw=0.8, zorder=0)
        middle = np.sqrt(times.prod()), np.sqrt(values.prod())
        ax.annotate(f"$t^{{-{exponent:g}}}$", middle, color="0.5", fontsize=8, annotation_clip=True)
    return ax
