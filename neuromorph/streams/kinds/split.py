"""The classes of one data set in groups (Zenke, Poole & Ganguli 2017, split MNIST)."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from fusi_models.checks import Values, whole, wholes
from fusi_models.seeds import generator
from neuromorph.data import Data, Pair
from neuromorph.streams.kind import Kind, check_set
from neuromorph.streams.stream import Stream, Task, check_scenario, each, flat, text_digest


def split(
    data: Data, per_task: int, scenario: str, seed: int | None = None, order: Sequence[int] | None = None
) -> Stream:
    """The classes in groups of ``per_task``: in their natural order, in an order by ``seed``, or in ``order``.

    ``scenario`` domain or task: y is the position within the group, ``per_task`` outputs (a learner of a
    task-incremental stream may keep outputs per task, since the task is told). Class: y keeps its label, all outputs.
    Raises ``ValueError`` for an unknown scenario, a group size that does not divide the classes, groups of one class
    whose label would not say which, an ``order`` that is none of the classes, or a group without samples.
    """
    _check(data, per_task, scenario)
    classes = _order(data, seed, order)
    groups = classes.reshape(-1, per_task)
    _check_samples(data, groups)
    outputs = data.classes if scenario == "class" else per_task

    def build(k: int) -> Task:
        group = groups[k]

        def chosen(pair: Pair) -> Pair:
            label = np.full(data.classes, -1)
            label[group] = group if scenario == "class" else np.arange(per_task)
            kept = np.flatnonzero(np.isin(pair[1], group))
            return flat((pair[0][kept], label[pair[1][kept]]))

        return Task.lazy(
            _name(group),
            lambda: chosen(data.train),
            lambda: chosen(data.test),
            outputs,
            lambda: text_digest("split", data.digest, scenario, *group),
        )

    return Stream(f"split-{data.name}", scenario, outputs, data.shape, each(build, len(groups)))


def _name(group: Values) -> str:
    return f"classes {', '.join(map(str, group))}"


def _check_samples(data: Data, groups: Values) -> None:
    """Here, not when the last task is reached after hours."""
    for part, (_, y) in (("training", data.train), ("test", data.test)):
        for group in groups:
            if not np.isin(group, y).any():
                raise ValueError(f"No {part} samples of the task '{_name(group)}': take more samples of the data set.")


def _check(data: Data, per_task: int, scenario: str) -> None:
    check_set(data)
    check_scenario(scenario)
    if whole("per_task", per_task) < 1 or data.classes % per_task:
        raise ValueError(
            f"{data.classes} classes do not fall into groups of {per_task}: choose a divisor of {data.classes}."
        )
    if per_task == 1 and scenario != "class":
        raise ValueError(
            f"A task of {data.name} with one class leaves nothing to tell apart (chance would be 100 %): take fewer "
            f"tasks, or split-class-{data.name}."
        )


def _order(data: Data, seed: int | None, order: Sequence[int] | None) -> Values:
    if order is not None:
        order = wholes("order", order)
        if sorted(order) != list(range(data.classes)):
            raise ValueError(
                f"the order {'-'.join(map(str, order))} is none of the {data.classes} classes of {data.name}: name "
                f"each of 0 to {data.classes - 1} once."
            )
        return np.array(order)
    if seed is None:
        return np.arange(data.classes)
    return generator("order of classes in a split stream", seed).permutation(data.classes)


def order_in_words(text: str) -> str | list[int]:
    """``natural``, ``seed``, or the classes joined by '-'; raises ``ValueError`` for other words."""
    if text in ("natural", "seed"):
        return text
    if all(part.isdigit() for part in text.split("-")):
        return [int(part) for part in text.split("-")]
    raise ValueError("natural, seed, or the classes joined by '-' (for example 3-1-0-2)")


def _in_words(scenario: str, data: Data, tasks: int, seed: int, order: str | list[int] = "natural") -> Stream:
    if data.classes % tasks:
        raise ValueError(f"{data.classes} classes of {data.name} cannot be split into {tasks} equal tasks.")
    listed = order if isinstance(order, list) else None
    return split(data, data.classes // tasks, scenario, seed if order == "seed" else None, listed)


def _kind(scenario: str) -> Kind:
    options: dict[str, Callable[[str], Any]] = {"order": order_in_words}
    return Kind(partial(_in_words, scenario), options)


KINDS = {"split": _kind("domain"), "split-task": _kind("task"), "split-class": _kind("class")}
