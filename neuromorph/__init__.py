"""One synapse model, three substrates, the same task streams: forgetting compared across Brian2, snnTorch and Lava.

Importing this package loads numpy only; a substrate is loaded when its part is used.
"""

import importlib

_PARTS = ("data", "learners", "lava", "metrics", "protocols", "run", "snn", "streams")

__all__ = list(_PARTS)


def __getattr__(name: str):
    if name in _PARTS:
        return importlib.import_module(f"neuromorph.{name}")
    raise AttributeError(f"module 'neuromorph' has no attribute {name!r}")
