"""Deployment on Lava: integer networks, their numpy reference and their stock Lava graphs (Loihi 1 and 2 rules).

Each name is loaded when first used, and lava-nc itself only when a graph is built.
"""

from typing import TYPE_CHECKING, Any

from neuromorph.lazy import attribute

if TYPE_CHECKING:
    from neuromorph.lava.deployment import Deployment, deploy
    from neuromorph.lava.spec import LayerSpec, NetworkSpec, integer_network

__all__ = ["Deployment", "LayerSpec", "NetworkSpec", "deploy", "integer_network"]

_HOME = {
    "Deployment": "deployment",
    "LayerSpec": "spec",
    "NetworkSpec": "spec",
    "deploy": "deployment",
    "integer_network": "spec",
}


def __getattr__(name: str) -> Any:
    return attribute(__name__, _HOME, name)


def __dir__() -> list[str]:
    return __all__
