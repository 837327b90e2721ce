"""The traps of the stock graph, each shown on the naive version: the mapping is exact only because it avoids them."""

import numpy as np
import pytest

pytest.importorskip("lava.magma", reason="lava-nc is not installed")

from neuromorph.lava import LayerSpec, NetworkSpec
from neuromorph.lava import reference as chip
from neuromorph.lava.compat import running
from neuromorph.lava.convolution import lava_kernel
from neuromorph.lava.graphs.inference import Graph, run_stock, stock_graph, stock_membranes

from lava.magma.core.run_configs import Loihi2SimCfg  # isort: skip
from lava.proc.conv.process import Conv  # isort: skip
from lava.proc.dense.process import Dense  # isort: skip
from lava.proc.lif.process import LIF, LIFReset  # isort: skip
from neuromorph.lava.processes.io import MessageSource, SpikeRecorder  # isort: skip

STEPS, BATCH = 6, 4


@pytest.fixture(scope="module")
def spec():
    rng = np.random.default_rng(2)
    layers = [
        LayerSpec(rng.choice(np.array([-1, 1], np.int8), shape), threshold, 410)
        for shape, threshold in (((12, 16), 24), ((5, 12), 2))
    ]
    return NetworkSpec(tuple(layers), STEPS, input_bits=4)


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(3).random((BATCH, 16), dtype=np.float32)


@pytest.fixture(scope="module")
def expected(spec, x):
    spikes = [record.spikes for record in chip.simulate(spec, x)]
    assert all(0.05 < s.mean() < 0.8 for s in spikes)
    return spikes


def simulate(graph, steps):
    """Spikes of every recorder of ``graph``, each [time, batch, neuron]."""
    with running(graph.source, Loihi2SimCfg(select_tag="fixed_pt")) as run:
        run(steps)
    return [r.recorded.reshape(BATCH, STEPS, -1).swapaxes(0, 1) != 0 for r in graph.recorders.values()]


def rows(spec, x):
    return spec.encode(x).reshape(BATCH * STEPS, -1)


def test_two_runs_and_their_reference_are_equal(spec, x, expected):
    for _ in range(2):
        found = run_stock(spec, spec.encode(x), {0, 1})
        for index, spikes in enumerate(expected):
            np.testing.assert_array_equal(found[index], spikes)


def test_bias_is_not_used(spec, x):
    """Bias enters the membrane at every step, also while the pipeline fills; gains live in the thresholds instead."""
    for neurons, layer in zip(stock_graph(spec, rows(spec, x), set()).neurons, spec.layers, strict=True):
        assert np.all(neurons.bias_mant.init == 0)
        assert neurons.vth.init == layer.threshold


def naive_graph(spec, messages, weights_of, weight_exp, lag):
    """The same chain from stock parts with one thing wrong: the weights, the lag, or no reset between samples."""
    source, recorders, out = MessageSource(messages=messages), {}, None
    out = source.s_out
    for index, layer in enumerate(spec.layers):
        bits = spec.message_bits if index == 0 else 0
        dense = Dense(weights=weights_of(layer), weight_exp=weight_exp, num_message_bits=bits)
        lif = LIF(shape=(len(layer.weights),), du=4095, dv=layer.dv, vth=layer.threshold)
        recorders[index] = SpikeRecorder(shape=(len(layer.weights),), steps=len(messages), lag=lag * (index + 1))
        out.connect(dense.s_in)
        dense.a_out.connect(lif.a_in)
        lif.s_out.connect(recorders[index].s_in)
        out = lif.s_out
    return Graph(source, [], [], recorders)


def test_plain_weights_of_one_are_silently_corrupted(spec, x, expected):
    """Mixed-sign 8-bit weights lose their lowest bit: +1 is read as 0 and -1 as -2."""
    graph = naive_graph(spec, rows(spec, x), lambda layer: layer.weights.astype(np.int32), 0, lag=1)
    found = simulate(graph, BATCH * STEPS + 2)
    assert not found[0].any() and expected[0].any()


def test_each_connection_adds_one_step(spec, x, expected):
    """Without shifting layer l by l steps, spikes are attributed to the wrong step and sample."""
    graph = naive_graph(spec, rows(spec, x), lambda layer: layer.stored_weights, -1, lag=0)
    found = simulate(graph, BATCH * STEPS + 2)
    assert (found[0][:, 0] != expected[0][:, 0]).any()
    for index, spikes in enumerate(expected):  # the first sample is right once it is shifted; it starts from rest
        late = found[index].swapaxes(0, 1).reshape(BATCH * STEPS, -1)[index + 1 : index + 1 + STEPS]
        np.testing.assert_array_equal(late, spikes[:, 0])


def test_membranes_leak_from_sample_to_sample_without_a_reset(spec, x, expected):
    graph = naive_graph(spec, rows(spec, x), lambda layer: layer.stored_weights, -1, lag=1)
    found = simulate(graph, BATCH * STEPS + 2)
    np.testing.assert_array_equal(found[0][:, 0], expected[0][:, 0])
    assert (found[0][:, 1:] != expected[0][:, 1:]).any()


def test_reference_wraps_and_clips_as_the_stock_neuron():
    """Currents beyond 2^23 wrap to the other sign and membranes stop at 2^23 - 1: why the bound is validated."""
    rng = np.random.default_rng(0)
    activations = rng.integers(-200_000, 200_000, (40, 8)).astype(np.int32)
    source, lif = MessageSource(messages=activations), LIF(shape=(8,), du=4095, dv=7, vth=131_071)
    recorder = SpikeRecorder(shape=(8,), steps=40, lag=0)
    source.s_out.connect(lif.a_in)
    lif.s_out.connect(recorder.s_in)
    with running(source, Loihi2SimCfg(select_tag="fixed_pt")) as run:
        run(40)
        final = lif.v.get()
    v, spikes = np.zeros(8, np.int64), np.empty((40, 8), bool)
    for t, a in enumerate(activations.astype(np.int64)):
        spikes[t], before, v = chip.neuron(v, a, 7, 131_071)
        assert np.abs(before).max() <= 2**23 - 1
    assert (np.abs(activations) > 2**17).any()
    np.testing.assert_array_equal(recorder.recorded, spikes)
    np.testing.assert_array_equal(final, v)


def test_bias_without_a_periodic_reset_is_wrong_in_the_first_steps(biased_spec):
    """A bias enters at every step, also while the pipeline fills: the last layer starts from what it gathered then."""
    spec, x = biased_spec
    expected = [record.spikes for record in chip.simulate(spec, x)]
    exact = run_stock(spec, spec.encode(x), {0, 1})
    np.testing.assert_array_equal(exact[1], expected[1])
    source = MessageSource(messages=spec.encode(x)[0])
    recorder, out = SpikeRecorder(shape=(5,), steps=STEPS, lag=2), source.s_out
    for layer in spec.layers:
        dense = Dense(weights=layer.stored_weights, weight_exp=layer.weight_exp)
        lif = LIF(shape=(len(layer.weights),), du=4095, dv=layer.dv, vth=layer.threshold, bias_mant=layer.bias_mant)
        out.connect(dense.s_in)
        dense.a_out.connect(lif.a_in)
        out = lif.s_out
    out.connect(recorder.s_in)
    with running(source, Loihi2SimCfg(select_tag="fixed_pt")) as run:
        run(STEPS + 2)
    assert (recorder.recorded != expected[1][:, 0]).any()


@pytest.fixture(scope="module")
def biased_spec():
    rng = np.random.default_rng(2)
    layers = [
        LayerSpec(rng.choice(np.array([-1, 1], np.int8), shape), threshold, 410, bias_mant=60)
        for shape, threshold in (((12, 16), 3), ((5, 12), 2))
    ]
    return NetworkSpec(tuple(layers), STEPS, input_bits=0), np.ones((STEPS, 1, 16), np.float32)


def test_membranes_of_the_stock_graph_are_those_of_the_reference(biased_spec):
    spec, x = biased_spec
    found = stock_membranes(spec, spec.encode(x)[0])
    for record, membranes in zip(chip.simulate(spec, x), found, strict=True):
        np.testing.assert_array_equal(membranes, np.where(record.spikes, 0, record.membranes)[:, 0])


@pytest.fixture(scope="module")
def convolved():
    rng = np.random.default_rng(2)
    signs = np.array([-1, 1], np.int8)
    layers = (
        LayerSpec(rng.choice(signs, (3, 1, 3, 3)), 15, 410, image=(1, 6, 5), stride=2, padding=1),
        LayerSpec(rng.choice(signs, (4, 27)), 2, 410),
    )
    return NetworkSpec(layers, STEPS, input_bits=4), rng.random((BATCH, 30), dtype=np.float32)


def test_lavas_fixed_point_conv_ignores_the_exponent(convolved):
    """Twice the weights with an exponent of -1, right for Dense, doubles the activation of Conv."""
    spec, x = convolved
    expected = chip.simulate(spec, x)[0].spikes
    found = {}
    for weight, exponent in ((1, 0), (2, -1)):
        source = MessageSource(messages=rows(spec, x))
        kernel = lava_kernel(weight * spec.layers[0].weights.astype(np.int32))
        conv = Conv(weight=kernel, weight_exp=exponent, input_shape=(5, 6, 1), stride=2, padding=1, num_message_bits=4)
        lif = LIFReset(shape=(3, 3, 3), du=4095, dv=410, vth=15, reset_interval=STEPS, reset_offset=2)
        recorder = SpikeRecorder(shape=(27,), steps=BATCH * STEPS, lag=1)
        source.s_out.reshape((1, 6, 5)).transpose((2, 1, 0)).connect(conv.s_in)
        conv.a_out.connect(lif.a_in)
        lif.s_out.transpose((2, 1, 0)).reshape((27,)).connect(recorder.s_in)
        found[exponent] = simulate(Graph(source, [conv], [lif], {0: recorder}), BATCH * STEPS + 1)[0]
    np.testing.assert_array_equal(found[0], expected)
    assert found[-1].sum() > expected.sum() > 0


def test_membranes_of_a_convolution_are_those_of_the_reference(convolved):
    spec, x = convolved
    found = stock_membranes(spec, spec.encode(x)[0])
    for record, membranes in zip(chip.simulate(spec, x), found, strict=True):
        np.testing.assert_array_equal(membranes, np.where(record.spikes, 0, record.membranes)[:, 0])


@pytest.mark.parametrize(("bits", "exact"), [(2, True), (1, False)])
def test_two_bits_hold_the_weights_and_one_does_not(spec, x, expected, bits, exact):
    """+-128 with an exponent of -7 is the same network in 2 bits; mixed signs in 1 bit are -256 and 0."""
    source = MessageSource(messages=rows(spec, x))
    dense = Dense(
        weights=128 * spec.layers[0].weights.astype(np.int32),
        num_weight_bits=bits,
        weight_exp=-7,
        num_message_bits=spec.message_bits,
    )
    lif = LIFReset(shape=(12,), du=4095, dv=410, vth=spec.layers[0].threshold, reset_interval=STEPS, reset_offset=2)
    recorder = SpikeRecorder(shape=(12,), steps=BATCH * STEPS, lag=1)
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(lif.a_in)
    lif.s_out.connect(recorder.s_in)
    found = simulate(Graph(source, [dense], [lif], {0: recorder}), BATCH * STEPS + 1)[0]
    assert np.array_equal(found, expected[0]) == exact
