from dataclasses import replace

import numpy as np
import pytest

from fusi_models.engines.calcium_brian import follow_brian
from fusi_models.engines.calcium_loops import constants
from fusi_models.engines.calcium_protocols import clamped, crossing, drift, frequency, pairing
from fusi_models.engines.calcium_synapse import follow, trains
from fusi_models.models.calcium import SHOUVAL_2002, YEUNG_2004, YEUNG_2004_SELECTIVE, YU_2008


def poisson(rate, steps, synapses, dt, seed):
    rng = np.random.default_rng(seed)
    return [rng.random((steps, synapses)) < rate * dt / 1000 for _ in range(2)]


def test_pairing_curve_of_2002():
    delays = [-60, -20, -5, 0, 10, 20, 40, 60, 80, 100, 150]
    peak, change = pairing(SHOUVAL_2002, delays)
    expected = [0.297, 0.359, 0.517, 0.652, 0.638, 0.619, 0.574, 0.523, 0.471, 0.421, 0.313]
    np.testing.assert_allclose(peak, expected, atol=0.0015)
    expected = [-3e-5, -0.0020, -0.0105, 0.0196, 0.0166, 0.0128, 0.0021, -0.0075, -0.0060, -0.0039, -6e-5]
    np.testing.assert_allclose(change, expected, atol=2e-4)


def test_pairing_has_two_windows_of_depression_about_one_of_potentiation():
    delays = np.arange(-100, 161, 5)
    sign = np.sign(np.where(abs(change := pairing(SHOUVAL_2002, delays, dt=0.2).change) > 1e-3, change, 0))
    order = sign[np.append(True, np.diff(sign) != 0)]
    np.testing.assert_array_equal(order[order != 0], [-1, 1, -1])
    assert np.all(sign[(delays >= 50) & (delays <= 110)] == -1)


def test_pairing_converges_with_the_step():
    coarse, fine, finest = (pairing(SHOUVAL_2002, [-5, 10, 60], dt=dt).peak for dt in (0.2, 0.1, 0.05))
    assert np.all(abs(fine - finest) < 0.6 * abs(coarse - fine))


def test_holding_the_dendrite_depresses_at_little_and_potentiates_at_much_depolarisation():
    change = clamped(SHOUVAL_2002, [-80, -60, -20, 0], pulses=50)
    assert abs(change[0]) < 1e-3 and change[1] < -0.02 and np.all(change[2:] > 0.3)


def test_slow_trains_depress_and_fast_ones_potentiate():
    change = frequency(replace(SHOUVAL_2002, epsp=10.0), [1, 3, 20, 50], pulses=100)
    assert np.all(change[:2] < -0.01) and np.all(change[2:] > 0.3)


@pytest.mark.parametrize(("synapse", "dt"), [(SHOUVAL_2002, 0.1), (YU_2008, 0.1), (YEUNG_2004, 1.0)])
def test_brian2_agrees_on_given_spikes(synapse, dt):
    pre, post = poisson(20 / dt, 800, 3, dt, seed=1)
    ours, theirs = follow(synapse, pre, post, dt, every=10), follow_brian(synapse, pre, post, dt, every=10)
    for name in ("times", "calcium", "weight", "conductance", "state"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=0, atol=1e-9, err_msg=name)
    assert abs(ours.final - 0.25).max() > 1e-6 and ours.calcium.max() > 0.2


def test_weight_follows_its_equation():
    pre, post = poisson(20, 20_000, 3, 0.1, seed=2)
    run = follow(SHOUVAL_2002, pre, post)
    by_hand = np.diff(run.weight, axis=0) / 0.1
    np.testing.assert_allclose(by_hand, SHOUVAL_2002.drift(run.calcium, run.weight)[:-1], rtol=1e-3, atol=1e-12)


def test_conductance_comes_to_rest_at_half_its_target_where_the_mean_square_is_100():
    meta = replace(YEUNG_2004.meta, recover=8e-5, suppress=8e-7)
    fast = replace(YEUNG_2004, meta=meta, conductance=0.6 * meta.target)
    rates = np.linspace(0, 0.1, 100_001)
    rate = 1000 * rates[np.searchsorted([fast.bpap.mean_square(r) for r in rates], 100.0)]
    pre, post = poisson(rate, 300_000, 40, 0.1, seed=3)
    run = follow(fast, pre, post, 0.1, every=1000)
    settled = run.conductance[150:].mean() / meta.target
    assert settled == pytest.approx(0.5, abs=0.02)


def test_more_output_moves_the_threshold_to_the_right():
    synapse, rates, standard = YEUNG_2004_SELECTIVE, np.array([5.0, 30, 100]), []
    for post in (5.0, 20.0, 30.0):
        g = synapse.meta.equilibrium(synapse.bpap.mean_square(post / 1000))
        mean, error = drift(synapse, rates, post, g, np.random.default_rng(4), seconds=10)
        standard.append(mean / error)
    seldom, sometimes, often = standard
    assert seldom[1] > 5 and sometimes[1] > 5 > -5 > often[1]  # 30 Hz of input depresses once the cell fires much
    assert sometimes[0] < -5 and often[0] < -5 and often[2] > 5
    assert 5 < crossing(rates, sometimes) < 30 < crossing(rates, often) < 100


def test_weights_stay_within_their_bounds_and_runs_can_be_cut():
    synapse = replace(YEUNG_2004, rate=replace(YEUNG_2004.rate, rate=1e-2), highest=0.5)
    pre, post = poisson(50, 4000, 5, 1.0, seed=5)
    whole = follow(synapse, pre, post, 1.0)
    assert whole.weight.min() >= 0 and whole.weight.max() == 0.5
    half = follow(synapse, pre[:1500], post[:1500], 1.0)
    np.testing.assert_array_equal(follow(synapse, pre[1500:], post[1500:], 1.0, state=half.state).state, whole.state)


def test_crossing():
    assert crossing(np.array([0.0, 1, 2]), np.array([-1.0, -1, 3])) == 1.25
    assert np.isnan(crossing(np.array([0.0, 1]), np.array([1.0, 2])))


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: trains([np.array([-1.0])], 10), "within"),
        (lambda: trains([np.array([np.nan])], 10), "finite numbers in ms"),
        (lambda: trains([np.array([1.0])], 10, 0.0), "dt must be a finite number above 0 ms, got 0"),
        (
            lambda: follow(SHOUVAL_2002, np.zeros((5, 2)), np.zeros((5, 2)), -1.0),
            "dt must be",
        ),
        (
            lambda: follow(SHOUVAL_2002, np.zeros((5, 2)), np.zeros((5, 2)), weight=np.inf),
            "weights must be a finite",
        ),
        (lambda: pairing(SHOUVAL_2002, []), "at least one delay"),
        (lambda: pairing(SHOUVAL_2002, [np.nan]), "delays must be finite numbers in ms"),
        (lambda: clamped(SHOUVAL_2002, [-60.0], 0), "pulses must be"),
        (lambda: frequency(SHOUVAL_2002, [0.0], 2), "above 0 Hz"),
        (
            lambda: drift(YEUNG_2004, [5.0], 5000.0, -1e-3, np.random.default_rng(0)),
            "at most one spike a step, 1000 Hz",
        ),
        (
            lambda: drift(YEUNG_2004, [-5.0], 5.0, -1e-3, np.random.default_rng(0)),
            "rates must be .* of at least 0 Hz",
        ),
        (lambda: drift(YEUNG_2004, [5.0], 5.0, -1e-3, np.random.default_rng(0), copies=1), "copies must be"),
        (lambda: follow(SHOUVAL_2002, np.zeros((5, 2)), np.zeros((5, 3))), "alike"),
        (lambda: constants(SHOUVAL_2002, 0.0), "dt must be a finite number above 0 ms"),
        (lambda: clamped(SHOUVAL_2002, ["a"]), "voltages must be real numbers"),
        (lambda: frequency(SHOUVAL_2002, [np.nan]), "rates must be finite numbers above 0 Hz"),
        (lambda: trains([[1.0]], np.nan), "duration must be a finite number"),
        (lambda: constants(replace(SHOUVAL_2002, rate=replace(SHOUVAL_2002.rate, rate=1.0)), 1.0), "give shorter ones"),
    ],
)
def test_bad_input(call, match):
    with pytest.raises(ValueError, match=match):
        call()
