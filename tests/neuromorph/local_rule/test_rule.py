import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromorph.local_rule.rule import LocalRule, encode, error, vote


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=20), st.integers(1, 12))
def test_rate_code_has_round_of_steps_times_x_spikes(values, num_steps):
    x = np.array([values], np.float32)
    raster = encode(x, LocalRule(num_steps=num_steps, high=1, low=0), seed=0)
    assert raster.shape == (1, num_steps, len(values)) and raster.dtype == bool
    np.testing.assert_array_equal(raster[0].sum(0), np.floor(num_steps * x[0] + 0.5))


def test_rate_code_spaces_its_spikes_evenly():
    raster = encode(np.array([[0, 0.25, 0.5, 1]], np.float32), LocalRule(num_steps=8), seed=0)
    for i, interval in ((1, 4), (2, 2), (3, 1)):
        assert (np.diff(np.flatnonzero(raster[0, :, i])) == interval).all()
    assert not raster[0, :, 0].any() and raster.sum() == 2 + 4 + 8


def test_bernoulli_code_spikes_with_probability_x():
    x = np.full((50, 400), 0.3, np.float32)
    rule = LocalRule(num_steps=10, code="bernoulli")
    raster = encode(x, rule, seed=1)
    assert abs(raster.mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / raster.size)
    steps = raster.mean((0, 2))
    assert abs(steps - 0.3).max() < 5 * np.sqrt(0.21 / 20_000)
    ends = encode(np.array([[0, 1]], np.float32), rule, seed=1)
    assert not ends[..., 0].any() and ends[..., 1].all()


@pytest.mark.parametrize("code", ["rate", "bernoulli"])
def test_raster_of_a_sample_depends_on_its_number_only(code):
    x = np.random.default_rng(0).random((9, 30), np.float32)
    rule = LocalRule(code=code)
    whole = encode(x, rule, seed=2, first=10)
    cut = np.concatenate([encode(x[:4], rule, seed=2, first=10), encode(x[4:], rule, seed=2, first=14)])
    np.testing.assert_array_equal(whole, cut)
    same = (whole == encode(x, rule, seed=3, first=10)).all()
    assert same == (code == "rate")


def test_error_follows_its_definition():
    rule = LocalRule(units_per_class=2, high=3, low=1)
    counts = np.array([[0, 2, 3, 5, 1, 2], [3, 4, 0, 1, 2, 5]])
    expected = [[1, 1, -1, -1, 0, -1], [-1, -1, 0, 0, 0, 0]]  # class 0, then class 2 (2 < 3 -> +1)
    expected[1][4] = 1
    found = error(counts, np.array([0, 2]), rule)
    assert found.dtype == np.int8
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(error(counts[:, None], np.array([[0], [2]]), rule)[:, 0], expected)


def test_vote_takes_the_first_of_equals():
    rule = LocalRule(units_per_class=2)
    np.testing.assert_array_equal(vote(np.array([[1, 1, 0, 2, 2, 0], [0, 0, 0, 1, 5, 0]]), rule), [0, 2])


def test_thresholds():
    rule = LocalRule(threshold_scale=0.5)
    assert (rule.threshold(64), rule.threshold(784)) == (4, 14)
    assert 0 < rule.tie_free_threshold(64) - 4 < 1 / 64


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"num_steps": 0}, "at least 1, got 0 and 20"),
        ({"units_per_class": 0}, "at least 1, got 5 and 0"),
        ({"beta": 0.9}, "multiple of 1/4096"),
        ({"beta": 1.5}, "between 0 and 1"),
        ({"beta": -0.5}, "between 0 and 1"),
        ({"high": 6}, "presentation of 5 steps, got 6 and 3"),
        ({"high": 0}, "got 0 and 3"),
        ({"low": -1}, "got 4 and -1"),
        ({"code": "latency"}, "no code 'latency': choose one of rate, bernoulli"),
    ],
)
def test_impossible_constants_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        LocalRule(**wrong)
