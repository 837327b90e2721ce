import numpy as np
import pytest

from fusi_models import BennaFusi, HiddenWeight, cascade, memory_curve, plain
from fusi_models.models.integer import fixed_point
from fusi_models.models.staircase import Staircase
from fusi_models.theory.transient import fresh_chain, transient_curve

LAGS = np.array([0, 1, 3, 10, 40])


@pytest.mark.parametrize(("q", "f"), [(1.0, 0.5), (0.3, 0.5), (0.3, 0.2)])
def test_plain_synapse_in_closed_form(q, f):
    """S(t) = 4 f+ f- q (1 - q)^t ... for f+ = 1/2: q (1 - q)^t; other f+ change the equilibrium, not the form."""
    np.testing.assert_allclose(transient_curve(plain(q), LAGS, ages=3, f_pot=f), 4 * f * (1 - f) * q * (1 - q) ** LAGS)


@pytest.mark.parametrize("synapse", [plain(0.1), cascade(6), cascade(4).slowed(0.3)])
def test_at_equilibrium_it_is_the_memory_curve(synapse):
    stationary = memory_curve(synapse, LAGS, synapses=1000)
    np.testing.assert_allclose(transient_curve(synapse, LAGS, ages=7), stationary.signal, rtol=1e-9)


def test_a_fresh_hidden_weight_against_its_simulation():
    """20 000 synapses, 30 tracked patterns; 4 standard errors, from 50 groups of synapses."""
    model, ages, lags = HiddenWeight(2.0), 30, np.array([0, 1, 5, 20])
    rng = np.random.default_rng(1)
    events = rng.choice([-1.0, 1.0], (ages + lags.max(), 20_000))
    state, efficacy = model.init(20_000, rng), np.empty(events.shape)
    for k, event in enumerate(events):
        state = model.step(state, event)
        efficacy[k] = model.efficacy(state)
    theory = transient_curve(model, lags, ages)
    for lag, expected in zip(lags, theory, strict=True):
        overlap = (events[:ages] * efficacy[lag : lag + ages]).mean(0)
        groups = overlap.reshape(50, -1).mean(1)
        assert abs(groups.mean() - expected) < 4 * groups.std(ddof=1) / np.sqrt(50)
    assert theory[0] > 0.03


def test_age_matters_for_a_hidden_weight():
    """Fresh weights lie near zero, so that an event flips many; later ones have drifted away."""
    young, old = (transient_curve(HiddenWeight(2.0), np.array([0]), ages)[0] for ages in (1, 300))
    assert young > 1.2 * old
    assert young == pytest.approx(2 * 0.02 / 0.4, rel=0.02)  # a flip counts 2; step / (2 width) of them flip


def test_the_curve_comes_in_the_order_of_the_lags():
    lags = np.array([5, 0, 2])
    np.testing.assert_allclose(transient_curve(plain(0.2), lags, 1), 0.2 * 0.8**lags)


def test_integers_take_the_curve_of_their_model():
    model = HiddenWeight(3.0)
    np.testing.assert_array_equal(transient_curve(fixed_point(model), LAGS, 4), transient_curve(model, LAGS, 4))


def test_fresh_states_are_distributed_as_drawn():
    chain, start = fresh_chain(cascade(3))
    np.testing.assert_allclose(start, 1 / 6)
    chain, start = fresh_chain(HiddenWeight(1.0, bound=2.0, width=0.5), levels=401)
    assert start.sum() == pytest.approx(1) and (start > 0).sum() == 101 and chain.states == 401
    for without in (BennaFusi(3), Staircase()):
        with pytest.raises(ValueError, match="no finite chain, exact or on levels"):
            fresh_chain(without)


@pytest.mark.parametrize(("lags", "ages"), [([-1], 1), ([0.5], 1), ([0], 0)])
def test_impossible_times_are_refused(lags, ages):
    with pytest.raises(ValueError, match="lags must be whole numbers >= 0 and ages >= 1"):
        transient_curve(plain(), np.array(lags), ages)


def test_the_fraction_of_potentiating_events_is_the_models_own():
    model = cascade(3, 0.3, 0.4)
    np.testing.assert_allclose(transient_curve(model, LAGS, 2), memory_curve(model, LAGS, 1).signal, rtol=1e-9)
    np.testing.assert_array_equal(transient_curve(model, LAGS, 2), transient_curve(model, LAGS, 2, f_pot=0.4))


def test_a_memory_stored_after_some_others():
    """The mean over ages is that of its ages; at an equilibrium all are alike."""
    synapse = HiddenWeight(2.0)
    alone = [transient_curve(synapse, LAGS, 1, first=age) for age in (0, 1, 2)]
    np.testing.assert_allclose(np.mean(alone, 0), transient_curve(synapse, LAGS, 3))
    assert alone[2][0] < alone[0][0]
    np.testing.assert_allclose(transient_curve(cascade(3), LAGS, 1, first=5), transient_curve(cascade(3), LAGS, 1))
    with pytest.raises(ValueError, match="first must be"):
        transient_curve(synapse, LAGS, 1, first=-1)
