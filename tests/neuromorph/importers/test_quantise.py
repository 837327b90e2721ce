"""Quantised networks: exact where integers can be, close elsewhere, and the same on Lava."""

import numpy as np
import pytest
import snntorch as snn
import torch
from torch import nn

from neuromorph import lava
from neuromorph.chip import UNITS
from neuromorph.importers.graph import INPUT, Connection, FloatGraph, Neurons
from neuromorph.importers.maps import Full
from neuromorph.importers.quantise import Choice

STEPS = 10


def network(beta=0.9, reset="zero"):
    torch.manual_seed(0)
    first, second = (snn.Leaky(beta, reset_mechanism=reset, threshold=0.3) for _ in range(2))
    return nn.Sequential(nn.Linear(20, 15), first, nn.Linear(15, 4), second)


def raster(seed=0):
    return (np.random.default_rng(seed).random((STEPS, 30, 20)) < 0.3).astype(np.float32)


def test_integer_weights_without_a_leak_lose_no_spike():
    torch.manual_seed(0)
    net = network(beta=1.0)
    with torch.no_grad():
        for layer in net[::2]:
            layer.weight.copy_(torch.randint(-9, 10, layer.weight.shape) * 0.125)
            layer.bias.copy_(torch.randint(-9, 10, layer.bias.shape) / 64)
    deployment = lava.deploy(net, raster(), num_steps=STEPS)
    assert deployment.differing(raster(1)) == (0, 0)
    assert deployment.reference(raster(1)).any()


@pytest.mark.parametrize(("bits", "least"), [(16, 0.99), (8, 0.93), (4, 0.6), (1, 0.2)])
def test_more_bits_keep_more_spikes(bits, least):
    deployment = lava.deploy(network(), raster(), num_steps=STEPS, weight_bits=bits)
    (ours, _), theirs = deployment.origin.run(deployment.spec, raster(1))[-1], deployment.reference(raster(1))
    assert (ours & theirs).sum() >= least * max(ours.sum(), theirs.sum()) > 0
    most = max(int(np.abs(one.weights).max()) for _, one in deployment.spec.connections)
    assert most <= Choice(bits).largest
    assert "spikes differ" in str(deployment.origin.layers[0])


def test_a_current_that_remembers_recurrence_and_values_as_input_fit_the_chip():
    torch.manual_seed(1)
    net = nn.Sequential(
        nn.Linear(20, 12),
        snn.RSynaptic(0.5, 0.8, linear_features=12, threshold=0.3, reset_mechanism="zero"),
        nn.Linear(12, 4),
        snn.Synaptic(0.3, 0.9, threshold=0.2, reset_mechanism="zero", reset_delay=False),
    )
    x = np.random.default_rng(0).random((20, 20), dtype=np.float32)
    how = {"num_steps": STEPS, "encoding": "current", "input_bits": 6, "weight_bits": 16}
    deployment = lava.deploy(net, x, **how)
    assert deployment.spec.recurrent and not deployment.spec.stock  # snnTorch's late reset to zero
    ours, theirs = deployment.origin.run(deployment.spec, x)[-1][0], deployment.reference(x)
    assert (ours & theirs).sum() > 0.9 * max(ours.sum(), theirs.sum()) > 0


def test_an_output_without_a_threshold_is_read_by_its_membrane():
    net = nn.Sequential(*network()[:3])
    deployment = lava.deploy(net, raster(), num_steps=STEPS)
    membranes = deployment.origin.run(deployment.spec, raster(1))[-1][1][-1]
    drive = deployment.reference_drive(raster(1))
    assert deployment.origin.by_membrane and not deployment.reference(raster(1)).any()
    assert np.abs(drive - membranes).mean() < 0.1 * np.abs(membranes).mean()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, "num_steps = 0: say for how many whole steps"),
        ({"num_steps": 5.5}, "num_steps = 5.5"),
        ({"num_steps": 5, "weight_bits": 7}, "weights take 1, 2, 3, 4, 5, 6, 8 or 16 bits"),
        ({"num_steps": 5, "scales": "row"}, "scales must be layer, channel or best"),
    ],
)
def test_wrong_settings_are_one_sentence(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        lava.deploy(network(), **settings)


def test_what_is_no_network_is_refused_and_a_spec_is_taken():
    with pytest.raises(ValueError, match="a int cannot be deployed: give a SpikingBNN"):
        lava.deploy(3, num_steps=4)
    spec = lava.deploy(network(), num_steps=STEPS).spec
    assert lava.deploy(spec).spec is spec
    with pytest.raises(ValueError, match="this network was not quantised"):
        lava.deploy(spec).differing(raster())


def test_recurrent_weights_far_above_those_of_the_input_set_the_scale_of_their_neurons():
    """With a scale by the input's weights alone, 8 bits left these rows of the recurrent matrix a few levels."""
    rng = np.random.default_rng(2)
    weights = rng.normal(0, 0.2, (12, 12)).astype(np.float32)
    weights[:, 0] = -np.geomspace(1, 12, 12)  # inhibition, strong in some rows
    own = torch.from_numpy(rng.normal(0, 0.6, (12, 20)).astype(np.float32))
    neurons = Neurons("cells", (12,), torch.tensor(0.9), torch.tensor(1.0), torch.tensor(0.5))
    connections = (
        Connection(INPUT, "cells", (Full(own),)),
        Connection("cells", "cells", (Full(torch.from_numpy(weights)),)),
    )
    graph = FloatGraph((20,), (neurons,), connections)
    deployment = lava.deploy(graph, raster(), num_steps=STEPS, scales="channel")
    layer, report = deployment.spec.layers[0], deployment.origin.layers[0]
    (recurrent,) = (one for one in layer.more if one.source == 1)
    step = 2.0 ** (recurrent.weight_exp + 1) * UNITS / report.units  # of a stored weight, in floating units
    assert (step * 127 < 2 * np.maximum(np.abs(weights).max(1), own.abs().max(1).values.numpy())).all()
