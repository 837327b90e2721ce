"""Names of a package that are loaded when first used (PEP 562)."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any


def attribute(package: str, home: Mapping[str, str], name: str) -> Any:
    """The attribute ``name`` of ``package``, from its module ``home[name]``; AttributeError lists the known names.

    An AttributeError inside that module (a package of another version) is raised as ImportError with its words:
    ``from package import name`` would hide it behind "cannot import name".
    """
    if name not in home:
        raise AttributeError(f"module {package!r} has no attribute {name!r}; it offers {', '.join(sorted(home))}")
    try:
        module = import_module(f"{package}.{home[name]}")
    except AttributeError as error:
        raise ImportError(
            f"{package}.{name} cannot be loaded, because a package that it needs does not fit the others: {error}. "
            "Install the versions that neuromorph asks for (pip check names them; Brian2 and lava-nc need numpy < 2)."
        ) from error
    return getattr(module, name)
