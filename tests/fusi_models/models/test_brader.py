import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusi_models import cascade, plain
from fusi_models.models.brader import GRID, Chain, Gates, Internal, accepting, on_grid

UNIT = st.floats(0, 1)


@given(x=UNIT, first=st.floats(0, 0.5), second=st.floats(0, 0.5))
def test_drift_in_two_pieces_is_drift_in_one(x, first, second):
    """The drift is exact, so how often X is looked at does not matter."""
    rule = Internal()
    assert rule.drift(rule.drift(x, first), second) == pytest.approx(rule.drift(x, first + second), abs=1e-12)


@given(x=UNIT, elapsed=st.floats(0, 10))
def test_drift_keeps_the_efficacy_and_ends_at_rest(x, elapsed):
    rule = Internal(theta=0.4, alpha=2.0, beta=5.0)
    assert (rule.drift(x, elapsed) > rule.theta) == (x > rule.theta)
    assert rule.drift(x, rule.rest + 1e-9) == (1.0 if x > rule.theta else 0.0)


def test_drift_agrees_with_small_steps():
    rule, x = Internal(), np.linspace(0, 1, 41)
    fine = x.copy()
    for _ in range(1000):
        fine = np.clip(fine + 1e-4 * np.where(fine > rule.theta, rule.alpha, -rule.beta), 0, 1)
    np.testing.assert_allclose(rule.drift(x, 0.1), fine, atol=1e-12)


def test_jumps_follow_the_gate_and_stay_inside():
    rule, x = Internal(up=0.3, down=0.2), np.array([0.0, 0.5, 0.9])
    np.testing.assert_allclose(rule.jump(x, np.array([1, 1, 1])), [0.3, 0.8, 1.0])
    np.testing.assert_allclose(rule.jump(x, np.array([-1, -1, -1])), [0.0, 0.3, 0.7])
    np.testing.assert_allclose(rule.jump(x, np.array([0, 0, 0])), x)


def test_gates_are_the_table_of_the_paper():
    v, c = np.array([0.9, 0.9, 0.9, 0.8, 0.8, 0.8, 0.9]), np.array([3.0, 3.1, 13.0, 3.5, 3.0, 4.0, 4.5])
    np.testing.assert_array_equal(Gates().gate(v, c), [0, 1, 0, -1, 0, 0, 1])


def test_a_state_at_rest_is_its_variables():
    rng = np.random.default_rng(0)
    for hidden in (Internal(), Chain(cascade(4)), Chain(plain(0.1))):
        state = hidden.init((50, 3), rng)
        assert state.dtype == np.int8 and set(np.unique(hidden.efficacy(state))) == {0, 1}
        np.testing.assert_array_equal(hidden.from_variables(hidden.variables(state)), state)


def test_the_grid_is_finer_than_a_permille_of_the_drift_a_step():
    assert abs(on_grid(0.0035) - 0.0035) <= GRID / 2 < 0.0035 / 400
    assert on_grid(0.0035) / GRID == round(on_grid(0.0035) / GRID)


def test_a_chain_is_named_by_what_it_does():
    assert repr(Chain(cascade(3))) == repr(Chain(cascade(3))) != repr(Chain(cascade(3).slowed(0.5)))


def test_an_accepting_chain_keeps_the_equilibrium_under_its_own_mixture():
    rare = accepting(cascade(4), 0.08, 0.02)
    np.testing.assert_allclose(rare.synapse.equilibrium(), cascade(4).equilibrium(), atol=1e-12)
    assert rare.synapse.potentiation[3, 4] == pytest.approx(0.08 * cascade(4).potentiation[3, 4])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Internal(up=0), "up, down, alpha and beta must be above 0"),
        (lambda: Internal(theta=1), "theta between 0 and 1"),
        (lambda: Internal(up=float("nan")), "up must be a number, got nan"),
        (lambda: Gates(theta_v=float("nan")), "theta_v must be a number, got nan"),
        (lambda: accepting(plain(), 0, 1), "up must lie between 0 and 1, got 0"),
        (lambda: Gates(tau=0), "tau must be above 0 seconds, got 0"),
        (lambda: Gates(down_high=3), "window down_low < C < down_high is empty: got 3.0 and 3"),
    ],
)
def test_impossible_constants(make, message):
    with pytest.raises(ValueError, match=message):
        make()
