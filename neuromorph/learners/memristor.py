"""The metaplastic quantised network on memristive devices, as a composition (``snn.memristor``, ``snn.optim``).

Hidden numbers in the digital unit, levels in the devices, sign activations, two layers as in D'Agostino et al. 2023
(arXiv:2306.12142). Levels, rates and widths of that paper are unknown to us: a *reconstruction*. So is what m counts:
how far the stored number is from 0, however many levels it passes (default), or from the nearest boundary of two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

from neuromorph.learner import Learner
from neuromorph.learners.composed import ComposedLearner, TrainingConfig
from neuromorph.learners.rules import Metaplasticity
from neuromorph.snn.baselines import ControlConfig
from neuromorph.snn.memristor import Memristor, MemristorConfig


def memristive(
    sizes: tuple[int, ...],
    devices: MemristorConfig,
    rule: Metaplasticity,
    batch: int,
    seed: int = 0,
    norm: str = "instance",
    **more: Any,
) -> ComposedLearner:
    """A learner whose weights are ``devices``; initial stored numbers reach half as far as the levels.

    ``norm``: as of ``ControlConfig``; over the units of one sample, so that no statistics of a task are left behind.

    >>> devices = MemristorConfig(3, reach=0.1)
    >>> memristive((4, 3, 2), devices, protection(devices, m=4.0), 10).config.network.init
    0.05
    """
    network = ControlConfig(sizes, norm=norm, init=0.5 * devices.reach, weights=devices)
    return ComposedLearner(TrainingConfig(network, rule, batch, seed, **more))


def protection(devices: MemristorConfig, m: float, lr: float = 0.005, boundary: bool = False) -> Metaplasticity:
    """The rule that damps steps towards 0, m relative to the layer's mean size and Adam's variance a layer.

    ``boundary``: towards the nearest boundary of two levels instead, m in units of 2 / (distance of two levels).
    """
    if boundary:
        return Metaplasticity(m, lr, weight_decay=0.0, levels=devices.levels, reach=devices.reach)
    return Metaplasticity(m, lr, weight_decay=0.0, relative=True, variance="layer")


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
    m: float = 4.0
    lr: float = 0.005
    boundary: bool = False
    batch: int = 50
    reach: float = 0.1
    spread: float = 0.0
    read_noise: float = 0.0
    up_failed: float = 0.0
    down_failed: float = 0.0
    drift: float = 0.0
    stuck: float = 0.0
    endurance: int = 0

    def build(self, sizes: tuple[int, ...], seed: int, device: str, parts: tuple[str, ...]) -> Learner:
        noise = {f: getattr(self, f) for f in MemristorConfig.__dataclass_fields__ if f in self.__dataclass_fields__}
        devices = MemristorConfig(**noise, seed=seed)
        rule = protection(devices, self.m, self.lr, self.boundary)
        return memristive(sizes, devices, rule, self.batch, seed, device=device, parts=parts)


METHOD = Method


def example(inputs: int, classes: int, seed: int) -> tuple[type[Learner], dict[str, Any]]:
    """For the contract test: everything that a device can do."""
    devices = MemristorConfig(4, 1.0, 0.1, 0.05, 0.2, 0.3, 0.01, 0.05, 40)
    network = ControlConfig((inputs, 6, classes), weights=devices)
    return ComposedLearner, {"config": TrainingConfig(network, Metaplasticity(m=2.0, levels=4), batch=4, seed=seed)}
