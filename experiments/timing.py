"""What the speed pages share: rivals timed in turn by the processor's clock, and their ratio with its quartiles.

For runs that keep to one core. A run's fixed cost (building, compiling) drops out: a short one is taken off a long one.
"""

import time
from collections.abc import Callable, Mapping

import numpy as np


def in_turn(rivals: Mapping[str, Callable[[int], object]], short: int, long: int, rounds: int) -> dict[str, np.ndarray]:
    """Seconds of one unit of work [round] by rival; ``rivals[name](n)`` does n units. Each is run once first."""
    for run in rivals.values():
        run(short)
    found: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(rounds):
        for name, run in rivals.items():
            found[name].append((_seconds(run, long) - _seconds(run, short)) / (long - short))
    return {name: np.array(values) for name, values in found.items()}


def _seconds(run: Callable[[int], object], units: int) -> float:
    begun = time.process_time()
    run(units)
    return time.process_time() - begun


def ratio(slow: np.ndarray, fast: np.ndarray) -> str:
    """Median of the rounds' ratios and their quartiles, in words."""
    if min(slow.min(), fast.min()) <= 0:
        return "none: a round is lost in the noise, give more work"
    low, middle, high = np.percentile(slow / fast, [25, 50, 75])
    return f"{middle:.0f} ({low:.0f} to {high:.0f})"
