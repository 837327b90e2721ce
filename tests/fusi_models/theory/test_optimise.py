import numpy as np
import pytest

import fusi_models as fm
from fusi_models.theory.optimise import optimise, value_and_slope

STRENGTH = np.array([-1, -1, 1, 1])


def signal(syn, t, events="poisson"):
    return float(fm.memory_curve(syn, np.array([t]), 1, events).signal[0])


@pytest.mark.parametrize(
    ("goal", "events", "t"),
    [("signal", "poisson", 0.0), ("signal", "poisson", 2.5), ("signal", "discrete", 3.0), ("laplace", "poisson", 4.0)],
)
def test_values_are_those_of_the_theory_and_slopes_those_of_differences(goal, events, t):
    rng, f = np.random.default_rng(0), 0.3
    matrices = rng.dirichlet(np.ones(4), (2, 4))
    value, slope = value_and_slope(matrices, STRENGTH, t, goal, events, f)
    syn = fm.MarkovSynapse(*matrices, STRENGTH, f)
    expected = signal(syn, t, events) if goal == "signal" else float(fm.laplace(syn, np.array(1 / t))) / t
    assert value == pytest.approx(expected, rel=1e-10)
    way = rng.standard_normal(matrices.shape)
    way -= way.mean(-1, keepdims=True)  # rows keep their sums
    up, down = (value_and_slope(matrices + h * way, STRENGTH, t, goal, events, f)[0] for h in (1e-6, -1e-6))
    assert np.sum(slope * way) == pytest.approx((up - down) / 2e-6, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(("t", "found"), [(5, 0.2114), (10, 0.1286), (20, 0.0739), (50, 0.0332), (100, 0.0174)])
def test_six_states_do_at_least_as_well_as_found_before_and_stay_below_the_envelope(t, found):
    best = optimise(6, t, starts=1)
    share = float(fm.envelope_share(best, np.array([t]))[0])
    assert signal(best, t) >= found - 5e-5
    assert share < 1


def test_late_optima_are_close_to_sticky_chains_and_two_states_reach_the_envelope():
    best = optimise(6, 50, starts=0)
    chain = max((fm.serial(6, eps) for eps in np.geomspace(0.05, 0.2, 15)), key=lambda syn: signal(syn, 50))
    assert signal(best, 50) == pytest.approx(signal(chain, 50), rel=5e-3) and signal(best, 50) >= signal(chain, 50)
    for t in (1, 7):
        assert fm.envelope_share(optimise(2, t), np.array([t]))[0] == pytest.approx(1, abs=1e-6)


def test_the_mean_over_ages_keeps_its_bound():
    best = optimise(6, 20, "laplace", starts=0)
    mean = float(fm.laplace(best, np.array(1 / 20))) / 20
    assert float(fm.laplace(fm.serial(6, 0.2), np.array(1 / 20))) / 20 < mean < 5 / 25


@pytest.mark.parametrize(("t", "f_pot", "ratio"), [(2, 0.275, 1.640), (3, 0.225, 1.734), (5, 0.15, 1.826)])
def test_discrete_events_beat_what_was_taken_for_their_bound(t, f_pot, ratio):
    """The analogue (M-1)/(t+1) (t/(t+1))^t is beaten by modes that turn over; ratios from a grid."""
    best = optimise(2, t, events="discrete", f_pot=f_pot, starts=10)
    analogue = (t / (t + 1)) ** t / (t + 1)
    assert signal(best, t, "discrete") / analogue == pytest.approx(ratio, abs=2e-3)


def test_a_shift_register_is_found():
    register = optimise(4, 1, events="discrete", starts=4)
    assert signal(register, 1, "discrete") == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ((1, 5.0), "states must be"),
        ((4, -1.0), "times must be 0"),
        ((4, 5.0, "area"), "goal must be"),
        ((4, 5.0, "laplace", "discrete"), "give events='poisson'"),
        ((4, 1.5, "signal", "discrete"), "whole numbers"),
    ],
)
def test_mistakes_are_named(arguments, match):
    with pytest.raises(ValueError, match=match):
        optimise(*arguments)
