"""What a floating network and the chip are shown for the same samples."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from neuromorph.importers.graph import FloatGraph
from neuromorph.lava.spec import LayerSpec, NetworkSpec


def reader(graph: FloatGraph, num_steps: int, input_bits: int, encoding: str) -> NetworkSpec:
    """A network that does nothing but ``encode`` samples for ``graph``."""
    size = int(np.prod(graph.input_shape))
    return NetworkSpec((LayerSpec(np.zeros((1, size), np.int8), 1, 0),), num_steps, input_bits, encoding)


def frames(
    graph: FloatGraph, x: ArrayLike, num_steps: int, input_bits: int, encoding: str
) -> tuple[Tensor, NDArray[np.int64]]:
    """Frames [time, batch, *input shape], float32, and messages [time, batch, feature] of samples as ``encode`` takes.

    With the encoding "current" the frames are ``x`` itself at every step, not yet rounded to ``input_bits``.
    """
    spec = reader(graph, num_steps, input_bits, encoding)
    messages = spec.encode(x).swapaxes(0, 1)
    shown = np.asarray(x, np.float32)[None] if spec.encoding == "current" else messages
    floating = torch.from_numpy(np.array(np.broadcast_to(shown, messages.shape), dtype=np.float32))
    return floating.reshape(*messages.shape[:2], *graph.input_shape), messages.astype(np.int64)
