"""Networks as NIR graphs (Pedersen et al. 2024, Nat Commun 15:8122), exported and imported without a lost spike.

tau dv/dt = (v_leak - v) + r I, stepped by dt = 1e-4 s:   v <- beta v + I   with  tau = dt / (1 - beta), r = tau / dt,
v_leak = v_reset = 0, thresholds and weights in units of weight, a bias as the one of an ``Affine`` or ``Conv2d`` node.
The binary weights are written as the numbers they are. NIR has no word for the coding of the input, nor for rounding:
the number of steps and the bits of the input go into the metadata of the Input node, and the chip's truncation of a
decaying membrane comes back with ``from_nir`` only; other simulators run the floating-point network.
"""

from __future__ import annotations

import io
from functools import singledispatch
from os import PathLike
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from neuromorph.atomic import replacing
from neuromorph.chip import DECAY_UNITY
from neuromorph.importers.graph import FloatGraph
from neuromorph.importers.integers import floating
from neuromorph.importers.modules import from_module
from neuromorph.importers.seal import sealed
from neuromorph.lava.limits import bias_words
from neuromorph.lava.spec import LayerSpec, NetworkSpec, integer_network
from neuromorph.snn import SpikingBNN

try:
    import nir

    from neuromorph.importers.nir_graph import told
    from neuromorph.importers.nir_write import DT, unit_resistance, written
except ModuleNotFoundError as error:
    raise ImportError("nir is not installed: run `uv pip install nir nirtorch`, or install the extra 'nir'.") from error

__all__ = ["from_nir", "read", "to_nir", "unit_resistance", "write"]


@singledispatch
def to_nir(network: Any) -> nir.NIRGraph:
    """The NIR graph Input -> (layers -> neurons) ... -> Output of ``network``.

    A ``lava.NetworkSpec``, a ``snn.SpikingBNN``, a ``FloatGraph``, or a ``torch.nn.Module`` of snnTorch, with the
    weights that it multiplies, not latent ones. Raises ValueError for what NIR cannot say: beta = 1, a reset other than
    to zero at once, winner-take-all or rounded states, and naming a layer that is not linear.
    """
    raise ValueError(f"{type(network).__name__} cannot be written as NIR: give a SpikingBNN, NetworkSpec or nn.Module")


@to_nir.register
def _(network: SpikingBNN) -> nir.NIRGraph:
    return to_nir(integer_network(network))


@to_nir.register
def _(network: FloatGraph) -> nir.NIRGraph:
    return written(network)


@to_nir.register
def _(network: torch.nn.Module) -> nir.NIRGraph:
    return written(from_module(network))


@to_nir.register
def _(network: NetworkSpec) -> nir.NIRGraph:
    about = {name: getattr(network, name) for name in ("num_steps", "input_bits", "encoding")}
    return written(floating(network), about)


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
    if steps != int(steps):
        raise ValueError(f"num_steps = {steps}: a sample is shown for whole steps")
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
        if isinstance(nodes[-1], nir.Flatten) and nodes[-1].start_dim % max(1, len(nodes[-1].input_type["input"])):
            raise ValueError(f"node {name!r} flattens from axis {nodes[-1].start_dim} of an image: use start_dim=0")
        name = after.get(name)
    whole = len(nodes) == len(graph.nodes) == len(graph.edges) + 1
    nodes = [node for node in nodes if not isinstance(node, nir.Flatten)]
    kinds = [nir.Input, *[(nir.Linear, nir.Affine, nir.Conv2d), nir.LIF] * (len(nodes) // 2 - 1), nir.Output]
    fits = whole and len(nodes) == len(kinds)
    if not fits or not all(isinstance(node, kind) for node, kind in zip(nodes, kinds, strict=True)):
        given = ", ".join(f"{name} ({type(node).__name__})" for name, node in graph.nodes.items())
        raise ValueError(
            "only a chain Input, (Linear, Affine or Conv2d, LIF)..., Output can be deployed number for number; the "
            f"graph has {given}, {_wrong(graph)}: neuromorph.lava.deploy(graph, num_steps=...) quantises it"
        )
    return nodes


def _wrong(graph: nir.NIRGraph) -> str:
    """What makes it no chain: connections that return, those that fork, or kinds of nodes."""
    ends = [a for a, _ in graph.edges]
    forks = sorted({a for a in ends if ends.count(a) > 1})
    back = [a for a in forks if _reaches(graph, a, a)]
    if back:
        return f"where {back[0]!r} sends spikes back to itself (recurrent)"
    return f"where {forks[0]!r} sends to several nodes (a skip)" if forks else "of which some are of another kind"


def _reaches(graph: nir.NIRGraph, start: str, goal: str) -> bool:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        at = waiting.pop()
        following = {b for a, b in graph.edges if a == at}
        if goal in following:
            return True
        waiting += following - seen
        seen |= following
    return False


def _layer_spec(name: str, synapse: nir.NIRNode, lif: nir.LIF) -> LayerSpec:
    scale = np.unique(np.abs(synapse.weight))
    exponent = np.log2(scale[0]) if len(scale) == 1 and scale[0] > 0 else np.nan
    if exponent != np.rint(exponent):
        raise ValueError(f"{name}: all weights must be plus or minus one power of two, got magnitudes {scale[:5]}")
    if not np.allclose(lif.r * DT, lif.tau) or np.any(lif.v_leak) or np.any(lif.v_reset):
        raise ValueError(
            f"{name}: needs r = tau / {DT:g} and v_leak = v_reset = 0, got r = {lif.r.flat[0]:g} with tau = "
            f"{lif.tau.flat[0]:g} s, v_leak = {lif.v_leak.flat[0]:g}, v_reset = {lif.v_reset.flat[0]:g}; "
            "neuromorph.lava.deploy(graph, num_steps=...) takes them"
        )
    dv = DECAY_UNITY * DT / np.asarray(lif.tau, np.float64)
    off = np.abs(dv - np.rint(dv)) > 1e-6 * dv
    if np.any(off):
        wrong = int(np.argmax(off))
        raise ValueError(
            f"{name}: tau = {lif.tau.flat[wrong]:g} s is a decay of {dv.flat[wrong]:g}/4096 a step, which is no whole "
            f"number; the nearest is tau = {DECAY_UNITY * DT / np.rint(dv.flat[wrong]):g} s"
        )
    if np.any(lif.v_threshold != np.rint(lif.v_threshold)):
        raise ValueError(f"{name}: thresholds must be whole numbers of weights, got {lif.v_threshold.flat[:5]}")
    mantissa, shift = (0, 0) if isinstance(synapse, nir.Linear) else bias_words(name, synapse.bias.astype(float) * 64)
    return LayerSpec(
        weights=np.sign(synapse.weight).astype(np.int8),
        threshold=_one_per_output(name, lif.v_threshold),
        dv=_one_per_output(name, np.rint(dv)),
        weight_exp=int(exponent) - 1,
        bias_mant=mantissa,
        bias_exp=shift,
        **_convolution(name, synapse),
    )


def _one_per_output(name: str, threshold: NDArray[Any]) -> int | NDArray[np.int32]:
    """Thresholds or decays of the neurons as one number, one of each output or channel, or one of each neuron."""
    each = np.atleast_1d(threshold).reshape(max(1, np.atleast_1d(threshold).shape[0]), -1)
    if np.unique(each).size == 1:
        return int(each[0, 0])
    return (each[:, 0] if np.all(each == each[:, :1]) else each.ravel()).astype(np.int32)


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
    """Write ``to_nir(network)`` as a NIR file (HDF5), with a digest behind its end that ``read`` looks at."""
    whole = io.BytesIO()  # HDF5's own file answers a full disk with addresses of memory
    nir.write(whole, to_nir(network))
    with replacing(path) as unfinished:
        unfinished.write_bytes(sealed(whole.getvalue()))


def read(path: str | PathLike[str], num_steps: int | None = None, input_bits: int | None = None) -> NetworkSpec:
    """``from_nir`` of a NIR file. Raises OSError where it cannot be read, ValueError where it holds no NIR graph."""
    with told(path):
        graph = nir.read(path)
    return from_nir(graph, num_steps, input_bits)
