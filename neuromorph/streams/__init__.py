"""Task streams: the same tasks in the same order for every learner."""

from neuromorph.streams.stream import (
    KINDS,
    SCENARIOS,
    Stream,
    Task,
    by_name,
    joint,
    parallel,
    patterns,
    permuted,
    rotated,
    sequence,
    split,
    subsets,
)

__all__ = [
    "KINDS",
    "SCENARIOS",
    "Stream",
    "Task",
    "by_name",
    "joint",
    "parallel",
    "patterns",
    "permuted",
    "rotated",
    "sequence",
    "split",
    "subsets",
]
