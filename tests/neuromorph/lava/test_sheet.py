"""The resource sheet: operations and footprints, against counts done the slow way."""

import numpy as np
import pytest

from neuromorph.lava import LayerSpec, NetworkSpec
from neuromorph.lava.deployment import Deployment
from neuromorph.lava.reference import simulate
from neuromorph.lava.sheet import resources


def network(sizes, bits=1, threshold=5, steps=4):
    rng = np.random.default_rng(0)
    layers = [
        LayerSpec(rng.choice(np.array([-1, 1], np.int8), (n, fan_in)), threshold, 410)
        for fan_in, n in zip(sizes, sizes[1:], strict=False)
    ]
    return NetworkSpec(tuple(layers), steps, bits)


def convolutional():
    rng = np.random.default_rng(3)
    signs = np.array([-1, 1], np.int8)
    layers = (
        LayerSpec(rng.choice(signs, (3, 2, 3, 3)), 2, 410, image=(2, 5, 4), stride=2, padding=1),
        LayerSpec(rng.choice(signs, (4, 18)), 1, 410),
    )
    return NetworkSpec(layers, 4, 1)


def test_operations_of_a_convolution_are_its_synapses_one_by_one():
    """Pixels at an edge reach fewer neurons; a weight of a kernel counts once, a synapse wherever it is used."""
    spec = convolutional()
    x = np.random.default_rng(1).random((6, 40), dtype=np.float32)
    sheet = Deployment(spec).resources(x=x)
    messages, records = spec.encode(x), simulate(spec, x)
    sent = [messages.swapaxes(0, 1), records[0].spikes]
    reached = np.zeros(40, int)
    for y, x_, i, j in np.ndindex(3, 2, 3, 3):
        row, column = 2 * y + i - 1, 2 * x_ + j - 1
        if 0 <= row < 5 and 0 <= column < 4:
            reached.reshape(2, 5, 4)[:, row, column] += 3  # channels
    operations = sum(float((s != 0).sum((0, 1)) @ n) for s, n in zip(sent, (reached, np.full(18, 4)), strict=True))
    assert sheet.activity.accumulates == pytest.approx(operations / 6)
    assert sheet.activity.dense == 4 * (reached.sum() + 72)
    assert (sheet.weights, sheet.synapses) == (54 + 72, reached.sum() + 72)
    assert "2x5x4-3x3x2-4" in str(sheet)


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
    each = LayerSpec(np.ones((40, 9), np.int8), np.arange(40), 0, bias_mant=np.arange(40))
    assert resources(NetworkSpec((each,), 2, 1)).packed_bytes == (360 + 40 * (17 + 13) + 12 + 3) / 8


def test_unknown_chip_and_impossible_format_are_named():
    with pytest.raises(ValueError, match="unknown chip 'loihi3'; known: loihi1, loihi2"):
        resources(network((3, 2)), "loihi3")
    with pytest.raises(ValueError, match="got 1"):
        resources(network((3, 2)), weight_bits=1)
