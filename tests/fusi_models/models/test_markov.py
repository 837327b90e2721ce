import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fusi_models import (
    BennaFusi,
    BinaryUncertainty,
    HiddenWeight,
    MarkovSynapse,
    area,
    cascade,
    coding,
    lifetime,
    memory_curve,
    multistate,
    plain,
    serial,
)
from fusi_models.equations import evaluate
from fusi_models.models.integer import fixed_point

MODELS = [plain(), plain(0.3), cascade(1), cascade(3), cascade(6, 0.3, 0.35), multistate(6, 0.5), serial(4, 0.1)]


@pytest.mark.parametrize("syn", MODELS, ids=lambda s: s.name)
@pytest.mark.parametrize("drive", [-1, 0, 1])
def test_step_draws_the_transition_matrix(syn, drive):
    draws = 20000
    uniform = (np.arange(draws) + 0.5) / draws  # an even grid: frequencies are exact to 1/draws per boundary
    matrix = {1: syn.potentiation, -1: syn.depression, 0: np.eye(syn.states)}[drive]
    for start in range(syn.states):
        landed = syn.step(np.full(draws, start), np.full(draws, drive), uniform)
        np.testing.assert_allclose(np.bincount(landed, minlength=syn.states) / draws, matrix[start], atol=1.5 / draws)


@pytest.mark.parametrize("syn", MODELS, ids=lambda s: s.name)
def test_event_code_makes_the_same_transitions_as_step(syn):
    rng = np.random.default_rng(1)
    state, drive, uniform = rng.integers(0, syn.states, 5000), rng.integers(-1, 2, 5000), rng.random(5000)
    code = syn.on_event.replace("rand()", "uniform")
    after = evaluate(code, syn.variables(state) | {"drive": drive, "uniform": uniform})
    landed = syn.from_variables(after)
    np.testing.assert_array_equal(landed, syn.step(state, drive, uniform))
    np.testing.assert_array_equal(evaluate(f"w = {syn.efficacy_code}", after)["w"], syn.efficacy(landed))


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 14), st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_cascade_rows_sum_to_one_and_depths_are_equally_occupied(depth, f_pot, share):
    x = share * min(f_pot, 1 - f_pot)
    syn = cascade(depth, x, f_pot)
    for matrix in (syn.potentiation, syn.depression):
        assert matrix.min() >= 0
        np.testing.assert_allclose(matrix.sum(1), 1, rtol=1e-14)
    expected = np.where(syn.strength > 0, f_pot, 1 - f_pot) / depth
    np.testing.assert_allclose(syn.equilibrium(), expected, rtol=1e-9)


def test_cascade_probabilities_as_written_in_the_paper():
    syn = cascade(4)  # x = 1/2: p_i = q_i = 2^-(i-1), q_n = q_(n-1); states weak 4..1, strong 1..4
    assert [syn.potentiation[3 - i, 4] for i in range(4)] == [1, 1 / 2, 1 / 4, 1 / 4]
    assert [syn.potentiation[4 + i, 5 + i] for i in range(3)] == [1, 1 / 2, 1 / 4]
    np.testing.assert_array_equal(syn.depression, syn.potentiation[::-1, ::-1])


def test_rare_states_keep_their_relative_precision():
    # birth-death chain with hop probabilities .001 up and .999 down: the ratio of neighbours is known at every level
    up = 1e-3
    matrix = np.diag([1 - up] + [0.0] * 10 + [up]) + np.diag([up] * 11, 1) + np.diag([1 - up] * 11, -1)
    pi = MarkovSynapse(matrix, matrix, np.repeat([-1, 1], 6)).equilibrium()
    np.testing.assert_allclose(pi[1:] / pi[:-1], up / (1 - up), rtol=1e-12)
    assert pi[-1] < 1e-32


@pytest.mark.parametrize("syn", [*MODELS, HiddenWeight(0.8, 0.23).lattice(9)], ids=lambda s: s.name)
def test_tables_make_the_same_transitions_as_step(syn):
    rng, (bounds, shifts) = np.random.default_rng(1), syn.tables()
    state, drive, uniform = rng.integers(0, syn.states, 5000), rng.choice([-1, 1], 5000), rng.random(5000)
    k, sign = (syn.strength * syn.depth)[state], (drive > 0) * 1
    rows = sign, k + syn.depth.max()
    above = uniform[:, None] < bounds[rows]
    shift = np.where(above.any(1), shifts[rows][np.arange(5000), above.argmax(1)], 0)
    after = syn.step(state, drive, uniform)
    np.testing.assert_array_equal(k + shift, (syn.strength * syn.depth)[after])


def test_transient_states_and_reducible_chains():
    one_way = np.array([[0, 1.0, 0], [0, 0.5, 0.5], [0, 0.5, 0.5]])
    np.testing.assert_allclose(MarkovSynapse(one_way, one_way, [-1, -1, 1]).equilibrium(), [0, 0.5, 0.5])
    with pytest.raises(ValueError, match="no unique equilibrium"):
        MarkovSynapse(np.eye(2), np.eye(2), [-1, 1]).equilibrium()


def test_coding_levels():
    assert coding(0.2, "pre") == (0.2, 0.2)
    assert coding(0.5, "symmetric") == (1.0, 0.5)
    assert coding(0.5, "coincidence") == (0.75, pytest.approx(1 / 3))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: cascade(0), "whole number"),
        (lambda: cascade(5, 1.2), "x must lie"),
        (lambda: cascade(5, 0.5, 0.4), "transition probability above 1"),
        (lambda: cascade(5, 0.1, 1.0), "f_pot must lie"),
        (lambda: plain(0), "q must lie"),
        (lambda: multistate(5), "even number"),
        (lambda: serial(4, 1.5), "between 0 and 1"),
        (lambda: coding(0.2, "both"), "rule must be one of"),
        (lambda: MarkovSynapse(np.eye(2) * 0.9, np.eye(2), [-1, 1]), "not a stochastic matrix"),
        (lambda: MarkovSynapse(np.eye(3), np.eye(2), [-1, 1]), "give a matrix of shape"),
        (lambda: MarkovSynapse(np.eye(2), np.eye(2), [0, 1]), r"-1 or \+1"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(make, match):
    with pytest.raises(ValueError, match=match) as error:
        make()
    assert "\n" not in str(error.value)


def test_a_model_keeps_its_own_copy_of_the_matrices():
    up, down, strength = np.array([[0.9, 0.1], [0, 1.0]]), np.array([[1.0, 0], [0.1, 0.9]]), np.array([-1, 1])
    syn = MarkovSynapse(up, down, strength)
    up[0], strength[0] = (0, 1), 1
    np.testing.assert_array_equal(syn.potentiation, [[0.9, 0.1], [0, 1]])
    np.testing.assert_array_equal(syn.strength, [-1, 1])
    for array in (syn.potentiation, syn.depression, syn.strength):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_strengths_in_a_column_and_chains_that_end_are_refused():
    with pytest.raises(ValueError, match="flat list of -1 or"):
        MarkovSynapse(np.eye(2), np.eye(2), np.array([[-1], [1]]))
    ends = MarkovSynapse(np.array([[0, 1.0], [0, 1]]), np.eye(2), np.array([-1, 1]), name="ends")
    for question in (lambda: memory_curve(ends, np.array([0]), 10), lambda: lifetime(ends, 10), lambda: area(ends)):
        with pytest.raises(ValueError, match="ends has no memory curve: all its synapses end with the same strength"):
            question()


@pytest.mark.parametrize("f_pot", [0.05, 0.1, 0.9])
def test_a_trace_below_rounding_is_refused(f_pot):
    """Once a signal-to-noise ratio of -2e96."""
    with pytest.raises(ValueError, match="no memory curve: all its synapses but .* of them end with the same strength"):
        memory_curve(HiddenWeight(3), [0], 1000, f_pot=f_pot)
    assert 0 < memory_curve(plain(0.3), [0], 1000, f_pot=f_pot).snr[0] < 30


@pytest.mark.parametrize("drive", [1, -1, 0, 1.0, np.int64(1)])
@pytest.mark.parametrize("shape", [(), (7,), (2, 3)])
def test_a_drive_may_be_one_number(shape, drive):
    rng = np.random.default_rng(0)
    for syn in (cascade(3), HiddenWeight(2.0), BinaryUncertainty(), BennaFusi(3), fixed_point(HiddenWeight(2.0))):
        state = syn.init(shape, rng)
        found = syn.update(state, drive, np.random.default_rng(1))
        full = syn.update(state, np.full(shape, drive), np.random.default_rng(1))
        np.testing.assert_array_equal(found, full)
        tensor = torch.as_tensor(np.asarray(state))
        uniform = torch.as_tensor(np.random.default_rng(1).random(shape)) if syn.stochastic else None
        np.testing.assert_allclose(np.asarray(syn.step(tensor, float(drive), uniform)), full, rtol=1e-12)


def test_a_slowed_synapse_says_so():
    assert cascade(5).slowed(0.1).name == "cascade(n=5, x=0.5, rate=0.1)"
    assert plain(1.0).slowed(1.0).name == "plain(q=1)" and cascade(4, 0.2, 0.3).name == "cascade(n=4, x=0.2, f+=0.3)"
