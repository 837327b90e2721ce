import numpy as np
import pytest

from neuromorph.local_rule.rule import LocalRule, error, vote


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
        ({"num_steps": 0}, "num_steps must be at least 1, got 0"),
        ({"units_per_class": 0}, "units_per_class must be at least 1, got 0"),
        ({"beta": 0.9}, "multiple of 1/4096"),
        ({"beta": 1.5}, "between 0 and 1"),
        ({"beta": np.nan}, "between 0 and 1"),
        ({"beta": -0.5}, "between 0 and 1"),
        ({"high": 6}, "presentation of 5 steps, got 6 and 3"),
        ({"high": 0}, "got 0 and 3"),
        ({"low": -1}, "low must be a whole number of at least 0, got -1"),
        ({"num_steps": 5.5}, "num_steps must be a whole number, got 5.5"),
        ({"threshold_scale": np.nan}, "threshold_scale must be a finite number"),
        ({"code": "latency"}, "no code 'latency': choose one of rate, bernoulli"),
    ],
)
def test_impossible_constants_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        LocalRule(**wrong)


def test_numpy_integers_are_integers():
    assert LocalRule(num_steps=np.int64(6)) == LocalRule(num_steps=6)
    assert repr(LocalRule(num_steps=np.int64(6))) == repr(LocalRule(num_steps=6))


def test_what_the_chip_has_no_words_for_is_refused_where_it_is_asked_for():
    """Faults of issue 12: beta = 0 asked the chip for dv = 4096, which its 12 bits do not hold."""
    assert LocalRule(beta=0.25).on_chip(64) == (3072, 4)
    assert LocalRule(beta=1.0).on_chip(64) == (0, 4) and LocalRule(beta=1 / 4096).on_chip(64) == (4095, 4)
    with pytest.raises(ValueError, match=r"beta = 0 needs dv = 4096, but the chip's decay has 12 bits"):
        LocalRule(beta=0.0).on_chip(64)
    with pytest.raises(ValueError, match="a threshold of 141421 exceeds the chip's 131071: lower threshold_scale"):
        LocalRule(threshold_scale=1e3).on_chip(20_000)
