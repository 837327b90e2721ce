"""A spiking network in floating point, wherever it came from: populations of neurons and the layers between them.

One step k, populations in their order, x_k the sum of what the connections carry (spikes of this step from earlier
populations, of step k - 1 from the population itself):
    u <- alpha u + x,   v <- beta v + u + bias,   s = v > threshold,   then the reset
with the resets of ``neuromorph/lava/reference.py``. Spikes count ``factor``. A population without a threshold is read
by its membrane. These are the semantics of snnTorch 1.0.0 (Eshraghian et al. 2023), and of a NIR graph stepped by dt
(Pedersen et al. 2024, forward Euler).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

INPUT = "input"  # the name of the source that is the input


def one_population(first: str, second: str) -> str:
    """What to do with populations that send spikes to each other."""
    return (
        f"make {first} and {second} one population with a recurrent layer, whose matrix holds the weights between "
        "them as blocks; every spike in it takes one step"
    )


@dataclass(frozen=True, eq=False)
class Neurons:
    """``name`` as its owner knows it; ``shape`` without batch; parameters float32 tensors that fit ``shape``."""

    name: str
    shape: tuple[int, ...]
    beta: Tensor
    threshold: Tensor | None
    alpha: Tensor = field(default_factory=lambda: torch.tensor(0.0))
    bias: Tensor = field(default_factory=lambda: torch.tensor(0.0))
    reset: str = "zero"
    factor: float = 1.0

    @property
    def size(self) -> int:
        """Number of neurons."""
        return math.prod(self.shape)


@dataclass(frozen=True, eq=False)
class Connection:
    """Spikes of ``source`` (a population or ``INPUT``) through ``maps`` to ``target``."""

    source: str
    target: str
    maps: tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class FloatGraph:
    """Populations in an order in which spikes of one step run; the last one is the output.

    ``about``: what the import did that its owner should know, one line each.
    """

    input_shape: tuple[int, ...]
    neurons: tuple[Neurons, ...]
    connections: tuple[Connection, ...]
    about: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        places = {one.name: place for place, one in enumerate(self.neurons)}
        silent = {one.name for one in self.neurons if one.threshold is None}
        for one in self.connections:
            if one.source in silent:
                raise ValueError(
                    f"{one.source} has no threshold and sends its membrane to {one.target}; the chip sends spikes: "
                    "put a neuron that spikes there, or where it goes straight into a LIF make both one CubaLIF"
                )
            if one.source != INPUT and places[one.source] > places[one.target]:
                raise ValueError(
                    f"{one.target} gets spikes back from {one.source}, a later population: on the chip they would "
                    f"take {places[one.source] - places[one.target] + 1} steps instead of 1; make both one recurrent "
                    "population"
                )

    def shape(self, name: str) -> tuple[int, ...]:
        """Of what ``name`` sends, without batch."""
        return self.input_shape if name == INPUT else next(one.shape for one in self.neurons if one.name == name)

    def into(self, name: str) -> list[Connection]:
        """The connections that end at population ``name``."""
        return [one for one in self.connections if one.target == name]

    @property
    def recurrent(self) -> bool:
        """Whether a population sends spikes to itself."""
        return any(one.source == one.target for one in self.connections)


@dataclass(frozen=True, eq=False)
class FloatRecord:
    """By population: spikes, bool [time, batch, neuron], and membranes before reset, float32 likewise."""

    spikes: dict[str, Tensor]
    membranes: dict[str, Tensor]


def simulate(graph: FloatGraph, x: Tensor, populations: Sequence[str] = ()) -> FloatRecord:
    """Run ``x`` [time, batch, *input shape] from rest, a step at a time as torch does it, in float32.

    ``populations``: whose membranes to keep besides those of the output; () keeps them all.
    """
    with torch.no_grad():
        return _simulate(graph, x, set(populations or [one.name for one in graph.neurons]) | {graph.neurons[-1].name})


def _simulate(graph: FloatGraph, x: Tensor, kept: set[str]) -> FloatRecord:
    batch = x.shape[1]
    zeros = {one.name: torch.zeros(batch, *one.shape) for one in graph.neurons}
    u, v, sent = dict(zeros), dict(zeros), dict(zeros)
    spikes: dict[str, list[Tensor]] = {name: [] for name in zeros}
    membranes: dict[str, list[Tensor]] = {name: [] for name in kept}
    into = {one.name: graph.into(one.name) for one in graph.neurons}
    for frame in x:
        for one in graph.neurons:
            name = one.name
            arrived = [_carried(each, frame, sent) for each in into[name]]
            # one after the other onto what is left of the state, as snnTorch adds them: rounding depends on it
            if one.alpha.any():
                u[name] = sum(arrived, one.alpha * u[name])
                before = one.beta * v[name] + u[name]
            else:
                before = sum(arrived, one.beta * v[name])
            spk, before, v[name] = step(one, v[name], before + one.bias if one.bias.any() else before)
            sent[name] = spk if one.factor == 1 else spk * one.factor
            spikes[name].append(spk.flatten(1) > 0)
            if name in kept:
                membranes[name].append(before.flatten(1))
    return FloatRecord(
        {name: torch.stack(each) for name, each in spikes.items()},
        {name: torch.stack(each) for name, each in membranes.items()},
    )


def _carried(connection: Connection, frame: Tensor, sent: dict[str, Tensor]) -> Tensor:
    x = frame if connection.source == INPUT else sent[connection.source]
    for layer in connection.maps:
        x = layer.apply(x)
    return x


def step(one: Neurons, v: Tensor, before: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Spikes 0/1, membrane before and after the reset, in the order of operations of snnTorch."""
    if one.threshold is None:
        return torch.zeros_like(before), before, before
    late = ((v - one.threshold) > 0).float()
    if one.reset in ("subtract", "subtract now"):
        before = before - late * one.threshold
    elif one.reset == "hold":
        before = before - late * before
    spk = ((before - one.threshold) > 0).float()
    if one.reset == "zero":
        return spk, before, before - spk * before
    if one.reset == "subtract now":
        return spk, before, before - (spk - late) * one.threshold
    return spk, before, before
