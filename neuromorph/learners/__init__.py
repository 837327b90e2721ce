"""Learners, one file a substrate or method; each loads its packages when it is used.

``brian.BrianLearner``, ``torch.TorchLearner``, ``lava.LavaLearner``: the local rule. ``deep.DeepLearner``: the deep
binarized spiking network. ``control.ControlLearner``, ``control.TaskControlLearner``, ``ewc.EWCLearner``: networks to
compare it with, and elastic weight consolidation of any of them.
"""

from neuromorph.lazy import attribute

_HOME = {
    "BrianLearner": "brian",
    "TorchLearner": "torch",
    "LavaLearner": "lava",
    "DeepLearner": "deep",
    "ControlLearner": "control",
    "TaskControlLearner": "control",
    "EWCLearner": "ewc",
}

__all__ = list(_HOME)


def __getattr__(name: str):
    return attribute(__name__, _HOME, name)
