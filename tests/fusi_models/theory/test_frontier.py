import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusi_models import (
    MarkovSynapse,
    area,
    cascade,
    envelope,
    envelope_lifetime,
    envelope_share,
    first_passage,
    lifetime,
    memory_curve,
    multistate,
    plain,
    serial,
    spectrum,
)
from fusi_models.theory.frontier import passage_order


def ring(states=6, hop=0.9):
    """Potentiation rotates one way, depression rests: a chain far from detailed balance, with complex modes."""
    turn = np.roll(np.eye(states), 1, axis=1)
    return MarkovSynapse(hop * turn + (1 - hop) * np.eye(states), np.eye(states), np.repeat([-1, 1], states // 2))


def test_envelope_reference_values():
    times = [0, 1, 2, 5, 10, 20, 50, 100, 200, 1e6]
    continuous = [1, 0.948729, 0.900088, 0.768621, 0.590778, 0.349485, 0.139794, 0.0698971, 0.0349485, 6.98971e-6]
    np.testing.assert_allclose(envelope(times, 20), continuous, rtol=2e-6)
    assert [round(envelope_lifetime(10.0**k, 20)) for k in (4, 6, 9)] == [699, 6990, 221034]
    edge = envelope_lifetime(50, 20, threshold=5)  # in the exponential part
    assert np.sqrt(50) * envelope(edge, 20) == pytest.approx(5)
    assert envelope_lifetime(4, 20, threshold=5) == 0


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 4, 6]))
def test_no_random_synapse_beats_the_envelope(seed, states):
    rng = np.random.default_rng(seed)
    matrices = rng.gamma(0.15, size=(2, states, states)) + 1e-9
    syn = MarkovSynapse(*(matrices / matrices.sum(-1, keepdims=True)), np.repeat([-1, 1], states // 2))
    times = np.append(0, np.geomspace(0.1, 1e3, 40))
    assert np.all(memory_curve(syn, times, 1, "poisson").signal <= envelope(times, states) * (1 + 1e-9))


@pytest.mark.parametrize(
    "syn", [plain(), plain(0.1), cascade(8), multistate(12), serial(12, 0.02)], ids=lambda s: s.name
)
def test_models_stay_below_the_envelope(syn):
    times = np.append(0, np.geomspace(1, 1e4, 60).round())
    assert np.all(envelope_share(syn, times) <= 1 + 1e-12)
    assert lifetime(syn, 1e6, events="poisson") <= envelope_lifetime(1e6, syn.states)


def test_share_of_the_envelope():
    assert envelope_share(serial(20, 0.01), np.array([2000]))[0] == pytest.approx(0.956, abs=1e-3)
    np.testing.assert_allclose(
        envelope_share(cascade(10), np.array([0, 10, 500, 1000])), [0.2, 0.065, 0.146, 0.104], atol=1e-3
    )


def test_a_shift_register_shows_why_discrete_curves_have_no_envelope():
    # states hold the last two signs (old, new); the efficacy is the older one: S = 0, 1, 0, ...
    push = np.zeros((2, 4, 4))
    for sign, old, new in np.ndindex(2, 2, 2):
        push[sign, 2 * old + new, 2 * new + sign] = 1
    register = MarkovSynapse(push[1], push[0], [-1, -1, 1, 1])
    curve = memory_curve(register, np.arange(3), 1).signal
    np.testing.assert_allclose(curve, [0, 1, 0], atol=1e-15)
    assert curve[1] > envelope(1, 4)
    three = MarkovSynapse(
        np.array([[0.2, 0.8, 0], [0, 1, 0], [0.2, 0.8, 0]]), np.array([[1, 0, 0], [0, 0, 1], [1.0, 0, 0]]), [-1, 1, 1]
    )
    assert memory_curve(three, 1, 1).signal == pytest.approx(8 / 15)  # modes of one sign, but a negative weight
    for refused in (lambda: envelope(1, 4, "discrete"), lambda: envelope_share(register, np.arange(3), "discrete")):
        with pytest.raises(ValueError, match="no bound is known for discrete events"):
            refused()
    times = np.linspace(0, 10, 101)
    assert np.all(memory_curve(register, times, 1, "poisson").signal <= envelope(times, 4))


@pytest.mark.parametrize("syn", [cascade(10), serial(8, 0.1), ring()], ids=lambda s: s.name)
def test_modes_rebuild_the_curve(syn):
    modes, steps = spectrum(syn), np.arange(60)
    np.testing.assert_allclose(modes.signal(steps), memory_curve(syn, steps, 1).signal, atol=1e-12)
    times = np.linspace(0, 50, 40)
    np.testing.assert_allclose(
        modes.signal(times, "poisson"), memory_curve(syn, times, 1, "poisson").signal, atol=1e-12
    )
    assert np.real(modes.weights @ modes.time_constants) == pytest.approx(area(syn))


def test_complex_modes_come_in_pairs():
    modes = spectrum(ring())
    assert np.abs(modes.eigenvalues.imag).max() > 0.1
    assert np.abs(modes.weights.sum().imag) < 1e-14


def test_coinciding_modes_are_refused():
    push = np.zeros((2, 4, 4))
    for sign, old, new in np.ndindex(2, 2, 2):
        push[sign, 2 * old + new, 2 * new + sign] = 1
    for depth in (32, 60, 200):  # slower than double precision resolves: refused, not wrong
        with pytest.raises(ValueError, match="last too long for double precision, so it has no spectrum"):
            spectrum(cascade(depth))
    assert spectrum(cascade(30)).time_constants[0] == pytest.approx(536870910.26862675, rel=1e-6)  # in 60 digits
    with pytest.raises(ValueError, match="no spectrum"):
        spectrum(MarkovSynapse(push[1], push[0], [-1, -1, 1, 1]))


@pytest.mark.parametrize("syn", [cascade(4, 0.3, 0.4), serial(6, 0.1), ring()], ids=lambda s: s.name)
def test_first_passage_solves_its_equation_and_orders_the_states(syn):
    times, step = first_passage(syn), syn.mean_step()
    for to in range(syn.states):
        others = np.arange(syn.states) != to
        np.testing.assert_allclose(times[others, to], 1 + step[np.ix_(others, others)] @ times[others, to], rtol=1e-9)
    pi = syn.equilibrium()
    kemeny = times @ pi
    np.testing.assert_allclose(kemeny, kemeny[0], rtol=1e-9)
    order, eta = passage_order(syn)
    np.testing.assert_allclose(eta, times[:, syn.strength > 0] @ pi[syn.strength > 0], rtol=1e-9)
    change = pi[:, None] * (syn.potentiation - syn.depression) * (eta[:, None] - eta[None, :])
    assert 4 * syn.f_pot * (1 - syn.f_pot) * change.sum() == pytest.approx(area(syn), rel=1e-9)
    if syn.name != "markov":
        np.testing.assert_array_equal(order, np.arange(syn.states))


def test_bad_input():
    with pytest.raises(ValueError, match="states must be a whole number of at least 2"):
        envelope(np.array([1]), 1)
