import numpy as np
import pytest

from fusi_models import cascade
from fusi_models.models.brader import Chain, Gates, Internal, on_grid
from fusi_models.networks import spike_driven_brian
from fusi_models.networks.spike_driven import (
    Circuit,
    poisson_events,
    present,
    present_rates,
    uniform_start,
)

INPUTS, UNITS, KEYS = 40, 6, [5, 77, 123456789]
CIRCUIT = Circuit(Gates(0.8, 0.06, 3, 9, 1.5, 4), weight=0.1)
HIDDEN = {"internal": Internal(0.2, 0.15), "cascade": Chain(cascade(4).slowed(0.5))}


@pytest.fixture(scope="module")
def shown():
    """Probabilities of three presentations, their spikes, and the instructor's drive."""
    probability = np.where(np.random.default_rng(0).random((3, INPUTS)) < 0.5, 0.05, 0.002)
    drive = np.tile([20.0, 40.0, 60.0, 80.0, 120.0, 160.0], (3, 1))
    return probability, [poisson_events(p, CIRCUIT.steps, key) for p, key in zip(probability, KEYS, strict=True)], drive


def by_the_book(circuit, hidden, state, events, drive, key):
    """One presentation in plain numpy from the equations of the modules' heads, X looked at in every step."""
    n, starts = circuit.constants(), events.starts
    up, down, theta, alpha, beta = (float(on_grid(v)) for v in (hidden.up, hidden.down, hidden.theta, 0.0035, 0.0035))
    x, v, c = state.astype(float), uniform_start(state.shape[1], key), np.zeros(state.shape[1])
    spikes, step_drive = np.zeros((circuit.steps, state.shape[1]), bool), np.array([on_grid(d * 0.001) for d in drive])
    for t in range(circuit.steps):
        c *= n["decay"]
        gate = circuit.gates.gate(v, c)
        now = events.who[starts[t] : starts[t + 1]]
        excited = (x[now] > theta).sum(0)
        x[now] = np.clip(x[now] + up * (gate > 0) - down * (gate < 0), 0, 1)
        v = v + n["weight"] * excited - n["inhibiting"] * len(now) + step_drive - n["leak"]
        v = np.maximum(v, 0)
        spikes[t] = v >= 1
        v[spikes[t]] = 0
        c += spikes[t]
        x = np.clip(x + np.where(x > theta, alpha, -beta), 0, 1)
    return spikes, (x > theta).astype(np.int8)


def test_the_compiled_loop_follows_the_equations(shown):
    hidden, state = HIDDEN["internal"], HIDDEN["internal"].init((INPUTS, UNITS), np.random.default_rng(1))
    out = present(CIRCUIT, hidden, state, shown[1][:1], shown[2][:1], KEYS[:1])
    spikes, after = by_the_book(CIRCUIT, hidden, state, shown[1][0], shown[2][0], KEYS[0])
    np.testing.assert_array_equal(out.spikes[0], spikes)
    np.testing.assert_array_equal(out.state, after)
    assert spikes.sum() > 50 and (after != state).any()


@pytest.mark.parametrize("name", HIDDEN)
def test_brian2_has_the_same_spikes_and_synapses(name, shown):
    hidden = HIDDEN[name]
    state = hidden.init((INPUTS, UNITS), np.random.default_rng(1))
    expected = present(CIRCUIT, hidden, state, *shown[1:], KEYS)
    layer = spike_driven_brian.BrianLayer(CIRCUIT, hidden, INPUTS, UNITS, "numpy")
    first = layer.present(state, shown[1][:1], shown[2][:1], KEYS[:1])
    rest = layer.present(first.state, shown[1][1:], shown[2][1:], KEYS[1:])  # goes on where it was
    np.testing.assert_array_equal(np.concatenate([first.spikes, rest.spikes]), expected.spikes)
    np.testing.assert_array_equal(rest.state, expected.state)
    assert (expected.state != state).any() and expected.spikes.sum() > 100


def test_cython_has_the_same_spikes_and_draws(shown):
    hidden = HIDDEN["cascade"]
    state = hidden.init((INPUTS, UNITS), np.random.default_rng(1))
    expected = present(CIRCUIT, hidden, state, *shown[1:], KEYS)
    out = spike_driven_brian.present(CIRCUIT, hidden, state, *shown[1:], KEYS, target="cython")
    np.testing.assert_array_equal(out.spikes, expected.spikes)
    np.testing.assert_array_equal(out.state, expected.state)


@pytest.mark.parametrize("name", HIDDEN)
def test_rates_in_one_loop_are_the_events_one_by_one(name, shown):
    hidden = HIDDEN[name]
    state = hidden.init((INPUTS, UNITS), np.random.default_rng(1))
    before = state.copy()
    expected = present(CIRCUIT, hidden, state, *shown[1:], KEYS)
    counts, after = present_rates(CIRCUIT, hidden, state, shown[0], shown[2], np.array(KEYS))
    np.testing.assert_array_equal(counts, expected.spikes.sum(1))
    np.testing.assert_array_equal(after, expected.state)
    np.testing.assert_array_equal(state, before)


def test_without_learning_nothing_changes(shown):
    hidden = HIDDEN["internal"]
    state = hidden.init((INPUTS, UNITS), np.random.default_rng(1))
    np.testing.assert_array_equal(present(CIRCUIT, hidden, state, *shown[1:], KEYS, learn=False).state, state)


def test_events_are_bernoulli_with_their_probability():
    probability = np.repeat([0.0, 0.002, 0.05, 0.5, 0.99], 400)
    events = poisson_events(probability, 300, 9)
    step = np.repeat(np.arange(300), np.diff(events.starts))
    raster = np.zeros((300, len(probability)), int)
    np.add.at(raster, (step, events.who), 1)
    assert raster.max() == 1
    mean = raster.reshape(300, 5, 400).mean((0, 2))
    p = probability.reshape(5, 400)[:, 0]
    assert (np.abs(mean - p) <= 4 * np.sqrt(p * (1 - p) / 120000)).all()
    repeats = (raster[1:] & raster[:-1]).reshape(299, 5, 400).mean((0, 2))  # neighbours are independent
    assert (np.abs(repeats - p**2) <= 5 * np.sqrt(p**2 / 119600) + 1e-12).all()
    assert not np.array_equal(events.who, poisson_events(probability, 300, 10).who)


def test_the_start_is_uniform():
    start = uniform_start(4000, 3)
    assert abs(start.mean() - 0.5) < 0.02 and start.min() >= 0 and start.max() < 1
    assert np.histogram(start, 10, (0, 1))[0].min() > 300


def test_a_neuron_fires_at_the_rate_of_its_drive():
    """Without input: threshold / (drive - leak), in whole steps."""
    circuit, silent = Circuit(leak=10.0, steps=2000), np.zeros((1, 1))
    counts, _ = present_rates(circuit, Internal(), np.zeros((1, 1), np.int8), silent, np.array([[53.0]]), np.array([1]))
    assert counts[0, 0] == pytest.approx(2000 / np.ceil(1 / 0.043), abs=1)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: poisson_events(np.array([1.0]), 5, 0), r"lie between 1.0 and 1.0: keep 0 <= p < 1"),
        (lambda: poisson_events(np.array([0.1]), 5, -1), "a key must be a whole number from 0"),
        (lambda: Circuit(steps=0), "steps at least 1, got 0.001 and 0"),
        (lambda: Circuit(weight=-1), "must not be negative"),
        (lambda: Circuit(weight=np.nan), "weight must be a number"),
        (
            lambda: spike_driven_brian.BrianLayer(CIRCUIT, Internal(), 1, 1, "c"),  # type: ignore[arg-type]
            "no Brian2 target 'c' here: choose numpy or cython",
        ),
    ],
)
def test_what_cannot_be_is_refused(act, message):
    with pytest.raises(ValueError, match=message):
        act()


def test_inputs_that_the_state_does_not_have_are_refused_before_the_loops(shown):
    probability, events, drive = shown
    state, rule = np.zeros((INPUTS - 1, UNITS), np.int8), HIDDEN["internal"]
    with pytest.raises(ValueError, match=r"probability has shape \(3, 40\): give 39 inputs"):
        present_rates(CIRCUIT, rule, state, probability, drive, np.array(KEYS))
    with pytest.raises(ValueError, match="events name inputs that state, of 30 inputs, does not have"):
        present(CIRCUIT, rule, state[:30], events, drive, KEYS)
