"""Networks as NIR graphs (Pedersen et al. 2024, Nat Commun 15:8122), exported and imported without a lost spike.

tau dv/dt = (v_leak - v) + r I, stepped by dt = 1e-4 s:   v <- beta v + I   with  tau = dt / (1 - beta), r = tau / dt,
v_leak = v_reset = 0, thresholds and weights in units of weight, a bias as the one of an ``Affine`` or ``Conv2d`` node.
The binary weights are written as the numbers they are. NIR has no word for the coding of the input, nor for rounding:
the number of steps and the bits of the input go into the metadata of the Input node, and the chip's truncation of a
decaying membrane comes back with ``from_nir`` only; other simulators run the floating-point network.
"""

from __future__ import annotations

from functools import singledispatch
from os import PathLike
from typing import Any

import numpy as np
import snntorch
import torch
from numpy.typing import NDArray

from neuromorph.atomic import replacing
from neuromorph.chip import DECAY_UNITY
from neuromorph.lava.limits import bias_words
from neuromorph.lava.spec import LayerSpec, NetworkSpec, integer_network
from neuromorph.snn import BinaryLinear, SpikingBNN

try:
    import nir
except ModuleNotFoundError as error:
    raise ImportError("nir is not installed: run `uv pip install nir nirtorch`, or install the extra 'nir'.") from error

DT = 1e-4  # s, what snnTorch and others take


@singledispatch
def to_nir(network: Any) -> nir.NIRGraph:
    """The NIR graph Input -> (Conv2d, Linear or Affine -> LIF) per layer -> Output of ``network``.

    A Flatten node leads from an image to a Linear or Affine.

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
    image = network.layers[0].image
    nodes = [nir.Input({"input": np.array(image or [network.sizes[0]])})]
    nodes[0].metadata = {name: getattr(network, name) for name in ("num_steps", "input_bits", "encoding")}
    for number, layer in enumerate(network.layers, 1):
        name = f"layer {number}"
        weights = layer.weights * np.float32(2.0 ** (layer.weight_exp + 1))
        bias = np.broadcast_to(layer.bias / 64, len(weights)).astype(np.float32)
        if layer.image:
            if image != layer.image:
                raise ValueError(f"{name}: NIR has no word for a flat input that becomes an image of {layer.image}")
            synapse: nir.NIRNode = nir.Conv2d(layer.image[1:], weights, layer.stride, layer.padding, 1, 1, bias)
        else:
            if image:
                nodes.append(nir.Flatten({"input": np.array(image)}, 0, -1))
            synapse = _linear(weights, bias)
        beta = 1 - layer.dv / DECAY_UNITY
        nodes += [synapse, _lif(name, layer.shape, beta, layer.each(layer.threshold).reshape(layer.shape))]
        image = layer.shape if layer.image else ()
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
        weight = linear.multiplied() if isinstance(linear, BinaryLinear) else linear.weight
        weights = weight.detach().cpu().numpy()
        bias = np.zeros(len(weights)) if linear.bias is None else linear.bias.detach().cpu().numpy()
        threshold = np.broadcast_to(leaky.threshold.cpu().numpy(), len(weights))
        nodes += [_linear(weights, bias), _lif(f"layer {number}", (len(weights),), leaky.beta.item(), threshold)]
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


def _linear(weights: NDArray[Any], bias: NDArray[Any]) -> nir.NIRNode:
    weights = weights.astype(np.float32)
    return nir.Affine(weights, bias.astype(np.float32)) if bias.any() else nir.Linear(weights)


def _lif(name: str, shape: tuple[int, ...], beta: float, threshold: NDArray[Any]) -> nir.LIF:
    if not 0 <= beta < 1:
        raise ValueError(
            f"{name} has beta = {beta:g}; NIR's LIF has the time constant dt / (1 - beta), so beta must be below 1"
        )
    tau, zero = np.full(shape, DT / (1 - beta)), np.zeros(shape)
    return nir.LIF(tau=tau, r=tau / DT, v_leak=zero, v_reset=zero, v_threshold=threshold * 1.0)


def _chain(nodes: list[nir.NIRNode]) -> nir.NIRGraph:
    nodes = [*nodes, nir.Output({"output": nodes[-1].output_type["output"]})]
    words = {nir.Input: "input", nir.LIF: "neurons", nir.Flatten: "flat", nir.Output: "output"}
    names, layer = [], 0
    for node in nodes:
        word = words.get(type(node), "weights")
        layer += word == "weights"
        names.append(word if word in ("input", "output", "flat") else f"{word}_{layer}")
    return nir.NIRGraph(
        dict(zip(names, nodes, strict=True)),
        list(zip(names, names[1:], strict=False)),
        metadata={"made_by": "neuromorph"},
    )


def from_nir(graph: nir.NIRGraph, num_steps: int | None = None, input_bits: int | None = None) -> NetworkSpec:
    """The integer network of a feed-forward chain of Conv2d, Linear or Affine and LIF nodes with binary weights.

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
    if input_bits is not None:
        return NetworkSpec(layers, int(steps), input_bits)
    encoding = about.get("encoding", "")
    encoding = encoding.decode() if isinstance(encoding, bytes) else encoding
    return NetworkSpec(layers, int(steps), int(about["input_bits"]), encoding)


def _ordered(graph: nir.NIRGraph) -> list[nir.NIRNode]:
    """The nodes in a row, without those that flatten: neurons are numbered channel first anyway."""
    after = dict(graph.edges)
    name = next((name for name, node in graph.nodes.items() if isinstance(node, nir.Input)), None)
    nodes: list[nir.NIRNode] = []
    while name is not None and len(nodes) <= len(graph.nodes):
        nodes.append(graph.nodes[name])
        name = after.get(name)
    whole = len(nodes) == len(graph.nodes) == len(graph.edges) + 1
    nodes = [node for node in nodes if not isinstance(node, nir.Flatten)]
    kinds = [nir.Input, *[(nir.Linear, nir.Affine, nir.Conv2d), nir.LIF] * (len(nodes) // 2 - 1), nir.Output]
    fits = whole and len(nodes) == len(kinds)
    if not fits or not all(isinstance(node, kind) for node, kind in zip(nodes, kinds, strict=True)):
        given = ", ".join(type(node).__name__ for node in graph.nodes.values())
        raise ValueError(
            f"a chain Input, (Linear, Affine or Conv2d, LIF)..., Output can be deployed; the graph has {given}"
        )
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
    dv = DECAY_UNITY * DT / lif.tau.flat[0]
    if abs(dv - round(dv)) > 1e-6 * dv:
        raise ValueError(
            f"{name}: tau = {lif.tau.flat[0]:g} s is a decay of {dv:g}/4096 a step, which is no whole number"
        )
    if np.any(lif.v_threshold != np.rint(lif.v_threshold)):
        raise ValueError(f"{name}: thresholds must be whole numbers of weights, got {lif.v_threshold.flat[:5]}")
    mantissa, shift = (0, 0) if isinstance(synapse, nir.Linear) else bias_words(name, synapse.bias.astype(float) * 64)
    return LayerSpec(
        weights=np.sign(synapse.weight).astype(np.int8),
        threshold=_one_per_output(name, lif.v_threshold),
        dv=round(dv),
        weight_exp=int(exponent) - 1,
        bias_mant=mantissa,
        bias_exp=shift,
        **_convolution(name, synapse),
    )


def _one_per_output(name: str, threshold: NDArray[Any]) -> int | NDArray[np.int32]:
    """Thresholds of the neurons as one number, or one of each output or channel."""
    each = threshold.reshape(len(threshold), -1)
    if np.any(each != each[:, :1]):
        raise ValueError(f"{name}: the neurons of a channel must share one threshold")
    return int(each[0, 0]) if np.unique(each).size == 1 else each[:, 0].astype(np.int32)


def _convolution(name: str, synapse: nir.NIRNode) -> dict[str, Any]:
    if not isinstance(synapse, nir.Conv2d):
        return {}
    numbers = [np.unique(value) for value in (synapse.stride, synapse.padding, synapse.dilation)]
    if any(one.size != 1 or one.dtype.kind not in "iu" for one in numbers) or numbers[2] != 1 or synapse.groups != 1:
        raise ValueError(f"{name}: a Conv2d needs one stride, one padding as a number, dilation 1 and groups 1")
    stride, padding, _ = (int(one[0]) for one in numbers)
    if synapse.input_shape is None:
        raise ValueError(f"{name}: the Conv2d does not say its input_shape")
    image = (synapse.weight.shape[1], *(int(n) for n in synapse.input_shape))
    return {"image": image, "stride": stride, "padding": padding}


def write(network: Any, path: str | PathLike[str]) -> None:
    """Write ``to_nir(network)`` as a NIR file (HDF5)."""
    graph = to_nir(network)
    with replacing(path) as unfinished:
        nir.write(unfinished, graph)


def read(path: str | PathLike[str], num_steps: int | None = None, input_bits: int | None = None) -> NetworkSpec:
    """``from_nir`` of a NIR file. Raises OSError where it cannot be read."""
    return from_nir(nir.read(path), num_steps, input_bits)
