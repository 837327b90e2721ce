"""What every learner owes, tried on every learner of the catalogue; a new one is tried without a change here."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from functools import cache
from importlib.util import find_spec
from inspect import signature
from typing import Any

import numpy as np
import pytest
import torch

from fusi_models import HiddenWeight
from neuromorph import data, streams
from neuromorph.learners import catalogue
from neuromorph.learners.catalogue import RULE
from neuromorph.learners.local import RasterLearner
from neuromorph.local_rule.devices import Devices
from neuromorph.run import learn_stream
from neuromorph.snn import Convolution
from neuromorph.snn.weights import RealsConfig

torch.set_num_threads(1)

INPUTS, CLASSES, SEED = 9, 3, 5
NAMES = [name for name in catalogue.names() if find_spec("lava") or not name.startswith("lava")]
EVERY = pytest.mark.parametrize("name", NAMES)
TASK = streams.subsets(data.load("digits").limited(12, 6), 1, 0)[0]


def samples(batch: int, task: int) -> tuple[np.ndarray, np.ndarray]:
    """Three mini-batches and a rest, of task 0 or 1."""
    rng = np.random.default_rng([batch, task])
    n = 3 * batch + max(2, batch // 2)
    return rng.random((n, INPUTS), np.float32), rng.integers(0, CLASSES, n)


def ready(name: str):
    """A learner at the start of a task, the second one where it is told about tasks."""
    learner = catalogue.build(name, INPUTS, CLASSES, SEED)
    if learner.needs:
        x, y = samples(learner.batch_size, 0)
        learner.begin_task(0)
        learner.partial_fit(x, y)
        learner.end_task(streams.Task("first", (x, y), (x, y), CLASSES))
        learner.begin_task(1)
        learner.begin_test(0)
    return learner


def finish(learner, start: int) -> dict[str, Any]:
    """Learn the samples from mini-batch ``start`` on; the state, and what is predicted."""
    x, y = samples(learner.batch_size, 1)
    learner.partial_fit(x[start * learner.batch_size :], y[start * learner.batch_size :])
    return tensors({"state": learner.state_dict(), "predicted": learner.predict(x)})


def tensors(value: Any) -> Any:
    """A state as a checkpoint keeps it."""
    if isinstance(value, dict):
        return {k: tensors(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [tensors(v) for v in value]
    return torch.from_numpy(value.copy()) if isinstance(value, np.ndarray) else value


@cache
def whole(name: str) -> dict[str, Any]:
    return finish(ready(name), 0)


@cache
def half(name: str) -> tuple[Any, dict[str, Any]]:
    """A learner that has been cut and asked in between, and its state then."""
    learner = ready(name)
    x, y = samples(learner.batch_size, 1)
    for start, stop in ((0, 1), (1, 1), (1, 2)):
        learner.partial_fit(*(a[start * learner.batch_size : stop * learner.batch_size] for a in (x, y)))
    learner.predict(x[:2])
    return learner, tensors(learner.state_dict())


@EVERY
def test_cutting_the_samples_leaves_the_same_bits(name, flat):
    learner, _ = half(name)
    assert flat(finish(learner, 2)) == flat(whole(name))
    assert flat(whole(name)["state"]) != flat(tensors(ready(name).state_dict()))  # something was learned


@pytest.fixture(scope="module")
def resumed(tmp_path_factory):
    """What a new process makes of the states of all learners, half-way."""
    folder = tmp_path_factory.mktemp("resumed")
    torch.save({name: half(name)[1] for name in NAMES}, folder / "half.pt")
    command = [sys.executable, __file__, str(folder / "half.pt"), str(folder / "whole.pt")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    return torch.load(folder / "whole.pt", weights_only=True)


@EVERY
def test_a_new_process_goes_on_bit_for_bit(name, resumed, flat):
    assert flat(resumed[name]) == flat(whole(name))


BAD = {
    "shape": (np.zeros((2, INPUTS + 1)), [0, 1]),
    "one sample": (np.zeros(INPUTS), [0]),
    "nan": (np.full((2, INPUTS), np.nan), [0, 1]),
    "infinite": (np.full((2, INPUTS), np.inf), [0, 1]),
    "range": (np.full((2, INPUTS), 7.0), [0, 1]),
    "negative": (np.full((2, INPUTS), -0.1), [0, 1]),
    "words": (np.full((2, INPUTS), "0"), [0, 1]),
    "too many labels": (np.zeros((2, INPUTS)), [0, 1, 2]),
    "label above": (np.zeros((2, INPUTS)), [0, CLASSES]),
    "label below": (np.zeros((2, INPUTS)), [0, -1]),
    "real label": (np.zeros((2, INPUTS)), [0.0, 1.0]),
    "label in words": (np.zeros((2, INPUTS)), ["0", "1"]),
}


@EVERY
def test_wrong_samples_are_refused_before_anything_is_learned(name, flat):
    learner = catalogue.build(name, INPUTS, CLASSES, SEED)
    before = flat(tensors(learner.state_dict()))
    for case, (x, y) in BAD.items():
        with pytest.raises(ValueError) as refused:
            learner.partial_fit(x, np.asarray(y))
        assert "\n" not in str(refused.value) and len(str(refused.value)) > 20, case
        if "label" not in case:
            with pytest.raises(ValueError):
                learner.predict(x)
    assert flat(tensors(learner.state_dict())) == before


@EVERY
def test_no_samples_change_nothing(name, flat):
    learner = catalogue.build(name, INPUTS, CLASSES, SEED)
    before = flat(tensors(learner.state_dict()))
    learner.partial_fit(np.empty((0, INPUTS), np.float32), np.empty(0, np.int64))
    assert flat(tensors(learner.state_dict())) == before
    assert learner.predict(np.empty((0, INPUTS), np.float32)).shape == (0,)


@EVERY
def test_a_state_of_another_configuration_is_refused(name):
    other = catalogue.build(name, INPUTS, CLASSES + 1, SEED).state_dict()
    with pytest.raises(ValueError, match="the state was saved (by|with)"):
        catalogue.build(name, INPUTS, CLASSES, SEED).load_state_dict(other)


@EVERY
def test_the_runner_learns_a_stream_with_it(name):
    learner, told = catalogue.build(name, TASK.train[0][0].size, TASK.classes, SEED), []
    end_task = learner.end_task
    learner.end_task = lambda task: (told.append(task.name), end_task(task))
    tasks = 2 if learner.needs else 1
    stream = streams.permuted(data.load("digits").limited(12, 6), tasks, 0)
    matrix = learn_stream(learner, stream, progress=False)
    assert matrix.accuracy.shape == (tasks, tasks) and ((matrix.accuracy >= 0) & (matrix.accuracy <= 1)).all()
    assert told == ([stream[k].name for k in range(tasks)] if "boundary" in learner.needs else [])


@pytest.mark.parametrize("name", [name for name in NAMES if issubclass(catalogue.example(name)[0], RasterLearner)])
def test_a_test_sample_is_encoded_by_other_random_numbers_than_when_it_was_learned(name):
    kind, arguments = catalogue.example(name, INPUTS, CLASSES, SEED)
    learner = kind(**{**arguments, "rule": RULE})  # whose code is by chance
    shown = []

    def look(raster, labels=None):
        shown.append(raster.copy())
        return np.zeros((*raster.shape[:3], learner.units), bool)

    learner._learn = learner._teach = learner.spikes = look
    x, y = np.full((6, INPUTS), 0.5, np.float32), np.arange(6) % CLASSES
    learner.partial_fit(x, y)
    learner.predict(x)
    learner.predict(x)
    assert RULE.code == "bernoulli" and shown[0].any()
    np.testing.assert_array_equal(shown[1], shown[2])
    assert not any(np.array_equal(trained, tested) for trained in shown[0] for tested in shown[1])


OTHERS: dict[str, list[Any]] = {
    "activation": ["relu", "gate"],
    "arithmetic": ["float", "fixed"],
    "channels": [(1, 2), {"channels": (1, 2), "norm": "none"}],
    "code": ["rate"],
    "convolutions": [{"convolutions": (Convolution(2, 2),), "image": (1, 3, 3)}],
    "devices": [{"devices": Devices(2, 4), "bits": 0, "alpha": (0.0, 0.0)}],
    "encoding": ["latency"],
    "fast": [False, True, {"fast": True, "binary": True}],
    "gains": [(1.0, 2.0)],
    "image": [(9, 1, 1)],
    "means": [(-1.0, 0.0, 0.5, 1.0)],
    "name": ["another"],
    "norm": ["batch-running", "none", "batch-statistics"],
    "parts": [("ewc:strength=7",), ("si:strength=7",)],
    "readout": ["membrane", "spikes"],
    "relative": [True, False, {"relative": True, "levels": 2}],
    "spreads": [(0.1, 0.2, 0.3, 0.4)],
    "substrate": ["brian2-numpy"],
    "synapse": ["hidden:m=3", "hidden:m=4"],
    "synapses": [(HiddenWeight(3.0), HiddenWeight(2.0)), (HiddenWeight(2.0), HiddenWeight(2.0))],
    "target": ["cython"],
    "threshold": [0.5],
    "variance": ["weight", "layer"],
    "weights": [RealsConfig()],
}
"""Other values of choices that are neither numbers nor configurations, by name; a dict where others change with it."""


def others(name: str, value: Any) -> Iterator[tuple[str, list[Callable[[], Any]]]]:
    """Each choice within an argument, with makers of other values; some may be impossible."""
    if is_dataclass(value) and fields(value):
        for field in fields(value):
            for place, makers in others(field.name, getattr(value, field.name)) if field.init else ():
                yield f"{name}.{place}", [lambda m=m, f=field: changed(value, f.name, m()) for m in makers]
    elif name != "device":  # a state may go on elsewhere
        yield name, [lambda other=other: other for other in leaves(name, value)]


def changed(config: Any, name: str, other: Any) -> Any:
    return replace(config, **(other if isinstance(other, dict) else {name: other}))


def leaves(name: str, value: Any) -> list[Any]:
    if name in OTHERS:
        return [other for other in OTHERS[name] if other != value]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1, value + 2, value - 2, 2 * value]
    if isinstance(value, float):
        return [value / 2 + 0.125, 0.25, 1.25 * value] if np.isfinite(value) else [1.0]
    if isinstance(value, np.ndarray):
        return [0.9 * value + 0.1 * np.eye(len(value)) if value.ndim == 2 else -value]
    if isinstance(value, tuple) and value:
        return [(*value[:-1], last) for last in leaves(name, value[-1])]
    return []


@EVERY
def test_each_argument_is_in_the_description(name):
    kind, arguments = catalogue.example(name, INPUTS, CLASSES, SEED)
    defaults = {p.name: p.default for p in signature(kind).parameters.values() if p.default is not p.empty}
    arguments = {**defaults, **arguments}
    texts = {kind(**arguments).description}
    for argument, value in arguments.items():
        for place, makers in others(argument, value):
            learner = first_possible(kind, arguments, argument, makers)
            assert learner, f"no other value of {place} is known or possible: name one in OTHERS"
            assert learner.description not in texts, f"{place} is not in the description, or said nowhere else"
            texts.add(learner.description)


def first_possible(kind, arguments, argument, makers):
    for make in makers:
        try:
            return kind(**{**arguments, argument: make()})
        except ValueError:
            continue
    return None


if __name__ == "__main__":
    saved = torch.load(sys.argv[1], weights_only=True)
    found = {}
    for name, state in saved.items():
        learner = catalogue.build(name, INPUTS, CLASSES, SEED)
        learner.load_state_dict(state)
        learner.begin_test(0)
        found[name] = finish(learner, 2)
    torch.save(found, sys.argv[2])
