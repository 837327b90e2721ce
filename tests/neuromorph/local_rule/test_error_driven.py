import numpy as np
import pytest

from neuromorph.local_rule import error_driven, error_neurons
from neuromorph.local_rule.devices import Devices
from neuromorph.local_rule.draws import salts

DEVICES = Devices(2, 4, spread=0.0)
LAYER = error_neurons.Layer(10.0, 15.0, 1.0, 1.0, 4.0, 0.01, 0.02)
WRITING = error_driven.Writing(0.25, DEVICES.scale(3.0))


def plastic(m, chance, u=(0.3, -0.3, 0.2, 0.3), current=(0.0, 0.0, 0.0, 5.0), fired=(0, 2), level=1):
    r = np.full((3, 4, 2), DEVICES.resistances[level])
    w = DEVICES.weights(r, 3.0)
    units, turn = error_neurons.at_rest(4), np.zeros(1, np.int64)
    units.u[:], units.current[:] = u, current
    spikes, m = np.array([*fired, 0, 0]), np.broadcast_to(np.float32(m), w.shape).copy()
    args = (LAYER, WRITING, units, w, r, m, spikes, len(fired), turn, DEVICES.table)
    written = error_driven._plastic(*args, chance, salts(np.uint32(1), np.uint32(1)), 0)
    return w, r, units.u, turn[0], written


def test_synapses_of_spiking_inputs_go_one_level_against_the_error_of_units_in_their_window():
    before = DEVICES.weights(np.full((3, 4, 2), DEVICES.resistances[1]), 3.0)
    w, r, u, turn, written = plastic(0.0, 0.99)
    step = 6 / 6
    expected = np.zeros((3, 4))
    expected[[0, 2], 0], expected[[0, 2], 1] = -step, step  # unit 2 is below its threshold, unit 3 outside its window
    np.testing.assert_allclose(w - before, expected, atol=1e-5)
    np.testing.assert_array_equal(u, np.array([0, 0, 0.2, 0.3], np.float32))
    assert written == 4 and turn == 1
    np.testing.assert_array_equal(r[..., 0], np.full((3, 4), DEVICES.resistances[1]))  # the second device was in turn
    np.testing.assert_allclose(w, DEVICES.weights(r, 3.0), atol=1e-5)


def test_a_synapse_is_taken_where_the_shared_number_is_below_exp_of_minus_m_w():
    size = abs(DEVICES.weights(np.full(2, DEVICES.resistances[1]), 3.0))
    m = np.array([[1.0], [0.0], [2.0]])
    p = np.exp(-m * size)[:, 0]
    for chance, taken in (((p[0] + p[2]) / 2, 2), (p[2] * 0.99, 4), (0.99, 0)):
        _, _, u, turn, written = plastic(m, chance)
        assert written == taken and turn == (taken > 0) and u[0] == 0


def test_without_a_spiking_input_nothing_is_written_and_the_error_stays():
    _, _, u, turn, written = plastic(0.0, 0.5, fired=())
    assert written == 0 and turn == 0 and u[0] == np.float32(0.3)


@pytest.mark.parametrize(("level", "change"), [(0, [0.0, 1.0]), (3, [-1.0, 0.0])])
def test_the_last_levels_hold(level, change):
    before = DEVICES.weights(np.full((3, 4, 2), DEVICES.resistances[level]), 3.0)
    w, *_ = plastic(0.0, 0.5, level=level)
    np.testing.assert_allclose((w - before)[0, :2], change, atol=1e-5)


def test_a_written_resistance_is_a_draw_around_its_level():
    noise = np.linspace(-2, 2, 5).astype(np.float32)
    means, spreads = table = DEVICES.resistances, np.array([0.1, 0.2, 0.05, 0.3], np.float32)
    found = [error_neurons.moved(means[1] * 1.1, 1, table, one) for one in noise]
    np.testing.assert_allclose(found, means[2] * (1 + spreads[2] * noise), rtol=1e-6)
