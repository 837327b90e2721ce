"""The visible loop: a learner goes through a stream, and what it keeps is measured.

``partial_fit(x, y)`` means: learn from these samples once, in this order. The runner owns epochs and order.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from neuromorph.atomic import replacing
from neuromorph.learner import BoundaryLearner, Learner, ToldLearner
from neuromorph.metrics import AccuracyMatrix
from neuromorph.streams import Stream, Task

BAR = "{desc}: {percentage:3.0f}%|{bar:30}| {elapsed} < {remaining}{postfix}"
TOGETHER = 2000  # test samples in one call of predict: starting a network has a price


def learn_stream(
    learner: Learner,
    stream: Stream,
    epochs: int | Sequence[int] = 1,
    seed: int | Sequence[int] = 0,
    checkpoint: str | os.PathLike | None = None,
    every: int | None = None,
    progress: bool = True,
    label: str = "",
    watch: Callable[[int, int, np.ndarray], None] | None = None,
) -> AccuracyMatrix:
    """Learn the tasks one after another; after each, test on all.

    ``epochs``: passes over a task, or one number a task. ``seed``: of the order of samples, one a replica where the
    stream has replicas. ``checkpoint``: a file written after each epoch; a run that was killed goes on from it with
    identical numbers. ``every``: also test after so many batches (the anytime curve). ``watch``: called after each
    epoch with the task and the epoch, from 0, and the accuracies on the tasks learned so far, which are tested for it
    and shown. Raises ``ValueError`` for epochs < 1, a wrong number of them, every < 1, or a checkpoint of another run.
    """
    passes = [epochs] * len(stream) if isinstance(epochs, int) else list(epochs)
    if min(passes, default=1) < 1 or (every is not None and every < 1):
        raise ValueError(f"epochs and every must be at least 1, got epochs={epochs}, every={every}.")
    if len(passes) != len(stream):
        raise ValueError(f"got {len(passes)} numbers of epochs for {len(stream)} tasks; give one, or one a task.")
    run = _fingerprint(stream, epochs, seed, every, learner)
    done = _load(checkpoint, run) if checkpoint and Path(checkpoint).exists() else None
    if done:
        learner.load_state_dict(done["learner"])
    rows = list(done["rows"]) if done else [_test(learner, stream)]
    curve, seen = (list(done["curve"]), list(done["seen"])) if done else ([], [])
    samples, begun = (done["samples"], done.get("epochs", 0)) if done else (0, 0)
    shown = ""
    stride = learner.batch_size * (every or max(1, learner.call_size // learner.batch_size))
    with tqdm(total=sum(passes), desc=label or stream.name, disable=not progress, bar_format=BAR) as bar:
        bar.update(sum(passes[: len(rows) - 1]) + begun)
        for k in range(len(rows) - 1, len(stream)):
            task = stream[k]
            for epoch in range(begun, passes[k]):
                bar.set_postfix_str(f"{task.name}, epoch {epoch + 1}/{passes[k]}{shown}")
                x, y = shuffled(task, seed, k, epoch)
                for start in range(0, len(x), stride):
                    learner.partial_fit(x[start : start + stride], y[start : start + stride])
                    samples += len(x[start : start + stride])
                    bar.update(len(x[start : start + stride]) / len(x))
                    if every:
                        curve.append(_test(learner, stream))
                        seen.append(samples)
                begun = (epoch + 1) % passes[k]
                if begun == 0:
                    if isinstance(learner, BoundaryLearner):
                        learner.end_task(task)
                    rows.append(_test(learner, stream))
                if watch:
                    row = _test(learner, stream[: k + 1]) if begun else rows[-1][: k + 1]
                    shown = ", accuracy " + " ".join(f"{v:.2f}" for v in row.reshape(k + 1, -1).mean(1))
                    bar.set_postfix_str(f"{task.name}, epoch {epoch + 1}/{passes[k]}{shown}")
                    watch(k, epoch, row)
                if checkpoint:
                    _save(checkpoint, run, learner, rows, curve, seen, samples, begun)
    anytime = (np.array(curve), np.array(seen)) if curve else ()
    return AccuracyMatrix(np.array(rows[1:]), np.array(rows[0]), *anytime)


def shuffled(task: Task, seed: int | Sequence[int], k: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """The training samples in the order of this epoch; a replica has its own order, that of a run alone."""
    x, y = task.train
    if isinstance(seed, int):
        order = np.random.default_rng([seed, k, epoch]).permutation(len(x))
        return x[order], y[order]
    orders = np.stack([np.random.default_rng([s, k, epoch]).permutation(len(x)) for s in seed], 1)
    replica = np.arange(len(seed))
    return x[orders, replica], y[orders, replica]


def _test(learner: Learner, stream: Stream) -> np.ndarray:
    """Accuracy on every task, [tested] or [tested, replica]; several small tasks share a call of ``predict``.

    Tasks in a row that have one and the same test set are tested once. Neither for a ``ToldLearner``: it learns here
    which task is tested.
    """
    told = isinstance(learner, ToldLearner)
    accuracies: list[np.ndarray] = []
    which: list[int] = []
    waiting: list[tuple[np.ndarray, np.ndarray]] = []
    last = None
    for k, task in enumerate(stream):
        if isinstance(learner, ToldLearner):
            learner.begin_test(k)
        if told or task.test is not last:
            last = task.test
            waiting.append(last)
        which.append(len(accuracies) + len(waiting) - 1)
        if waiting and (told or k == len(stream) - 1 or sum(len(y) for _, y in waiting) >= TOGETHER):
            hits = learner.predict(np.concatenate([x for x, _ in waiting])) == np.concatenate([y for _, y in waiting])
            accuracies += [part.mean(0) for part in np.split(hits, np.cumsum([len(y) for _, y in waiting])[:-1])]
            waiting = []
    return np.array(accuracies)[which]


def _fingerprint(stream: Stream, epochs: int | Sequence[int], seed, every, learner: Learner) -> str:
    """What a checkpoint must agree in: the run, and the stream's first samples."""
    first = stream[0]
    digest = hashlib.sha256(first.train[0].tobytes() + first.train[1].tobytes()).hexdigest()[:16]
    return json.dumps([learner.description, stream.name, len(stream), epochs, seed, every, digest])


def _save(path, run, learner, rows, curve, seen, samples, epochs) -> None:
    import torch

    content = {
        "run": run,
        "learner": _tensors(learner.state_dict()),
        "rows": torch.from_numpy(np.array(rows)),
        "curve": [torch.from_numpy(c) for c in curve],
        "seen": list(seen),
        "samples": samples,
        "epochs": epochs,
    }
    with replacing(path) as unfinished:
        torch.save(content, unfinished)


def _load(path, run: str) -> dict[str, Any]:
    import torch

    try:
        content = torch.load(path, weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        raise ValueError(
            f"The checkpoint {path} cannot be read ({type(error).__name__}): delete it to start anew."
        ) from error
    found = content.get("run") if isinstance(content, dict) else None
    if found != run:
        raise ValueError(f"The checkpoint {path} belongs to another run ({found}): delete it or choose another folder.")
    content["rows"] = list(content["rows"].numpy())
    content["curve"] = [c.numpy() for c in content["curve"]]
    return content


def _tensors(value: Any) -> Any:
    """Numpy arrays as tensors, so that the file loads with ``weights_only=True``."""
    import torch

    if isinstance(value, dict):
        return {k: _tensors(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_tensors(v) for v in value]
    return torch.from_numpy(value.copy()) if isinstance(value, np.ndarray) else value
