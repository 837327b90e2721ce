"""Task streams: the same tasks in the same order for every learner."""

from neuromorph.streams.avalanche import from_avalanche, to_avalanche
from neuromorph.streams.combined import joint, parallel
from neuromorph.streams.kind import Kind
from neuromorph.streams.kinds.own import from_datasets
from neuromorph.streams.kinds.patterns import patterns
from neuromorph.streams.kinds.permuted import permuted
from neuromorph.streams.kinds.rotated import rotated
from neuromorph.streams.kinds.sequence import sequence
from neuromorph.streams.kinds.split import split
from neuromorph.streams.kinds.subsets import subsets
from neuromorph.streams.stream import SCENARIOS, Stream, Task
from neuromorph.streams.words import StreamWords, by_name, known_kinds

KINDS = tuple(known_kinds())

__all__ = [
    "KINDS",
    "SCENARIOS",
    "Kind",
    "Stream",
    "StreamWords",
    "Task",
    "by_name",
    "from_avalanche",
    "from_datasets",
    "joint",
    "parallel",
    "patterns",
    "permuted",
    "rotated",
    "sequence",
    "split",
    "subsets",
    "to_avalanche",
]
