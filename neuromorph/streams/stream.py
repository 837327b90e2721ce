"""Tasks and streams of them: built when asked for and not kept, so that the tenth permutation costs nothing until used.

A stream's scenario says what is known at test time (van de Ven, Tuytelaars & Tolias 2022, Nat. Mach. Intell. 4:1185):
``task``-incremental (the task is told, outputs per task), ``domain``-incremental (same outputs, the task is neither
told nor needed) or ``class``-incremental (the classes of all tasks must be told apart).
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from typing import Any, final, overload

import numpy as np

from fusi_models import checks
from neuromorph.data import Pair, digest_of

SCENARIOS = ("task", "domain", "class")


@final
class Task:
    """One task. ``train``, ``test``: (x float32 [n, ...] in [0, 1], y int64 [n]); ``classes``: number of outputs.

    Each of ``train`` and ``test`` is built when it is first asked for, without the other, and kept as long as the task
    is. A task of several replicas (see ``parallel``) has x [n, replica, ...] and y [n, replica]. Where a part has no
    samples, asking for it raises ``ValueError``.
    """

    def __init__(self, name: str, train: Pair, test: Pair, classes: int):
        train, test = _pair("train", train), _pair("test", test)
        arrays = Built(lambda: train, lambda: test, lambda: digest_of(*train, *test))
        self.name, self.classes, self._built = name, classes, arrays
        _ = self.train, self.test  # arrays at hand are checked at once

    @classmethod
    def lazy(
        cls,
        name: str,
        train: Callable[[], Pair],
        test: Callable[[], Pair],
        classes: int,
        origin: Callable[[], str] | None = None,
    ) -> "Task":
        """A task from the functions that build its parts.

        ``origin`` gives a text that two tasks share only where they have the same samples: what ``digest`` is made of
        in place of the samples, which would have to be built for it.
        """
        task = cls.__new__(cls)
        task.name, task.classes, task._built = name, classes, Built(train, test, origin)
        return task

    @cached_property
    def train(self) -> Pair:
        """Training samples x [n, ...], y [n]."""
        return self._checked("training", self._built.train())

    @cached_property
    def test(self) -> Pair:
        """Test samples x [n, ...], y [n]."""
        return self._checked("test", self._built.test())

    @cached_property
    def digest(self) -> str:
        """SHA-256 that two tasks share only where name, classes, training and test samples are the same."""
        origin = self._built.origin() if self._built.origin else digest_of(*self.train, *self.test)
        return text_digest(self.name, self.classes, origin)

    def __repr__(self) -> str:
        return f"Task({self.name!r}, classes={self.classes})"

    def _checked(self, part: str, pair: Pair) -> Pair:
        if not len(pair[1]):
            raise ValueError(f"No {part} samples of the task '{self.name}': take more samples of the data set.")
        return pair


def _pair(part: str, given: Any) -> Pair:
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise ValueError(f"{part} must be two arrays, samples x and labels y, got {given!r:.80}.")
    x, y = checks.array(f"x of {part}", given[0]), checks.array(f"y of {part}", given[1])
    if not x.ndim or not y.ndim or len(x) != len(y):
        raise ValueError(f"{part} has x of shape {x.shape} and y of shape {y.shape}: give one label a sample.")
    return x, y


@dataclass(frozen=True)
class Built:
    """How the parts of a task come about."""

    train: Callable[[], Pair]
    test: Callable[[], Pair]
    origin: Callable[[], str] | None


@dataclass(frozen=True, eq=False)
class Stream(Sequence[Task]):
    """A sequence of ``Task``: ``stream[k]`` builds task k, the same each time.

    ``shape``: the image shape behind the flat x. ``outputs``: classes that a learner must provide. Raises
    ``IndexError`` for a task beyond the last one and ``TypeError`` for what is no number or slice.
    """

    name: str
    scenario: str
    outputs: int
    shape: tuple[int, ...]
    builders: tuple[Callable[[], Task], ...]

    def __post_init__(self) -> None:
        if not isinstance(self.builders, tuple):
            raise ValueError(f"builders must be a tuple of functions, got {type(self.builders).__name__}.")
        if not self.builders:
            raise ValueError(f"{self.name}: a stream needs at least 1 task, got 0.")

    def __len__(self) -> int:
        return len(self.builders)

    @overload
    def __getitem__(self, k: int) -> Task: ...

    @overload
    def __getitem__(self, k: slice) -> "Stream": ...

    def __getitem__(self, k: int | slice) -> "Task | Stream":
        if isinstance(k, slice):
            return replace(self, builders=self.builders[k])
        if isinstance(k, bool) or not isinstance(k, (int, np.integer)):
            raise TypeError(f"a task is asked for by its number, from 0 to {len(self) - 1}, got {k!r:.80}.")
        if not -len(self) <= k < len(self):
            raise IndexError(f"{self.name} has {len(self)} tasks: ask for 0 to {len(self) - 1}, got {k}.")
        return self.builders[k]()

    def __iter__(self) -> Iterator[Task]:
        return (build() for build in self.builders)

    def summary(self) -> dict[str, Any]:
        """Name, scenario and sizes, for a file of results; builds every task once."""
        sizes = [(len(task.train[0]), len(task.test[0])) for task in self]
        return {
            "name": self.name,
            "scenario": f"{self.scenario}-incremental",
            "tasks": len(self),
            "outputs": self.outputs,
            "samples": [train for train, _ in sizes],
            "test_samples": [test for _, test in sizes],
        }

    @cached_property
    def digest(self) -> str:
        """SHA-256 that two streams share only where all their tasks are the same, training and test samples both."""
        return text_digest(self.name, self.scenario, self.outputs, *self.shape, *(task.digest for task in self))


def check_stream(stream: object, name: str = "stream") -> None:
    """Raise ``ValueError`` for what is no stream."""
    if not isinstance(stream, Stream):
        raise ValueError(
            f"{name} must be a neuromorph.streams.Stream, got {type(stream).__name__}: make one of a list of tasks "
            "with streams.from_datasets (docs/your_data_as_a_stream.md)."
        )


def check_scenario(scenario: object) -> None:
    """Raise ``ValueError`` naming the scenarios that there are."""
    if not isinstance(scenario, str) or scenario not in SCENARIOS:
        raise ValueError(f"There is no scenario '{scenario!s:.80}': choose one of {', '.join(SCENARIOS)}.")


def each(build: Callable[[int], Task], count: int, name: str = "tasks") -> tuple[Callable[[], Task], ...]:
    """The ``builders`` of a stream whose task k is ``build(k)``; raises ``ValueError`` for no task or too many."""

    def at(k: int) -> Callable[[], Task]:
        return lambda: build(k)

    return tuple(at(k) for k in range(checks.count(name, count)))


def flat(pair: Pair) -> Pair:
    """The same samples as vectors."""
    return pair[0].reshape(len(pair[0]), -1), pair[1]


def text_digest(*parts: Any) -> str:
    """SHA-256 of texts and numbers, as hexadecimal digits."""
    plain = [part.item() if isinstance(part, np.generic) else part for part in parts]
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()


_ELSEWHERE = {"KINDS", "by_name", "joint", "parallel", "patterns", "permuted", "rotated", "sequence"} | {
    "split",
    "subsets",
}


def __getattr__(name: str) -> Any:
    """What this module held in version 0.1."""
    if name in _ELSEWHERE:
        return getattr(import_module("neuromorph.streams"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
