"""What a learner owes the runner: the ground floor, on which every substrate and method builds."""

import hashlib
from abc import ABC, abstractmethod
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from neuromorph.streams import Task


class Learner(ABC):
    """What the runner needs of a learner. It is boundary-free: it is never told where a task ends.

    Cutting the same samples into different calls, at multiples of ``batch_size``, leaves bit-identical state.
    """

    batch_size: int = 1
    call_size: int = 1000
    """Samples of one call, roughly: the runner cuts an epoch so that its progress bar moves."""

    @property
    def description(self) -> str:
        """What a checkpoint must agree in."""
        return type(self).__name__

    @abstractmethod
    def partial_fit(self, x: np.ndarray, y: np.ndarray) -> None:
        """Learn once from x [n, ...] in [0, 1] and y [n], in this order."""

    @abstractmethod
    def predict(self, x: np.ndarray) -> np.ndarray:
        """The class of each sample, int64 [n]; learns nothing."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on bit for bit: numbers, strings, numpy arrays, tensors, dicts and lists of them."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a ``state_dict``."""


class BoundaryLearner(Learner):
    """A learner that has to be told where a task ends (EWC, SI...)."""

    @abstractmethod
    def end_task(self, task: Task) -> None:
        """Called after the last sample of ``task``."""


class ToldLearner(BoundaryLearner):
    """A learner that is also told which task is tested: what it reaches is task-incremental."""

    @abstractmethod
    def begin_test(self, task: int) -> None:
        """The samples of the next ``predict`` belong to task number ``task`` of the stream, from 0."""


def described(name: str, **configuration: Any) -> str:
    """One line that names a learner and its whole configuration: equal exactly where the configurations are.

    Arrays are told apart by their SHA-256 digest (numpy elides the text of large ones), numbers by their ``repr``.
    """
    return f"{name}({', '.join(f'{key}={_text(value)}' for key, value in configuration.items())})"


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray):
        digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return f"array({value.dtype}, {value.shape}, {digest[:16]})"
    if is_dataclass(value) and not isinstance(value, type):
        named = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
        return described(type(value).__name__, **named)
    if isinstance(value, (tuple, list)):
        return f"({', '.join(map(_text, value))})"
    return repr(value.item() if isinstance(value, np.generic) else value)
