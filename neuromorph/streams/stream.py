"""Task streams: the same tasks in the same order for every learner.

A stream is a sequence of tasks, built when asked for and not kept: the tenth permutation costs no memory until used.
Its scenario says what is known at test time (van de Ven, Tuytelaars & Tolias 2022, Nat. Mach. Intell. 4:1185):
``task``-incremental (the task is told, outputs per task), ``domain``-incremental (same outputs, the task is neither
told nor needed) or ``class``-incremental (the classes of all tasks must be told apart).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from neuromorph.data import Data, Pair, load
from neuromorph.data import names as load_names

SCENARIOS = ("task", "domain", "class")


@dataclass(frozen=True, eq=False)
class Task:
    """One task. ``train``, ``test``: (x float32 [n, ...] in [0, 1], y int64 [n]); ``classes``: number of outputs.

    A task of several replicas (see ``parallel``) has x [n, replica, ...] and y [n, replica].
    Raises ``ValueError`` for a task without samples.
    """

    name: str
    train: Pair
    test: Pair
    classes: int

    def __post_init__(self):
        for part, (_, y) in (("training", self.train), ("test", self.test)):
            if not len(y):
                raise ValueError(f"The task {self.name} has no {part} samples: take more samples of the data set.")


@dataclass(frozen=True, eq=False)
class Stream(Sequence):
    """A sequence of ``Task``: ``stream[k]`` builds task k, the same each time.

    ``shape``: the image shape behind the flat x. ``outputs``: classes that a learner must provide.
    """

    name: str
    scenario: str
    outputs: int
    shape: tuple[int, ...]
    builders: tuple[Callable[[], Task], ...]

    def __post_init__(self):
        if not self.builders:
            raise ValueError(f"{self.name}: a stream needs at least 1 task, got 0.")

    def __len__(self) -> int:
        return len(self.builders)

    def __getitem__(self, k):
        return replace(self, builders=self.builders[k]) if isinstance(k, slice) else self.builders[k]()

    def __iter__(self) -> Iterator[Task]:
        return (build() for build in self.builders)


def _flat(pair: Pair) -> Pair:
    return pair[0].reshape(len(pair[0]), -1), pair[1]


def _count(name: str, value: int) -> int:
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}.")
    return value


def permuted(data: Data, tasks: int, seed: int) -> Stream:
    """Every task shuffles the pixels by its own fixed permutation, the first one too; domain-incremental."""

    def build(k: int) -> Task:
        order = np.random.default_rng([seed, k]).permutation(data.train[0][0].size)
        train, test = ((x[:, order], y) for x, y in map(_flat, (data.train, data.test)))
        return Task(f"permutation {k + 1}", train, test, data.classes)

    return _stream(f"permuted-{data.name}", "domain", data.classes, data, [build] * _count("tasks", tasks))


def rotated(data: Data, tasks: int, seed: int) -> Stream:
    """Task k turns the images by k * 180 / ``tasks`` degrees plus one offset by seed; domain-incremental."""
    offset = np.random.default_rng(seed).uniform(0, 360)

    def build(k: int) -> Task:
        from scipy.ndimage import rotate

        angle = offset + k * 180 / tasks
        train, test = (
            (np.clip(rotate(x, angle, axes=(1, 2), reshape=False, order=1), 0, 1), y)
            for x, y in (data.train, data.test)
        )
        return Task(f"rotated by {angle:.0f} degrees", _flat(train), _flat(test), data.classes)

    return _stream(f"rotated-{data.name}", "domain", data.classes, data, [build] * _count("tasks", tasks))


def split(data: Data, per_task: int, scenario: str, seed: int | None = None) -> Stream:
    """The classes in groups of ``per_task``: in their natural order, or in an order by ``seed``.

    ``scenario`` domain or task: y is the position within the group, ``per_task`` outputs (a learner of a
    task-incremental stream may keep outputs per task, since the task is told). Class: y keeps its label, all outputs.
    Raises ``ValueError`` for an unknown scenario or a group size that does not divide the classes.
    """
    if scenario not in SCENARIOS:
        raise ValueError(f"There is no scenario '{scenario}': choose one of {', '.join(SCENARIOS)}.")
    if per_task < 1 or data.classes % per_task:
        raise ValueError(
            f"{data.classes} classes do not fall into groups of {per_task}: choose a divisor of {data.classes}."
        )
    order = np.arange(data.classes) if seed is None else np.random.default_rng(seed).permutation(data.classes)
    outputs = data.classes if scenario == "class" else per_task

    def build(k: int) -> Task:
        group = order[k * per_task : (k + 1) * per_task]
        label = np.full(data.classes, -1)
        label[group] = group if scenario == "class" else np.arange(per_task)

        def chosen(pair: Pair) -> Pair:
            x, y = _flat(pair)
            kept = np.isin(y, group)
            return x[kept], label[y[kept]]

        return Task(f"classes {', '.join(map(str, group))}", chosen(data.train), chosen(data.test), outputs)

    return _stream(f"split-{data.name}", scenario, outputs, data, [build] * (data.classes // per_task))


def sequence(sets: Sequence[Data]) -> Stream:
    """One data set after another, for example MNIST then Fashion-MNIST; domain-incremental.

    Smaller images are padded with zeros to the largest (USPS 16x16 to 28x28: 6 pixels a side).
    """
    if not sets:
        raise ValueError("sequence needs at least 1 data set, got 0.")
    size = tuple(np.max([d.train[0].shape[1:] for d in sets], axis=0))
    classes = max(d.classes for d in sets)

    def padded(pair: Pair) -> Pair:
        missing = np.subtract(size, pair[0].shape[1:])
        return _flat((np.pad(pair[0], [(0, 0), *((m // 2, m - m // 2) for m in missing)]), pair[1]))

    def build(k: int) -> Task:
        return Task(sets[k].name, padded(sets[k].train), padded(sets[k].test), classes)

    builders = tuple(_at(build, k) for k in range(len(sets)))
    return Stream("-".join(d.name for d in sets), "domain", classes, size, builders)


def subsets(data: Data, parts: int, seed: int) -> Stream:
    """One data set in ``parts`` random pieces of equal size (stream learning); every task has the whole test set."""
    if not 1 <= parts <= len(data.train[0]):
        raise ValueError(f"{len(data.train[0])} samples cannot be cut into {parts} parts.")
    pieces = np.array_split(np.random.default_rng(seed).permutation(len(data.train[0])), parts)
    test = _flat(data.test)  # one object, so that the runner tests it once

    def build(k: int) -> Task:
        x, y = _flat(data.train)
        return Task(f"part {k + 1}", (x[pieces[k]], y[pieces[k]]), test, data.classes)

    return _stream(f"subsets-{data.name}", "domain", data.classes, data, [build] * parts)


def patterns(count: int, size: int, seed: int) -> Stream:
    """Random binary patterns, one a task: the ideal observer's stream. x [1, size] in {0, 1}: depress or potentiate."""

    def build(k: int) -> Task:
        x = np.random.default_rng([seed, k]).integers(0, 2, (1, size)).astype(np.float32)
        pair = (x, np.zeros(1, np.int64))
        return Task(f"pattern {k + 1}", pair, pair, 1)

    builders = tuple(_at(build, k) for k in range(_count("count", count)))
    return Stream("patterns", "domain", 1, (_count("size", size),), builders)


def parallel(streams: Sequence[Stream]) -> Stream:
    """Replicas side by side: x [n, replica, ...], y [n, replica]. All replicas need tasks of equal size."""
    first = streams[0]

    def build(k: int) -> Task:
        tasks = [s[k] for s in streams]
        shapes = {t.train[0].shape + t.test[0].shape for t in tasks}
        if len(shapes) > 1:
            raise ValueError(
                f"task {k + 1} has another size in each replica: run the seeds of {first.name} one by one."
            )

        def stacked(pairs: list[Pair]) -> Pair:
            return np.stack([x for x, _ in pairs], 1), np.stack([y for _, y in pairs], 1)

        return Task(
            tasks[0].name, stacked([t.train for t in tasks]), stacked([t.test for t in tasks]), tasks[0].classes
        )

    return replace(first, builders=tuple(_at(build, k) for k in range(len(first))))


def joint(stream: Stream) -> Stream:
    """All tasks at once as one task: the upper reference that sees no sequence."""

    def build() -> Task:
        tasks = list(stream)
        train, test = (
            (np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs]))
            for pairs in ([t.train for t in tasks], [t.test for t in tasks])
        )
        return Task("all tasks", train, test, stream.outputs)

    return replace(stream, name=f"joint-{stream.name}", builders=(build,))


KINDS = ("permuted", "rotated", "split", "split-task", "split-class", "subsets", "sequence")


def by_name(name: str, tasks: int, seed: int, samples: int | None = None, test_samples: int | None = None) -> Stream:
    """A stream from words: ``permuted-digits``, ``rotated-mnist``, ``split-fashion-mnist``, ``sequence-mnist+usps``...

    ``split-`` is domain-incremental, ``split-task-`` and ``split-class-`` say so; the classes go in their natural
    order, ``tasks`` groups of them. ``samples``, ``test_samples``: at most so many of each data set.
    Raises ``ValueError`` naming the known kinds and data sets.
    """
    kind = next((k for k in sorted(KINDS, key=len, reverse=True) if name.startswith(k + "-")), None)
    if kind is None:
        raise ValueError(
            f"There is no stream '{name}': say KIND-DATA, with KIND one of {', '.join(KINDS)} and DATA one of "
            f"{', '.join(load_names())}; sequence takes several, joined by '+'."
        )
    _count("tasks", tasks)
    sets = [load(part).limited(samples, test_samples) for part in name[len(kind) + 1 :].split("+")]
    if kind == "sequence":
        return sequence(sets)
    if len(sets) > 1:
        raise ValueError(f"'{name}' names {len(sets)} data sets; only sequence takes more than one.")
    data = sets[0]
    if kind.startswith("split"):
        if data.classes % tasks:
            raise ValueError(f"{data.classes} classes of {data.name} cannot be split into {tasks} equal tasks.")
        return split(data, data.classes // tasks, kind.partition("-")[2] or "domain")
    return {"permuted": permuted, "rotated": rotated, "subsets": subsets}[kind](data, tasks, seed)


def _at(build: Callable[[int], Task], k: int) -> Callable[[], Task]:
    return lambda: build(k)


def _stream(name: str, scenario: str, outputs: int, data: Data, builds: list) -> Stream:
    builders = tuple(_at(build, k) for k, build in enumerate(builds))
    return Stream(name, scenario, outputs, data.train[0].shape[1:], builders)
