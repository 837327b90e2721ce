"""Networks as NIR graphs (Pedersen et al. 2024, Nat Commun 15:8122), exported and imported without a lost spike.

tau dv/dt = (v_leak - v) + r I, stepped by dt = 1e-4 s:   v <- beta v + I   with  tau = dt / (1 - beta), r = tau / dt,
v_leak = v_reset = 0, thresholds and weights in units of weight, a bias as the one of an ``Affine`` node. The binary
weights are written as the numbers they are. NIR has no word for the coding of the input, nor for rounding: the number
of steps and the bits of the input go into the metadata of the Input node, and the chip's truncation of a decaying
membrane comes back with ``from_nir`` only; other simulators run the floating-point network.
"""

from __future__ import annotations

from functools import singledispatch
from os import PathLike
from typing import Any

import numpy as np
import snntorch
import torch
from numpy.typing import NDArray

from neuromorph.files import replacing
from neuromorph.lava.spec import BIAS_MANTISSA_LIMITS, LayerSpec, NetworkSpec, integer_network
from neuromorph.snn import BinaryLinear, SpikingBNN

try:
    import nir
except ModuleNotFoundError as error:
    raise ImportError("nir is not installed: run `uv pip install nir nirtorch`, or install the extra 'nir'.") from error

DT = 1e-4  # s, what snnTorch and others take
DECAY_UNITY = 4096


@singledispatch
def to_nir(network: Any) -> nir.NIRGraph:
    """The NIR graph Input -> (Linear or Affine -> LIF) per layer -> Output of ``network``.

    A ``lava.NetworkSpec``, a ``snn.SpikingBNN``, or an ``nn.Sequential`` that alternates ``snn.BinaryLinear`` (or
    ``nn.Linear``) and ``snntorch.Leaky``. Raises ValueError for what NIR's LIF cannot say: beta = 1, a reset other than
    to zero, a normalisation that is not folded into weights and thresholds, a layer of another kind.
    """
    raise ValueError(f"{type(network).__name__} cannot be written as NIR: give a SpikingBNN, NetworkSpec or Sequential")


@to_nir.register
def _(network: SpikingBNN) -> nir.NIRGraph:
    return to_nir(integer_network(network))


@to_nir.register
def _(network: NetworkSpec) -> nir.NIRGraph:
    nodes = [nir.Input({"input": np.array([network.sizes[0]])})]
    nodes[0].metadata = {"num_steps": network.num_steps, "input_bits": network.input_bits}
    for number, layer in enumerate(network.layers, 1):
        weights = layer.weights * np.float32(2.0 ** (layer.weight_exp + 1))
        bias = np.broadcast_to(layer.bias / 64, len(weights))
        beta = 1 - layer.dv / DECAY_UNITY
        nodes += _layer(f"layer {number}", weights, bias, beta, layer.threshold)
    return _chain(nodes)


@to_nir.register
def _(network: torch.nn.Sequential) -> nir.NIRGraph:
    modules: list[Any] = list(network)
    for number, module in enumerate(modules, 1):
        _check_module(f"module {number}", module, torch.nn.Linear if number % 2 else snntorch.Leaky)
    if not modules or len(modules) % 2:
        raise ValueError(f"give layers and neurons in pairs, got {len(modules)} modules")
    nodes = [nir.Input({"input": np.array([modules[0].in_features])})]
    for number, (linear, leaky) in enumerate(zip(modules[::2], modules[1::2], strict=True), 1):
        weights = linear.weight.detach().cpu().numpy()
        if isinstance(linear, BinaryLinear):
            weights = np.where(weights >= 0, 1, -1)
        bias = np.zeros(len(weights)) if linear.bias is None else linear.bias.detach().cpu().numpy()
        nodes += _layer(f"layer {number}", weights, bias, leaky.beta.item(), leaky.threshold.cpu().numpy())
    return _chain(nodes)


def _check_module(name: str, module: torch.nn.Module, kind: type) -> None:
    if isinstance(module, torch.nn.modules.batchnorm._NormBase) or "Norm" in type(module).__name__:
        raise ValueError(f"{name} is a {type(module).__name__}: fold it into weights and thresholds, or train without")
    if not isinstance(module, kind):
        raise ValueError(f"{name} is a {type(module).__name__}; a {kind.__name__} belongs there")
    if isinstance(module, snntorch.Leaky) and module.reset_mechanism != "zero":
        raise ValueError(
            f"{name} resets by '{module.reset_mechanism}', NIR's LIF resets to a value: use reset_mechanism='zero'"
        )


def _layer(name: str, weights: NDArray[Any], bias: NDArray[Any], beta: float, threshold: Any) -> list[nir.NIRNode]:
    if not 0 <= beta < 1:
        raise ValueError(
            f"{name} has beta = {beta:g}; NIR's LIF has the time constant dt / (1 - beta), so beta must be below 1"
        )
    tau = np.full(len(weights), DT / (1 - beta))
    zero = np.zeros(len(weights))
    lif = nir.LIF(
        tau=tau, r=tau / DT, v_leak=zero, v_reset=zero, v_threshold=np.broadcast_to(threshold, len(weights)) * 1.0
    )
    weights = weights.astype(np.float32)
    return [nir.Affine(weights, bias.astype(np.float32)) if bias.any() else nir.Linear(weights), lif]


def _chain(nodes: list[nir.NIRNode]) -> nir.NIRGraph:
    nodes = [*nodes, nir.Output({"output": nodes[-1].output_type["output"]})]
    names = ["input", *(f"{kind}_{k}" for k in range(1, len(nodes) // 2) for kind in ("weights", "neurons")), "output"]
    return nir.NIRGraph(
        dict(zip(names, nodes, strict=True)),
        list(zip(names, names[1:], strict=False)),
        metadata={"made_by": "neuromorph"},
    )


def from_nir(graph: nir.NIRGraph, num_steps: int | None = None, input_bits: int | None = None) -> NetworkSpec:
    """The integer network of a feed-forward chain of Linear or Affine and LIF nodes with binary weights.

    ``num_steps``, ``input_bits`` override the metadata of the Input node. Raises ValueError for a graph that the chip
    cannot run: another shape or node, weights of several magnitudes, thresholds that are no integers.
    """
    nodes = _ordered(graph)
    about = nodes[0].metadata
    for name, given in (("num_steps", num_steps), ("input_bits", input_bits)):
        if given is None and name not in about:
            raise ValueError(f"this NIR graph does not say {name}: give {name}=...")
    layers = tuple(
        _layer_spec(f"layer {number}", weights, lif)
        for number, (weights, lif) in enumerate(zip(nodes[1:-1:2], nodes[2:-1:2], strict=True), 1)
    )
    steps = about["num_steps"] if num_steps is None else num_steps
    return NetworkSpec(layers, int(steps), int(about["input_bits"] if input_bits is None else input_bits))


def _ordered(graph: nir.NIRGraph) -> list[nir.NIRNode]:
    after = dict(graph.edges)
    name = next((name for name, node in graph.nodes.items() if isinstance(node, nir.Input)), None)
    nodes: list[nir.NIRNode] = []
    while name is not None and len(nodes) <= len(graph.nodes):
        nodes.append(graph.nodes[name])
        name = after.get(name)
    kinds = [nir.Input, *[(nir.Linear, nir.Affine), nir.LIF] * (len(graph.nodes) // 2 - 1), nir.Output]
    fits = len(nodes) == len(kinds) == len(graph.edges) + 1
    if not fits or not all(isinstance(node, kind) for node, kind in zip(nodes, kinds, strict=True)):
        given = ", ".join(type(node).__name__ for node in graph.nodes.values())
        raise ValueError(f"a chain Input, (Linear or Affine, LIF)..., Output can be deployed; the graph has {given}")
    return nodes


def _layer_spec(name: str, synapse: nir.NIRNode, lif: nir.LIF) -> LayerSpec:
    scale = np.unique(np.abs(synapse.weight))
    exponent = np.log2(scale[0]) if len(scale) == 1 and scale[0] > 0 else np.nan
    if exponent != np.rint(exponent):
        raise ValueError(f"{name}: all weights must be plus or minus one power of two, got magnitudes {scale[:5]}")
    if (
        np.unique(lif.tau).size != 1
        or not np.allclose(lif.r * DT, lif.tau)
        or np.any(lif.v_leak)
        or np.any(lif.v_reset)
    ):
        raise ValueError(f"{name}: needs one tau, r = tau / {DT:g} and v_leak = v_reset = 0")
    dv = DECAY_UNITY * DT / lif.tau[0]
    if abs(dv - round(dv)) > 1e-6 * dv:
        raise ValueError(f"{name}: tau = {lif.tau[0]:g} s is a decay of {dv:g}/4096 a step, which is no whole number")
    if np.any(lif.v_threshold != np.rint(lif.v_threshold)):
        raise ValueError(f"{name}: thresholds must be whole numbers of weights, got {lif.v_threshold[:5]}")
    mantissa, shift = _bias(name, synapse)
    threshold = np.unique(lif.v_threshold)
    return LayerSpec(
        weights=np.sign(synapse.weight).astype(np.int8),
        threshold=int(threshold[0]) if threshold.size == 1 else lif.v_threshold.astype(np.int32),
        dv=round(dv),
        weight_exp=int(exponent) - 1,
        bias_mant=mantissa,
        bias_exp=shift,
    )


def _bias(name: str, synapse: nir.NIRNode) -> tuple[int | NDArray[np.int32], int]:
    """Mantissa and exponent of the bias, which the chip holds in 1/64 of a weight."""
    if not isinstance(synapse, nir.Affine):
        return 0, 0
    units = synapse.bias.astype(np.float64) * 64
    for shift in range(8):
        mantissa = units / 2**shift
        whole = np.all(mantissa == np.rint(mantissa))
        if whole and BIAS_MANTISSA_LIMITS[0] <= mantissa.min() and mantissa.max() <= BIAS_MANTISSA_LIMITS[1]:
            return mantissa.astype(np.int32), shift
    raise ValueError(
        f"{name}: the chip holds a bias as 13 bits with an exponent of 3, in 1/64 weight; got {units[:5]}/64"
    )


def write(network: Any, path: str | PathLike[str]) -> None:
    """Write ``to_nir(network)`` as a NIR file (HDF5)."""
    graph = to_nir(network)
    with replacing(path) as unfinished:
        nir.write(unfinished, graph)


def read(path: str | PathLike[str], num_steps: int | None = None, input_bits: int | None = None) -> NetworkSpec:
    """``from_nir`` of a NIR file. Raises OSError where it cannot be read."""
    return from_nir(nir.read(path), num_steps, input_bits)
