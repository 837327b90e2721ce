"""Our networks as NIR in the simulators of others; norse 1.1.0 and spyx 1.0.0 have an environment of their own.

pytest --noconftest tests/neuromorph/importers/test_round_trips.py, in an environment with them, snntorch and nir
"""

from dataclasses import replace

import numpy as np
import pytest
import snntorch as snn
import torch
from torch import nn

nir = pytest.importorskip("nir", reason="nir is not installed")

from neuromorph.importers.graph import Connection, simulate  # noqa: E402
from neuromorph.importers.maps import Full  # noqa: E402
from neuromorph.importers.modules import from_module  # noqa: E402
from neuromorph.importers.nir_graph import from_graph  # noqa: E402
from neuromorph.nir import to_nir, unit_resistance  # noqa: E402

DT = 1e-4


def network(first=None):
    """Weights, betas and thresholds are few bits, so that no simulator rounds; the later layer has no bias, which spyx
    would give its neurons for the steps before the first spike can come."""
    torch.manual_seed(0)
    first = first or snn.Leaky(0.75, threshold=0.25, reset_mechanism="zero")
    second = snn.Leaky(0.875, threshold=0.25, reset_mechanism="zero")
    net = nn.Sequential(nn.Linear(20, 15), first, nn.Linear(15, 6, bias=False), second)
    with torch.no_grad():
        for layer in net[::2]:
            layer.weight.copy_(torch.round(layer.weight * 64) / 64)
        net[0].bias.copy_(torch.round(net[0].bias * 64) / 64)
    return from_module(net)


def current():
    return snn.Synaptic(0.5, 0.75, threshold=0.25, reset_mechanism="zero", reset_delay=False)


def looped(graph):
    """The same with a connection of the first population to itself, of few bits, with a bias."""
    weight = torch.round(torch.randn(15, 15, generator=torch.Generator().manual_seed(2)) * 8) / 64
    first = graph.neurons[0].name
    loop = Connection(first, first, (Full(weight, torch.full((15,), 0.125)),))
    return replace(graph, connections=(loop, *graph.connections))


def raster():
    return (torch.rand(40, 8, 20, generator=torch.Generator().manual_seed(1)) < 0.3).float()


def output(graph, reset=None):
    neurons = tuple(replace(one, reset=reset or one.reset) for one in graph.neurons)
    return simulate(replace(graph, neurons=neurons), raster()).spikes[neurons[-1].name].numpy()


@pytest.mark.parametrize("first", [None, current()])
def test_a_graph_without_resistances_is_the_same_network(first):
    graph = network(first)
    plain = unit_resistance(to_nir(graph))
    assert all(np.all(node.r == 1) for node in plain.nodes.values() if isinstance(node, nir.LIF))
    assert not all(np.all(node.r == 1) for node in to_nir(graph).nodes.values() if isinstance(node, nir.LIF))
    assert output(graph).any() and (output(from_graph(plain)) == output(graph)).all()


def test_a_recurrent_bias_is_written_with_the_layer_before():
    graph = looped(network(current()))
    made = to_nir(graph)
    assert isinstance(made.nodes["layer_1.w_rec"], nir.Linear)
    assert output(graph).any() and (output(from_graph(made)) == output(graph)).all()


def test_what_cannot_be_divided_out_is_named():
    lif = nir.LIF(*(np.full(2, value) for value in (1e-3, -1.0, 0.0, 1.0, 0.0)))
    graph = nir.NIRGraph.from_list(nir.Linear(np.eye(2)), lif)
    with pytest.raises(ValueError, match=r"node '\w+': r = -1"):
        unit_resistance(graph)


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("first", [None, current()])
def test_norse_has_every_spike_of_a_graph_without_resistances(first, recurrent):
    norse = pytest.importorskip("norse.torch", reason="norse is not installed")
    graph = looped(network(first)) if recurrent else network(first)

    def theirs(given):
        module, state, found = norse.from_nir(given, dt=DT, ignore_warnings=True), None, []
        with torch.no_grad():
            for frame in raster():
                spikes, state = module(frame, state)
                found.append(spikes > 0)
        return torch.stack(found).numpy()

    assert (theirs(unit_resistance(to_nir(graph))) == output(graph)).all()
    assert theirs(to_nir(graph)).sum() < 0.5 * output(graph).sum()  # it drops r: its owner's threshold is not reached


def test_spyx_resets_by_subtraction_and_is_one_step_late_a_population():
    spyx = pytest.importorskip("spyx.nir", reason="spyx is not installed")
    graph = network()
    _, found = spyx.from_nir(to_nir(graph), raster().numpy(), dt=DT)
    found = np.asarray(found) > 0
    assert (found[2:] == output(graph, "subtract")[:-2]).all()
    assert (found[2:] != output(graph)[:-2]).any()  # NIR says a reset to zero, at once
