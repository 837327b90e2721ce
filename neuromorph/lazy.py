"""Names of a package that are loaded when first used (PEP 562)."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any


def attribute(package: str, home: Mapping[str, str], name: str) -> Any:
    """The attribute ``name`` of ``package``, from its module ``home[name]``; AttributeError lists the known names."""
    if name not in home:
        raise AttributeError(f"module {package!r} has no attribute {name!r}; it offers {', '.join(sorted(home))}")
    return getattr(import_module(f"{package}.{home[name]}"), name)
