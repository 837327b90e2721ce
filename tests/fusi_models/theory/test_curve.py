from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import binom, poisson

from fusi_models import (
    MarkovSynapse,
    area,
    cascade,
    equilibrium,
    initial_snr,
    laplace,
    lifetime,
    memory_curve,
    multistate,
    optimal_depth,
    plain,
    serial,
    spectrum,
)
from fusi_models.theory.curve import decay_exponent, lifetime_exponent, tracked_means


def signal(syn, times, **options):
    return memory_curve(syn, np.asarray(times), 1, **options).signal


def random_synapse(seed, states):
    """Dense or sparse random matrices; complex modes are common."""
    rng = np.random.default_rng(seed)
    matrices = rng.gamma(rng.choice([0.1, 1.0]), size=(2, states, states)) + 1e-6
    matrices /= matrices.sum(-1, keepdims=True)
    return MarkovSynapse(*matrices, rng.permutation(np.repeat([-1, 1], states // 2)), f_pot=rng.uniform(0.1, 0.9))


@pytest.mark.parametrize(
    ("depth", "exact"),
    [
        (3, ["2/3", "1/6", "5/24", "3/32"]),
        (4, ["1/2", "5/32", "51/256", "269/2048"]),
        (5, ["2/5", "21/160", "431/2560", "4817/40960"]),
    ],
)
def test_exact_rationals(depth, exact):
    np.testing.assert_allclose(signal(cascade(depth), range(4)), [float(Fraction(v)) for v in exact], rtol=1e-13)


def test_reference_values_discrete_and_poisson():
    times = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]
    expected = [0.2, 0.06667, 0.08571, 0.05133, 0.03669, 0.02461, 0.01352, 0.008195, 0.004766, 0.002032]
    expected += [7.281e-4, 1.021e-4, 2.84e-7]
    np.testing.assert_allclose(signal(cascade(10), times), expected, rtol=4e-4)
    smooth = signal(cascade(10), [0, 1, 2, 5, 10], events="poisson")
    np.testing.assert_allclose(smooth, [0.2, 0.1187, 0.0872, 0.0555, 0.0382], rtol=2e-3)


@pytest.mark.parametrize("depth", range(2, 16))
def test_closed_forms(depth):
    assert area(cascade(depth)) == pytest.approx((depth * (depth - 1) + 2) / (2 * depth), rel=1e-9)
    assert initial_snr(cascade(depth), 1) == pytest.approx(2 / depth, rel=1e-12)
    unequal = 4 * 0.3 * 0.7 / (depth * 0.8) / np.sqrt(1 - 0.4**2)
    assert initial_snr(cascade(depth, 0.2, 0.3), 1) == pytest.approx(unequal, rel=1e-10)


@pytest.mark.parametrize(("depth", "slowest"), [(10, 510.28), (12, 2046.27), (15, 16382.27)])
def test_slowest_time_constant(depth, slowest):
    assert spectrum(cascade(depth)).time_constants[0].real == pytest.approx(slowest, abs=0.01)


@pytest.mark.parametrize("events", ["discrete", "poisson"])
def test_depths_one_and_two_have_the_same_curve(events):
    one, two = (signal(cascade(depth), range(5), events=events) for depth in (1, 2))
    np.testing.assert_allclose(one, two, atol=1e-15)
    assert one[0] == pytest.approx(1) and (events == "poisson" or abs(one[1]) < 1e-15)


def test_a_faded_memory_has_no_floor():
    times = np.array([10, 100, 1000, 2300])
    np.testing.assert_allclose(signal(plain(0.25), times), 0.25 * 0.75**times, rtol=1e-12)
    deep, times = cascade(8), np.array([2000, 4000, 8000])
    slowest = spectrum(deep).time_constants[0].real
    late = signal(deep, times, events="poisson")
    assert 1e-30 < late[-1] < 1e-25
    np.testing.assert_allclose(late[1:] / late[:-1], np.exp(-np.diff(times) / slowest), rtol=1e-6)


def test_poisson_curve_is_the_poisson_mixture_of_the_discrete_one():
    syn, steps = cascade(6, 0.3, 0.4), np.arange(200)
    for time in (0.7, 3.0, 41.5):
        mixture = poisson.pmf(steps, time) @ signal(syn, steps)
        assert signal(syn, [time], events="poisson")[0] == pytest.approx(mixture, rel=1e-12)


def test_sparse_events_slow_the_curve_and_shrink_the_population():
    times = np.array([0, 7, 20])
    curve = memory_curve(cascade(5), times, 1000, active=0.25)
    mixture = [binom.pmf(np.arange(t + 1), t, 0.25) @ signal(cascade(5), range(t + 1)) for t in times]
    np.testing.assert_allclose(curve.signal, mixture, rtol=1e-12)
    np.testing.assert_allclose(curve.noise, 1 / np.sqrt(250))


def test_variance_and_group_means_by_enumeration():
    syn = cascade(4, 0.3, 0.35)
    pi, f = syn.equilibrium(), 0.35
    for time in (0, 1, 6):
        after = np.linalg.matrix_power(syn.mean_step(), time) @ syn.strength
        plus, minus, mean = pi @ syn.potentiation @ after, pi @ syn.depression @ after, pi @ syn.strength
        np.testing.assert_allclose(np.ravel(tracked_means(syn, np.array([time]))), [plus, minus], rtol=1e-12)
        curve = memory_curve(syn, np.array([time]), 10)
        square = f * (1 - 2 * plus * mean + mean**2) + (1 - f) * (1 - 2 * minus * mean + mean**2)
        assert curve.signal[0] == pytest.approx(f * (plus - mean) - (1 - f) * (minus - mean), rel=1e-12)
        assert curve.spread[0] ** 2 * 10 == pytest.approx(square - curve.signal[0] ** 2, rel=1e-12)
        given_pattern = f * (1 - plus**2) + (1 - f) * (1 - minus**2)
        assert given_pattern == pytest.approx(1 - mean**2 - curve.signal[0] ** 2 / (4 * f * (1 - f)), rel=1e-12)
        assert curve.noise[0] ** 2 * 10 == pytest.approx(1 - mean**2)


@pytest.mark.parametrize(
    ("depth", "expected"),
    [(5, [34, 50, 67, 83, 99, 115]), (8, [91, 225, 370, 515, 660, 804]), (12, [59, 273, 1079, 3010, 5342, 7696])],
)
def test_discrete_lifetimes(depth, expected):
    assert [lifetime(cascade(depth), 10.0**k) for k in range(4, 10)] == expected


def test_lifetime_is_the_last_crossing_although_the_curve_is_not_monotone():
    syn, synapses = cascade(10), 1 / 0.08**2
    curve = memory_curve(syn, np.arange(50), synapses).snr
    assert curve[1] < 1 <= curve[2]
    assert lifetime(syn, synapses) == np.flatnonzero(curve >= 1)[-1] == 2
    assert lifetime(syn, 1 / 0.3**2) == 0.0


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.floats(10, 1e5))
def test_lifetimes_of_random_synapses_agree_with_brute_force(seed, synapses):
    syn = random_synapse(seed, states=4)
    above = np.flatnonzero(memory_curve(syn, np.arange(3000), synapses).snr >= 1)
    assert lifetime(syn, synapses) == (above[-1] if len(above) else 0)
    times = np.linspace(0, 200, 20001)
    above = np.flatnonzero(memory_curve(syn, times, synapses, "poisson").snr >= 1)
    found = lifetime(syn, synapses, events="poisson")
    assert found == pytest.approx(times[above[-1]] if len(above) else 0, abs=0.0101)


def test_optimal_depths_and_lifetime_exponents():
    counts, found = 10.0 ** np.array([3, 5, 7, 9]), []
    for synapses, (depth, life) in zip(counts, [(6, 24.1), (10, 322.8), (13, 3538), (17, 37714)], strict=True):
        best = optimal_depth(synapses)
        assert best == (depth, pytest.approx(life, rel=3e-3))
        found.append(best[1])
    exponents = lifetime_exponent(counts, np.array(found))
    assert 0.5 < exponents[-1] < exponents[0] < 0.6


def test_decay_exponent_steepens_through_three_quarters():
    times = np.geomspace(1, 1e5, 501)
    local = decay_exponent(memory_curve(cascade(20), times, 1, "poisson"))
    np.testing.assert_allclose(local[[100, 200, 300, 400]], [0.569, 0.745, 0.840, 0.884], atol=0.002)


def test_laplace_is_the_integral():
    syn = cascade(5)
    for s in (0.01, 1.0):
        integral = quad(lambda t, s=s: np.exp(-s * t) * signal(syn, [t], events="poisson")[0], 0, 400, limit=400)[0]
        assert laplace(syn, np.array(s)) == pytest.approx(integral, rel=1e-6)
    assert area(syn) == pytest.approx(signal(syn, np.arange(2000)).sum(), rel=1e-12)


@pytest.mark.parametrize(
    ("syn", "expected"),
    [(serial(20, 0.1), 14.263158), (serial(20, 0.001), 18.910803), (multistate(20), 10), (multistate(20, 0.5), 10)],
)
def test_area_of_chains(syn, expected):
    assert area(syn) == pytest.approx(expected, rel=1e-7)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_curve_equals_the_defining_product(seed):
    syn = random_synapse(seed, states=6)
    f, pi, steps = syn.f_pot, syn.equilibrium(), np.array([0, 1, 2, 9, 30])
    change = 2 * f * (1 - f) * pi @ (syn.potentiation - syn.depression)
    direct = [change @ np.linalg.matrix_power(syn.mean_step(), t) @ syn.strength for t in steps]
    np.testing.assert_allclose(signal(syn, steps), direct, atol=1e-13)
    assert abs(signal(syn, [0])[0]) <= 1
    assert abs(area(syn)) <= syn.states - 1


def broken(kind):
    """The typical wrong codes of a cascade with n = 10, x = 1/2."""
    n, x = 10, 0.5
    level = np.arange(1.0, n + 1)
    flip, deepen = x ** (level - 1), np.append(x ** level[:-1] / (1 - x), 0.0)
    flip[-1] /= 1 - x
    if kind == "no last-level correction":
        flip[-1] = x ** (n - 1)
    elif kind == "p without 1/(1-x)":
        deepen[:-1] = x ** level[:-1]
    elif kind == "q off by one":
        flip = x**level
    potentiation = np.zeros((2 * n, 2 * n))
    for i in range(n):
        strong, weak, landing = n + i, n - 1 - i, n + (i if kind == "flip keeps depth" else 0)
        potentiation[strong, min(strong + 1, 2 * n - 1)] += deepen[i]
        potentiation[strong, strong] += 1 - deepen[i]
        potentiation[weak, landing] += flip[i]
        potentiation[weak, weak] += 1 - flip[i]
    return MarkovSynapse(potentiation, potentiation[::-1, ::-1], np.repeat([-1, 1], n))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("none", [0.2, 0.06667, 0.08571, 0.03669, 0.008195, 0.000728]),
        ("no last-level correction", [0.18182, 0.06061, 0.07792, 0.03336, 0.007485, 0.001052]),
        ("p without 1/(1-x)", [0.50995, 0.10199, 0.12981, 0.04046, 0.003421, 0.000119]),
        ("q off by one", [0.0195, 0.0146, 0.0129]),
        ("flip keeps depth", [0.0039]),
    ],
)
def test_typical_bugs_give_other_curves_and_are_caught(kind, expected):
    wrong, right = signal(broken(kind), [0, 1, 2, 10, 100, 1000]), signal(cascade(10), [0, 1, 2, 10, 100, 1000])
    np.testing.assert_allclose(wrong[: len(expected)], expected, rtol=5e-3, atol=5e-5)
    same_curve = np.allclose(wrong, right, rtol=1e-9)
    equally_occupied = np.allclose(broken(kind).equilibrium(), 0.05, rtol=1e-9)
    assert same_curve == equally_occupied == (kind == "none")


def test_unrescaled_deepening_is_strongly_non_uniform():
    pi = cascade(10).equilibrium(f_pot=0.6)
    assert pi[-1] == pytest.approx(0.2035, abs=1e-4)
    assert pi[0] == pytest.approx(0.0035, abs=1e-4)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: memory_curve(cascade(3), np.array([-1]), 10), "0 or later"),
        (lambda: memory_curve(cascade(3), np.array([np.nan]), 10), "0 or later"),
        (lambda: memory_curve(cascade(3), np.array([0.5]), 10), "whole numbers"),
        (lambda: memory_curve(cascade(3), np.array([0]), 0.5), "at least 1"),
        (
            lambda: memory_curve(cascade(3), np.array([0]), 10, "daily"),
            "events must be one of discrete, poisson, got 'daily'",
        ),
        (lambda: lifetime(cascade(3), 10, events="Poisson"), "events must be one of discrete, poisson, got 'Poisson'"),
        (lambda: lifetime(cascade(3), 10, threshold="a"), "threshold must be a number"),
        (lambda: lifetime(cascade(3), "a"), "synapses must be a number, got 'a'"),
        (lambda: equilibrium("cascade"), "'cascade' has no finite chain"),
        (lambda: memory_curve(cascade(3), np.array([0]), 10, f_pot=1.5), "f_pot must lie"),
        (lambda: memory_curve(cascade(3), np.array([0]), 10, active=0), "active must lie"),
        (lambda: lifetime(cascade(3), 10, threshold=0), "threshold"),
        (lambda: laplace(cascade(3), np.array(-1.0)), "s must be a finite number of at least 0"),
        (lambda: memory_curve(cascade(3), [1j, 2], 10), "times must be real numbers, got complex128"),
        (lambda: memory_curve(cascade(3), ["1", "2"], 10), "times must be real numbers, got <U1"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(call, match):
    with pytest.raises(ValueError, match=match):
        call()


def test_lifetimes_beyond_what_can_be_counted_are_refused_at_once():
    with pytest.raises(ValueError, match="does not fade within 1e13 events"):
        lifetime(plain(1e-12), 1e40)
    assert lifetime(plain(1e-10), 1e36) == pytest.approx(np.log(1e8) / 1e-10, rel=1e-5)
