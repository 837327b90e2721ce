"""``torch.compile`` where it works, and the function as it is where it does not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from types import FunctionType
from typing import Any, TypeVar

import torch
from torch import Tensor

Result = TypeVar("Result")

_log = logging.getLogger("neuromorph")
failed: dict[str, str] = {}  # device -> why: compiling is tried once


@lru_cache(maxsize=64)
def kernel(function: FunctionType, case: tuple[Any, ...], bound: tuple[Any, ...]) -> Callable[..., Any]:
    """``function`` compiled for ``case``, its last arguments ``bound`` to constants."""
    # Torch counts compilations by code object and gives up after eight: each case gets a code object of its own.
    code = function.__code__.replace(co_name=f"{function.__name__}_{abs(hash(case))}")
    return torch.compile(
        FunctionType(code, function.__globals__, argdefs=bound), dynamic=True
    )  # else anew for each shape of a batch


def run_compiled(
    function: Any,
    case: tuple[Any, ...],
    otherwise: Callable[[], Result],
    first: Tensor,
    *more: Any,
    bound: tuple[Any, ...] = (),
) -> Result:
    """``function(first, *more, *bound)`` as one kernel for ``case``; where compiling fails, ``otherwise()``.

    That is said once a device. ``bound``: constants of the kernel, as ``case`` hashable.
    """
    device = first.device.type
    if first.numel() <= 1 or device in failed:  # torch makes a kernel of its own for one number
        return otherwise()
    try:
        return kernel(function, case, bound)(first, *more)
    except (RuntimeError, ImportError, OSError) as error:  # compiling fails before the kernel touches a tensor
        failed[device] = type(error).__name__
        _log.warning("torch.compile does not work here (%s): all runs uncompiled, more slowly", failed[device])
        return otherwise()
