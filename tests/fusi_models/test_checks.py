"""What a number must be is said in one place."""

import numpy as np
import pytest

from fusi_models.checks import MOST_COUNT, check_constants, count, finite, finites


@pytest.mark.parametrize(
    ("value", "match"),
    [
        ("3", "epochs must be a whole number, got '3'"),
        (None, "epochs must be a whole number, got None"),
        (True, "epochs must be a whole number, got True"),
        (1.5, "epochs must be a whole number, got 1.5"),
        (float("nan"), "epochs must be a whole number, got nan"),
        (0, "epochs must be at least 1, got 0"),
        (MOST_COUNT + 1, "epochs must be at most 1000000, got 1000001"),
    ],
)
def test_a_count_is_whole_and_between_its_bounds(value, match):
    with pytest.raises(ValueError, match=match):
        count("epochs", value)


def test_a_count_of_numpy_is_one():
    assert count("epochs", np.int64(MOST_COUNT)) == MOST_COUNT and type(count("epochs", np.int8(3))) is int


@pytest.mark.parametrize(
    ("values", "how", "match"),
    [
        (np.nan, {}, "x must be a finite number, got nan"),
        ([1, np.inf], {}, r"x must be finite numbers, got \[1.0, inf\]"),
        (-1.0, {"least": 0}, "x must be a finite number of at least 0, got -1"),
        ([0.0], {"least": 0, "above": True, "unit": "Hz"}, r"x must be finite numbers above 0 Hz, got \[0.0\]"),
        (np.inf, {"unit": "ms"}, "x must be a finite number in ms, got inf"),
        ("a", {}, "x must be real numbers"),
        (None, {}, "x must be real numbers"),
        ([[1], [1, 2]], {}, "x is no array"),
        (np.full(100, -2), {"least": 0}, "got -2 to -2"),
    ],
)
def test_finites(values, how, match):
    with pytest.raises(ValueError, match=match):
        finites("x", values, **how)


def test_finite_is_of_one_number():
    assert finite("x", np.float32(2), 0, 3) == 2.0
    for wrong, match in ((None, "a number, got None"), ([1.0], "a number"), ("2", "a number"), (5, "at most 3, got 5")):
        with pytest.raises(ValueError, match=f"x must be {match}"):
            finite("x", wrong, 0, 3)


def test_constants():
    check_constants({"a": -1.0, "tau": 1.0})
    for bad in ({"tau": 0.0}, {"receptor.tau_fast": -1.0}, {"a": np.inf}, {"a": "b"}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            check_constants(bad)
