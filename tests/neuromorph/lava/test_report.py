"""The resource sheet: mapping and operations, against counts done the slow way."""

import math

import numpy as np
import pytest

from neuromorph.lava import LayerSpec, NetworkSpec
from neuromorph.lava.deployment import Deployment
from neuromorph.lava.reference import simulate
from neuromorph.lava.report import CHIPS, axon_bits, map_layers, resources


def network(sizes, bits=1, threshold=5, steps=4):
    rng = np.random.default_rng(0)
    layers = [
        LayerSpec(rng.choice(np.array([-1, 1], np.int8), (n, fan_in)), threshold, 410)
        for fan_in, n in zip(sizes, sizes[1:], strict=False)
    ]
    return NetworkSpec(tuple(layers), steps, bits)


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


@pytest.mark.parametrize("bits", [0, 1, 3])
def test_operations_are_neurobenchs(bits):
    """Each synapse, membrane and spike of a small network counted one by one."""
    spec = network((9, 7, 4), bits=bits, threshold=2)
    rng = np.random.default_rng(1)
    x = (rng.random((4, 6, 9)) < 0.5).astype(np.float32) if bits == 0 else rng.random((6, 9), dtype=np.float32)
    activity = Deployment(spec).resources(x=x).activity
    messages, records = spec.encode(x), simulate(spec, x)
    inputs = [messages.swapaxes(0, 1), records[0].spikes]
    operations = [0, 0]
    for number, (layer, sent) in enumerate(zip(spec.layers, inputs, strict=True)):
        for t in range(4):
            for sample in range(6):
                for value in sent[t, sample]:
                    operations[number] += sum(1 for weight in layer.weights[:, 0] if value * weight != 0)
    updates = 0
    for record in records:
        for t in range(4):
            before = record.membranes[t - 1] if t else None
            updates += record.membranes[t].size if t == 0 else int((record.membranes[t] != before).sum())
    graded = bits == 3
    assert activity.multiply_accumulates == (operations[0] / 6 if graded else 0)
    assert activity.accumulates == pytest.approx((operations[1] + (0 if graded else operations[0])) / 6)
    assert activity.membrane_updates == pytest.approx(updates / 6)
    assert activity.spikes[0] == np.count_nonzero(messages) / 6
    assert activity.spikes[1:] == tuple(record.spikes.sum() / 6 for record in records)
    assert activity.dense == 4 * (9 * 7 + 7 * 4)


def test_energy_is_labelled_and_only_where_published():
    spec = network((9, 7, 4))
    x = np.random.default_rng(1).random((6, 9))
    sheet = resources(spec, "loihi1", x)
    activity = sheet.activity
    assert sum(sheet.picojoules.values()) == pytest.approx(
        23.6 * activity.accumulates
        + 81 * activity.membrane_updates
        + 52 * (activity.neuron_steps - activity.membrane_updates)
    )
    assert "PRE-SILICON LOWER BOUND" in str(sheet) and "Davies et al. 2018" in str(sheet)
    assert resources(spec, "loihi2", x).picojoules is None and "none is given for Loihi 2" in str(
        resources(spec, "loihi2", x)
    )
    assert resources(network((9, 7, 4), bits=4), "loihi1", x).picojoules is None  # graded spikes do not fit
    learning = resources(spec, "loihi1", x, learning=True)
    assert learning.picojoules["learning updates, all synapses once"] == 120 * (9 * 7 + 7 * 4)
    assert (learning.weight_bits, learning.tag_bits) == (8, 8)


def test_footprints():
    sheet = resources(network((784, 256, 10)))
    assert sheet.weights == 203_264
    assert sheet.packed_bytes == (203_264 + 2 * 29) / 8
    assert sheet.float_bytes == 4 * (203_264 + 4)


def test_unknown_chip_and_impossible_format_are_named():
    with pytest.raises(ValueError, match="unknown chip 'loihi3'; known: loihi1, loihi2"):
        resources(network((3, 2)), "loihi3")
    with pytest.raises(ValueError, match="got 1"):
        resources(network((3, 2)), weight_bits=1)
