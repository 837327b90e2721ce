import brian2 as b2
import numpy as np
import pytest

from fusi_models import (
    BennaFusi,
    BinaryUncertainty,
    HiddenWeight,
    MarkovSynapse,
    cascade,
    memory_curve,
    monte_carlo,
    multistate,
    plain,
)
from fusi_models.engines.brian import simulate_brian, sweep_brian
from fusi_models.models.integer import IntegerHiddenWeight

TIMES = np.array([0, 1, 2, 5, 20, 50])
DENSE = np.random.default_rng(0).dirichlet(np.ones(4), (2, 4))
MANY_EXITS = MarkovSynapse(DENSE[0], DENSE[1], [-1, -1, 1, 1], f_pot=0.4, name="dense")


def agrees(run, theory, trials, sigma=4.5):
    assert np.all(np.abs(run.signal - theory.signal) < sigma * theory.spread / np.sqrt(trials) + 1e-12)
    some = theory.spread > 0
    assert np.all(np.abs(run.spread / theory.spread - 1)[some] < sigma / np.sqrt(2 * trials))


@pytest.mark.parametrize(
    "syn", [plain(0.3), cascade(5), cascade(10), cascade(4, 0.2, 0.3), multistate(6), MANY_EXITS], ids=lambda s: s.name
)
def test_abstract_protocol_agrees_with_theory(syn):
    agrees(simulate_brian(syn, TIMES, 400, 80, seed=1), memory_curve(syn, TIMES, 400), 80)


@pytest.mark.parametrize("syn", [cascade(5), cascade(4, 0.2, 0.3)], ids=lambda s: s.name)
def test_spikes_of_both_neurons_make_the_same_curve(syn):
    run = simulate_brian(syn, TIMES, 200, 80, seed=2, protocol="spikes", active=0.3)
    agrees(run, memory_curve(syn, TIMES, 200 / 0.3, active=0.3), 80)


def test_sparse_abstract_events():
    run = simulate_brian(cascade(4), TIMES, 300, 80, seed=3, active=0.2)
    agrees(run, memory_curve(cascade(4), TIMES, 1500, active=0.2), 80)


@pytest.mark.parametrize(
    ("syn", "burn_in"),
    [
        (HiddenWeight(0.8, 0.23), 300),
        (HiddenWeight(0.8, 0.23, leak=0.1), 100),
        (BinaryUncertainty(3, 0.3), 100),
        (BennaFusi(3), 0),
        (BennaFusi(2, values=(40, 20)), 50),
    ],
    ids=str,
)
def test_models_without_a_finite_chain_agree_with_monte_carlo(syn, burn_in):
    run = simulate_brian(syn, TIMES, 300, 80, seed=4, burn_in=burn_in)
    direct = monte_carlo(syn, TIMES, 300, 80, np.random.default_rng(5), burn_in=burn_in)
    assert np.all(np.abs(run.signal - direct.signal) < 4.5 * np.hypot(run.error, direct.error))
    np.testing.assert_allclose(run.noise, direct.noise, rtol=0.05)
    assert run.snr[0] > 1


def test_same_seed_same_curve_and_nothing_left_behind():
    target = b2.prefs.codegen.target
    first, again, other = (simulate_brian(cascade(3), TIMES, 50, 4, seed=s).signal for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)
    assert b2.prefs.codegen.target == target


def test_cython_agrees_with_theory():
    run = simulate_brian(cascade(5), TIMES, 400, 80, seed=1, target="cython")
    agrees(run, memory_curve(cascade(5), TIMES, 400), 80)


def test_a_sweep_runs_every_models_own_equation():
    models = [HiddenWeight(0.8, 0.23), HiddenWeight(0.8, 0.9), cascade(3)]
    swept = sweep_brian(models, TIMES, 300, 60, seed=4, target="numpy")
    for model, run in zip(models, swept, strict=True):
        direct = monte_carlo(model, TIMES, 300, 60, np.random.default_rng(5))
        assert np.all(np.abs(run.signal - direct.signal) < 4.5 * np.hypot(run.error, direct.error) + 1e-9)
    assert swept[1].signal[1] > 1.5 * swept[0].signal[1]


def test_models_without_an_equation_are_refused():
    with pytest.raises(ValueError, match="has no equation as text"):
        simulate_brian(IntegerHiddenWeight(HiddenWeight(2)), TIMES, 10, 1, 0)


def test_standalone_sweep_compiles_once_and_agrees_with_theory():
    models = [cascade(3), cascade(3, 0.3), cascade(5, 0.2, 0.35), plain(0.3)]
    for syn, run in zip(models, sweep_brian(models, TIMES, 400, 80, seed=1), strict=True):
        agrees(run, memory_curve(syn, TIMES, 400), 80)
    assert type(b2.get_device()).__name__ == "RuntimeDevice"


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: simulate_brian(cascade(3), [0, -1], 10, 1, 0), "0 or later"),
        (lambda: simulate_brian(cascade(3), [0], 0, 1, 0), "at least 1"),
        (lambda: simulate_brian(cascade(3), [0], 10, 1, 0, target="gpu"), "no Brian2 target .gpu."),
        (lambda: simulate_brian(cascade(3), [0], 10, 1, 0, protocol="stdp"), "protocol must be"),
        (lambda: sweep_brian([], [0], 10, 1, 0), "at least one"),
    ],
)
def test_bad_input(call, match):
    with pytest.raises(ValueError, match=match):
        call()
