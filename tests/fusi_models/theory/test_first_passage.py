import numpy as np
import pytest

import fusi_models as fm
from fusi_models.theory.first_passage import binary_passage, passage_times, survival

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("q", "mean"), [(0.02, 36.05), (0.1, 20.33), (0.25, 11.80), (0.5, 6.76)])
def test_exact_times_of_a_thousand_binary_synapses(q, mean):
    assert binary_passage(1000, q).mean == pytest.approx(mean, abs=6e-3)


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_lumped_populations_agree_with_the_exact_law(threshold):
    exact = binary_passage(300, 0.2, threshold)
    times = passage_times(fm.plain(0.2), 300, 2000, np.random.default_rng(1), threshold)
    assert abs(times.mean() - exact.mean) < 4 * exact.spread / np.sqrt(2000)
    assert times.std() == pytest.approx(exact.spread, rel=0.1)


def test_two_synapses_by_hand():
    """q = 1: both agree at first, and both must keep agreeing, each with 1/2: T = 1, 2, ... with 1/4 of staying."""
    assert binary_passage(2, 1.0).mean == pytest.approx(1 / (1 - 1 / 4))
    assert binary_passage(2, 1.0, threshold=2.0) == (0, 0)


@pytest.mark.parametrize(("depth", "mean"), [(3, 9.0), (5, 25.8), (8, 34.0)])
def test_cascades_of_a_thousand(depth, mean):
    """The values were found with 200 populations: both have an error."""
    times = passage_times(fm.cascade(depth), 1000, 200, np.random.default_rng(depth))
    assert abs(times.mean() - mean) < 4 * times.std() * np.sqrt(1 / 200 + 1 / 200)


def test_unbalanced_events_and_a_clock_that_ends():
    syn = fm.cascade(4, x=0.3, f_pot=0.4)
    times = passage_times(syn, 10**9, 50, np.random.default_rng(0), threshold=1.0, last=5)
    assert np.all(np.isinf(times)) and np.all(survival(times, np.array([0, 5])) == 1)
    longer = passage_times(syn, 10**5, 200, np.random.default_rng(0), threshold=1.0)
    assert np.median(longer) == pytest.approx(fm.lifetime(syn, 1e5), rel=0.5)
    np.testing.assert_allclose(survival(np.array([1.0, 2, 2, np.inf]), np.array([0, 1, 2, 9])), [1, 0.75, 0.25, 0.25])


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="no finite chain"):
        passage_times(fm.BennaFusi(3), 100, 5, np.random.default_rng(0))
    with pytest.raises(ValueError, match="use passage_times"):
        binary_passage(10**6, 0.1)
    with pytest.raises(ValueError, match="q must lie"):
        binary_passage(100, 0.0)
    for threshold in (-10.0, -4.9):  # the second lies just above the lowest activation there is, -sqrt(24)
        with pytest.raises(ValueError, match="practically never falls"):
            binary_passage(24 if threshold > -5 else 5, 0.001, threshold)
    for find in (lambda t: binary_passage(5, 0.5, t), lambda t: passage_times(fm.plain(), 5, 3, RNG, t)):
        with pytest.raises(ValueError, match="threshold must be a number"):
            find(float("nan"))
