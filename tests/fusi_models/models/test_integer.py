import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fusi_models import BennaFusi, HiddenWeight, MarkovSynapse, cascade, plain
from fusi_models.models.integer import IntegerHiddenWeight, fixed_point
from fusi_models.synapse import BrianText, need

MODEL = HiddenWeight(2.0, 0.02, bound=1.5)


@pytest.mark.parametrize("bits", [2, 8, 12, 16])
def test_tables_are_the_rounded_rule(bits):
    """Every state, against the equation of the hidden weight written out."""
    model = fixed_point(MODEL, bits)
    largest = 2 ** (bits - 1) - 1
    n = np.arange(-largest, largest + 1, dtype=np.int32)
    h = n * 1.5 / largest
    for drive in (-1, 1):
        damped = np.where(h * drive < 0, 1 - np.tanh(2 * h) ** 2, 1)
        expected = np.rint(np.clip(h + 0.02 * drive * damped, -1.5, 1.5) * largest / 1.5)
        found = model.step(n, np.full(n.shape, drive))
        assert found.dtype == np.int32
        assert (abs(found - expected) <= (abs(h) > 0) * 0 + (abs(expected % 1) > 0)).all()
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(model.step(n, np.zeros(n.shape)), n)
    assert model.largest == largest


def test_drive_of_every_sign_at_once():
    model = fixed_point(MODEL)
    n, drive = np.array([-2047, 5, 5, 5, 2047], np.int32), np.array([-1, -1, 0, 1, 1])
    step = round(0.02 * 2047 / 1.5)
    assert model.step(n, drive).tolist() == [-2047, 5 - step, 5, 5 + step, 2047]
    assert model.efficacy(np.array([-1, 0, 1])).tolist() == [-1, 1, 1]


def test_initial_states_are_those_of_the_model():
    model = fixed_point(MODEL)
    n = model.init((50, 4), np.random.default_rng(3))
    h = MODEL.init((50, 4), np.random.default_rng(3))
    assert n.dtype == np.int32 and abs(n * 1.5 / 2047 - h).max() <= 0.5 * 1.5 / 2047 + 1e-12
    assert model.name == MODEL.name and not model.stochastic


def test_the_integers_stay_near_the_model():
    """Rounding errors of half a level an event add up to a random walk at most."""
    rng = np.random.default_rng(0)
    model = fixed_point(MODEL, 16)
    h = MODEL.init(2000, rng)
    n = np.round(h * model.largest / 1.5).astype(np.int32)
    for drive in rng.choice([-1, 1], (100, 2000)):
        h, n = MODEL.step(h, drive), model.step(n, drive)
    assert (MODEL.efficacy(h) == model.efficacy(n)).mean() > 0.99
    assert np.abs(n * 1.5 / model.largest - h).max() < 100 * 0.5 * 1.5 / model.largest * 3


def test_integers_are_no_equation():
    with pytest.raises(ValueError, match=r"hidden\(m=2, bound=1.5\) has no equation as text"):
        need(fixed_point(MODEL), BrianText)


@st.composite
def chains(draw):
    states = draw(st.integers(2, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    matrices = rng.dirichlet(np.full(states, draw(st.sampled_from([0.2, 1.0, 100.0]))), (2, states))
    if draw(st.booleans()):
        for m in matrices:
            np.fill_diagonal(m, 0)
            m /= m.sum(1, keepdims=True)
    return MarkovSynapse(*matrices, np.where(np.arange(states) < states // 2, -1, 1))


@given(chains(), st.integers(2, 16))
def test_probabilities_are_multiples_of_a_random_number_s_unit(chain, bits):
    rounded = fixed_point(chain, random_bits=bits)
    for before, after in ((chain.potentiation, rounded.potentiation), (chain.depression, rounded.depression)):
        units = after * 2**bits
        np.testing.assert_array_equal(units, np.round(units))
        off = ~np.eye(len(before), dtype=bool)
        assert (abs(after - before)[off] < 2.0**-bits + 1e-12).all()
    np.testing.assert_array_equal(rounded.strength, chain.strength)


def test_named_synapses_are_hardly_changed():
    for synapse in (plain(0.03), cascade(5).slowed(0.1)):
        rounded = fixed_point(synapse)
        assert abs(rounded.potentiation - synapse.potentiation).max() <= 2**-17
        assert (rounded.name, rounded.f_pot) == (synapse.name, synapse.f_pot)


@pytest.mark.parametrize("bits", [1, 17, 0, -3])
def test_widths_that_a_chip_does_not_have(bits):
    with pytest.raises(ValueError, match=f"state_bits must lie between 2 and 16, got {bits}"):
        fixed_point(MODEL, state_bits=bits)
    with pytest.raises(ValueError, match=f"random_bits must lie between 2 and 16, got {bits}"):
        fixed_point(plain(0.1), random_bits=bits)


def test_what_has_no_fixed_point_form():
    with pytest.raises(ValueError, match="'plain' has no fixed-point form"):
        fixed_point("plain")


def test_stochastic_rounding_keeps_the_mean_step_of_short_words():
    """4 bits, a step of a seventh of a level: rounded to the nearest nothing moves, by chance the mean is right."""
    model = HiddenWeight(3.0, bound=1.0)
    nearest, chance = IntegerHiddenWeight(model, 4), IntegerHiddenWeight(model, 4, stochastic=True)
    states = np.repeat(np.arange(-7, 8), 40_000)
    rng = np.random.default_rng(0)
    for drive in (-1.0, 1.0):
        drives = np.full(states.shape, drive)
        np.testing.assert_array_equal(nearest.step(states, drives), states)
        found = chance.update(states, drives, rng)
        assert set(np.unique(found - states)) <= {-1, 0, 1} and np.abs(found).max() <= 7
        wanted = model.step(np.arange(-7, 8) / 7, drive) * 7
        means = found.reshape(15, -1).mean(1)
        assert np.abs(means - wanted).max() < 5 * 0.5 / np.sqrt(40_000)
    np.testing.assert_array_equal(chance.update(states, np.zeros(states.shape), rng), states)


def test_stochastic_rounding_is_the_same_in_torch():
    model = IntegerHiddenWeight(HiddenWeight(3.0), 6, stochastic=True)
    rng = np.random.default_rng(0)
    states, drive = model.init((500,), rng), rng.integers(-1, 2, 500).astype(float)
    uniform = rng.random(500)
    found = model.step(torch.from_numpy(states), torch.from_numpy(drive), torch.from_numpy(uniform))
    assert found.dtype == torch.int32
    np.testing.assert_array_equal(found.numpy(), model.step(states, drive, uniform))


def test_a_counted_chain_is_whole_numbers_in_disguise():
    """Every chance of the 7-level chain is a multiple of 2^-16, so 16 random bits lose nothing."""
    chain = fixed_point(BennaFusi(7, values=(16,) * 7, binary=True))
    rng = np.random.default_rng(0)
    states = chain.init((2000,), rng)
    real = BennaFusi(7)
    for drive in (-1.0, 1.0):
        landing = real.step(states, np.full(2000, drive))
        np.testing.assert_array_equal(landing * 2**16, np.round(landing * 2**16))
        after = chain.update(states, np.full(2000, drive), rng)
        np.testing.assert_array_equal(2 * after, np.round(2 * after))
        assert np.abs(after - np.clip(landing, -7.5, 7.5)).max() < 1
    for chain in (BennaFusi(4), BennaFusi(8, values=(16,) * 8), BennaFusi(2, base=3.0, values=(8, 8))):
        with pytest.raises(ValueError, match="at most 7 levels"):
            fixed_point(chain)
