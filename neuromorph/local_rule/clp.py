"""Continually learning prototypes in the arithmetic of Lava's own processes: one-shot memory of binary inputs.

A presentation is a set z of spiking inputs that stay on. The membrane of prototype p gains
    s_p = floor(252 z.w_p / 2^shift)
a step and fires above ``threshold``, so it crosses in step n_p = floor(threshold / s_p) + 1. The winner is the first to
cross, of equals the lowest number. Learning, with the label shown afterwards:
    nobody has crossed after ``window`` steps (novelty):   w_new <- z, and the class of the new prototype is the label
    the winner is of another class:                        the same
    else nothing. No prototype ever changes: memory grows with every novelty and every mistake.

Source: Lava 0.10.0, ``lava.proc.clp``; the algorithm is that of Hajizada et al. 2025 (arXiv:2511.01553) without its
adaptation of prototypes, which the released processes lack. 252 is what the learning engine makes of a saturated
product. The time to the threshold as the measure of likeness is *ours*: Lava's tutorial sends one graded spike a
sample, which leaves traces of earlier samples at inputs that are silent in this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fusi_models.seeds import whole
from neuromorph.chip import THRESHOLD_LIMIT

STORED = 252  # a stored weight
NOBODY = -1


class Memory(NamedTuple):
    """``stored``: prototypes bool [prototype, input]; ``classes`` int64 [prototype]."""

    stored: NDArray[np.bool_]
    classes: NDArray[np.int64]


@dataclass(frozen=True)
class Novelty:
    """When an input counts as new. Raises ``ValueError`` for numbers outside their ranges."""

    window: int = 64
    """Steps until which a prototype must have crossed, 2 to 1000; a longer window tells smaller differences."""
    alike: float = 0.45
    """Fraction of the active inputs that a prototype must share at least, in (0, 1]."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "window", whole(self.window, "window"))
        if not (2 <= self.window <= 1000 and 0 < self.alike <= 1):
            raise ValueError(
                f"window must lie between 2 and 1000 and alike in (0, 1], got {self.window}, {self.alike}."
            )

    def membrane(self, active: int) -> Membrane:
        """For ``active`` spiking inputs, at least 1; the finest shift of weights that fits the chip's membrane."""
        lowest = int(np.ceil(self.alike * active))
        for shift in range(9):
            threshold = self.window * (STORED * lowest >> shift) - 1
            if threshold > 0 and threshold + (STORED * active >> shift) <= THRESHOLD_LIMIT:
                return Membrane(self.window, threshold, shift)
        raise ValueError(f"{active} active inputs for {self.window} steps do not fit the membrane: shorten the window.")


class Membrane(NamedTuple):
    """``threshold`` and ``shift`` of the module's head."""

    window: int
    threshold: int
    shift: int

    def winners(self, shared: NDArray[Any]) -> NDArray[np.int64]:
        """The first to cross [n], or ``NOBODY``, of shared active inputs [n, prototype], whole numbers of any type."""
        if not shared.shape[1]:
            return np.full(len(shared), NOBODY)
        steps = self.crossings(shared)
        best = steps.argmin(1)
        return np.where(np.take_along_axis(steps, best[:, None], 1)[:, 0] > self.window, NOBODY, best)

    def crossings(self, shared: NDArray[Any]) -> NDArray[np.int64]:
        """The step in which each crosses [n, prototype], above ``window`` where it does not in time."""
        gains = STORED * shared.astype(np.int64) >> self.shift
        return np.where(gains > 0, self.threshold // np.maximum(gains, 1) + 1, self.window + 1)


def shared_inputs(z: NDArray[np.bool_], stored: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Inputs that are active in both, [n, prototype], of inputs z [n, input] and prototypes [prototype, input]."""
    return z.astype(np.float32) @ stored.T.astype(np.float32)


def learned(membrane: Membrane, memory: Memory, z: NDArray[np.bool_], y: NDArray[np.int64]) -> Memory:
    """The memory after inputs z [n, input] with labels y [n], one after another."""
    stored, classes = memory
    new = np.zeros(0, np.int64)
    before = shared_inputs(z, stored)
    for k in range(len(z)):
        shared = np.append(before[k], shared_inputs(z[k : k + 1], z[new]))
        winner = int(membrane.winners(shared[None])[0])
        if winner == NOBODY or (classes[winner] if winner < len(stored) else y[new[winner - len(stored)]]) != y[k]:
            new = np.append(new, k)
    return Memory(np.concatenate([stored, z[new]]), np.concatenate([classes, y[new]]))
