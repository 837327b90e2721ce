"""The metaplastic quantised network on memristive devices, as a composition (``snn.memristor``, ``snn.optim``).

Hidden numbers in the digital unit, levels in the devices, sign activations, batch norm; two layers as in D'Agostino et
al. 2023 (arXiv:2306.12142). Levels, rates and widths of that paper are unknown to us: a *reconstruction*.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

from neuromorph.learner import Learner
from neuromorph.learners.composed import ComposedLearner, TrainingConfig
from neuromorph.learners.rules import Metaplasticity
from neuromorph.snn.baselines import ControlConfig
from neuromorph.snn.memristor import Memristor, MemristorConfig


def memristive(
    sizes: tuple[int, ...], devices: MemristorConfig, rule: Metaplasticity, batch: int, seed: int = 0, **more: Any
) -> ComposedLearner:
    """A learner whose weights are ``devices``; ``rule`` counts its m for their levels.

    >>> memristive((4, 3, 2), MemristorConfig(3), Metaplasticity(m=2.0), 10).config.rule.levels
    3
    """
    network = ControlConfig(sizes, init=0.05 * devices.reach, weights=devices)
    counted = replace(rule, levels=devices.levels, reach=devices.reach)
    return ComposedLearner(TrainingConfig(network, counted, batch, seed, **more))


def devices_of(learner: ComposedLearner) -> list[Memristor]:
    """Of each layer. Raises ValueError for a network of other weights."""
    forms = [layer.form for layer in learner.network.layers]
    found = [form for form in forms if isinstance(form, Memristor)]
    if len(found) != len(forms):
        raise ValueError("this network's weights are no memristive devices: build it with weights=MemristorConfig(...)")
    return found


@final
@dataclass(frozen=True)
class Method:
    """In words (``learners.methods``)."""

    levels: int = 8
    m: float = 2.0
    lr: float = 0.005
    batch: int = 50
    reach: float = 1.0
    spread: float = 0.0
    read_noise: float = 0.0
    up_failed: float = 0.0
    down_failed: float = 0.0
    drift: float = 0.0
    stuck: float = 0.0
    endurance: int = 0

    def build(self, sizes: tuple[int, ...], seed: int, device: str, parts: tuple[str, ...]) -> Learner:
        noise = {f: getattr(self, f) for f in MemristorConfig.__dataclass_fields__ if f in self.__dataclass_fields__}
        rule, devices = Metaplasticity(self.m, self.lr, weight_decay=0.0), MemristorConfig(**noise, seed=seed)
        return memristive(sizes, devices, rule, self.batch, seed, device=device, parts=parts)


METHOD = Method


def example(inputs: int, classes: int, seed: int) -> tuple[type[Learner], dict[str, Any]]:
    """For the contract test: everything that a device can do."""
    devices = MemristorConfig(4, 1.0, 0.1, 0.05, 0.2, 0.3, 0.01, 0.05, 40)
    network = ControlConfig((inputs, 6, classes), weights=devices)
    return ComposedLearner, {"config": TrainingConfig(network, Metaplasticity(m=2.0, levels=4), batch=4, seed=seed)}
