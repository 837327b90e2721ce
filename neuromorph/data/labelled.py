"""A labelled set of images, checked once, with a digest of its content."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from fusi_models.checks import MOST, count
from fusi_models.seeds import generator

Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Data:
    """A labelled image set. ``train``, ``test``: (x float32 [n, ..., height, width] in [0, 1], y int64 [n]).

    Raises ``ValueError`` for arrays of another shape, values that are not finite or outside [0, 1], or labels
    that are not whole numbers 0..classes-1.
    """

    name: str
    train: Pair
    test: Pair
    classes: int

    def __post_init__(self):
        for part, (x, y) in (("train", self.train), ("test", self.test)):
            if not (isinstance(x, np.ndarray) and isinstance(y, np.ndarray)):
                raise ValueError(
                    f"{self.name} {part}: give two numpy arrays, images [n, height, width] and labels [n]."
                )
            if x.ndim < 3:
                raise ValueError(
                    f"{self.name} {part}: images have shape {x.shape}: give images [n, height, width], of several "
                    "channels [n, channel, height, width]."
                )
            check_pair(f"{self.name} {part}", x, y, self.classes)
        if self.train[0].shape[1:] != self.test[0].shape[1:]:
            raise ValueError(
                f"{self.name}: training images have shape {self.train[0].shape[1:]}, test images "
                f"{self.test[0].shape[1:]}: give both one shape."
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an image: height and width, with the channels before them where there are several."""
        return self.train[0].shape[1:]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything, computed once: what tells this set from another of the same name."""
        return hashlib.sha256(f"{self.name} {self.classes} {digest_of(*self.train, *self.test)}".encode()).hexdigest()

    def limited(self, train: int | None = None, test: int | None = None, seed: int = 0) -> "Data":
        """The same set with at most so many samples, drawn without replacement by ``seed``."""

        def some(pair: Pair, most: int | None, part: str) -> Pair:
            if most is None or count(f"{part} samples", most, MOST) >= len(pair[0]):
                return pair
            kept = np.sort(generator(f"{part} samples kept of a data set", seed).choice(len(pair[0]), most, False))
            return pair[0][kept], pair[1][kept]

        if train is None and test is None:
            return self
        return replace(self, train=some(self.train, train, "training"), test=some(self.test, test, "test"))


def check_pair(name: str, x: np.ndarray, y: np.ndarray, classes: int) -> None:
    """Raise ``ValueError``, calling the samples ``name``, unless x [n, ...] is in [0, 1] and y [n] in 0..classes-1."""
    if x.ndim < 2 or y.shape != x.shape[:1] or x.size == 0:
        raise ValueError(
            f"{name}: samples have shape {x.shape} and labels {y.shape}: give samples [n, ...] and labels [n], n >= 1."
        )
    if x.dtype.kind not in "buif":
        raise ValueError(f"{name}: samples must hold numbers, got {x.dtype}: convert them to float32.")
    if not np.isfinite(x).all() or x.min() < 0 or x.max() > 1:
        raise ValueError(
            f"{name}: values must be finite numbers between 0 and 1, got {x.min()} to {x.max()} ({x.dtype}): scale "
            "them (bytes: divide by 255) and remove NaN."
        )
    if not np.issubdtype(y.dtype, np.integer):
        raise ValueError(f"{name}: labels must be whole numbers, got {y.dtype}.")
    if y.min() < 0 or y.max() >= classes:
        raise ValueError(f"{name}: labels run from {y.min()} to {y.max()}, not 0..{classes - 1}.")


def digest_of(*arrays: np.ndarray) -> str:
    """SHA-256 of types, shapes and values, as hexadecimal digits."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.dtype.str} {array.shape} ".encode())
        found.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def check_tested(name: str, learned: np.ndarray, tested: np.ndarray) -> None:
    """Raise ``ValueError`` for labels ``learned`` of which none is ``tested``: no accuracy would say what became of
    them."""
    missing = np.setdiff1d(learned, tested)
    if len(missing):
        raise ValueError(
            f"{name} has no test samples of class {missing[0]}{' and others' * (len(missing) > 1)}: give every class "
            "some, or leave it out of the training samples, too."
        )
