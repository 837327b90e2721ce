"""Modules by their earlier names: ``import fusi_models.markov`` finds ``fusi_models.models.markov``.

Version 0.1 had flat folders. A package that has moved modules calls ``answer_to`` with its table.
"""

import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


class _Forwarding(ModuleType):
    """A module that has what another one has."""

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(import_module(self.__new_name__), name)

    def __call__(self, *args, **options):
        """As the function of that name, whose place in its package the import of this module takes."""
        return getattr(self, self.__name__.rpartition(".")[2])(*args, **options)

    __new_name__ = ""


class _Moved(MetaPathFinder, Loader):
    def __init__(self, addresses: Mapping[str, str]):
        self.addresses = addresses

    def find_spec(self, fullname, path=None, target=None):
        if fullname not in self.addresses or PathFinder.find_spec(fullname, path) is not None:
            return None
        return ModuleSpec(fullname, self)

    def create_module(self, spec):
        module = _Forwarding(spec.name)
        module.__new_name__ = self.addresses[spec.name]
        return module

    def exec_module(self, module):
        """Load the module itself, so that an error shows here."""
        import_module(module.__new_name__)


def answer_to(addresses: Mapping[str, str]) -> None:
    """Let the modules named by ``addresses`` (earlier full name -> full name) be imported by their earlier names."""
    sys.meta_path.append(_Moved(dict(addresses)))
