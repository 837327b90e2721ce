"""What a torch module becomes: a map, a population of neurons, or a sentence that says what to use instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import snntorch
import torch
from torch import Tensor, nn

from neuromorph.importers.graph import Neurons
from neuromorph.importers.maps import Convolution, Full, Pool, Reshape, Scale
from neuromorph.snn import BinaryConv2d, BinaryLinear
from neuromorph.snn.neuron import ChipLeaky

SIDE = 4096  # inputs of an unknown layer whose matrix is found by asking it


def plain(name: str, what: str, value: Any, least: float = -float("inf"), most: float = float("inf")) -> Tensor:
    """``value`` as a float32 tensor. Raises ValueError for NaN, infinity or a number outside [least, most]."""
    found = torch.as_tensor(value).detach().cpu().float()
    if not torch.isfinite(found).all() or (found.numel() and not (least <= found.min() and found.max() <= most)):
        wrong = found[~((found >= least) & (found <= most) & torch.isfinite(found))].flatten()[0].item()
        ends = "finite" if least == -float("inf") and most == float("inf") else f"from {least:g} to {most:g}"
        raise ValueError(f"{name}: {what} = {wrong:g}; it must be a number that is {ends}")
    return found


def map_of(name: str, module: nn.Module, x: Tensor, y: Tensor) -> tuple[Any, ...]:
    """The maps that ``module``, called ``name``, is, given what it made of ``x`` [batch, ...]. () for the identity.

    Raises ValueError for a layer that is not linear, naming it and what works in its place.
    """
    maker = _MAPS.get(_forward(module))
    if maker is not None:
        return maker(name, module, x, y)
    if isinstance(module, nn.MaxPool1d | nn.MaxPool2d):
        raise ValueError(f"{name} is a {type(module).__name__}: the chip's synapses only add; train with an AvgPool2d")
    return _asked(name, module, x, y)


def _forward(module: nn.Module) -> Any:
    """The forward function, by which a subclass that changes it is told from one that does not."""
    return type(module).forward


def _asked(name: str, module: nn.Module, x: Tensor, y: Tensor) -> tuple[Any, ...]:
    """The matrix of a layer of another kind, column by column, if it is linear in each sample."""
    size = x[0].numel()
    kind = type(module).__name__
    if size > SIDE:
        raise ValueError(
            f"{name} is a {kind} on {size} inputs, more than the {SIDE} up to which an unknown layer's matrix is found "
            "by asking it: use Linear, Conv1d, Conv2d, AvgPool2d, BatchNorm or Flatten"
        )
    try:
        nothing = module(torch.zeros_like(x[:1]))
        columns = module(torch.eye(size).reshape(size, *x.shape[1:])) - nothing
        weight, bias = columns.reshape(size, -1).T.contiguous(), nothing.reshape(-1)
        again = torch.randn(8, *x.shape[1:], generator=torch.Generator().manual_seed(0))
        linear = torch.allclose(
            module(again).reshape(8, -1), again.flatten(1) @ weight.T + bias, atol=1e-4 * float(weight.abs().max() + 1)
        )
    except (RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"{name} is a {kind}, which could not be asked for its matrix: {error}") from error
    if not linear:
        raise ValueError(
            f"{name} is a {kind}, which is not linear; between spikes the chip only adds weights: use Linear, Conv1d, "
            "Conv2d, AvgPool2d, BatchNorm (folded), Flatten or Dropout, and snntorch neurons"
        )
    shape = tuple(y.shape[1:])
    full = Full(weight, bias if bias.any() else None)
    return (Reshape((size,)), full, *([Reshape(shape)] if len(shape) > 1 else []))


def _full(name: str, module: Any, x: Tensor, y: Tensor) -> tuple[Any, ...]:
    if x.dim() != 2:
        raise ValueError(
            f"{name} is a Linear on {tuple(x.shape[1:])}, of which it takes the last axis: put nn.Flatten() before"
        )
    weight = module.multiplied() if isinstance(module, BinaryLinear) else module.weight
    bias = None if module.bias is None else plain(name, "bias", module.bias)
    return (Full(plain(name, "weight", weight), bias),)


def _convolution(name: str, module: Any, x: Tensor, y: Tensor) -> tuple[Any, ...]:
    flat = isinstance(module, nn.Conv1d)
    if module.padding_mode != "zeros":
        raise ValueError(f"{name}: padding_mode={module.padding_mode!r}; the chip pads with nothing: use 'zeros'")
    weight = module.multiplied() if isinstance(module, BinaryConv2d) else module.weight
    weight = plain(name, "weight", weight)
    stride, dilation = two(module.stride), two(module.dilation)
    weight = weight[:, :, None] if flat else weight
    if isinstance(module.padding, str):
        total = [
            d * (k - 1) if module.padding == "same" else 0 for d, k in zip(dilation, weight.shape[2:], strict=True)
        ]
        if any(n % 2 for n in total):
            raise ValueError(f"{name}: padding='same' of an even kernel is not the same on both sides: give a number")
        padding = (total[0] // 2, total[1] // 2)
    else:
        padding = two(module.padding, 0)
    bias = None if module.bias is None else plain(name, "bias", module.bias)
    return (Convolution(weight, bias, stride, padding, dilation, module.groups, flat),)


def two(value: Any, first: int = 1) -> tuple[int, int]:
    """(rows, columns) of a number or a tuple of torch; of one dimension ``first`` for the row."""
    if isinstance(value, int):
        return value, value
    return (int(value[0]), int(value[1])) if len(value) == 2 else (first, int(value[0]))


def _pool(name: str, module: Any, x: Tensor, y: Tensor) -> tuple[Any, ...]:
    flat = isinstance(module, nn.AvgPool1d)
    kernel, stride, padding = module.kernel_size, module.stride, module.padding
    if (any(padding) if isinstance(padding, tuple) else padding) or module.ceil_mode:
        raise ValueError(f"{name}: padding={padding}, ceil_mode={module.ceil_mode}; only pooling without them is taken")
    if getattr(module, "divisor_override", None):
        raise ValueError(f"{name}: divisor_override={module.divisor_override}; leave it out and scale the weights")
    if flat:
        kernel, stride = (1, *_tuple(kernel)), (1, *_tuple(stride))
    return (Pool(two(kernel), two(stride), True, flat),)


def _tuple(value: Any) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)


def _norm(name: str, module: Any, x: Tensor, y: Tensor) -> tuple[Any, ...]:
    if module.running_mean is None:
        raise ValueError(f"{name} normalises by the batch at hand: train it with track_running_stats=True")
    scale = 1 / torch.sqrt(module.running_var + module.eps)
    shift = -module.running_mean * scale
    if module.weight is not None:
        scale, shift = scale * module.weight, shift * module.weight + module.bias
    each = (-1, *[1] * (x.dim() - 2))
    return (Scale(plain(name, "scale", scale).reshape(each), plain(name, "shift", shift).reshape(each)),)


def _flatten(name: str, module: Any, x: Tensor, y: Tensor) -> tuple[Any, ...]:
    if len(y) != len(x):
        raise ValueError(f"{name} flattens the batch too (start_dim={module.start_dim}): use start_dim=1")
    return (Reshape(tuple(y.shape[1:])),)


def _nothing(name: str, module: Any, x: Tensor, y: Tensor) -> tuple[Any, ...]:
    return ()


_MAPS: dict[Any, Callable[[str, Any, Tensor, Tensor], tuple[Any, ...]]] = {
    nn.Linear.forward: _full,
    BinaryLinear.forward: _full,
    nn.Conv1d.forward: _convolution,
    nn.Conv2d.forward: _convolution,
    BinaryConv2d.forward: _convolution,
    nn.AvgPool1d.forward: _pool,
    nn.AvgPool2d.forward: _pool,
    nn.modules.batchnorm._BatchNorm.forward: _norm,
    nn.Flatten.forward: _flatten,
    nn.Unflatten.forward: _flatten,
    nn.Identity.forward: _nothing,
    nn.Dropout.forward: _nothing,
    nn.Dropout1d.forward: _nothing,
    nn.Dropout2d.forward: _nothing,
    nn.Dropout3d.forward: _nothing,
}
KNOWN = (snntorch.Leaky, snntorch.Synaptic, snntorch.RLeaky, snntorch.RSynaptic)


def neurons_of(name: str, module: Any, shape: tuple[int, ...]) -> Neurons:
    """The population that an snnTorch neuron is. Raises ValueError naming the option that has no place on the chip."""
    kind = type(module)
    if kind is ChipLeaky:
        units = float(64 * 2**module.weight_exp)
        return Neurons(
            name,
            shape,
            torch.tensor(1 - module.dv / 4096),
            _fit(name, "threshold", module.threshold / units, shape),
            bias=_fit(name, "bias", module.bias / units, shape),
        )
    if kind not in KNOWN:
        raise ValueError(f"{name} is a {kind.__name__}; imported are {_names(KNOWN)}: {_nearest(module)}")
    if module.inhibition:
        raise ValueError(f"{name}: inhibition=True lets one neuron of a layer spike; the chip has none: train without")
    if module.state_quant:
        raise ValueError(
            f"{name}: state_quant is another rounding than the chip's: train without, it is quantised here"
        )
    recurrent, has_current = kind in KNOWN[2:], kind in (snntorch.Synaptic, snntorch.RSynaptic)
    # snnTorch 1.0.0: RSynaptic's reset_delay=False changes a local name, not the state, and so does nothing
    late = module.reset_delay or kind is snntorch.RSynaptic
    reset = {"subtract": "subtract" if late else "subtract now", "none": "none"}.get(module.reset_mechanism)
    if reset is None:  # to zero: only Leaky also takes the input of the step after a spike
        reset = "hold" if late and (recurrent or has_current) else "zero"
    return Neurons(
        name,
        shape,
        _fit(name, "beta", module.beta, shape).clamp(0, 1),
        _fit(name, "threshold", module.threshold, shape, 0.0),
        _fit(name, "alpha", module.alpha, shape).clamp(0, 1) if has_current else torch.tensor(0.0),
        reset=reset,
        factor=plain(name, "graded_spikes_factor", module.graded_spikes_factor).item(),
    )


def _names(kinds: tuple[type, ...]) -> str:
    return ", ".join(one.__name__ for one in kinds)


def _nearest(module: Any) -> str:
    """What works in the place of a neuron that is not imported."""
    word = type(module).__name__.lower()
    if "alif" in word or "adapt" in word:
        # Lava's ATRLIF is a neuron of another kind, see docs/your_network_on_loihi.md
        return (
            "no threshold adapts on the chip's LIF; a neuron that inhibits itself slows down likewise: train with "
            "RLeaky(beta, all_to_all=False, V=-0.5, reset_mechanism='zero', reset_delay=False)"
        )
    return f"use {'Synaptic' if 'alpha' in vars(module).get('_buffers', {}) else 'Leaky'}, or train with it"


def _fit(name: str, what: str, value: Any, shape: tuple[int, ...], least: float = -float("inf")) -> Tensor:
    found = plain(name, what, value, least)
    if what in ("beta", "alpha") and found.min() < 0:
        raise ValueError(f"{name}: {what} = {found.min():g} is negative, which snnTorch runs as 0: set it to 0")
    try:
        torch.broadcast_to(found, shape)
    except RuntimeError as error:
        raise ValueError(f"{name}: {what} of shape {tuple(found.shape)} does not fit {shape} neurons") from error
    return found
