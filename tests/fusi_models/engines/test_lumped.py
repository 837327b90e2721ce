import time

import numpy as np
import pytest

from fusi_models import HiddenWeight, cascade, memory_curve, monte_carlo, multistate, plain, serial, simulate

TIMES = np.array([0, 1, 2, 5, 20, 100])


def agrees(run, theory, trials, sigma=4.5):
    """Mean within ``sigma`` exact standard errors; spread within its own sampling error."""
    assert np.all(np.abs(run.signal - theory.signal) < sigma * theory.spread / np.sqrt(trials))
    moderate = theory.spread > 0
    assert np.all(np.abs(run.spread / theory.spread - 1)[moderate] < sigma / np.sqrt(2 * trials) * 1.5)


@pytest.mark.parametrize("synapses", [100, 10**6, 10**15])
@pytest.mark.parametrize(
    ("syn", "options"),
    [
        (cascade(5), {}),
        (cascade(10), {"events": "poisson"}),
        (cascade(4, 0.2, 0.3), {}),
        (cascade(4), {"f_pot": 0.4, "active": 0.5}),
        (multistate(6), {}),
        (serial(6, 0.1), {"events": "poisson", "active": 0.3}),
    ],
    ids=lambda v: getattr(v, "name", None) or str(v),
)
def test_lumped_agrees_with_theory_in_mean_and_spread(syn, options, synapses):
    trials = 1500
    run = simulate(syn, TIMES, synapses, trials, np.random.default_rng(synapses % 97), **options)
    theory = memory_curve(syn, TIMES, synapses, **options)
    agrees(run, theory, trials)
    np.testing.assert_allclose(run.noise, theory.noise)


@pytest.mark.parametrize("syn", [plain(0.3), cascade(5), cascade(4, 0.2, 0.3)], ids=lambda s: s.name)
def test_monte_carlo_agrees_with_theory(syn):
    agrees(monte_carlo(syn, TIMES, 500, 300, np.random.default_rng(0)), memory_curve(syn, TIMES, 500), 300)


def test_joint_law_of_two_readings_is_that_of_one_population():
    # the overlaps at two times are correlated because the same synapses carry them
    syn, trials = cascade(3), 2000
    both = [run_pair(engine, syn, trials) for engine in (simulate, monte_carlo)]
    assert both[0] == pytest.approx(both[1], abs=0.1)
    assert both[0] > 0.2


def run_pair(engine, syn, trials):
    rng, pairs = np.random.default_rng(1), []
    for _ in range(trials):
        pairs.append(engine(syn, np.array([1, 2]), 50, 1, rng).signal)
    return np.corrcoef(np.transpose(pairs))[0, 1]


def test_same_seed_same_curve():
    first, second, other = (
        simulate(cascade(5), TIMES, 1000, 3, np.random.default_rng(seed)).signal for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, second)
    assert np.any(first != other)


def test_one_synapse_and_one_trial():
    run = simulate(plain(), np.array([0, 1]), 1, 1, np.random.default_rng(0))
    assert run.signal[0] == 1 and abs(run.signal[1]) == 1
    assert np.isnan(run.error).all()


def test_a_long_curve_of_a_billion_synapses_takes_less_than_two_seconds():
    times = np.unique(np.append(0, np.geomspace(1, 1e6, 60).round()))
    start = time.perf_counter()
    simulate(cascade(10), times, 10**9, 50, np.random.default_rng(0))
    assert time.perf_counter() - start < 2


def test_symmetric_model_is_unbiased():
    run = simulate(cascade(6), np.array([5000]), 10**4, 4000, np.random.default_rng(3))
    assert abs(run.signal[0]) < 4 * run.error[0]


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda r: simulate(cascade(3), [2, 1], 10, 2, r), "increasing"),
        (lambda r: simulate(cascade(3), [-1], 10, 2, r), "0 or later"),
        (lambda r: simulate(cascade(3), [], 10, 2, r), "at least one time"),
        (lambda r: simulate(cascade(3), [1], 0, 2, r), "at least 1"),
        (lambda r: simulate(cascade(3), [1], 10**16, 2, r), "1e15"),
        (lambda r: simulate(cascade(3), [1], 10, 0, r), "trials"),
        (lambda r: simulate(cascade(3), [1], 10, 1, r, active=0.01), "a memory touches"),
        (lambda r: monte_carlo(HiddenWeight(1), [0.5], 10, 1, r), "whole numbers"),
    ],
)
def test_bad_input(call, match):
    with pytest.raises(ValueError, match=match):
        call(np.random.default_rng(0))
