"""One data set after another, for example MNIST and then Fashion-MNIST."""

from collections.abc import Sequence

import numpy as np

from neuromorph.data import Data, Pair
from neuromorph.streams.kind import Kind, check_set
from neuromorph.streams.stream import Stream, Task, each, flat, text_digest


def sequence(sets: Sequence[Data]) -> Stream:
    """One data set after another; domain-incremental.

    Smaller images are padded with zeros to the largest (USPS 16x16 to 28x28: 6 pixels a side). Raises ``ValueError``
    for no data set, and where some have colours and others not.
    """
    if not isinstance(sets, Sequence):
        raise ValueError(f"sets must be a list of data sets, got {type(sets).__name__}.")
    if not sets:
        raise ValueError("sequence needs at least 1 data set, got 0.")
    for data in sets:
        check_set(data)
    if len({d.shape[:-2] for d in sets}) > 1:
        raise ValueError(f"the images of {', '.join(d.name for d in sets)} do not have equal channels: convert some.")
    size = tuple(int(n) for n in np.max([d.shape for d in sets], axis=0))
    classes = max(d.classes for d in sets)

    def padded(pair: Pair) -> Pair:
        missing = np.subtract(size, pair[0].shape[1:])
        return flat((np.pad(pair[0], [(0, 0), *((m // 2, m - m // 2) for m in missing)]), pair[1]))

    def build(k: int) -> Task:
        data = sets[k]
        return Task.lazy(
            data.name,
            lambda: padded(data.train),
            lambda: padded(data.test),
            classes,
            lambda: text_digest("sequence", data.digest, *size),
        )

    return Stream("-".join(d.name for d in sets), "domain", classes, size, each(build, len(sets)))


def _in_words(sets: Sequence[Data], tasks: int, seed: int) -> Stream:
    return sequence(sets)


KINDS = {"sequence": Kind(_in_words, several=True)}
