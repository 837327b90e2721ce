"""Large tensors: an update in parts that stay in a CPU's cache, and means whose bits no number of threads changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from neuromorph.snn.compiling import run_compiled

PART = 2**18  # numbers of a tensor at a time: 1 MiB of float32


def flat(tensors: list[Any]) -> list[Any]:
    """The tensors with all dimensions in one, where all lie in one piece; None and single numbers as they are."""
    whole = all(t is None or t.is_contiguous() for t in tensors)
    return [t if t is None or t.dim() == 0 else t.view(-1) for t in tensors] if whole else tensors


def in_parts(update: Callable[..., None], tensors: list[Any]) -> None:
    """``update(*tensors)``, elementwise and in place, part by part: three times as fast on a CPU, the same bits."""
    tensors = flat(tensors)
    count = tensors[0].numel()
    if tensors[0].is_cuda or count <= PART or tensors[0].dim() > 1:
        return update(*tensors)
    for start in range(0, count, PART):
        update(*(t if t is None or t.dim() == 0 else t[start : start + PART] for t in tensors))


def _row_sums(rows: Tensor, squared: bool) -> Tensor:
    return (rows.square() if squared else rows.abs()).sum(1)


def mean_size(tensor: Tensor, squared: bool, compiled: bool) -> Tensor:
    """Mean of |x| or of x^2. A row is summed by one thread, so that the bits do not depend on their number."""
    rows = tensor.flatten(1).contiguous() if tensor.dim() > 1 else tensor.view(1, -1)

    def by_parts() -> Tensor:
        count = len(rows) if rows.is_cuda else PART // max(1, rows.shape[1])
        return torch.cat([_row_sums(part, squared) for part in rows.split(max(1, count))])

    compiled = compiled and tensor.numel() > PART  # smaller ones are quick as they are
    sums = run_compiled(_row_sums, (squared,), by_parts, rows, bound=(squared,)) if compiled else by_parts()
    return sums.sum() / tensor.numel()
