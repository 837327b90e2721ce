"""What a learner owes the runner: the ground floor, on which every substrate and method builds."""

import dataclasses
import hashlib
import math
import numbers
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence, Set
from pathlib import PurePath
from typing import Any, Protocol, runtime_checkable

import numpy as np

from fusi_models.checks import Values, array
from neuromorph.metrics import Cost
from neuromorph.streams import Task

NEEDS = frozenset({"boundary", "task", "test task", "replay"})
"""What a learner may have to be told or given: where a task ends, which one is learned, which one is tested, and
samples of earlier tasks."""


class Learner(ABC):
    """What the runner needs of a learner.

    A learner whose ``needs`` are empty is boundary-free: it is never told where a task ends, and cutting the same
    samples into different calls, at multiples of ``batch_size``, leaves bit-identical state. One that needs "boundary"
    keeps this within a task.
    """

    batch_size: int = 1
    """Samples of an update."""
    call_size: int = 1000
    """Samples of one call, roughly: the runner cuts an epoch so that its progress bar moves."""
    threads: int = 0
    """Most of torch's threads that it is worth; 0: as many as torch takes by itself (``neuromorph/threads.py``)."""
    needs: frozenset[str] = frozenset()
    """What it has to be told, some of ``NEEDS``: the runner then calls ``end_task``, ``begin_task``, ``begin_test``."""

    @property
    @abstractmethod
    def description(self) -> str:
        """What a checkpoint must agree in: a text made of the whole configuration, as by ``described``."""

    @abstractmethod
    def partial_fit(self, x: Values, y: Values) -> None:
        """Learn once from x [n, ...] in [0, 1] and y [n], in this order."""

    @abstractmethod
    def predict(self, x: Values) -> Values:
        """The class of each sample, int64 [n]; learns nothing."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on bit for bit: numbers, strings, numpy arrays, tensors, dicts and lists of them."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a ``state_dict``."""

    def check_saved(self, state: Mapping[str, Any]) -> None:
        """Raise ``ValueError`` for a ``state_dict`` of another configuration."""
        if as_state(state).get("description") != self.description:
            raise ValueError(f"the state was saved by {state.get('description')}, not by {self.description}.")

    def cost(self, x: Values) -> Cost | None:
        """What an inference takes, mean over the samples x [n, ...]; None where it is not counted."""
        return None

    @property
    def replay_bytes(self) -> int:
        """Of the samples of the past that it keeps (needs "replay")."""
        return 0

    # The three below are called only where ``needs`` asks for them; most learners have nothing to do there.

    def begin_task(self, task: int) -> None:  # noqa: B027
        """The next samples to learn belong to task number ``task`` of the stream, from 0 (needs "task")."""

    def end_task(self, task: Task) -> None:  # noqa: B027
        """Called after the last sample of ``task`` (needs "boundary")."""

    def begin_test(self, task: int) -> None:  # noqa: B027
        """The samples of the next ``predict`` belong to task number ``task``, from 0 (needs "test task")."""


def as_state(state: Any) -> Mapping[str, Any]:
    """``state``; raises ``ValueError`` for what is no ``state_dict`` at all."""
    if not isinstance(state, Mapping):
        raise ValueError(f"a state is what state_dict() gave, got {type(state).__name__}.")
    return state


def check_kind(name: str, value: object, kind: type) -> None:
    """Raise ``TypeError`` unless ``value`` is of this kind, a configuration for example."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be a {kind.__name__}, got {value!r:.80}.")


class BoundaryLearner(Learner):
    """A learner that has to be told where a task ends (EWC, SI...)."""

    needs = frozenset({"boundary"})

    @abstractmethod
    def end_task(self, task: Task) -> None:
        """Called after the last sample of ``task``."""


class ToldLearner(BoundaryLearner):
    """A learner that is also told which task is tested: what it reaches is task-incremental."""

    needs = frozenset({"boundary", "test task"})

    @abstractmethod
    def begin_test(self, task: int) -> None:
        """The samples of the next ``predict`` belong to task number ``task`` of the stream, from 0."""


@runtime_checkable
class _Array(Protocol):
    def __array__(self) -> Values: ...


@runtime_checkable
class _Tensor(Protocol):
    def detach(self) -> Any: ...

    def cpu(self) -> Any: ...


def described(name: str, **configuration: Any) -> str:
    """``NAME(KEY=VALUE, ...)``: two texts are equal where the configurations are, and only there.

    Dataclasses are spelled field by field, arrays and tensors by type, shape and SHA-256, numbers so that 4 and 4.0
    agree, other objects by their attributes. The text is the same in every process. Raises ``TypeError`` for a value
    whose content cannot be told, a function without a name for example.
    """
    return _call(name, configuration)


def _call(name: str, values: Mapping[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={_text(value)}' for key, value in values.items())})"


def _text(value: Any) -> str:
    if value is None or isinstance(value, (bool, str, bytes)):
        return repr(value)
    if isinstance(value, np.generic):
        return _text(value.item())
    if isinstance(value, numbers.Integral):
        return repr(int(value))
    if isinstance(value, numbers.Real):
        number = float(value)
        return repr(int(number)) if number.is_integer() else repr(number)
    if isinstance(value, (_Array, _Tensor)):
        return _digest(np.asarray(value.detach().cpu() if isinstance(value, _Tensor) else value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _call(type(value).__qualname__, {f.name: getattr(value, f.name) for f in dataclasses.fields(value)})
    return _text_of_many(value)


def _text_of_many(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(key)}: {_text(one)}" for key, one in value.items()) + "}"
    if isinstance(value, Set):
        return "{" + ", ".join(sorted(map(_text, value))) + "}"
    if isinstance(value, (Sequence, range)):
        return "(" + ", ".join(map(_text, value)) + ")"
    if isinstance(value, PurePath):
        return repr(str(value))
    named = getattr(value, "__qualname__", "")  # of a class or function; one made inside another is not found again
    if named and "<" not in named:
        return f"{value.__module__}.{named}"
    attributes = {} if named else getattr(value, "__dict__", {})
    if not attributes:
        raise TypeError(f"{value!r} cannot be described: make it a dataclass, a number, a text or an array.")
    return _call(type(value).__qualname__, attributes)


def _digest(values: Values) -> str:
    if values.dtype.hasobject:
        return _text(values.tolist())
    found = hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()[:32]
    return f"array({values.dtype.str}, {values.shape}, {found})"


def checked_samples(x: Any, shape: tuple[int, ...], *, flat: bool = False, dtype: Any = None) -> Values:
    """``x`` as an array [n, *shape] of finite numbers in [0, 1].

    ``flat``: samples may come in any shape of as many numbers, images for example. ``dtype``: of the array that is
    returned, by default that of ``x``. Raises ``ValueError``, saying what was given, for anything else.
    """
    values = array("x", x)
    fits = values.ndim > 1 and math.prod(values.shape[1:]) == math.prod(shape) if flat else values.shape[1:] == shape
    if not (values.ndim and fits):
        features = " x ".join(map(str, shape))
        raise ValueError(
            f"x has shape {values.shape}: give samples of shape {shape}, that is [n, {', '.join(map(str, shape))}], "
            f"{features} features each."
        )
    if values.dtype.kind not in "buif":
        raise ValueError(f"x must hold numbers, got {values.dtype}: convert it to float32.")
    values = values if dtype is None else np.asarray(values, dtype)
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError(
            f"x holds {values.min()} to {values.max()} in place of finite numbers in [0, 1], that is between 0 and 1: "
            "scale it and remove NaN."
        )
    return values.reshape(len(values), *shape)


def checked_labels(y: Any, samples: tuple[int, ...], classes: int) -> Values:
    """``y`` as an array int64 of whole numbers in 0..classes-1, one a sample.

    ``samples``: the shape of ``y``, (n,) or (n, replica). Raises ``ValueError``, saying what was given, for anything
    else.
    """
    labels = array("y", y)
    if labels.shape != samples:
        each = "one a sample" if len(samples) == 1 else "one a sample and replica"
        raise ValueError(
            f"y has shape {labels.shape} but x has {samples[0]} samples: give {math.prod(samples)} integer labels, "
            f"{each}."
        )
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels must be whole numbers, got {labels.dtype}: give integer labels.")
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        raise ValueError(
            f"labels run from {labels.min()} to {labels.max()}: this learner has classes 0..{classes - 1}."
        )
    return labels.astype(np.int64)
