"""Input codes: how a number in [0, 1] becomes spikes, the same on every substrate.

rate        round(num_steps * x) spikes, evenly spaced
latency     one spike, the sooner the brighter: at step round((1 - x) (num_steps - 1)), none where x is 0
bernoulli   independent spikes of probability x a step
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fusi_models.seeds import generator

if TYPE_CHECKING:
    from neuromorph.local_rule.rule import LocalRule

CODES = ("rate", "bernoulli")
"""Of the local rule."""
ENCODINGS = ("current", "rate", "latency", "raster")
"""How a deep network is shown its input: the same value at every step, one of ``spike_steps``, or spikes as given."""


def _floor(x: Any) -> Any:
    return x // 1


def spike_steps(x: Any, num_steps: int, code: str, floor: Callable[[Any], Any] = _floor) -> list[Any]:
    """Which inputs spike at each of ``num_steps`` steps, bool arrays like x in [0, 1], numpy or torch; not random.

    ``code``: rate or latency. ``floor``: a faster one for what x is, if there is one.
    Raises ``ValueError`` for another code.
    """
    if code == "latency":
        when = floor((1 - x) * (num_steps - 1) + 0.5)
        return [(when == step) & (x > 0) for step in range(num_steps)]
    if code != "rate":
        raise ValueError(f"There is no code '{code}' without chance: choose rate or latency.")
    charge = [floor(step * x + 0.5) for step in range(num_steps + 1)]
    return [after > before for before, after in zip(charge, charge[1:], strict=False)]


def encode(x: np.ndarray, rule: LocalRule, seed: int, first: int = 0, testing: bool = False) -> np.ndarray:
    """Spike raster, bool [n, num_steps, ...], of x [n, ...] in [0, 1].

    The Bernoulli code of sample ``first`` + k depends on ``seed``, on that number and on ``testing`` only, so cutting
    the samples into calls does not change it, and a test sample never gets the raster of a training sample.
    """
    if rule.code == "rate":
        return np.stack(spike_steps(x, rule.num_steps, "rate", np.floor), 1)
    purpose = "raster of a test sample" if testing else "raster of a training sample"
    raster = np.empty((len(x), rule.num_steps, *x.shape[1:]), bool)
    for k, sample in enumerate(x):
        raster[k] = generator(purpose, seed, first + k).random(raster.shape[1:]) < sample
    return raster
