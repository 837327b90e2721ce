"""Learners in words, for a benchmark: METHOD[:KEY=VALUE,...][+PART[:KEY=VALUE,...]]..., or SUBSTRATE/SYNAPSE.

    deep:m=4                        the binarized spiking network with the metaplastic optimiser
    real+ewc:strength=200           a full-precision network with Adam, and elastic weight consolidation
    snntorch/cascade:depth=5        the local rule on a substrate with a synapse of the regime "local"
    lava/prototypes/plain:q=0.01    another local rule

A method is a frozen dataclass with ``build``. Those of a file of its own, ``learners/NAME.py`` with ``METHOD``, are
found by its name.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, final

from fusi_models.catalogue import learning_synapse
from neuromorph import learners
from neuromorph.learner import Learner
from neuromorph.local_rule.layer import LayerRule
from neuromorph.local_rule.prototypes import Prototypes
from neuromorph.local_rule.rule import LocalRule
from neuromorph.words import configured


class NoParts(ValueError):
    """Parts for a learner that cannot have any; so it keeps no outputs a task either."""

    def __init__(self, what: str, parts: Sequence[str]) -> None:
        super().__init__(f"{what} takes no parts and keeps no outputs a task, got {', '.join(parts)}.")


class NoHeads(ValueError):
    """A part that looks at the outputs of all tasks, where each task has its own."""


class Method(Protocol):
    """A frozen dataclass whose fields are the numbers and words that a user may choose."""

    def build(self, sizes: tuple[int, ...], seed: int, device: str, parts: tuple[str, ...]) -> Learner:
        """The learner for ``sizes``, features, hidden layers and outputs, with ``parts`` in words.

        Raises ``ValueError`` for parts that it cannot have, ``NoParts`` where it can have none.
        """


@final
@dataclass(frozen=True)
class Deep:
    """``DeepLearner``."""

    m: float = 4.0
    lr: float = 0.005
    batch: int = 50
    num_steps: int = 6
    logit_scale: float = 1.0
    synapse: str = ""

    def build(self, sizes: tuple[int, ...], seed: int, device: str, parts: tuple[str, ...]) -> Learner:
        from neuromorph.learners.deep import DeepConfig, DeepLearner

        return DeepLearner(DeepConfig(sizes=sizes, seed=seed, device=device, parts=parts, **vars(self)))


def _control(chosen: Any, binary: bool, sizes: tuple[int, ...], seed: int, device: str, parts: Any) -> Learner:
    from neuromorph.learners.composed import ComposedLearner, TrainingConfig
    from neuromorph.learners.rules import Metaplasticity
    from neuromorph.snn.baselines import ControlConfig

    rule = Metaplasticity(chosen.m if binary else 0.0, chosen.lr, weight_decay=0.0, published_eps=False)
    network = ControlConfig(sizes, binary=binary, norm=chosen.norm)
    return ComposedLearner(TrainingConfig(network, rule, chosen.batch, seed, device, parts))


@final
@dataclass(frozen=True)
class Real:
    """A full-precision network with Adam."""

    lr: float = 0.001
    batch: int = 50
    norm: str = "none"

    def build(self, sizes: tuple[int, ...], seed: int, device: str, parts: tuple[str, ...]) -> Learner:
        return _control(self, False, sizes, seed, device, parts)


@final
@dataclass(frozen=True)
class Binary:
    """A binary network without spikes and the published metaplastic rule, normalised (Laborieux et al. 2021)."""

    m: float = 0.0
    lr: float = 0.005
    batch: int = 50
    norm: str = "batch-running"

    def build(self, sizes: tuple[int, ...], seed: int, device: str, parts: tuple[str, ...]) -> Learner:
        return _control(self, True, sizes, seed, device, parts)


TABLE: Mapping[str, type[Method]] = {"deep": Deep, "real": Real, "binary": Binary}
RULES: Mapping[str, LayerRule] = {"delta": LocalRule(), "prototypes": Prototypes()}
TOLD = {"boundary": "boundary", "task": "task", "test task": "task at test", "replay": "old samples"}
"""What a learner may need beside samples and labels, in words for tables."""
_CLASSES = {"brian": "BrianLearner", "torch": "TorchLearner", "lava": "LavaLearner"}


@dataclass(frozen=True)
class Substrate:
    """A module of ``neuromorph.learners`` that runs the local rules, and what its class and its ``imprint`` take."""

    module: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def imported(self) -> Any:
        """The module."""
        return import_module(f"{learners.__name__}.{self.module}")

    def on(self, device: str) -> Substrate:
        """The same where torch computes on that device; a substrate that has no torch is left as it is."""
        return replace(self, options={**self.options, "device": device}) if "device" in self.options else self

    @property
    def threads(self) -> int:
        """Of torch that its ``imprint`` is worth; 0 where there is no torch, which then is not loaded."""
        return int("device" in self.options)

    def learner(self, synapse: Any, inputs: int, classes: int, seeds: Any, rule: LayerRule = RULES["delta"]) -> Learner:
        """A local rule with this synapse."""
        return getattr(self.imported(), _CLASSES[self.module])(synapse, inputs, classes, rule, seeds, **self.options)


SUBSTRATES: Mapping[str, Substrate] = {
    "brian2": Substrate("brian"),
    "snntorch": Substrate("torch", {"device": "cpu"}),
    "lava": Substrate("lava", {"arithmetic": "fixed"}),
    "lava-float": Substrate("lava", {"arithmetic": "float"}),
}


@cache
def names() -> tuple[str, ...]:
    """The methods that there are."""
    folder = Path(learners.__path__[0])
    own = (m.name for m in pkgutil.iter_modules([str(folder)]) if not m.ispkg)
    found = (n for n in own if re.search(r"^METHOD\b", (folder / f"{n}.py").read_text(encoding="utf-8"), re.M))
    return (*TABLE, *sorted(name.replace("_", "-") for name in found))


@dataclass(frozen=True)
class LearnerWords:
    """A learner in words as a function of its seed, which can be sent to other processes.

    ``heads``: tasks that have an output layer each; 0: one for all. ``device``: where torch computes, in every learner
    that has it. Raises ``ValueError`` naming what is known.

    >>> LearnerWords("real+si:strength=1", (64, 20, 10))(0).needs
    frozenset({'boundary'})
    """

    text: str
    sizes: tuple[int, ...]
    heads: int = 0
    device: str = "cpu"

    def __call__(self, seed: int) -> Learner:
        base, *parts = self.text.split("+")
        if "/" in base:
            return self._local(base, parts, seed)
        sizes = self.sizes
        if any(part.partition(":")[0] == "heads" for part in parts):
            raise ValueError(
                f"Leave heads out of '{self.text}': where a stream tells the task, every network has an output layer a "
                "task, and elsewhere none can."
            )
        if self.heads:
            sizes, parts = (*sizes[:-1], self.heads * sizes[-1]), [*parts, f"heads:tasks={self.heads}"]
        return method(base).build(sizes, seed, self.device, tuple(parts))

    @property
    def separable(self) -> bool:
        """Whether it can keep outputs a task. Raises ``ValueError`` as for learning."""
        replace(self, heads=0)(0)
        try:
            replace(self, heads=max(2, self.heads))(0).begin_task(0)
        except (NoParts, NoHeads):
            return False
        return True

    def _local(self, base: str, parts: list[str], seed: int) -> Learner:
        substrate, *rules, synapse = base.split("/")
        rule = "/".join(rules) or "delta"
        if substrate not in SUBSTRATES:
            raise ValueError(f"There is no substrate '{substrate}': choose one of {', '.join(SUBSTRATES)}.")
        if rule not in RULES:
            raise ValueError(f"There is no local rule '{rule}': choose one of {', '.join(RULES)}.")
        if parts or self.heads:
            raise NoParts(f"The local rule of '{base}'", parts or ["heads"])
        known = SUBSTRATES[substrate].on(self.device)
        return known.learner(learning_synapse(synapse), self.sizes[0], self.sizes[-1], seed, RULES[rule])


def method(text: str) -> Method:
    """The method in words, NAME or NAME:KEY=VALUE,...; raises ``ValueError`` naming the known ones, or its options.

    >>> method("deep:m=0").m
    0.0
    """
    name, _, options = text.partition(":")
    if name not in names():
        raise ValueError(
            f"There is no method '{name}': choose one of {', '.join(names())}, or SUBSTRATE/SYNAPSE such as "
            "snntorch/cascade."
        )
    kind = TABLE.get(name) or import_module(f"{learners.__name__}.{name.replace('-', '_')}").METHOD
    return configured(kind, f"method '{name}'", options)
