"""Deployment on Lava: integer networks, their numpy reference and their stock Lava graphs (Loihi 1 and 2 rules).

Each name is loaded when first used, and lava-nc itself only when a graph is built.
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from neuromorph.lazy import attribute

if TYPE_CHECKING:
    from neuromorph.lava.deployment import Deployment, deploy
    from neuromorph.lava.spec import LayerSpec, NetworkSpec, integer_network

INSTALL = (
    "inside a checkout of neuromorph run `uv pip install --group lava`, elsewhere "
    "`pip install --ignore-requires-python lava-nc==0.10.0 'asteval<0.10' 'networkx<=2.8.7'` "
    "(without that option pip refuses lava-nc above Python 3.10)."
)
"""How lava-nc comes onto a machine; 0.10.0 is its last release, and runs on Python 3.10 to 3.12."""


def installed() -> bool:
    """Whether lava-nc is here. A bare folder ``lava``, which pip leaves of an earlier one, or a sister package, is not.

    Loads nothing of it.
    """
    try:
        return find_spec("lava.magma.compiler") is not None
    except ModuleNotFoundError:
        return False


__all__ = ["Deployment", "LayerSpec", "NetworkSpec", "deploy", "installed", "integer_network"]

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
