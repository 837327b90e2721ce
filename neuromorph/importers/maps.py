"""Linear layers between spiking neurons, as torch applies them and as the one matrix or kernel that a chip stores.

Every map is y = A x + b on tensors [batch, *shape]. ``composed`` folds a row of maps into one ``Form``: convolution
after pooling stays a convolution (kernel spread by the stride, exact where the pooling has no padding and leaves no
pixel over), everything else becomes a matrix. Pooling by the mean or the sum is a convolution with equal weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from neuromorph.lava.convolution import output_shape, unrolled

LARGEST = 2**27  # entries of a matrix that is made where no kernel can say a connection


@dataclass(frozen=True, eq=False)
class Form:
    """A x + b with A as a matrix [out, in], or as a kernel over ``image``; b [out] of each neuron, channel first."""

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    shape: tuple[int, ...]  # of the output
    image: tuple[int, ...] = ()
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)

    def matrix(self) -> NDArray[np.float64]:
        """A, [out, in]. Raises ValueError where it is too large to be made."""
        if not self.image:
            return self.weights
        if math.prod(self.shape) * math.prod(self.image) > LARGEST:
            raise ValueError(
                f"a matrix of {math.prod(self.shape)} x {math.prod(self.image)} would be needed; put spiking neurons "
                "between these layers, or use a pooling that divides the image"
            )
        return unrolled(self.weights, self.image, self.stride, self.padding).toarray()


class Map(Protocol):
    """A layer without a state."""

    def apply(self, x: Tensor) -> Tensor:
        """What torch makes of ``x`` [batch, *shape]."""
        ...

    def after(self, form: Form) -> Form:
        """``form``, then this map."""
        ...

    def without_bias(self) -> Map:
        """The same without b, for the second of several spike sources that are added before it."""
        ...


def _number(value: Tensor | None) -> NDArray[np.float64] | None:
    return None if value is None else value.detach().double().cpu().numpy()


@dataclass(frozen=True, eq=False)
class Full:
    """A full matrix, weight [out, in], bias [out] or None."""

    weight: Tensor
    bias: Tensor | None = None

    def apply(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)

    def after(self, form: Form) -> Form:
        weight, bias = _number(self.weight), _number(self.bias)
        assert weight is not None
        return Form(weight @ form.matrix(), weight @ form.bias + (0 if bias is None else bias), (len(weight),))

    def without_bias(self) -> Full:
        return replace(self, bias=None)


@dataclass(frozen=True, eq=False)
class Convolution:
    """weight [out, in / groups, rows, columns]; of one dimension with one row, and then also the image has one row."""

    weight: Tensor
    bias: Tensor | None = None
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    flat: bool = False  # of one dimension: torch knows it without the row

    def apply(self, x: Tensor) -> Tensor:
        if self.flat:
            weight, ends = self.weight[:, :, 0], (self.stride[1:], self.padding[1:], self.dilation[1:])
            return F.conv1d(x, weight, self.bias, *ends, self.groups)
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def kernel(self) -> NDArray[np.float64]:
        """Without groups and dilation: zeros in between, [out, in, rows, columns]."""
        weight = _number(self.weight)
        assert weight is not None
        out, each, rows, columns = weight.shape
        size = [(n - 1) * spread + 1 for n, spread in zip((rows, columns), self.dilation, strict=True)]
        full = np.zeros((out, each * self.groups, *size))
        for group in range(self.groups):
            mine = slice(group * out // self.groups, (group + 1) * out // self.groups)
            seen = slice(group * each, (group + 1) * each)
            full[mine, seen, :: self.dilation[0], :: self.dilation[1]] = weight[mine]
        return full

    def after(self, form: Form) -> Form:
        kernel, bias = self.kernel(), _number(self.bias)
        image = _image(form.shape)
        if image[0] != kernel.shape[1]:
            raise ValueError(f"a convolution of {kernel.shape[1]} channels is given an image of {form.shape}")
        shape = output_shape(kernel, image, self.stride, self.padding)
        each = np.repeat(np.zeros(len(kernel)) if bias is None else bias, shape[1] * shape[2])
        if form.bias.any():
            each = each + unrolled(kernel, image, self.stride, self.padding) @ form.bias
        shown = (shape[0], shape[2]) if self.flat else shape
        if _divides(form, self):
            return replace(_spread(form, kernel, self), bias=each, shape=shown)
        return Form(unrolled(kernel, image, self.stride, self.padding) @ form.matrix(), each, shown)

    def without_bias(self) -> Convolution:
        return replace(self, bias=None)


@dataclass(frozen=True, eq=False)
class Pool:
    """Mean or sum over windows of ``kernel``; without padding."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    mean: bool
    flat: bool = False

    def apply(self, x: Tensor) -> Tensor:
        if self.flat:
            pooled = F.avg_pool1d(x, self.kernel[1], self.stride[1])
        else:
            pooled = F.avg_pool2d(x, self.kernel, self.stride)
        return pooled if self.mean else pooled * math.prod(self.kernel)

    def after(self, form: Form) -> Form:
        channels, size = form.shape[0], math.prod(self.kernel)
        weight = torch.full((channels, 1, *self.kernel), 1 / size if self.mean else 1.0, dtype=torch.float64)
        return Convolution(weight, None, self.stride, groups=channels, flat=self.flat).after(form)

    def without_bias(self) -> Pool:
        return self


@dataclass(frozen=True, eq=False)
class Scale:
    """factor x + shift, each one number, one a channel, or one a neuron, shaped to fit [*shape]."""

    factor: Tensor
    shift: Tensor | None = None

    def apply(self, x: Tensor) -> Tensor:
        return x * self.factor if self.shift is None else x * self.factor + self.shift

    def after(self, form: Form) -> Form:
        factor, shift = _number(self.factor), _number(self.shift)
        assert factor is not None
        each = np.broadcast_to(factor, form.shape)
        bias = each.ravel() * form.bias + (0 if shift is None else np.broadcast_to(shift, form.shape).ravel())
        channels = each.reshape(len(each), -1)
        if form.image and np.all(channels == channels[:, :1]):
            return replace(form, weights=form.weights * channels[:, :1, None, None], bias=bias)
        return Form(each.reshape(-1, 1) * form.matrix(), bias, form.shape)

    def without_bias(self) -> Scale:
        return replace(self, shift=None)


@dataclass(frozen=True, eq=False)
class Reshape:
    """Another shape of the same values in the same order, such as a flattening."""

    shape: tuple[int, ...]

    def apply(self, x: Tensor) -> Tensor:
        return x.reshape(len(x), *self.shape)

    def after(self, form: Form) -> Form:
        return replace(form, shape=self.shape)

    def without_bias(self) -> Reshape:
        return self


def composed(maps: tuple[Any, ...], shape: tuple[int, ...]) -> Form:
    """All ``maps`` in a row on an input of ``shape``, as one."""
    form = _identity(shape)
    for one in maps:
        form = one.after(form)
    return form


def _identity(shape: tuple[int, ...]) -> Form:
    if len(shape) > 1:
        image = _image(shape)
        kernel = np.eye(image[0])[:, :, None, None]
        return Form(kernel, np.zeros(math.prod(shape)), shape, image)
    return Form(np.eye(shape[0]), np.zeros(shape[0]), shape)


def _image(shape: tuple[int, ...]) -> tuple[int, ...]:
    """(channels, rows, columns), of one dimension with one row."""
    return shape if len(shape) == 3 else (shape[0], 1, *shape[1:])


def _divides(form: Form, second: Convolution) -> bool:
    """Whether both are one convolution: a zero that the second sees outside its image lies outside the first's too."""
    if not form.image or _image(form.shape) != output_shape(form.weights, form.image, form.stride, form.padding):
        return False
    ends = zip(form.image[1:], form.weights.shape[2:], form.stride, form.padding, second.padding, strict=True)
    return all(
        not outside or (not zeros and kernel <= step and (size - kernel) % step == 0)
        for size, kernel, step, zeros, outside in ends
    )


def _spread(form: Form, kernel: NDArray[np.float64], second: Convolution) -> Form:
    """The kernel that does the work of both."""
    first, (down, across) = form.weights, form.stride
    rows, columns = (
        (n - 1) * step + m for n, step, m in zip(kernel.shape[2:], form.stride, first.shape[2:], strict=True)
    )
    dilated = np.zeros((*kernel.shape[:2], rows - first.shape[2] + 1, columns - first.shape[3] + 1))
    dilated[:, :, ::down, ::across] = kernel
    both = np.zeros((len(kernel), first.shape[1], rows, columns))
    for i, j in np.ndindex(first.shape[2:]):
        part = np.tensordot(dilated, first[:, :, i, j], ((1,), (0,))).transpose(0, 3, 1, 2)
        both[:, :, i : i + dilated.shape[2], j : j + dilated.shape[3]] += part
    return replace(
        form,
        weights=both,
        stride=(down * second.stride[0], across * second.stride[1]),
        padding=(form.padding[0] + down * second.padding[0], form.padding[1] + across * second.padding[1]),
    )
