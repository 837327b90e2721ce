"""Random patterns, each shown once: what memory curves are measured with (Fusi, Drew & Abbott 2005)."""

from functools import partial

import numpy as np

from fusi_models import checks
from fusi_models.seeds import generator
from neuromorph.data import Pair
from neuromorph.streams.kind import Kind
from neuromorph.streams.stream import Stream, Task, each, text_digest


def patterns(count: int, size: int, seed: int) -> Stream:
    """Random binary patterns, one a task: the ideal observer's stream. x [1, size] in {0, 1}: depress or potentiate."""

    def pattern(k: int) -> Pair:
        x = generator("a random pattern", seed, k).integers(0, 2, (1, size)).astype(np.float32)
        return x, np.zeros(1, np.int64)

    def build(k: int) -> Task:
        draw = partial(pattern, k)
        return Task.lazy(f"pattern {k + 1}", draw, draw, 1, lambda: text_digest("pattern", size, seed, k))

    return Stream("patterns", "domain", 1, (checks.count("size", size, checks.MOST),), each(build, count, "count"))


KINDS: dict[str, Kind] = {}  # a learner cannot be tested on them: they have no name in words
