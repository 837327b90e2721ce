"""Layers on cores: worked by hand, against known networks, and what does not fit."""

import math

import numpy as np
import pytest

from neuromorph.lava import LayerSpec, NetworkSpec
from neuromorph.lava.mapping import CHIPS, axon_bits, map_layers, memory
from neuromorph.lava.sheet import resources


def network(sizes, bits=1, threshold=5, steps=4):
    rng = np.random.default_rng(0)
    layers = [
        LayerSpec(rng.choice(np.array([-1, 1], np.int8), (n, fan_in)), threshold, 410)
        for fan_in, n in zip(sizes, sizes[1:], strict=False)
    ]
    return NetworkSpec(tuple(layers), steps, bits)


def convolution(channels, image, kernel, **place):
    weights = np.random.default_rng(0).choice(np.array([-1, 1], np.int8), (channels, image[0], kernel, kernel))
    return LayerSpec(weights, 5, 410, image=image, **place)


def test_synapse_memory_of_an_axon():
    """Groups of 64 weights with 10 bits of their own, in words of 64 bits: worked by hand."""
    assert axon_bits(64, 8) == 64 * math.ceil((512 + 10) / 64) == 576
    assert axon_bits(256, 1) == 4 * 128
    assert axon_bits(65, 2) == 192 + 64  # the 65th weight opens a group
    assert axon_bits(10, 16) == 192


@pytest.mark.parametrize(("sizes", "cores"), [((784, 256, 10), [2, 2, 3, 5]), ((784, 512, 512, 10), [3, 4, 8, 13])])
def test_cores_of_known_networks(sizes, cores):
    """1-, 2-, 8-bit weights, and 8-bit weights with 8-bit tags, as nengo-loihi's limits give them."""
    spec = network(sizes)
    assert [len(map_layers(spec, CHIPS["loihi1"], bits)[0]) for bits in (1, 2, 8, 16)] == cores


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("bits", [2, 16])
def test_every_neuron_has_one_core_and_no_core_is_overfull(chip, bits):
    spec = network((300, 700, 1500, 40))
    cores, problems = map_layers(spec, CHIPS[chip], bits)
    assert problems == []
    for number, neurons in enumerate(spec.sizes[1:], 1):
        placed = [core for core in cores if core.layer == number]
        assert [core.first for core in placed] == [0, *(core.last for core in placed[:-1])]
        assert placed[-1].last == neurons
        assert all(0 < value <= 1 for core in placed for value in core.fill.values())
    assert {core.layer for core in cores} == {1, 2, 3}
    assert len([core for core in cores if core.layer == 2]) > 1 or chip == "loihi2"


@pytest.mark.parametrize(
    ("spec", "chip", "problem"),
    [
        (network((5000, 10)), "loihi1", "layer 1: 5000 inputs, a core of Loihi 1 has 4096 input axons"),
        (network((20, 30), bits=4), "loihi1", "input: graded spikes of 4 bits need Loihi 2"),
        (network((20, 30, 40), threshold=3, bits=1), "loihi1", None),
        (network((20, 30), bits=4), "loihi2", None),
        (network((100_000, 4)), "loihi2", "layer 1: one neuron's 100000 synapses take"),
        (network((4000, 4000, 4000, 10)), "loihi1", "a chip has 128: 2 chips"),
    ],
)
def test_what_does_not_fit_is_named(spec, chip, problem):
    sheet = resources(spec, chip, weight_bits=4)
    assert (problem is None and sheet.problems == ()) or problem in " ".join(sheet.problems)
    assert ("everything fits" in str(sheet)) == (problem is None)


def test_more_thresholds_than_the_core_has_are_named():
    layer = LayerSpec(np.ones((40, 9), np.int8), np.arange(40).astype(np.int32), 0)
    sheet = resources(NetworkSpec((layer,), 2, 1), "loihi1")
    assert "layer 1: 40 different thresholds on one core, Loihi 1 has 16" in sheet.problems[0]
    assert resources(NetworkSpec((layer,), 2, 1), "loihi2").problems == ()


def test_a_convolution_stores_one_list_for_each_part_of_the_kernel_that_pixels_see():
    """Stride 1, no padding, 3x3 kernel on 6x6: corners, edges and the middle see 1..9 weights; 5x5 such parts."""
    layer = convolution(4, (2, 6, 6), 3)
    parts = [1, 2, 3, 2, 1]  # weights along an axis that pixels 0, 1, 2-3, 4, 5 reach
    expected = sum(axon_bits(2 * 4 * a * b, 2 + 6) for a in parts for b in parts)
    assert memory(layer, 0, 64, 2, shared=True) == (36, expected)


def test_unshared_synapses_are_stored_for_every_pixel_and_channel():
    layer = convolution(4, (2, 6, 6), 3)
    along = [1, 2, 3, 3, 2, 1]
    expected = 2 * sum(axon_bits(4 * a * b, 2 + 6) for a in along for b in along)
    assert memory(layer, 0, 64, 2, shared=False) == (72, expected)


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("shared", [True, False])
def test_a_convolution_is_divided_into_whole_maps(chip, shared):
    layer = convolution(20, (1, 28, 28), 5, padding=2)
    cores, problems = map_layers(NetworkSpec((layer,), 2, 1), CHIPS[chip], 2, shared)
    assert problems == [] and all(core.first % 784 == core.last % 784 == 0 for core in cores)
    assert [core.first for core in cores] == [0, *(core.last for core in cores[:-1])] and cores[-1].last == 20 * 784
    assert len(cores) == (20 if chip == "loihi1" else 2 if shared else 4)
    assert all(0 < value <= 1 for core in cores for value in core.fill.values())


def test_a_map_too_large_for_a_core_is_divided_into_rows():
    layer = convolution(3, (1, 64, 64), 3, padding=1)
    cores, problems = map_layers(NetworkSpec((layer,), 2, 1), CHIPS["loihi1"], 2)
    assert problems == [] and [core.last - core.first for core in cores] == [1024] * 12
    assert round(4096 * cores[0].fill["input axons"]) == 17 * 64  # 16 rows and one more row of pixels below
    assert round(4096 * cores[1].fill["input axons"]) == 18 * 64


def test_what_learns_is_not_shared():
    layer = convolution(16, (16, 14, 14), 5, padding=2)
    spec = NetworkSpec((layer,), 2, 1)
    fixed, learning = resources(spec), resources(spec, learning=True)
    assert len(learning.cores) > len(fixed.cores) and fixed.formats["2-bit weights, none shared"] > len(fixed.cores)
