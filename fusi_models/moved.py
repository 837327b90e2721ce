"""Modules by their earlier names: ``import fusi_models.markov`` finds ``fusi_models.models.markov``.

Version 0.1 had flat folders. A package that has moved modules calls ``answer_to`` with its table.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any


def forwarded(names: Mapping[str, str]) -> Callable[[str], object]:
    """A module's ``__getattr__`` for ``names`` that have moved to other modules (name -> module)."""

    def answer(name: str) -> object:
        if name not in names:
            raise AttributeError(f"there is no {name!r} here")
        return getattr(import_module(names[name]), name)

    return answer


class _Forwarding(ModuleType):
    """A module that has what another one has."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(import_module(self.__new_name__), name)

    def __call__(self, *args: Any, **options: Any) -> Any:
        """As the function of that name, whose place in its package the import of this module takes."""
        return getattr(self, self.__name__.rpartition(".")[2])(*args, **options)

    __new_name__ = ""


class _Moved(MetaPathFinder, Loader):
    def __init__(self, addresses: Mapping[str, str]) -> None:
        self.addresses = addresses

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self.addresses or PathFinder.find_spec(fullname, path) is not None:
            return None
        return ModuleSpec(fullname, self)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = _Forwarding(spec.name)
        module.__new_name__ = self.addresses[spec.name]
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Load the module itself, so that an error shows here."""
        import_module(self.addresses[module.__name__])


def answer_to(addresses: Mapping[str, str]) -> None:
    """Let the modules named by ``addresses`` (earlier full name -> full name) be imported by their earlier names."""
    finder = _Moved(dict(addresses))
    sys.meta_path.append(finder)
    for name in addresses:
        package, _, child = name.rpartition(".")
        if child in vars(sys.modules.get(package, finder)):  # importing would put the module over that name's function
            spec = ModuleSpec(name, finder)
            sys.modules[name] = finder.create_module(spec)
