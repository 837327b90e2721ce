"""One synapse model, three substrates, the same task streams: forgetting compared across Brian2, snnTorch and Lava.

Importing this package loads numpy and scipy only; a substrate is loaded when its part is used.
"""

import importlib

from fusi_models.moved import answer_to

_PARTS = ("data", "learners", "lava", "metrics", "protocols", "run", "snn", "streams")

_MOVED = {
    "neuromorph.feedback": "neuromorph.local_rule.random_feedback",
    "neuromorph.files": "neuromorph.atomic",
    "neuromorph.lava.build": "neuromorph.lava.graphs.inference",
    "neuromorph.lava.figures": "neuromorph.lava.drawing",
    "neuromorph.lava.files": "neuromorph.lava.saved",
    "neuromorph.lava.report": "neuromorph.lava.sheet",
    "neuromorph.lava.rules": "neuromorph.lava.learning_engine",
    "neuromorph.learners.network": "neuromorph.learners.composed",
    "neuromorph.learners.snn": "neuromorph.learners.torch",
    "neuromorph.protocols": "neuromorph.local_rule.rule",
    "neuromorph.quadratic": "fusi_models.theory.quadratic",
    "neuromorph.snn.beakers": "neuromorph.snn.optim.beakers",
    "neuromorph.snn.consolidation": "neuromorph.snn.optim.consolidated",
    "neuromorph.snn.controls": "neuromorph.snn.baselines",
    "neuromorph.snn.stepping": "neuromorph.snn.optim.adam",
}
answer_to(_MOVED)

__all__ = list(_PARTS)


def __getattr__(name: str):
    if name in _PARTS:
        return importlib.import_module(f"neuromorph.{name}")
    raise AttributeError(f"module 'neuromorph' has no attribute {name!r}")
