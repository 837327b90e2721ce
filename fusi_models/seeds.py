"""The only maker of random generators: one stream for each purpose and list of numbers, and no two alike.

``numpy.random.default_rng([seed, k])`` is ``default_rng([seed, k, 0])``, and a list means the same wherever it is used:
the permutation of a task would be the order of its samples wherever the numbers agree. Here the purpose and the
numbers are written down as one text that can be read in one way only, and the text's SHA-256 digest (eight words,
always) is the entropy of a ``numpy.random.SeedSequence``. The same on every machine and in every process.

>>> float(generator("pixels of a task", 0, 1).random()) == float(generator("pixels of a task", 0, 1).random())
True
>>> float(generator("pixels of a task", 0, 1).random()) == float(generator("order of an epoch", 0, 1).random())
False
"""

import hashlib
import json
from typing import Any

import numpy as np

Whole = int | np.integer[Any]


def generator(purpose: str, *numbers: Whole) -> np.random.Generator:
    """A generator for ``purpose``, a few words on what is drawn, and ``numbers``: the user's seed, then any indices.

    Lists of different length, and different purposes, give different streams.
    Raises ``ValueError`` for an empty purpose, and for a number that is negative, a float or a bool.

    >>> generator("example", 7).integers(10, size=5)
    array([5, 2, 1, 2, 2])
    """
    return np.random.default_rng(sequence(purpose, *numbers))


def integer(purpose: str, *numbers: Whole) -> int:
    """A seed number from 0 to 2^32 - 1, for libraries that want one (torch, Brian2); raises as ``generator``."""
    return int(sequence(purpose, *numbers).generate_state(1, np.uint32)[0])


def sequence(purpose: str, *numbers: Whole) -> np.random.SeedSequence:
    """The seed sequence behind ``generator``; raises as it does."""
    if not isinstance(purpose, str) or not purpose:
        raise ValueError(f"the purpose of a generator must be a word or more, got {purpose!r}.")
    text = json.dumps([purpose, *(whole(number) for number in numbers)])
    return np.random.SeedSequence(np.frombuffer(hashlib.sha256(text.encode()).digest(), "<u4").tolist())


def whole(number: Whole, name: str = "a seed") -> int:
    """``number`` as an int; raises ``ValueError`` naming it unless it is a whole number of at least 0."""
    if isinstance(number, bool | np.bool_) or not isinstance(number, int | np.integer) or number < 0:
        raise ValueError(f"{name} must be a whole number of at least 0, got {number!r}.")
    return int(number)
