"""Permuted pixels (Goodfellow et al. 2013, arXiv:1312.6211): the same images, in other words each time."""

import numpy as np

from fusi_models.seeds import generator
from neuromorph.data import Data, Pair
from neuromorph.streams.kind import Kind, check_set, choice
from neuromorph.streams.stream import Stream, Task, each, flat, text_digest

FIRST = ("permuted", "original")


def permuted(data: Data, tasks: int, seed: int, first: str = "permuted") -> Stream:
    """Every task shuffles the pixels by its own fixed permutation; domain-incremental.

    ``first``: "permuted", the first task too; "original", the first task has the images as they are.
    """
    check_set(data)
    if first not in FIRST:
        raise ValueError(f"first must be one of {', '.join(FIRST)}, got {first!r}.")
    pixels = data.train[0][0].size

    def build(k: int) -> Task:
        kept = first == "original" and k == 0

        def shuffled(pair: Pair) -> Pair:
            order = np.arange(pixels) if kept else generator("pixels of a permuted task", seed, k).permutation(pixels)
            x, y = flat(pair)
            return x[:, order], y

        return Task.lazy(
            f"permutation {k + 1}",
            lambda: shuffled(data.train),
            lambda: shuffled(data.test),
            data.classes,
            lambda: text_digest("permuted", data.digest, None if kept else seed, k),
        )

    return Stream(f"permuted-{data.name}", "domain", data.classes, data.shape, each(build, tasks))


KINDS = {"permuted": Kind(permuted, {"first": choice(*FIRST)})}
