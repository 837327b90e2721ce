"""Every learner by name, each as a small network: what the contract test goes through.

A new learner is one file of this folder with a function

    def example(inputs: int, classes: int, seed: int) -> tuple[type[Learner], dict[str, Any]]

that returns its class and the arguments of a small one; a new part (``learners.parts``) is found with the deep network.
The table holds the learners that share a file or an example. Building one loads its packages.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from fusi_models.models.cascade import cascade
from fusi_models.models.hidden import HiddenWeight
from fusi_models.models.staircase import Staircase
from neuromorph import learners
from neuromorph.learner import Learner
from neuromorph.local_rule.codes import Winners
from neuromorph.local_rule.prototypes import Prototypes
from neuromorph.local_rule.rule import LocalRule

Example = Callable[[int, int, int], tuple[type[Learner], dict[str, Any]]]

RULE = LocalRule(num_steps=4, units_per_class=2, high=3, low=2, code="bernoulli")
PROTOTYPES = Prototypes(num_steps=2, units_per_class=2, code=Winners(12, 0.3))
SHARED = frozenset({"brian", "catalogue", "composed", "control", "deep", "ewc", "feedback", "lava", "lava_stock"})
"""Files of the folder that have no example: what the others share, and those of the table."""
SHARED |= {"local", "methods", "presented", "rules", "sampled", "torch"}
PARTS = {"ewc": "ewc:strength=100,samples=4", "si": "si:strength=1,damping=0.001", "xdg": "xdg:gated=0.5"}
PARTS |= {"online-ewc": "online-ewc:strength=100,gamma=0.5,samples=4", "mas": "mas:samples=4"}
PARTS |= {"heads": "heads:tasks=2"}
PARTS |= {"replay": "replay:capacity=6,replayed=3"}
"""Words for a part in a small network, where its own numbers are made for large ones."""


def names() -> list[str]:
    """The learners that there are."""
    files = {module.name for module in pkgutil.iter_modules(learners.__path__) if not module.ispkg}
    parts = [module.name for module in pkgutil.iter_modules([str(Path(learners.__path__[0], "parts"))])]
    found = [*(name.replace("_", "-") for name in files - SHARED), *(f"deep+{n.replace('_', '-')}" for n in parts)]
    return [*TABLE, *sorted(set(found) - set(TABLE))]


def example(name: str, inputs: int = 9, classes: int = 3, seed: int = 0) -> tuple[type[Learner], dict[str, Any]]:
    """The class of the learner and the arguments of a small one.

    Raises ``ValueError`` naming the known learners, or for a file without an example.
    """
    if name not in names():
        raise ValueError(f"There is no learner '{name}': choose one of {', '.join(names())}.")
    if name in TABLE:
        return TABLE[name](inputs, classes, seed)
    network, _, part = name.partition("+")
    if part:
        wanted: dict[str, dict[str, Any]] = {
            "heads": {"sizes": (inputs, 6, 2 * classes)},
            "norm-per-task": {"norm": "batch-running"},
        }
        return _deep(parts=(PARTS.get(part, part),), **wanted.get(part, {}))(inputs, classes, seed)
    module = import_module(f"{learners.__name__}.{network.replace('-', '_')}")
    if "example" not in vars(module):
        raise ValueError(f"{module.__name__} has no function 'example(inputs, classes, seed)': see learners.catalogue.")
    return module.example(inputs, classes, seed)


def build(name: str, inputs: int = 9, classes: int = 3, seed: int = 0) -> Learner:
    """A small learner of that name for samples of ``inputs`` features; what it needs is ``needs``.

    Raises ``ValueError`` as ``example``, and ``ImportError`` with the remedy where a package is missing.

    >>> sorted(build("deep+ewc").needs)
    ['boundary']
    """
    kind, arguments = example(name, inputs, classes, seed)
    return kind(**arguments)


def _kind(home: str) -> type[Learner]:
    module, _, name = home.partition(".")
    return getattr(import_module(f"{learners.__name__}.{module}"), name)


def _local(home: str, synapse: Any, **options: Any) -> Example:
    def made(inputs: int, classes: int, seed: int) -> tuple[type[Learner], dict[str, Any]]:
        shared = {"synapse": synapse, "inputs": inputs, "classes": classes, "rule": RULE, "seeds": seed}
        return _kind(home), {**shared, **options}

    return made


def _two_layers(home: str) -> Example:
    def made(inputs: int, classes: int, seed: int) -> tuple[type[Learner], dict[str, Any]]:
        from neuromorph.local_rule.random_feedback import Feedback

        shared = {"synapses": (cascade(2), HiddenWeight(2.0)), "inputs": inputs, "hidden": 6, "classes": classes}
        return _kind(home), {**shared, "rule": RULE, "feedback": Feedback(1), "seed": seed}

    return made


def _deep(**options: Any) -> Example:
    def made(inputs: int, classes: int, seed: int) -> tuple[type[Learner], dict[str, Any]]:
        from neuromorph.learners.deep import DeepConfig, DeepLearner

        sizes = {"sizes": (inputs, 6, classes), "batch": 4, "num_steps": 3, "seed": seed}
        return DeepLearner, {"config": DeepConfig(**{**sizes, **options})}

    return made


def _composed(home: str, network: str, *, rule: str = "Metaplasticity", more: Any = None, **options: Any) -> Example:
    """``network``: a configuration of ``snn.baselines``, with ``options``; ``more``: further arguments of the class."""

    def made(inputs: int, classes: int, seed: int) -> tuple[type[Learner], dict[str, Any]]:
        from neuromorph.learners import rules
        from neuromorph.learners.composed import TrainingConfig
        from neuromorph.snn import baselines

        built = getattr(baselines, network)(sizes=(inputs, 6, classes), **options)
        config = TrainingConfig(built, getattr(rules, rule)(m=2.0), batch=4, seed=seed)
        return _kind(home), {"config": config, **(more() if more else {})}

    return made


def _tacos(kind: str, **other: Any) -> Example:
    """``learners.tacos`` on another substrate."""

    def made(inputs: int, classes: int, seed: int) -> tuple[type[Learner], dict[str, Any]]:
        arguments = example("tacos", inputs, classes, seed)[1]
        return _kind(f"tacos.{kind}"), {**arguments, "config": replace(arguments["config"], **other)}

    return made


def _consolidation() -> dict[str, Any]:
    from neuromorph.learners.parts.ewc import EWC

    return {"consolidation": EWC(100.0, 4), "reset_per_task": True}


TABLE: dict[str, Example] = {
    "brian": _local("brian.BrianLearner", cascade(2).slowed(0.5)),
    "brian, hidden weight": _local("brian.BrianLearner", HiddenWeight(2.0)),
    "torch": _local("torch.TorchLearner", cascade(2).slowed(0.5)),
    "torch, hidden weight": _local("torch.TorchLearner", HiddenWeight(2.0)),
    "lava": _local("lava.LavaLearner", cascade(2).slowed(0.5)),
    "lava, float": _local("lava.LavaLearner", HiddenWeight(2.0), arithmetic="float"),
    "lava, stock": _local("lava_stock.StockLavaLearner", Staircase()),
    "brian, prototypes": _local("brian.BrianLearner", cascade(2).slowed(0.5), rule=PROTOTYPES),
    "torch, prototypes": _local("torch.TorchLearner", cascade(2).slowed(0.5), rule=PROTOTYPES),
    "lava, prototypes": _local("lava.LavaLearner", cascade(2).slowed(0.5), rule=PROTOTYPES),
    "feedback": _two_layers("feedback.FeedbackLearner"),
    "lava, feedback": _two_layers("feedback.LavaFeedbackLearner"),
    "deep": _deep(image=(1, 3, 3)),
    "deep, normed": _deep(norm="batch-running", encoding="rate", readout="count"),
    "deep, chain": _deep(synapse="benna-fusi:levels=3"),
    "deep, hidden weight": _deep(synapse="hidden:m=25,leak=0.01"),
    "deep, ewc and reset": _deep(parts=(PARTS["ewc"], "reset"), norm="batch-running"),
    "control": _composed("control.ControlLearner", "ControlConfig"),
    "control, full precision": _composed("control.ControlLearner", "ControlConfig", binary=False, norm="instance"),
    "control, spiking": _composed("control.ControlLearner", "SpikingConfig", num_steps=3, image=(1, 3, 3)),
    "control, beakers": _composed("control.ControlLearner", "ControlConfig", rule="BeakerChain"),
    "task control": _composed("control.TaskControlLearner", "ControlConfig"),
    "tacos, torch": _tacos("TorchTacosLearner", steps=30),
    "ewc": _composed("ewc.EWCLearner", "ControlConfig", more=_consolidation),
    "ewc, full precision": _composed("ewc.EWCLearner", "ControlConfig", more=_consolidation, binary=False),
}
