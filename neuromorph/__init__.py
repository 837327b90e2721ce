"""One synapse model, three substrates, the same task streams: forgetting compared across Brian2, snnTorch and Lava.

Importing this package loads nothing else: Ctrl-C in the first second of a command finds somebody to answer it. A
substrate is loaded when its part is used.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuromorph import data, lava, learner, learners, local_rule, metrics, run, snn, streams

    __version__: str

__all__ = ["data", "lava", "learner", "learners", "local_rule", "metrics", "run", "snn", "streams"]

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


class _Earlier(MetaPathFinder):
    """Modules by their earlier names. What finds them is loaded, with numpy, when the first of them is asked for."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _MOVED:
            return None
        from fusi_models.moved import answer_to

        sys.meta_path.remove(self)
        answer_to(_MOVED)
        return sys.meta_path[-1].find_spec(fullname, path, target)


sys.meta_path.append(_Earlier())


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib import metadata

        return metadata.version("neuromorph")
    if name in __all__ or name == "protocols":  # the earlier name of local_rule.rule
        return import_module(f"neuromorph.{name}")
    raise AttributeError(f"module 'neuromorph' has no attribute {name!r}; it offers {', '.join(__all__)}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
