"""Run an equation that is written once, in Brian2's syntax, on numpy or torch arrays.

An equation is a block of assignments over state variables, for example ``h = clip(h + 0.1*drive, -1, 1)``.
Brian2 reads the same text natively; conditions are written ``int(a < b)`` as Brian2 wants them.
"""

import sys
from collections.abc import Mapping
from functools import lru_cache, reduce
from types import CodeType
from typing import Any

import numpy as np

Array = Any  # numpy.ndarray or torch.Tensor

FUNCTIONS = ("abs", "clip", "exp", "floor", "sign", "sqrt", "tanh")


@lru_cache(maxsize=256)
def _compiled(code: str) -> CodeType:
    return compile("\n".join(line.strip() for line in code.strip().splitlines()), "<equation>", "exec")


def evaluate(code: str, variables: Mapping[str, Array]) -> dict[str, Array]:
    """Execute assignments elementwise and return all variables, old and new.

    ``code``: lines ``name = expression``; available functions are ``FUNCTIONS`` and ``int(condition)``.
    ``variables``: name -> numpy array or torch tensor, shapes broadcastable; scalars are allowed.
    Raises ``NameError`` for a variable that is not given.
    """
    library = next((t for t in map(_library, variables.values()) if t == "torch"), "numpy")
    namespace: dict[str, Any] = dict(_functions(library))
    namespace["int"] = _torch_condition(variables) if library == "torch" else (lambda c: c * 1)
    namespace |= _tensors(variables) if library == "torch" else variables
    exec(_compiled(code), {"__builtins__": {"__import__": __import__}}, namespace)  # torch imports on its way
    return {k: v for k, v in namespace.items() if k not in FUNCTIONS and k != "int"}


@lru_cache
def _functions(library: str) -> dict[str, Any]:
    return {name: getattr(sys.modules[library], name) for name in FUNCTIONS}


def _torch_condition(variables: Mapping[str, Array]) -> Any:
    """``int`` for tensors, in the widest floating type of the variables so that theirs is kept.

    Where all are whole numbers it is float64: a whole-number tensor times 0.1 would be float32.
    """
    torch = sys.modules["torch"]
    kinds = [v.dtype for v in variables.values() if _library(v) == "torch" and v.is_floating_point()]
    kind = reduce(torch.promote_types, kinds) if kinds else torch.float64
    return lambda condition: torch.as_tensor(condition).to(kind)


def _tensors(variables: Mapping[str, Array]) -> dict[str, Array]:
    """Plain numbers as tensors without a shape, which torch's functions insist on."""
    as_tensor = sys.modules["torch"].as_tensor
    return {
        name: value if _library(value) == "torch" else as_tensor(np.asarray(value)) for name, value in variables.items()
    }


def like(constant: Array, array: Array) -> Array:
    """The numpy table ``constant`` as the same kind of array, and on the same device, as ``array``."""
    if _library(array) == "torch":
        return sys.modules["torch"].as_tensor(
            np.array(constant), device=array.device
        )  # a copy: torch would write to it
    return constant


def where(condition: Array, yes: Array, no: Array) -> Array:
    """``numpy.where`` or ``torch.where``, by the kind of the three; ``condition`` may be a plain bool."""
    if "torch" in map(_library, (condition, yes, no)):
        torch = sys.modules["torch"]
        return torch.where(torch.as_tensor(condition), yes, no)
    return np.where(condition, yes, no)


def _library(array: Array) -> str:
    return type(array).__module__.split(".")[0]
