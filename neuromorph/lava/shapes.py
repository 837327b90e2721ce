"""Networks as numbers: populations and how many sources a neuron has; no weight is ever made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil

import numpy as np

from neuromorph.lava.spec import NetworkSpec


@dataclass(frozen=True)
class Population:
    """``neurons`` that spike with probability ``rate`` a step; ``host``: they are input and lie on no core."""

    name: str
    neurons: int
    rate: float = 0.02
    host: bool = False


@dataclass(frozen=True)
class Projection:
    """Each neuron of ``target`` has ``fan_in`` sources, drawn from the part ``begin``..``end`` of ``source``."""

    source: str
    target: str
    fan_in: int
    begin: float = 0.0
    end: float = 1.0


@dataclass(frozen=True)
class Shape:
    """A network as numbers. Raises ``ValueError`` for equal names, unknown ones, or more fan-in than sources."""

    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]

    def __post_init__(self) -> None:
        if len(self.named) < len(self.populations):
            raise ValueError("two populations have the same name: give each its own.")
        for one in self.projections:
            if one.source not in self.named or one.target not in self.named or self.named[one.target].host:
                raise ValueError(f"{one.source} -> {one.target}: name a population, and a target that is no input.")
            if not 1 <= one.fan_in <= self.sources(one):
                raise ValueError(
                    f"{one.source} -> {one.target}: fan_in {one.fan_in} of {self.sources(one)} sources does not go."
                )
        if any(one.neurons < 1 or not 0 <= one.rate <= 1 for one in self.populations):
            raise ValueError("a population has a neuron or more, and a rate from 0 to 1 a step.")

    @cached_property
    def named(self) -> dict[str, Population]:
        """Populations by name."""
        return {one.name: one for one in self.populations}

    @cached_property
    def into(self) -> dict[str, list[Projection]]:
        """Projections by target."""
        found: dict[str, list[Projection]] = {one.name: [] for one in self.populations}
        for each in self.projections:
            found[each.target].append(each)
        return found

    @property
    def synapses(self) -> int:
        """Number of synapses."""
        return sum(one.fan_in * self.named[one.target].neurons for one in self.projections)

    def sources(self, one: Projection) -> int:
        """Neurons of which a projection draws."""
        return max(1, ceil(self.named[one.source].neurons * (one.end - one.begin) - 1e-6))


def reach(chance: float, neurons: int) -> float:
    """Probability that a source reaches one of ``neurons``, each with probability ``chance``."""
    return 1.0 if chance >= 1 else float(-np.expm1(neurons * np.log1p(-chance)))


def shape_of(spec: NetworkSpec, rates: Sequence[float] = ()) -> Shape:
    """The shape of a network; ``rates``: of the input and each layer, .02 where not given."""
    names = ["input", *(f"layer {number}" for number in range(1, len(spec.sizes)))]
    rates = [*rates, *[0.02] * (len(names) - len(rates))]
    populations = [
        Population(name, size, rate, name == "input") for name, size, rate in zip(names, spec.sizes, rates, strict=True)
    ]
    projections = [Projection(names[max(one.source, 0)], names[number], one.fan_in) for number, one in spec.connections]
    return Shape(tuple(populations), tuple(projections))
