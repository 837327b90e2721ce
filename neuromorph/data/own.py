"""A user's own labelled samples: NumPy arrays, torch tensors, a ``Dataset``, a ``DataLoader``, a list of samples.

What is given is read as it is: no value is scaled and no label renumbered. Neither torch nor any other library is
loaded for it; a ``DataLoader`` stands for its ``dataset``, in the order of that.
"""

from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np

from fusi_models.checks import array, check_fraction
from fusi_models.seeds import generator
from neuromorph.data.labelled import Data, Pair, check_pair, check_tested, digest_of

ADVICE = "give (x, y), a torch Dataset or DataLoader, or a list of samples (x, y)"


@runtime_checkable
class _Array(Protocol):
    def __array__(self) -> np.ndarray: ...


@runtime_checkable
class _Loader(Protocol):
    """A torch ``DataLoader``; a ``Subset`` has a dataset too, but no sampler."""

    dataset: Any
    sampler: Any
    batch_sampler: Any


@dataclass(frozen=True, eq=False)
class Samples:
    """What was given, called ``name`` in messages: read when asked for, and not kept."""

    name: str
    given: Any

    def __post_init__(self) -> None:
        if isinstance(self.given, _Loader):
            object.__setattr__(self, "given", self._dataset(self.given))

    @property
    def at_hand(self) -> bool:
        """Whether x and y are arrays, so that looking at them costs nothing."""
        one = self.given
        return isinstance(one, (tuple, list)) and len(one) == 2 and not isinstance(one[0], (tuple, list))

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Of a sample."""
        if self.at_hand:
            return self._arrays()[0].shape[1:]
        first, again = self._first(), self._first()
        if not np.array_equal(first, again, equal_nan=first.dtype.kind == "f"):
            raise ValueError(
                f"{self.name} gives another first sample each time (a random transform?): runs could not be repeated; "
                "take it out."
            )
        return first.shape

    @cached_property
    def labels(self) -> np.ndarray:
        """y int64 [n]."""
        return self._arrays()[1]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all samples and labels."""
        return digest_of(*self.read())

    def read(self, classes: int | None = None) -> Pair:
        """x float32 [n, ...] in [0, 1], y int64 [n] in 0..classes-1; raises ``ValueError`` saying what was given."""
        x, y = self._arrays()
        check_pair(self.name, x, y, classes or max(int(y.max(initial=0)) + 1, 1))
        return np.asarray(x, np.float32), y

    def _arrays(self) -> Pair:
        x, y = self.given if self.at_hand else self._collected()
        x, y = array(f"{self.name}: x", x), array(f"{self.name}: y", y)
        if y.ndim != 1 or y.dtype.kind not in "iu":
            raise ValueError(
                f"{self.name} has labels of shape {y.shape} and type {y.dtype}: give one whole number a sample."
            )
        return x, y.astype(np.int64)

    def _collected(self) -> Pair:
        pairs = list(self._pairs())
        shapes = {x.shape for x, _ in pairs}
        if len(shapes) != 1:
            found = "no samples" if not shapes else f"samples of shapes {', '.join(map(str, sorted(shapes)[:3]))}"
            raise ValueError(f"{self.name} has {found}: give samples of one shape.")
        return np.stack([x for x, _ in pairs]), np.stack([y for _, y in pairs])

    def _first(self) -> np.ndarray:
        for x, _ in self._pairs():
            return x
        raise ValueError(f"{self.name} has no samples.")

    def _pairs(self) -> Iterator[Pair]:
        for k, item in enumerate(self._items()):
            if not isinstance(item, (tuple, list)) or len(item) < 2:
                raise ValueError(f"{self.name}: sample {k} is a {type(item).__name__} without a label: {ADVICE}.")
            yield array(f"{self.name}: sample {k}", item[0]), array(f"{self.name}: label {k}", item[1])

    def _items(self) -> Iterator[Any]:
        bare = isinstance(self.given, (str, Mapping, _Array))
        if isinstance(self.given, Iterable) and not bare:
            return iter(self.given)
        if isinstance(self.given, Sized) and not bare:  # torch's Dataset has no __iter__
            return (self.given[k] for k in range(len(self.given)))  # type: ignore[index]
        raise ValueError(f"{self.name} is a {type(self.given).__name__}: {ADVICE}.")

    def _dataset(self, loader: _Loader) -> Any:
        """What a loader loads; refused where its samplers do not take every sample once."""
        sampler, batches = loader.sampler, type(loader.batch_sampler).__name__
        shuffles = type(sampler).__name__ == "RandomSampler" and not sampler.replacement
        whole = type(sampler).__name__ in ("SequentialSampler", "_InfiniteConstantSampler")
        if batches in ("BatchSampler", "NoneType") and (
            whole or (shuffles and sampler.num_samples == len(loader.dataset))
        ):
            return loader.dataset
        raise ValueError(
            f"{self.name} is a loader with a {type(sampler).__name__} and a {batches}, but a sample is learned once "
            "an epoch, in an order by the run's seed: give the Dataset, or torch.utils.data.Subset(dataset, indices)."
        )


def split_off(labels: np.ndarray, share: float, *seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of training and test samples: of each class ``share``, rounded, are drawn for the test.

    A class keeps at least 1 training sample, and gives at least 1 test sample where it has 2. Raises ``ValueError``
    for a share outside (0, 1).
    """
    check_fraction("test_share", share, below_one=True)
    rng, test = generator("test samples split off a user's own", *seed), np.zeros(len(labels), bool)
    for one in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == one))
        test[members[: min(max(round(share * len(members)), 1), len(members) - 1)]] = True
    return np.flatnonzero(~test), np.flatnonzero(test)


def from_dataset(
    train: Any,
    test: Any = None,
    *,
    classes: int | None = None,
    name: str = "own",
    test_share: float = 0.2,
    seed: int = 0,
) -> Data:
    """A data set for every kind of stream (``streams.permuted(data.from_dataset(...), 5, 0)``) from a user's samples.

    ``train``, ``test``: (x, y) of arrays or tensors, a torch ``Dataset`` or ``DataLoader``, or a list of samples
    (x, y); x [n, height, width], [n, channel, height, width] (colour) or [n, feature], in [0, 1]; y whole numbers
    from 0. Without ``test``, ``test_share`` of each class is split off by ``seed``. ``classes``: by default the
    largest label and one. Raises ``ValueError`` saying what was given and what to do.

    >>> images, labels = np.zeros((10, 3, 4, 4)), np.arange(10) % 2
    >>> data = from_dataset((images, labels))
    >>> data.shape, data.classes, len(data.train[1]), len(data.test[1])
    ((3, 4, 4), 2, 8, 2)
    """
    x, y = Samples(f"{name} train", train).read()
    if test is None:
        kept, apart = split_off(y, test_share, seed)
        pairs = [(x[kept], y[kept]), (x[apart], y[apart])]
    else:
        pairs = [(x, y), Samples(f"{name} test", test).read()]
    pairs = [(x[:, None] if x.ndim == 2 else x, y) for x, y in pairs]
    check_tested(name, pairs[0][1], pairs[1][1])
    found = classes or int(max(y.max() for _, y in pairs)) + 1
    return Data(name, pairs[0], pairs[1], found)
