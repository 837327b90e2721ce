"""One data set in random pieces: stream learning, where nothing changes but the samples."""

import numpy as np

from fusi_models.checks import whole
from fusi_models.seeds import generator
from neuromorph.data import Data, Pair
from neuromorph.streams.kind import Kind, check_set
from neuromorph.streams.stream import Stream, Task, each, flat, text_digest


def subsets(data: Data, parts: int, seed: int) -> Stream:
    """One data set in ``parts`` random pieces of equal size; every task has the whole test set; domain-incremental.

    Raises ``ValueError`` for more parts than samples.
    """
    check_set(data)
    count = len(data.train[0])
    if not 1 <= whole("parts", parts) <= count:
        raise ValueError(f"{count} samples cannot be cut into {parts} parts.")
    test = flat(data.test)  # one object, so that the runner tests it once

    def build(k: int) -> Task:
        def piece() -> Pair:
            order = generator("samples of subsets", seed).permutation(count)
            x, y = flat(data.train)
            kept = np.array_split(order, parts)[k]
            return x[kept], y[kept]

        origin = text_digest("subsets", parts, seed, k)
        return Task.lazy(f"part {k + 1}", piece, lambda: test, data.classes, lambda: text_digest(data.digest, origin))

    return Stream(f"subsets-{data.name}", "domain", data.classes, data.shape, each(build, parts))


KINDS = {"subsets": Kind(subsets)}
