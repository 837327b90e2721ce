"""A convolution as the connections it stands for, and as Lava's own ``Conv`` takes it.

a[o, y, x] = sum over c, i, j of W[o, c, i, j] s[c, stride y + i - padding, stride x + j - padding]

with a stride and a padding for both directions, or one each, (rows, columns);

a cross-correlation, as in torch; s is 0 outside the image. Neurons and pixels are numbered channel first, in rows.
Lava 0.10.0 numbers (x, y, channel) and convolves, so ``lava_kernel`` turns the kernel round in both directions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Pair = int | tuple[int, int]
LAVA_ORDER = (2, 1, 0)  # axes of Lava's images, (x, y, channel), in those of ours, (channel, y, x); its own inverse


def pair(value: Pair) -> tuple[int, int]:
    """(rows, columns) of one number for both, or of two."""
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


def output_shape(weights: NDArray[Any], image: tuple[int, ...], stride: Pair, padding: Pair) -> tuple[int, int, int]:
    """(channels, rows, columns) of the neurons of ``weights`` [out, in, rows, columns] on an ``image`` shaped alike."""
    rows, columns = (
        (size + 2 * zeros - kernel) // step + 1
        for size, kernel, step, zeros in zip(image[1:], weights.shape[2:], pair(stride), pair(padding), strict=True)
    )
    return len(weights), rows, columns


def unrolled(weights: NDArray[Any], image: tuple[int, ...], stride: Pair, padding: Pair) -> sparse.csr_matrix:
    """The same connections one by one: [neuron, pixel], with the weights' type. Neurons at an edge have fewer."""
    shape = output_shape(weights, image, stride, padding)
    (down, across), (above, left) = pair(stride), pair(padding)
    out, channel, i, j = np.ogrid[tuple(slice(n) for n in weights.shape)]
    neurons, pixels, values = [], [], []
    for y, x in np.ndindex(shape[1:]):
        row, column = down * y + i - above, across * x + j - left
        inside = np.broadcast_to((row >= 0) & (row < image[1]) & (column >= 0) & (column < image[2]), weights.shape)
        neuron, pixel = (out * shape[1] + y) * shape[2] + x, (channel * image[1] + row) * image[2] + column
        neurons.append(np.broadcast_to(neuron, weights.shape)[inside])
        pixels.append(np.broadcast_to(pixel, weights.shape)[inside])
        values.append(weights[inside])
    places = np.concatenate(neurons), np.concatenate(pixels)
    return sparse.csr_matrix((np.concatenate(values), places), (int(np.prod(shape)), int(np.prod(image))))


def lava_kernel(weights: NDArray[Any]) -> NDArray[Any]:
    """``weights`` [out, in, rows, columns] as Lava's [out, columns, rows, in], turned round."""
    return weights[:, :, ::-1, ::-1].transpose(0, 3, 2, 1).copy()
