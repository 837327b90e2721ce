import dataclasses

import numpy as np
import pytest
import torch

from neuromorph.lava import LayerSpec, NetworkSpec, integer_network
from neuromorph.lava.connection import Synapses
from neuromorph.snn import SpikingBNN


def layer(n_in=4, n_out=3, **changes):
    weights = np.where(np.arange(n_in * n_out).reshape(n_out, n_in) % 3, 1, -1).astype(np.int8)
    return LayerSpec(**{"weights": weights, "threshold": 2, "dv": 410, **changes})


def convolution(**changes):
    weights = np.ones((2, 1, 2, 2), np.int8)
    return LayerSpec(**{"weights": weights, "threshold": 2, "dv": 410, **changes})


def test_images_of_two_convolutions_must_fit():
    first = LayerSpec(np.ones((2, 1, 2, 2), np.int8), 1, 0, image=(1, 3, 4))
    second = LayerSpec(np.ones((1, 2, 1, 1), np.int8), 1, 0, image=(2, 3, 2))
    with pytest.raises(ValueError, match=r"layer 2 takes images of \(2, 3, 2\) but layer 1 gives \(2, 2, 3\)"):
        NetworkSpec((first, second), num_steps=1, input_bits=0)
    spec = NetworkSpec((first, dataclasses.replace(second, image=(2, 2, 3))), num_steps=1, input_bits=0)
    assert (spec.sizes, spec.title) == ((12, 12, 6), "1x3x4-2x2x3-1x2x3")


def test_integer_network_holds_the_signs_and_integers_of_training():
    net = SpikingBNN((6, 5, 3), num_steps=7, beta=0.75, input_bits=3)
    with torch.no_grad():
        net.layers[0].weight[0, :2] = torch.tensor([0.0, -0.0])  # binary weight 0 does not exist
    spec = integer_network(net)
    assert (spec.sizes, spec.num_steps, spec.input_bits, spec.message_bits) == ((6, 5, 3), 7, 3, 3)
    assert [one.threshold for one in spec.layers] == [neuron.vth for neuron in net.neurons]
    assert {one.dv for one in spec.layers} == {1024}
    for one, latent in zip(spec.layers, net.layers, strict=True):
        assert one.weights.dtype == np.int8
        np.testing.assert_array_equal(one.weights, np.where(latent.weight.detach() >= 0, 1, -1))
        assert not (one.stored_weights % 2).any()  # mixed-sign 8-bit weights lose their lowest bit
    assert spec.layers[0].weights[0, :2].tolist() == [1, 1]


@pytest.mark.parametrize("bits", [1, 4, 7])
def test_encoding_is_the_one_of_training(bits):
    spec = NetworkSpec((layer(),), num_steps=2, input_bits=bits)
    net = SpikingBNN((4, 3), num_steps=2, input_bits=bits)
    halves = (np.arange(2**bits, dtype=np.float32) + 0.5) / (2**bits - 1)  # ties of rounding
    x = np.random.default_rng(0).random((500, 4), dtype=np.float32)
    x = np.concatenate([x, np.repeat(halves[halves <= 1, None], 4, axis=1)])
    messages = spec.encode(x)
    assert messages.shape == (len(x), 2, 4) and messages.max() == 2**bits - 1
    for step in range(2):
        np.testing.assert_array_equal(messages[:, step], net.encode(torch.from_numpy(x))[0].numpy())


def test_a_raster_is_used_as_it_is():
    spec = NetworkSpec((layer(),), num_steps=5, input_bits=0)
    raster = (np.random.default_rng(0).random((5, 2, 4)) < 0.5).astype(np.float32)
    np.testing.assert_array_equal(spec.encode(raster).swapaxes(0, 1), raster)
    assert spec.message_bits == 0
    with pytest.raises(ValueError, match="only 0 and 1"):
        spec.encode(raster * 0.5)
    with pytest.raises(ValueError, match="5 steps, batch, 4"):
        spec.encode(raster[:4])


@pytest.mark.parametrize(
    ("x", "message"),
    [(np.zeros((2, 3)), r"\[batch, 4\]"), (np.full((2, 4), 2), r"\[0, 1\]"), (np.full((2, 4), np.nan), "NaN")],
)
def test_wrong_input_is_named(x, message):
    with pytest.raises(ValueError, match=message):
        NetworkSpec((layer(),), 5, 4).encode(x)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (layer(3, 2, threshold=131072), "layer 2: threshold .* 131071, got 131072"),
        (layer(3, 2, threshold=1.5), "layer 2: threshold"),
        (layer(3, 2, dv=4096), "layer 2: dv .* 4095"),
        (layer(3, 2, weight_exp=8), "layer 2: weight_exp .* 7"),
        (layer(3, 2, weights=np.ones((2, 3))), "layer 2: weights must be an int8"),
        (layer(3, 2, source=3), "layer 2 takes spikes of layer 3, which comes later"),
        (layer(3, 2, source=0), "layer 2 takes 3 inputs but the network has 4"),
        (layer(3, 2, du=np.array([0, 4096])), "layer 2: du must be .* 4095, got 4096 in neuron 2"),
        (layer(3, 2, du=0, weight_exp=7), "layer 2: 3 inputs .* current u to .* wraps beyond"),
        (layer(3, 2, reset="late"), "layer 2: unknown reset 'late'; known: zero, subtract"),
        (layer(3, 2, more=(Synapses(np.ones((3, 4), np.int8)),)), "layer 2 has 2 neurons, a further connection .* 3"),
        (layer(3, 2, threshold=np.array([5, 131072])), "layer 2: threshold .* got 131072 in neuron 2"),
        (layer(3, 2, threshold=np.array([5, 6, 7])), r"layer 2: threshold has shape \(3,\), allowed: .*\(2,\)"),
        (layer(3, 2, bias_mant=np.array([-4097, 0])), "layer 2: bias_mant .* -4096 to 4095, got -4097 in neuron 1"),
        (layer(3, 2, bias_exp=8), "layer 2: bias_exp .* 7"),
        (convolution(image=(1, 2, 2), weight_exp=-2), "layer 2: a convolution needs a weight_exp from -1 to 7, got -2"),
        (convolution(image=(1, 3, 1), padding=2), r"layer 2: a kernel of \(2, 2\) does not fit .* and padding 2"),
        (convolution(image=(1, 1, 3)), r"layer 2: a kernel of \(2, 2\) does not fit an image of \(1, 1, 3\)"),
        (convolution(image=(3, 1, 1)), r"layer 2: weights .* take an image of \(1, rows, columns\), got \(3, 1, 1\)"),
        (convolution(image=(1, 3, 3)), "layer 2 takes 9 inputs but layer 1 has 3 neurons"),
        (convolution(image=(1, 2, 2), threshold=np.array([1, 2, 3])), r"layer 2: threshold has shape .*\(2,\)"),
        (layer(3, 2, image=(1, 1, 3)), r"layer 2: weights must be an int8 array \[out, in, rows, columns\]"),
        (layer(2, 2), "layer 2 takes 2 inputs but layer 1 has 3 neurons"),
        (layer(3, 2, weights=np.ones((1, 131072), np.int8)), "layer 2: 131072 inputs .* wraps beyond 8388607"),
    ],
)
def test_a_layer_that_does_not_fit_is_named_with_its_limit(second, message):
    with pytest.raises(ValueError, match=message):
        NetworkSpec((layer(4, 3), second), num_steps=2, input_bits=1)


@pytest.mark.parametrize(("steps", "bits"), [(0, 4), (1, -1), (1, 25)])
def test_impossible_settings_are_named(steps, bits):
    with pytest.raises(ValueError, match="num_steps" if steps == 0 else "input_bits"):
        NetworkSpec((layer(),), steps, bits)


def test_wrap_bound_counts_the_largest_message():
    fits = NetworkSpec((layer(128, 2),), num_steps=1, input_bits=10)  # 64 * 128 * 1023 < 2^23
    assert fits.largest_message == 1023
    with pytest.raises(ValueError, match="128 inputs of up to 2047"):
        NetworkSpec((layer(128, 2),), num_steps=1, input_bits=11)
    with pytest.raises(ValueError, match="smaller weight_exp"):
        NetworkSpec((layer(128, 2, weight_exp=0),), num_steps=1, input_bits=10)
