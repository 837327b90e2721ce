import numpy as np
import pytest

from fusi_models import BennaFusi, lifetime, memory_curve, monte_carlo, spectrum
from fusi_models.equations import evaluate


def impulse(levels, times, events="discrete"):
    return memory_curve(BennaFusi(levels), np.asarray(times), 1, events).signal


def test_coefficients_of_the_discrete_form():
    a, alpha = BennaFusi(4).transfer, 0.25
    assert a[0, 0] == 1 - alpha / 2 and a[0, 1] == alpha / 2
    for i in (2, 3):  # the paper's index
        assert a[i - 1, i - 2] == pytest.approx(alpha * 2.0 ** (-2 * i + 2))
        assert a[i - 1, i] == pytest.approx(alpha * 2.0 ** (-2 * i + 1))
    assert a[3, 3] == pytest.approx(1 - alpha * 2.0**-6 - alpha * 2.0**-7)  # leak included


def test_impulse_response_reference_values():
    times = [0, 1, 2, 5, 10, 20, 50, 100, 1000, 1e4, 1e5, 1e6]
    expected = [1, 0.875, 0.773437, 0.567438, 0.402921, 0.289466, 0.188566, 0.132907, 0.0424822, 0.0134253]
    np.testing.assert_allclose(impulse(8, times), [*expected, 0.00421178, 2.00864e-4], rtol=2e-6)
    np.testing.assert_allclose(impulse(8, [1, 10, 100], "poisson"), [0.885983, 0.420216, 0.133431], rtol=2e-6)


@pytest.mark.parametrize(
    ("levels", "variance"),
    [(1, 4.26667), (2, 7.60761), (4, 13.14323), (6, 18.26150), (8, 23.28482), (10, 28.28494), (12, 33.27928)],
)
def test_variance_is_the_sum_of_squares(levels, variance):
    assert BennaFusi(levels).covariance()[0, 0] == pytest.approx(variance, rel=1e-6)
    if levels <= 4:
        assert np.sum(impulse(levels, np.arange(40000)) ** 2) == pytest.approx(variance, rel=1e-6)


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (4, [995, 2250, 3505, 4760, 6015, 7270]),
        (8, [776, 7700, 77068, 384827, 734100, 1083384]),
        (12, [539, 5394, 54361]),
    ],
)
def test_lifetimes(levels, expected):
    assert [lifetime(BennaFusi(levels), 10.0**k) for k in range(4, 4 + len(expected))] == expected


def test_slowest_time_constants_and_stability():
    assert [round(spectrum(BennaFusi(m)).time_constants[0]) for m in (4, 6, 8)] == [1091, 18654, 303385]
    assert spectrum(BennaFusi(8)).eigenvalues[-1] == pytest.approx(0.79971, abs=1e-5)


def test_decay_is_one_over_root_t_in_the_middle():
    times = np.array([100, 1000, 10000])
    curve = impulse(10, times)
    np.testing.assert_allclose(curve * np.sqrt(times), 1.34, rtol=0.02)


def test_merging_the_beakers_without_shrinking_tubes_would_differ():
    # typical bugs: first coupling 1/16, leak missing
    right = BennaFusi(4).transfer
    wrong = right.copy()
    wrong[0, :2] = [15 / 16, 1 / 16]
    closed = right.copy()
    closed[3, 3] += BennaFusi(4).alpha * 2.0**-7
    first = np.eye(4)[0]
    assert impulse(4, [1])[0] == pytest.approx((right @ first)[0])
    assert impulse(4, [1])[0] != pytest.approx((wrong @ first)[0], rel=1e-3)
    assert np.abs(np.linalg.eigvals(closed)).max() == pytest.approx(1)  # without the leak no stationary variance
    assert np.abs(np.linalg.eigvals(right)).max() < 1


@pytest.mark.parametrize("f_pot", [0.5, 0.3])
def test_simulated_chain_agrees_with_its_theory(f_pot):
    syn, times = BennaFusi(4, f_pot=f_pot), np.array([0, 3, 30, 100])
    run = monte_carlo(syn, times, 500, 200, np.random.default_rng(4))
    theory = memory_curve(syn, times, 500)
    assert np.all(np.abs(run.signal - theory.signal) < 4 * theory.spread / np.sqrt(200))
    np.testing.assert_allclose(run.spread, theory.spread, rtol=0.2)
    np.testing.assert_allclose(run.noise, theory.noise, rtol=0.02)


def test_float32_state_stays_float32():
    state = np.zeros((5, 3), np.float32)
    assert BennaFusi(3).step(state, np.ones(5, np.float32)).dtype == np.float32


def test_event_code_makes_the_same_step():
    rng = np.random.default_rng(0)
    for syn in (BennaFusi(3), BennaFusi(2, values=(40, 20))):
        state, drive, uniform = syn.init((100,), rng), rng.integers(-1, 2, 100), rng.random((100, syn.levels))
        code = syn.on_event
        for k in range(syn.levels):
            code = code.replace("rand()", f"r{k}", 1)
        draws = {f"r{k}": uniform[:, k] for k in range(syn.levels)}
        after = evaluate(code, syn.variables(state) | {"drive": drive} | draws)
        np.testing.assert_allclose(syn.from_variables(after), syn.step(state, drive, uniform), rtol=0, atol=1e-14)


def test_quantised_chain_keeps_its_values_and_loses_some_signal():
    syn, times, rng = BennaFusi(4, values=(40, 40, 40, 40)), np.array([0, 2, 10, 50]), np.random.default_rng(0)
    state = syn.update(syn.init((1000,), rng), np.ones(1000), rng)
    assert set(np.unique(state)) <= set(np.arange(40) - 19.5)
    # unbiased: the mean landing point is that of the real-valued chain
    start = np.tile([3.5, -2.5, 0.5, 10.5], (200000, 1))
    landed = syn.update(start, np.ones(len(start)), rng).mean(0)
    np.testing.assert_allclose(landed, BennaFusi(4).transfer @ start[0] + np.eye(4)[0], atol=0.006)
    run = monte_carlo(syn, times, 200, 60, rng, burn_in=1200)
    expected = np.array([0.2271, 0.1745, 0.0886, 0.0375]) * np.sqrt(200)  # one reference simulation, itself +- 1 %
    assert np.all(np.abs(run.snr - expected) < 4 * run.error / run.noise + 0.03 * expected)


def test_binary_chain_shows_signs():
    syn = BennaFusi(2, binary=True)
    assert set(syn.efficacy(np.array([[-0.1, 5], [0.0, -5], [2, 0]]))) == {-1, 1}
    with pytest.raises(ValueError, match="simulate it instead"):
        memory_curve(syn, np.array([0]), 10)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"levels": 0}, "levels >= 1"),
        ({"levels": 3, "base": 1}, "base > 1"),
        ({"levels": 3, "values": (40,)}, "one a level"),
        ({"levels": 3, "f_pot": 0}, "f_pot"),
    ],
)
def test_bad_input(arguments, match):
    with pytest.raises(ValueError, match=match):
        BennaFusi(**arguments)
