"""Training network == integer reference == stock Lava, spike for spike in every layer and step."""

import importlib.util

import numpy as np
import pytest
import snntorch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from neuromorph.lava import LayerSpec, NetworkSpec, deploy
from neuromorph.lava.deployment import Deployment
from neuromorph.lava.reference import simulate
from neuromorph.learners.deep import DeepConfig, DeepLearner
from neuromorph.snn import SpikingBNN

torch.set_num_threads(1)  # on matrices this small, threads only wait for each other

needs_lava = pytest.mark.skipif(importlib.util.find_spec("lava") is None, reason="lava-nc is not installed")


@pytest.fixture(scope="module")
def trained():
    """A network trained on digits, with 60 of its test images and their labels."""
    images, labels = load_digits(return_X_y=True)
    x, y = (images / 16).astype(np.float32), labels.astype(np.int64)
    learner = DeepLearner(DeepConfig(sizes=(64, 60, 40, 10), m=2.0))
    for _ in range(4):
        learner.partial_fit(x[:1400], y[:1400])
    return learner, x[1400:1460], y[1400:1460]


def raster(spec_steps, batch, features, seed=0):
    return (np.random.default_rng(seed).random((spec_steps, batch, features)) < 0.4).astype(np.float32)


def assert_equals_training(net, x):
    """Every spike and every membrane of the integer reference is the training network's."""
    with torch.no_grad():
        records = net.record(torch.from_numpy(x))
    for (spikes, membranes), found in zip(records, simulate(deploy(net).spec, x), strict=True):
        np.testing.assert_array_equal(found.spikes, spikes.flatten(2).numpy() == 1)
        np.testing.assert_array_equal(found.membranes, membranes.flatten(2).numpy())
        assert 0.01 < found.spikes.mean() < 0.9


@needs_lava
def test_trained_network_training_equals_reference_equals_lava(trained):
    learner, x, y = trained
    assert (learner.predict(x) == y).mean() > 0.8
    assert_equals_training(learner.network, x)
    deployment = deploy(learner.network)
    assert deployment.verify(x) == (0, 0, 0)
    spikes = deployment.run(x)
    assert spikes.shape == (6, 60, 10) and spikes.dtype == bool
    np.testing.assert_array_equal(spikes, deployment.reference(x))
    with torch.no_grad():
        np.testing.assert_array_equal(spikes, learner.network(torch.from_numpy(x))[0].numpy() == 1)
    assert (spikes.sum(0).argmax(1) == y).mean() > 0.7  # spike counts alone, ties to the first class


@pytest.mark.parametrize("bits", [0, 1, 7])
@pytest.mark.parametrize("beta", [1.0, 0.9, 0.5])
def test_reference_equals_training(bits, beta):
    net = SpikingBNN((30, 20, 6), num_steps=9, beta=beta, input_bits=bits)
    x = raster(9, 5, 30) if bits == 0 else np.random.default_rng(1).random((5, 30), dtype=np.float32)
    assert_equals_training(net, x)


@pytest.mark.parametrize("encoding", ["rate", "latency"])
def test_reference_encodes_as_training(encoding):
    net = SpikingBNN((30, 20, 6), num_steps=9, encoding=encoding, gains=(4, 4))
    assert_equals_training(net, np.random.default_rng(1).random((50, 30), dtype=np.float32))


CONVOLUTIONS = ((6, 3, 2, 1), (8, 2, 1, 0))


@pytest.fixture(scope="module")
def convolved():
    """A convolutional network trained on digits, and images that it has not seen."""
    images, labels = load_digits(return_X_y=True)
    x, y = (images / 16).astype(np.float32), labels.astype(np.int64)
    learner = DeepLearner(DeepConfig(sizes=(64, 30, 10), image=(1, 8, 8), convolutions=CONVOLUTIONS, m=0.0))
    for _ in range(4):
        learner.partial_fit(x[:1000], y[:1000])
    return learner, x[1400:1450], y[1400:1450]


@needs_lava
def test_trained_convolutional_network_training_equals_reference_equals_lava(convolved):
    learner, x, y = convolved
    assert (learner.predict(x) == y).mean() > 0.5
    assert_equals_training(learner.network, x)
    deployment = deploy(learner.network)
    assert deployment.spec.title == "1x8x8-6x4x4-8x3x3-30-10"
    assert deployment.verify(x[:20], "stock") == deployment.verify(x, "batched") == (0, 0, 0, 0)
    assert deployment.verify(x[:5], "stock", "float") == deployment.verify(x, "batched", "float") == (0, 0, 0, 0)


@pytest.fixture(scope="module", params=[(), CONVOLUTIONS], ids=["dense", "convolution"])
def folded(request):
    """A batch-normalised network after some training, folded; with input."""
    images, labels = load_digits(return_X_y=True)
    x, y = (images / 16).astype(np.float32), labels.astype(np.int64)
    config = DeepConfig(
        sizes=(64, 30, 10), image=(1, 8, 8), convolutions=request.param, m=0.0, norm="batch-running", input_bits=1
    )
    learner = DeepLearner(config)
    for _ in range(4):
        learner.partial_fit(x[:1000], y[:1000])
    with torch.no_grad():
        learner.network.norms[0].weight[0] *= -1  # a row whose signs turn round
    learner.network.eval()
    return learner.network, x[1400:1430]


@needs_lava
def test_folded_batch_norm_reaches_lava(folded):
    """Thresholds, biases and weight exponents of each layer, as the norms left them."""
    network, x = folded
    assert_equals_training(network.folded(), x)
    deployment = deploy(network.folded())
    layers = deployment.spec.layers
    assert any(np.ndim(one.threshold) for one in layers) and any(np.any(one.bias) for one in layers)
    assert any(one.weight_exp > -1 for one in layers)
    for engine in ("stock", "batched"):
        assert not any(deployment.verify(x[:10], engine))


def test_a_batch_norm_that_is_not_folded_is_refused(folded):
    with pytest.raises(ValueError, match=r"no layer for norm='batch-running': train without, or deploy network.folded"):
        deploy(folded[0])


@needs_lava
@pytest.mark.parametrize(("bits", "beta", "steps"), [(0, 0.9, 7), (1, 1.0, 5), (7, 0.5, 1)])
def test_other_inputs_and_decays_reach_lava(bits, beta, steps):
    net = SpikingBNN((30, 20, 6), num_steps=steps, beta=beta, input_bits=bits)
    x = raster(steps, 4, 30) if bits == 0 else np.random.default_rng(1).random((4, 30), dtype=np.float32)
    assert deploy(net).verify(x) == (0, 0)


@needs_lava
def test_one_signed_layers_and_other_exponents_reach_lava():
    """Dense chooses its sign mode from the weights, and an exponent below -1 floors the sum."""
    rng = np.random.default_rng(0)
    layers = (
        LayerSpec(np.ones((8, 10), np.int8), threshold=12, dv=100, weight_exp=-3),
        LayerSpec(rng.choice(np.array([-1, 1], np.int8), (9, 8)), threshold=3, dv=4095, weight_exp=1),
        LayerSpec(np.full((4, 9), -1, np.int8), threshold=0, dv=0),
    )
    deployment = Deployment(NetworkSpec(layers, num_steps=6, input_bits=4))
    x = rng.random((5, 10), dtype=np.float32)
    assert [record.spikes.any() for record in simulate(deployment.spec, x)] == [True, True, False]
    assert deployment.verify(x) == (0, 0, 0)


@needs_lava
@pytest.mark.parametrize("engine", ["stock", "batched"])
def test_drive_is_the_sum_of_what_the_outputs_receive(trained, convolved, biased, engine):
    """Weights times hidden spikes, and biases, added up over all steps; 60 samples and a padded second round."""
    learner, x, y = trained
    x = np.concatenate([x, x]) if engine == "batched" else x
    deployment = deploy(learner.network)
    spikes = simulate(deployment.spec, x)[-2].spikes.sum(0)
    drive = deployment.drive(x, engine)
    np.testing.assert_array_equal(drive, 64 * spikes @ deployment.spec.layers[-1].weights.T.astype(np.int64))
    np.testing.assert_array_equal(drive, deployment.reference_drive(x))
    assert (drive[:60].argmax(1) == y).mean() > 0.7
    for other, some in ((deploy(convolved[0].network), x[:7]), (Deployment(biased[0]), biased[1])):
        np.testing.assert_array_equal(other.drive(some, engine), other.reference_drive(some))
    assert deployment.drive(x[:0], engine).shape == (0, 10)


def test_a_drive_that_could_reach_the_threshold_is_refused():
    layer = LayerSpec(np.ones((2, 2000), np.int8), 9, 0)
    with pytest.raises(ValueError, match="70 steps of up to 2000 exceed the largest threshold, 131071"):
        Deployment(NetworkSpec((layer,), 70, 0)).reference_drive(np.zeros((70, 1, 2000)))


@needs_lava
def test_verify_counts_each_differing_spike(trained, monkeypatch):
    """A wrong reference must be seen: one threshold is raised on one side only."""
    learner, x, _ = trained
    deployment = deploy(learner.network)
    first, *rest = deployment.spec.layers
    other = NetworkSpec((LayerSpec(first.weights, first.threshold + 1, first.dv), *rest), 6, 4)
    monkeypatch.setattr("neuromorph.lava.deployment.simulate", lambda spec, x: simulate(other, x))
    expected = [
        int((a.spikes != b.spikes).sum()) for a, b in zip(simulate(deployment.spec, x), simulate(other, x), strict=True)
    ]
    assert deployment.verify(x) == tuple(expected)
    assert expected[0] > 0


@needs_lava
def test_no_samples_give_no_spikes(trained):
    assert deploy(trained[0].network).run(np.zeros((0, 64), np.float32)).shape == (6, 0, 10)


def test_unknown_engine_lists_the_known(trained):
    with pytest.raises(ValueError, match="unknown engine 'loihi'; known: stock, batched"):
        deploy(trained[0].network).run(trained[1], engine="loihi")
    with pytest.raises(ValueError, match="unknown arithmetic 'double'; known: fixed, float"):
        deploy(trained[0].network).reference(trained[1], arithmetic="double")


@needs_lava
def test_trained_network_batched_equals_reference(trained):
    """131 samples: two rounds of 66, the last one padded."""
    learner, _, _ = trained
    x = (load_digits().data[1400:1531] / 16).astype(np.float32)
    deployment = deploy(learner.network)
    assert deployment.verify(x, engine="batched") == (0, 0, 0)
    assert deployment.run(x, engine="batched").shape == (6, 131, 10)
    assert deployment.run(x[:0], engine="batched").shape == (6, 0, 10)


@st.composite
def convolutions(draw, rng):
    """No, one or two convolutions, the second on what the first gives."""
    image, layers = (draw(st.integers(1, 3)), draw(st.integers(3, 6)), draw(st.integers(3, 6))), []
    for _ in range(draw(st.integers(0, 2))):
        kernel, channels = draw(st.integers(1, min(3, *image[1:]))), draw(st.integers(1, 4))
        layers.append(
            LayerSpec(
                rng.choice(np.array([-1, 1], np.int8), (channels, image[0], kernel, kernel)),
                threshold=rng.integers(0, 6, channels).astype(np.int32),
                dv=draw(st.sampled_from([0, 410, 4095])),
                bias_mant=rng.integers(-80, 200, channels).astype(np.int32),
                image=image,
                stride=draw(st.integers(1, 2)),
                padding=draw(st.integers(0, kernel - 1)),
            )
        )
        image = layers[-1].shape
    return layers


@st.composite
def networks(draw):
    """Small integer networks with everything that a layer may hold, and input for them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = draw(st.lists(st.integers(1, 12), min_size=2, max_size=4))
    steps, bits = draw(st.integers(1, 6)), draw(st.sampled_from([0, 1, 4]))
    layers = draw(convolutions(rng))
    if layers:
        sizes[0] = layers[-1].neurons
    for fan_in, neurons in zip(sizes, sizes[1:], strict=False):
        signs = draw(st.sampled_from([(-1, 1), (-1, 1), (1,), (-1,)]))
        each = draw(st.booleans())
        layers.append(
            LayerSpec(
                rng.choice(np.array(signs, np.int8), (neurons, fan_in)),
                threshold=rng.integers(0, 6, neurons).astype(np.int32) if each else draw(st.integers(0, 6)),
                dv=draw(st.sampled_from([0, 1, 410, 2048, 4095])),
                weight_exp=draw(st.integers(-4, 1)),
                bias_mant=rng.integers(-80, 200, neurons).astype(np.int32) if each else draw(st.integers(-80, 200)),
                bias_exp=draw(st.integers(0, 2)),
            )
        )
    batch = draw(st.integers(1, 4))
    shape = (steps, batch, layers[0].inputs) if bits == 0 else (batch, layers[0].inputs)
    x = rng.random(shape, dtype=np.float32)
    return Deployment(NetworkSpec(tuple(layers), steps, bits)), (x < 0.4).astype(np.float32) if bits == 0 else x


@needs_lava
@settings(max_examples=5, deadline=None, derandomize=True)
@given(networks())
def test_any_small_network_is_equal_on_both_graphs(case):
    """Per-neuron thresholds and biases, one-signed layers, any exponent and decay, up to two convolutions first."""
    deployment, x = case
    for engine in ("stock", "batched"):
        assert not any(deployment.verify(x, engine=engine, timeout=60)), engine


@pytest.fixture(scope="module")
def biased():
    """Two layers with a bias and a threshold of each neuron, active without being saturated; and input."""
    rng = np.random.default_rng(5)
    layers = tuple(
        LayerSpec(
            rng.choice(np.array([-1, 1], np.int8), (neurons, fan_in)),
            threshold=rng.integers(2, 9, neurons).astype(np.int32),
            dv=410,
            bias_mant=rng.integers(-20, 120, neurons).astype(np.int32),
            bias_exp=1,
        )
        for fan_in, neurons in ((20, 15), (15, 6))
    )
    x = (rng.random((7, 5, 20)) < 0.5).astype(np.float32)
    return NetworkSpec(layers, num_steps=7, input_bits=0), x


@needs_lava
@pytest.mark.parametrize("engine", ["stock", "batched"])
@pytest.mark.parametrize("arithmetic", ["fixed", "float"])
def test_bias_and_threshold_of_each_neuron_reach_lava(biased, engine, arithmetic):
    spec, x = biased
    deployment = Deployment(spec)
    assert 0.05 < deployment.reference(x, arithmetic).mean() < 0.9
    assert deployment.verify(x, engine, arithmetic) == (0, 0)


@needs_lava
@pytest.mark.parametrize("engine", ["stock", "batched"])
def test_floating_point_lava_equals_the_float_network(trained, engine):
    """The same weights with plain snnTorch neurons in float64, which round nothing."""
    learner, x, _ = trained
    deployment = deploy(learner.network)
    expected, spikes = [], torch.from_numpy(deployment.spec.encode(x).swapaxes(0, 1).copy()).double()
    for layer in deployment.spec.layers:
        neuron = snntorch.Leaky(beta=1 - layer.dv / 4096, threshold=float(layer.threshold), reset_mechanism="zero")
        neuron = neuron.double()
        snntorch.SpikingNeuron.instances.pop()
        current = spikes @ torch.from_numpy(layer.weights).double().T
        mem, spikes = torch.zeros_like(current[0]), torch.zeros_like(current)
        for t, step in enumerate(current):
            spikes[t], mem = neuron(step, mem)
        expected.append(spikes.numpy() == 1)
    found = deployment.layers(x, engine, "float")
    for index, wanted in enumerate(expected):
        np.testing.assert_array_equal(found[index], wanted)
    assert 0.01 < expected[-1].mean() < 0.9
