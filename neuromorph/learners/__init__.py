"""Learners, one file a substrate or method; each loads its packages when it is used.

``brian.BrianLearner``, ``torch.TorchLearner``, ``lava.LavaLearner``: the local rules. ``deep.DeepLearner``: the deep
binarized spiking network. ``control.ControlLearner``, ``control.TaskControlLearner``, ``ewc.EWCLearner``: networks to
compare it with, and elastic weight consolidation of any of them. ``discriminant.DiscriminantLearner``: streaming linear
discriminant analysis on a code's spikes. ``composed.ComposedLearner``: any network x rule x
``parts``. ``catalogue``: all of them by name.
"""

from typing import TYPE_CHECKING, Any

from neuromorph.lazy import attribute

if TYPE_CHECKING:
    from neuromorph.learners.brian import BrianLearner
    from neuromorph.learners.composed import ComposedLearner
    from neuromorph.learners.control import ControlLearner, TaskControlLearner
    from neuromorph.learners.deep import DeepConfig, DeepLearner
    from neuromorph.learners.discriminant import DiscriminantLearner
    from neuromorph.learners.ewc import EWCLearner
    from neuromorph.learners.lava import LavaLearner
    from neuromorph.learners.torch import TorchLearner

__all__ = [
    "BrianLearner",
    "ComposedLearner",
    "ControlLearner",
    "DeepConfig",
    "DeepLearner",
    "DiscriminantLearner",
    "EWCLearner",
    "LavaLearner",
    "TaskControlLearner",
    "TorchLearner",
]

_HOME = {
    "BrianLearner": "brian",
    "TorchLearner": "torch",
    "LavaLearner": "lava",
    "ComposedLearner": "composed",
    "DeepConfig": "deep",
    "DeepLearner": "deep",
    "DiscriminantLearner": "discriminant",
    "ControlLearner": "control",
    "TaskControlLearner": "control",
    "EWCLearner": "ewc",
}


def __getattr__(name: str) -> Any:
    return attribute(__name__, _HOME, name)


def __dir__() -> list[str]:
    return __all__
