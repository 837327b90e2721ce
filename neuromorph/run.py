"""The visible loop: a learner goes through a stream, and what it keeps is measured.

``partial_fit(x, y)`` means: learn from these samples once, in this order. The runner owns epochs and order.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from fusi_models.checks import MOST, Values, count
from fusi_models.seeds import generator, whole
from neuromorph.checkpoint import load_checkpoint, save_checkpoint
from neuromorph.learner import Learner
from neuromorph.metrics import AccuracyMatrix
from neuromorph.pace import Pace
from neuromorph.streams import Stream, Task
from neuromorph.streams.stream import check_stream
from neuromorph.threads import at_most, check

BAR = "{desc}: {percentage:3.0f}%|{bar:30}| {elapsed} < {remaining}{postfix}"
TOGETHER = 2000  # test samples in one call of predict: starting a network has a price

Epochs = int | Sequence[int]
Watch = Callable[[int, int, Values], None]


def learn_stream(
    learner: Learner,
    stream: Stream,
    epochs: Epochs = 1,
    seed: int | Sequence[int] = 0,
    checkpoint: str | os.PathLike[str] | None = None,
    every: int | None = None,
    progress: bool = True,
    label: str = "",
    watch: Watch | None = None,
    threads: int | None = None,
) -> AccuracyMatrix:
    """Learn the tasks one after another; after each, test on all.

    ``epochs``: passes over a task, or one number a task. ``seed``: of the order of samples, one a replica where the
    stream has replicas. ``checkpoint``: a file written after each epoch; a run that was killed goes on from it with
    identical numbers. ``every``: also test after so many batches (the anytime curve). ``watch``: called after each
    epoch with the task and the epoch, from 0, and the accuracies on the tasks learned so far, which are tested for it
    and shown. ``threads``: at most so many of torch's while this runs, by default the learner's ``threads``; the number
    may change the last bit of sums. Raises ``ValueError`` for epochs < 1, a wrong number of them, every < 1,
    threads < 0, or a checkpoint of another run.
    """
    _check_kinds(learner, stream, checkpoint, watch)
    passes = _passes(epochs, len(stream), every)
    _numbers(seed)
    check(0 if threads is None else threads)
    pace = Pace(label or stream.name, sum(passes), not progress)
    mark = fingerprint(learner, stream, epochs, seed, every) if checkpoint else {}
    with at_most(learner.threads if threads is None else threads):
        record = _resumed(checkpoint, mark, learner) or Record([accuracies(learner, stream)])
        with tqdm(total=sum(passes), desc=label or stream.name, disable=not progress or None, bar_format=BAR) as bar:
            pace.goes_on(sum(passes[: len(record.rows) - 1]) + record.epochs)
            bar.update(pace.done)
            for k in range(len(record.rows) - 1, len(stream)):
                task = stream[k]
                for epoch in range(record.epochs, passes[k]):
                    bar.set_postfix_str(f"{task.name}, epoch {epoch + 1}/{passes[k]}{record.shown}")
                    _learn(learner, stream, k, shuffled(task, seed, k, epoch), every, record, bar)
                    _end_epoch(learner, stream, task, record, (epoch + 1) % passes[k])
                    if watch:
                        watch(k, epoch, _watched(learner, stream, k, record))
                        bar.set_postfix_str(f"{task.name}, epoch {epoch + 1}/{passes[k]}{record.shown}")
                    if checkpoint:
                        save_checkpoint(checkpoint, {"learner": learner.state_dict(), **record.content()}, mark)
                    pace.epoch(f"task {k + 1}/{len(stream)}, epoch {epoch + 1}/{passes[k]}")
    return record.matrix()


def _check_kinds(learner: Any, stream: Any, checkpoint: Any, watch: Any) -> None:
    if checkpoint is not None and not isinstance(checkpoint, (str, os.PathLike)):
        raise ValueError(f"checkpoint must be the path of a file, or None to keep none, got {checkpoint!r:.80}.")
    if watch is not None and not callable(watch):
        raise ValueError(f"watch must be a function of task, epoch and accuracies, got {watch!r:.80}.")
    check_stream(stream)
    if not isinstance(learner, Learner):
        raise ValueError(
            f"learner must be a neuromorph.learner.Learner, got {learner!r:.80}: take one of neuromorph.learners, or "
            "write a class that inherits it (docs/learners.md)."
        )


@dataclass
class Record:
    """What a run has measured: rows of the matrix, the first of them before learning, and the anytime curve.

    ``samples``: learned in all. ``epochs``: finished of the task that is being learned. ``shown``: for the bar.
    """

    rows: list[Values]
    curve: list[Values] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    samples: int = 0
    epochs: int = 0
    shown: str = ""

    def content(self) -> dict[str, Any]:
        """For a checkpoint."""
        kept = {"rows": np.array(self.rows), "curve": self.curve, "seen": self.seen}
        return kept | {"samples": self.samples, "epochs": self.epochs}

    def matrix(self) -> AccuracyMatrix:
        """The finished run's."""
        anytime = (np.array(self.curve), np.array(self.seen)) if self.curve else ()
        return AccuracyMatrix(np.array(self.rows[1:]), np.array(self.rows[0]), *anytime)


def fingerprint(
    learner: Learner, stream: Stream, epochs: Epochs = 1, seed: int | Sequence[int] = 0, every: int | None = None
) -> dict[str, Any]:
    """What two runs must agree in to have the same numbers: every setting, and all training and test samples."""
    return {
        "learner": learner.description,
        "stream": stream.name,
        "number of tasks": len(stream),
        "epochs": _numbers(epochs),
        "seed": _numbers(seed),
        "tested every": every,
        "training or test samples": stream.digest,
    }


def _numbers(value: int | Sequence[int]) -> int | list[int]:
    if isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str):
        if not len(value):
            raise ValueError("seed is an empty list: give one number, or one a replica.")
        return [whole(one) for one in value]
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ValueError(f"a seed must be a whole number, or one a replica, got {value!r}.")
    return int(value)


def shuffled(task: Task, seed: int | Sequence[int], k: int, epoch: int) -> tuple[Values, Values]:
    """The training samples of task ``k`` in the order of this epoch; a replica has its own, that of a run alone."""
    x, y = task.train

    def order(one: int) -> Values:
        return generator("order of samples in an epoch", one, k, epoch).permutation(len(x))

    if isinstance(seed, (int, np.integer)):
        kept = order(seed)
        return x[kept], y[kept]
    orders, replica = np.stack([order(one) for one in seed], 1), np.arange(len(seed))
    return x[orders, replica], y[orders, replica]


def accuracies(learner: Learner, stream: Stream) -> Values:
    """Accuracy on every task, [tested] or [tested, replica]; several small tasks share a call of ``predict``.

    Tasks in a row that have one and the same test set are tested once. Neither for a learner that needs to be told
    which task is tested.
    """
    told = "test task" in learner.needs
    found: list[Values] = []
    which: list[int] = []
    waiting: list[tuple[Values, Values]] = []
    last = None
    for k, task in enumerate(stream):
        if told:
            learner.begin_test(k)
        if told or task.test is not last:
            last = task.test
            waiting.append(last)
        which.append(len(found) + len(waiting) - 1)
        if waiting and (told or k == len(stream) - 1 or sum(len(y) for _, y in waiting) >= TOGETHER):
            found += _hits(learner, waiting)
            waiting = []
    return np.array(found)[which]


def _hits(learner: Learner, tests: list[tuple[Values, Values]]) -> Iterator[Values]:
    hits = learner.predict(np.concatenate([x for x, _ in tests])) == np.concatenate([y for _, y in tests])
    return (part.mean(0) for part in np.split(hits, np.cumsum([len(y) for _, y in tests])[:-1]))


def _passes(epochs: Epochs, tasks: int, every: int | None) -> list[int]:
    each: list[Any] = list(epochs) if isinstance(epochs, (Sequence, np.ndarray)) else [epochs]
    count("every", 1 if every is None else every, MOST)
    passes = [count("epochs", one) for one in each] * (tasks if isinstance(epochs, (int, np.integer)) else 1)
    if len(passes) != tasks:
        raise ValueError(f"got {len(passes)} numbers of epochs for {tasks} tasks; give one, or one a task.")
    return passes


def _resumed(checkpoint: str | os.PathLike[str] | None, mark: dict[str, Any], learner: Learner) -> Record | None:
    """The record of a run that goes on, its learner loaded; None where a run begins."""
    if not checkpoint or not Path(checkpoint).exists():
        return None
    content = load_checkpoint(checkpoint, mark)
    if not {"learner", *Record([]).content()} <= content.keys():  # of the same run, when it had ended
        raise ValueError(
            f"The checkpoint {checkpoint} is of a run that has ended, and none to go on from: delete it to start anew, "
            "or choose another name."
        )
    learner.load_state_dict(content["learner"])
    rows, curve = list(content["rows"].numpy()), [point.numpy() for point in content["curve"]]
    return Record(rows, curve, content["seen"], content["samples"], content["epochs"])


def _learn(
    learner: Learner,
    stream: Stream,
    k: int,
    samples: tuple[Values, Values],
    every: int | None,
    record: Record,
    bar: tqdm,
) -> None:
    """One epoch of task ``k``, in calls of whole batches."""
    x, y = samples
    stride = learner.batch_size * (every or max(1, learner.call_size // learner.batch_size))
    if "task" in learner.needs:
        learner.begin_task(k)
    bounds = [*range(0, len(x), stride), len(x)]
    if bounds[-1] - bounds[-2] == 1 < len(x) and not every:  # a norm over the batch cannot take it alone
        del bounds[-2]
    for some in map(slice, bounds, bounds[1:]):
        learner.partial_fit(x[some], y[some])
        record.samples += len(y[some])
        bar.update(len(y[some]) / len(y))
        if every:
            record.curve.append(accuracies(learner, stream))
            record.seen.append(record.samples)


def _end_epoch(learner: Learner, stream: Stream, task: Task, record: Record, finished: int) -> None:
    """``finished``: epochs of this task that are, 0 after its last one."""
    record.epochs = finished
    if finished == 0:
        if "boundary" in learner.needs:
            learner.end_task(task)
        record.rows.append(accuracies(learner, stream))


def _watched(learner: Learner, stream: Stream, k: int, record: Record) -> Values:
    """The accuracies on the tasks learned so far, which are also shown."""
    row = accuracies(learner, stream[: k + 1]) if record.epochs else record.rows[-1][: k + 1]
    record.shown = ", accuracy " + " ".join(f"{v:.2f}" for v in row.reshape(k + 1, -1).mean(1))
    return row
