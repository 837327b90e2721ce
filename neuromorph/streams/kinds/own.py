"""Tasks that a user has: a list of data sets, one a task, in whatever form (``neuromorph/data/own.py``)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fusi_models.checks import MOST, Values, check_fraction, count
from neuromorph.data import Pair
from neuromorph.data.labelled import check_tested
from neuromorph.data.own import Samples, split_off
from neuromorph.streams.kind import Kind
from neuromorph.streams.stream import Stream, Task, check_scenario, each, flat, text_digest


def from_datasets(
    train: Sequence[Any],
    test: Sequence[Any] | None = None,
    *,
    scenario: str | None = None,
    outputs: int | None = None,
    names: Sequence[str] = (),
    name: str = "own",
    test_share: float = 0.2,
    seed: int = 0,
) -> Stream:
    """A stream of a user's own tasks.

    ``train``, ``test``: a data set a task: (x, y) of arrays or tensors, a torch ``Dataset`` or ``DataLoader``, or a
    list of samples (x, y). x [n, ...] in [0, 1] of any one shape (colour images [n, 3, h, w], frames of events
    [n, time, ...]), y whole numbers from 0. Without ``test``, ``test_share`` of each task's classes is split off by
    ``seed``. ``scenario``: as in ``neuromorph.streams.stream``; by default "class" where no two tasks share a class,
    "domain" where all have the same ones. ``outputs``: by default the largest label and one, where each class has a
    sample. ``names``: of the tasks.

    Arrays are checked here. A ``Dataset`` is read when its task is used, again each time, and so has to give the same
    samples then; for a ``scenario`` or ``outputs`` that is not said it is also read here, for its labels.

    Raises ``ValueError`` saying what was given and what to do: here, or where a task is read later, then.

    >>> x, y = np.eye(8, dtype=np.float32).reshape(8, 2, 4), np.arange(8) // 2
    >>> stream = from_datasets([(x[:4], y[:4]), (x[4:], y[4:])], test_share=0.5)
    >>> stream.scenario, stream.outputs, stream.shape, len(stream)
    ('class', 4, (2, 4), 2)
    """
    sources = _sources(train, "training samples")
    tests = None if test is None else _sources(test, "test samples")
    _check_counts(sources, tests, names)
    check_fraction("test_share", test_share, below_one=True)
    if scenario is None:
        scenario = _scenario(sources)
    check_scenario(scenario)
    if outputs is not None:
        count("outputs", outputs, MOST)
    else:
        outputs = _classes([one.labels for one in (*sources, *(tests or ()))])
    split = None if tests is not None else (test_share, seed)
    parts = [Parts(one, tests[k] if tests else None, split, k, outputs, sources[0]) for k, one in enumerate(sources)]
    for one in parts:
        one.check_at_hand()

    def build(k: int) -> Task:
        ours = parts[k].kept()
        title = names[k] if names else f"task {k + 1}"
        return Task.lazy(title, lambda: ours.pair("train"), lambda: ours.pair("test"), outputs, ours.digest)

    return Stream(name, scenario, outputs, sources[0].shape, each(build, len(parts)))


def _classes(labels: Sequence[Values]) -> int:
    """One more than the largest; a class that never occurs would be an output that no sample asks for."""
    there = np.unique(np.concatenate(labels))
    missing = np.setdiff1d(np.arange(there[-1]), there)
    if len(missing):
        raise ValueError(
            f"no sample has the label {missing[0]}, but labels go up to {there[-1]}: number classes from 0 without a "
            "gap, or say how many there are (outputs)."
        )
    return int(there[-1]) + 1


@dataclass(frozen=True, eq=False)
class Parts:
    """Training and test samples of task ``k``: the test's own, or those that ``split`` (share, seed) takes off."""

    source: Samples
    test: Samples | None
    split: tuple[float, int] | None
    k: int
    outputs: int
    first: Samples

    def kept(self) -> "Parts":
        """The same without what was read for it: that is kept as long as a task is."""
        return Parts(self.source, self.test, self.split, self.k, self.outputs, self.first)

    def check_at_hand(self) -> None:
        """Raise for arrays that do not do; what has to be read is checked when it is."""
        for one in filter(None, (self.source, self.test)):
            if one.at_hand:
                self._read(one)
        if self.test is not None and self.source.at_hand and self.test.at_hand:
            check_tested(self.test.name.partition(" of ")[2], self.source.labels, self.test.labels)

    def pair(self, part: str) -> Pair:
        """Vectors x [n, feature] and y [n] of "train" or "test"."""
        if self.split is None:
            return flat(self._read(self.source if part == "train" or self.test is None else self.test))
        x, y = self._whole
        chosen = self._indices[part == "test"]
        return flat((x[chosen], y[chosen]))

    def digest(self) -> str:
        """Of all samples and how they are split."""
        return text_digest("own", self.source.digest, self.test.digest if self.test else (self.split, self.k))

    @cached_property
    def _whole(self) -> Pair:
        return self._read(self.source)

    @cached_property
    def _indices(self) -> tuple[Values, Values]:
        share, seed = self.split or (0.0, 0)
        return split_off(self._whole[1], share, seed, self.k)

    def _read(self, one: Samples) -> Pair:
        x, y = one.read(self.outputs)
        if x.shape[1:] != self.first.shape:
            raise ValueError(
                f"{one.name} have shape {x.shape[1:]} each, {self.first.name} {self.first.shape}: give all tasks one "
                "shape (pad the smaller ones)."
            )
        return x, y


def _sources(given: Sequence[Any], what: str) -> list[Samples]:
    if not isinstance(given, (list, tuple)):
        raise ValueError(f"the {what} must be a list with a data set a task, got a {type(given).__name__}.")
    return [Samples(f"{what} of task {k}", one) for k, one in enumerate(given, 1)]


def _check_counts(sources: Sequence[Samples], tests: Sequence[Samples] | None, names: Sequence[str]) -> None:
    if not sources:
        raise ValueError("a stream needs at least 1 task, got 0.")
    if tests is not None and len(tests) != len(sources):
        raise ValueError(f"{len(sources)} tasks have {len(tests)} test sets: give one a task, or none to split it off.")
    if names and len(set(names)) != len(sources):
        raise ValueError(f"{len(sources)} tasks need as many different names, got {', '.join(names)}.")


def _scenario(sources: Sequence[Samples]) -> str:
    """By the labels, where these leave no doubt."""
    classes = [set(np.unique(one.labels).tolist()) for one in sources]
    if all(one == classes[0] for one in classes):
        return "domain"
    if sum(map(len, classes)) == len(set.union(*classes)):
        return "class"
    raise ValueError(
        f"some classes are in several tasks and others are not ({', '.join(map(str, map(sorted, classes[:3])))}...): "
        "say scenario='class' (all must be told apart), 'domain' or 'task' (y numbers the classes within a task)."
    )


KINDS: dict[str, Kind] = {}  # it takes objects, which have no name in words
