import numpy as np
import pytest

from neuromorph.local_rule import error_neurons

LAYER = error_neurons.Layer(10.0, 15.0, 1.0, 1.0, 4.0, 0.01, 0.02)


def test_m_grows_where_both_traces_are_high_up_to_its_cap():
    m = np.zeros((3, 2), np.float32)
    for grown in (0.01, 0.02, 0.02):
        before, after = np.array([4.0, 1.0, 4.0]), np.array([0.0, 3.0])
        error_neurons.consolidated(LAYER, m, before, after, np.array([3.5, 2.0]))
        np.testing.assert_allclose(m, [[0, grown], [0, 0], [0, grown]], rtol=1e-6)


def test_a_neuron_fires_at_its_threshold_rests_and_forgets_by_a_twenty_fifth():
    unit, fired = error_neurons.at_rest(1), []
    unit.current[:] = 2.0
    for t in range(60):
        fired.append(error_neurons.neurons(LAYER, t, unit))
    times = np.flatnonzero(fired)
    # held at 0 in step 0; then 2 (1 - (14/15)^n) >= 1 from n = 11 on, and 4 steps of rest after each spike
    np.testing.assert_array_equal(times, [11, 26, 41, 56])
    assert unit.trace[0] == pytest.approx(sum(0.96 ** (59 - t) for t in times), rel=1e-5)
