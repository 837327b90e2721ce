"""A trained snnTorch ``nn.Module`` as a ``FloatGraph``, whose spikes are the module's, bit for bit.

``snntorch.Leaky``, ``Synaptic``, ``RLeaky``, ``RSynaptic``; Linear, Conv1d, Conv2d, AvgPool, BatchNorm (its running
statistics), Flatten, Dropout (dropped), sums, factors, reshapes; and any other layer that turns out to be linear.
"""

from __future__ import annotations

from typing import Any

import snntorch
import torch
from torch import nn

from neuromorph.importers.beside import check, check_calls
from neuromorph.importers.graph import INPUT, Connection, FloatGraph, Neurons, one_population
from neuromorph.importers.layers import map_of, neurons_of, two
from neuromorph.importers.maps import Convolution, Full, Reshape, Scale
from neuromorph.importers.trace import Leaf, Recorder, Term, at_rest, leaves, record

STEPS = 100  # frames of the input that a module with time first is shown


def from_module(module: nn.Module, input_shape: tuple[int, ...] | None = None) -> FloatGraph:
    """The graph of ``module``, an ``nn.Sequential`` or a class with a ``forward`` for one step or for all of them.

    ``input_shape``: of one sample and step, without batch; needed where the first layer is no ``nn.Linear``. Raises
    ValueError naming the layer that the chip cannot have, what it was given, and the nearest that works.
    """
    if not any(isinstance(one, snntorch.SpikingNeuron) for one in module.modules()):
        raise ValueError(
            f"{type(module).__name__} holds no snntorch neuron: give an snnTorch network, or "
            "of another library the NIR graph that it exports"
        )
    shape = input_shape or _first_inputs(module)
    found, returned = _recorded(module, shape)
    modules = dict(leaves(module))
    neurons: list[Neurons] = []
    connections: list[Connection] = []
    about: list[str] = []
    check_calls(found)
    with at_rest(module):
        for name, calls in found.calls.items():
            last = calls[-1]
            one: Any = modules[name]
            shape_of = tuple(last.given.shape[1:])
            neurons.append(neurons_of(name, one, shape_of))
            if isinstance(last.terms, str):
                raise ValueError(
                    f"{name} is given {last.terms}; between spikes the chip only adds weighted spikes: use layers, "
                    "sums and factors"
                )
            connections += _connections(name, last.number, last.terms)
            if isinstance(one, snntorch.RLeaky | snntorch.RSynaptic):
                connections.append(Connection(name, name, _recurrent(name, one, shape_of)))
        check(found, neurons, connections, modules)
        neurons, connections = _with_readout(found, returned, neurons, connections, about)
    dropped = [name for name, one in modules.items() if isinstance(one, nn.modules.dropout._DropoutNd)]
    about += [f"{name}: dropped, as in evaluation" for name in dropped]
    return FloatGraph(shape, tuple(neurons), tuple(connections), tuple(about))


def _first_inputs(module: nn.Module) -> tuple[int, ...]:
    layers = [one for _, one in leaves(module) if not isinstance(one, nn.Flatten | nn.Dropout | nn.Identity)]
    if layers and isinstance(layers[0], nn.Linear):
        return (layers[0].in_features,)
    raise ValueError(f"the shape of a sample cannot be read off {type(module).__name__}: give input_shape=(2, 34, 34)")


def _recorded(module: nn.Module, shape: tuple[int, ...]) -> tuple[Recorder, Any]:
    """What a run shows, with the batch first or, where the module picks frames of its input, time first."""
    generator = torch.Generator().manual_seed(0)
    error: Exception | None = None
    for size in ((2, *shape), (STEPS, 2, *shape)):
        try:
            found, returned = record(module, torch.rand(size, generator=generator))
        except (RuntimeError, IndexError, TypeError, ValueError, AttributeError) as wrong:
            error = error or wrong
            continue
        if found.time is None or len(size) > len(shape) + 1:
            return found, returned
    raise ValueError(
        f"{type(module).__name__} does not run on samples of shape {shape}, [batch, ...] or [time, batch, ...]: {error}"
    ) from error


def _connections(target: str, call: int, terms: tuple[Term, ...]) -> list[Connection]:
    if not terms:
        raise ValueError(f"{target} is given nothing that depends on the input or on spikes")
    result: list[Connection] = []
    for term in terms:
        delay = call - term.call if term.source != INPUT else 0
        if delay != (1 if term.source == target else 0) and term.source != INPUT:
            steps = "1 step" if delay == 1 else f"{delay} steps"
            raise ValueError(
                f"{target} is given spikes of {term.source} from {steps} before; the chip takes those of this step "
                "from an earlier layer and those of the step before from the layer itself: "
                f"{one_population(target, term.source)}"
            )
        result.append(Connection(term.source, target, _resolved(term.maps)))
    return result


def _resolved(maps: tuple[Any, ...]) -> tuple[Any, ...]:
    """Layers as maps."""
    result: list[Any] = []
    for one in maps:
        made = map_of(*one[:4]) if isinstance(one, Leaf) else (one,)
        result += made if not isinstance(one, Leaf) or one.biased else [each.without_bias() for each in made]
    return tuple(result)


def _recurrent(name: str, module: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    layer = module.recurrent
    if isinstance(layer, nn.Linear):
        return (Full(layer.weight.detach().float(), None if layer.bias is None else layer.bias.detach().float()),)
    if isinstance(layer, nn.Conv2d):
        bias = None if layer.bias is None else layer.bias.detach().float()
        if any(size % 2 == 0 for size in layer.kernel_size):
            raise ValueError(f"{name}: a recurrent kernel of {layer.kernel_size} changes the image: use an odd one")
        return (Convolution(layer.weight.detach().float(), bias, padding=two(layer.padding, 0)),)
    factor = Scale(torch.as_tensor(module.V).detach().float())
    return (factor,) if len(shape) == 1 else (Reshape(shape), factor)


def _with_readout(
    found: Recorder,
    returned: Any,
    neurons: list[Neurons],
    connections: list[Connection],
    about: list[str],
) -> tuple[list[Neurons], list[Connection]]:
    """The same with the output last; an integrator of the last layer's output where no neuron follows it."""
    results = [one for one in _tensors(returned) if isinstance(found.get(one), tuple)]
    open_ended = [one for one in results if any(term.maps for term in found.get(one) or () if isinstance(term, Term))]
    if open_ended:
        terms = found.get(open_ended[0])
        assert isinstance(terms, tuple)
        shape = tuple(open_ended[0].shape[-1:])
        neurons.append(Neurons("readout", shape, torch.tensor(1.0), None, reset="none"))
        connections += [Connection(one.source, "readout", _resolved(one.maps)) for one in terms]
        about.append("readout: the last layer has no neuron, its output is added up in a membrane that never spikes")
        return neurons, connections
    sending = {one.source for one in connections if one.source != one.target}
    ends = [one for one in neurons if one.name not in sending]
    if len(ends) != 1:
        raise ValueError(
            f"the network has {len(ends)} outputs ({', '.join(one.name for one in ends)}): return the spikes of one"
        )
    return [*[one for one in neurons if one is not ends[0]], ends[0]], connections


def _tensors(returned: Any) -> list[Any]:
    if isinstance(returned, tuple | list):
        return [one for part in returned for one in _tensors(part)]
    return [returned]
