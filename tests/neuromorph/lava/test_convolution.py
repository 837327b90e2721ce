"""A convolution one connection at a time, against torch; and as Lava's Conv, against both."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuromorph.lava import LayerSpec, NetworkSpec
from neuromorph.lava.convolution import lava_kernel, output_shape, unrolled
from neuromorph.lava.reference import simulate, synapse

SIGNS = np.array([-1, 1], np.int8)


@st.composite
def layers(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kernel, stride = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    padding = draw(st.integers(0, kernel - 1))
    image = (draw(st.integers(1, 3)), draw(st.integers(4, 8)), draw(st.integers(4, 8)))
    weights = rng.choice(SIGNS, (draw(st.integers(1, 4)), image[0], kernel, kernel))
    return LayerSpec(weights, 3, 410, image=image, stride=stride, padding=padding), rng


@given(layers())
def test_activation_is_torchs(case):
    """Any kernel, stride, padding and image, with graded messages."""
    layer, rng = case
    messages = rng.integers(0, 16, (3, *layer.image))
    weights = torch.from_numpy(layer.weights).double()
    expected = torch.nn.functional.conv2d(
        torch.from_numpy(messages).double(), weights, stride=layer.stride, padding=layer.padding
    )
    assert layer.shape == expected.shape[1:]
    np.testing.assert_array_equal(synapse(messages.reshape(3, -1), layer), expected.reshape(3, -1).numpy())


@given(layers())
def test_unrolled_has_a_weight_for_every_pixel_that_a_neuron_sees(case):
    """Fan-in of a neuron inside is the kernel's; at an edge of a padded image it is what is left of it."""
    layer, _ = case
    matrix = unrolled(layer.weights, layer.image, layer.stride, layer.padding)
    ones = torch.ones(layer.weights.shape, dtype=torch.float64)
    fan_in = torch.nn.functional.conv2d(
        torch.ones(1, *layer.image, dtype=torch.float64), ones, stride=layer.stride, padding=layer.padding
    )
    np.testing.assert_array_equal(abs(matrix).sum(1).A1, fan_in.numpy().ravel())
    assert set(np.unique(matrix.data)) <= {-1, 1} and matrix.nnz == fan_in.sum()


def test_a_layer_of_neurons_is_as_large_as_its_maps():
    layer = LayerSpec(np.ones((6, 2, 3, 3), np.int8), np.arange(1, 7), 0, image=(2, 9, 7), stride=2, padding=1)
    assert output_shape(layer.weights, layer.image, 2, 1) == layer.shape == (6, 5, 4)
    assert (layer.neurons, layer.inputs, layer.fan_in) == (120, 126, 18)
    np.testing.assert_array_equal(layer.each(layer.threshold), np.repeat(np.arange(1, 7), 20))


def test_threshold_and_bias_of_a_channel_reach_its_neurons():
    rng = np.random.default_rng(0)
    layer = LayerSpec(
        rng.choice(SIGNS, (3, 1, 3, 3)), np.array([1, 2, 3]), 410, bias_mant=np.array([50, -30, 7]), image=(1, 6, 6)
    )
    x = (rng.random((6, 4, 36)) < 0.5).astype(np.float32)
    whole = simulate(NetworkSpec((layer,), 6, 0), x)[0]
    for channel in range(3):
        part = LayerSpec(
            layer.weights[channel : channel + 1],
            int(layer.threshold[channel]),
            410,
            bias_mant=int(layer.bias_mant[channel]),
            image=(1, 6, 6),
        )
        alone = simulate(NetworkSpec((part,), 6, 0), x)[0]
        np.testing.assert_array_equal(whole.membranes[..., 16 * channel : 16 * (channel + 1)], alone.membranes)
        assert alone.spikes.any()


@pytest.mark.parametrize("shape", [(2, 3, 3, 3), (1, 1, 1, 1), (3, 2, 2, 2)])
def test_lavas_convolution_of_the_turned_kernel_is_the_cross_correlation(shape):
    utils = pytest.importorskip("lava.proc.conv.utils", reason="lava-nc is not installed")
    rng = np.random.default_rng(0)
    weights, image = rng.choice(SIGNS, shape).astype(np.int32), rng.integers(0, 9, (shape[1], 6, 5))
    found = utils.conv(image.transpose(2, 1, 0), lava_kernel(weights), shape[:1:-1], (2, 2), (0, 0), (1, 1), 1)
    expected = torch.nn.functional.conv2d(torch.from_numpy(image), torch.from_numpy(weights).long(), stride=2)
    np.testing.assert_array_equal(found.transpose(2, 1, 0), expected.numpy())
