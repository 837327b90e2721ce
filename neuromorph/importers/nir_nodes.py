"""What a node of a NIR graph becomes: a population, or a map; the equations are in ``nir_graph.py``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nir
import numpy as np
import torch
from torch import Tensor

from neuromorph.importers.graph import Neurons
from neuromorph.importers.layers import plain
from neuromorph.importers.maps import Convolution, Full, Pool, Reshape, Scale


def _tensor(node: Any, name: str, what: str, shape: tuple[int, ...]) -> Tensor:
    value = np.asarray(getattr(node, what))
    if value.size == 1:
        return plain(f"node {name!r}", what, float(value.reshape(())))
    return plain(f"node {name!r}", what, value).reshape(shape)


def _kept(node: Any, name: str, what: str, shape: tuple[int, ...], dt: float) -> Tensor:
    """1 - dt / tau, in float64 until then. Raises ValueError for a tau shorter than a step."""
    tau = np.asarray(getattr(node, what), np.float64)
    if not (tau > 0).all():
        raise ValueError(f"node {name!r}: {what} = {tau[~(tau > 0)].flat[0]:g} s; a time constant is above 0")
    if (tau < dt * (1 - 1e-9)).any():
        raise ValueError(
            f"node {name!r}: {what} = {tau.min():g} s, shorter than a step of dt = {dt:g} s: give a dt of at most that"
        )
    beta = torch.as_tensor(np.maximum(1 - dt / tau, 0)).float()
    return beta.reshape(()) if beta.numel() == 1 else beta.reshape(shape)


def _units(
    name: str, node: Any, shape: tuple[int, ...], gain: Tensor, bias: Tensor, values: dict[str, Any]
) -> tuple[Neurons, Tensor | None]:
    """The population with a shared gain divided out of its threshold and bias; else the gain of its inputs."""
    fires = _fires(node)
    if fires and np.any(np.asarray(node.v_reset) != 0):
        wrong = np.asarray(node.v_reset).ravel()
        raise ValueError(
            f"node {name!r}: v_reset = {wrong[np.argmax(wrong != 0)]:g}; the chip resets to 0: shift v_leak, "
            "v_threshold and v_reset by it before the export"
        )
    threshold = _tensor(node, name, "v_threshold", shape) if fires else None
    if threshold is not None and threshold.min() < 0:
        raise ValueError(f"node {name!r}: v_threshold = {threshold.min():g}; the chip's is 0 or more")
    first = gain.flatten()[0]
    if torch.all(gain == first) and first > 0:
        threshold = None if threshold is None else threshold / first
        return Neurons(name, shape, threshold=threshold, bias=bias / first, **values), None
    return Neurons(name, shape, threshold=threshold, bias=bias, **values), gain


def _fires(node: Any) -> bool:
    """Whether the node's equation has a threshold."""
    return isinstance(node, nir.LIF | nir.CubaLIF | nir.IF)


def _lif(name: str, node: Any, shape: tuple[int, ...], dt: float) -> tuple[Neurons, Tensor | None]:
    beta = _kept(node, name, "tau", shape, dt)
    part = torch.as_tensor(dt / np.asarray(node.tau, np.float64)).float().reshape(beta.shape)
    gain, bias = _tensor(node, name, "r", shape) * part, _tensor(node, name, "v_leak", shape) * part
    reset = "zero" if _fires(node) else "none"
    return _units(name, node, shape, _near_one(gain), bias, {"beta": beta, "reset": reset})


def _cuba(name: str, node: Any, shape: tuple[int, ...], dt: float) -> tuple[Neurons, Tensor | None]:
    alpha, beta = _kept(node, name, "tau_syn", shape, dt), _kept(node, name, "tau_mem", shape, dt)
    parts = [
        torch.as_tensor(dt / np.asarray(tau, np.float64)).float().reshape(kept.shape)
        for tau, kept in ((node.tau_syn, alpha), (node.tau_mem, beta))
    ]
    gain = _tensor(node, name, "w_in", shape) * parts[0] * _tensor(node, name, "r", shape) * parts[1]
    bias = _tensor(node, name, "v_leak", shape) * parts[1]
    reset = "zero" if _fires(node) else "none"
    return _units(name, node, shape, _near_one(gain), bias, {"alpha": alpha, "beta": beta, "reset": reset})


def _integrator(name: str, node: Any, shape: tuple[int, ...], dt: float) -> tuple[Neurons, Tensor | None]:
    reset = "zero" if _fires(node) else "none"
    gain, values = _tensor(node, name, "r", shape), {"beta": torch.tensor(1.0), "reset": reset}
    return _units(name, node, shape, gain, torch.tensor(0.0), values)


def _near_one(gain: Tensor) -> Tensor:
    """Exactly 1 where only rounding of r dt / tau made it differ."""
    return torch.where((gain - 1).abs() < 1e-5, torch.ones_like(gain), gain)


NEURONS: dict[type, Callable[..., tuple[Neurons, Tensor | None]]] = {
    nir.LIF: _lif,
    nir.LI: _lif,
    nir.CubaLIF: _cuba,
    nir.CubaLI: _cuba,
    nir.IF: _integrator,
    nir.I: _integrator,
}


def _full(name: str, node: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    if len(shape) != 1 or node.weight.shape[-1] != shape[0]:
        raise ValueError(
            f"{name} takes {node.weight.shape[-1]} inputs but is given {shape}: a Flatten(start_dim=0) belongs before"
        )
    bias = plain(name, "bias", node.bias) if isinstance(node, nir.Affine) and np.any(node.bias) else None
    return (Full(plain(name, "weight", node.weight), bias),)


def _convolution(name: str, node: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    flat = isinstance(node, nir.Conv1d)
    weight = plain(name, "weight", node.weight)
    channels, groups = weight.shape[1] * int(node.groups), int(node.groups)
    if len(shape) != weight.dim() - 1 or shape[0] != channels:
        raise ValueError(f"{name} takes {channels} channels but is given {shape}")
    stride, dilation = _two(node.stride, 1), _two(node.dilation, 1)
    weight = weight[:, :, None] if flat else weight
    padding = node.padding.decode() if isinstance(node.padding, bytes) else node.padding
    if isinstance(padding, str):
        spread = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
        if padding == "same" and any(n % 2 for n in spread):
            raise ValueError(f"{name}: padding='same' of an even kernel is not the same on both sides: give a number")
        zeros = (spread[0] // 2, spread[1] // 2) if padding == "same" else (0, 0)
    else:
        zeros = _two(padding, 0)
    bias = plain(name, "bias", node.bias) if np.any(node.bias) else None
    return (Convolution(weight, bias, stride, zeros, dilation, groups, flat),)


def _two(value: Any, first: int) -> tuple[int, int]:
    each = np.asarray(value, dtype=int).ravel()
    if isinstance(value, int | np.integer) or (each.size == 1 and np.ndim(value) == 0):
        return (int(each[0]), int(each[0]))
    return (int(each[0]), int(each[1])) if each.size == 2 else (first, int(each[0]))


def _pool(name: str, node: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    if len(shape) != 3:
        raise ValueError(f"{name} pools an image (channels, rows, columns) but is given {shape}")
    if np.any(node.padding):
        raise ValueError(
            f"{name}: padding = {np.asarray(node.padding).tolist()}; only pooling without padding is taken"
        )
    return (Pool(_two(node.kernel_size, 1), _two(node.stride, 1), isinstance(node, nir.AvgPool2d)),)


def _flatten(name: str, node: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    start, end = int(node.start_dim) % len(shape), int(node.end_dim) % len(shape)
    return (Reshape((*shape[:start], int(np.prod(shape[start : end + 1])), *shape[end + 1 :])),)


def _scale(name: str, node: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    scale = plain(name, "scale", node.scale)
    return (Scale(scale if scale.numel() == 1 else torch.broadcast_to(scale, shape)),)


def absent(name: str, node: Any, dt: float) -> str:
    """Why a node of another kind has no place on the chip, and what works instead."""
    if isinstance(node, nir.Delay):
        most = float(np.max(node.delay))
        return (
            f"node {name!r} is a Delay of up to {most:g} s, {most / dt:g} steps; no delay is mapped beyond the step of "
            "a recurrent connection: train without, or shift the input's spikes"
        )
    if isinstance(node, nir.Threshold):
        return f"node {name!r} is a Threshold, which keeps no membrane; an IF or a LIF with a short tau spikes likewise"
    known = ", ".join(one.__name__ for one in (*MAPS, *NEURONS))
    return f"node {name!r} is a {type(node).__name__}, which the chip has not; imported are {known}"


MAPS: dict[type, Callable[[str, Any, tuple[int, ...]], tuple[Any, ...]]] = {
    nir.Affine: _full,
    nir.Linear: _full,
    nir.Conv1d: _convolution,
    nir.Conv2d: _convolution,
    nir.SumPool2d: _pool,
    nir.AvgPool2d: _pool,
    nir.Flatten: _flatten,
    nir.Scale: _scale,
}
