import numpy as np
import pytest

from fusi_models import MarkovSynapse, cascade, memory_curve, plain
from fusi_models.theory.identify import identify, log_likelihood


def record(syn, recordings, steps, rng):
    """Strengths that ``recordings`` synapses show under random events."""
    events = 2 * (rng.random((recordings, steps)) < syn.f_pot) - 1
    state = syn.init((recordings,), rng)
    shown = [syn.efficacy(state)]
    for t in range(steps):
        state = syn.update(state, events[:, t], rng)
        shown.append(syn.efficacy(state))
    return events, np.stack(shown, 1)


def test_plain_synapse_is_counted():
    events, observed = record(plain(0.3), 50, 200, np.random.default_rng(0))
    fit = identify(events, observed, 1, 1, np.random.default_rng(1), starts=1)
    against = (events == 1) & (observed[:, :-1] == -1)
    flips = np.mean(observed[:, 1:][against] == 1)
    assert fit.synapse.potentiation[0, 1] == pytest.approx(flips, abs=1e-12)
    assert flips == pytest.approx(0.3, abs=0.03)
    assert fit.converged


@pytest.mark.parametrize("depth", [2, 3])
def test_the_probabilities_of_a_cascade_are_recovered_from_its_wiring(depth):
    truth, rng = cascade(depth, 0.3), np.random.default_rng(depth)
    events, observed = record(truth, 150, 250, rng)
    fit = identify(events, observed, depth, depth, rng, starts=1, structure=truth)
    np.testing.assert_allclose(fit.synapse.potentiation, truth.potentiation, atol=0.05)
    np.testing.assert_allclose(fit.synapse.depression, truth.depression, atol=0.05)
    assert np.abs(truth.potentiation - cascade(depth, 0.2).potentiation).max() > 0.1


def test_matrices_of_the_same_law_cannot_be_told_apart():
    truth, rng = cascade(2, 0.3), np.random.default_rng(1)
    mix = np.eye(4) + 0.1 * np.array([[-1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, -1]])
    twin = MarkovSynapse(
        *(np.linalg.inv(mix) @ m @ mix for m in (truth.potentiation, truth.depression)), truth.strength
    )
    assert np.abs(twin.potentiation - truth.potentiation).max() > 0.03
    data = record(truth, 10, 50, rng)
    ours, theirs = (log_likelihood(s, *data, s.equilibrium()) for s in (truth, twin))
    assert ours == pytest.approx(theirs, rel=1e-10)


def test_a_small_cascade_is_recovered_as_a_law_without_any_structure():
    truth, rng = cascade(2, 0.3), np.random.default_rng(0)
    events, observed = record(truth, 150, 300, rng)
    fit = identify(events, observed, 2, 2, rng, starts=2)
    times = np.arange(15)
    np.testing.assert_allclose(
        memory_curve(fit.synapse, times, 1).signal, memory_curve(truth, times, 1).signal, atol=0.01
    )
    held = record(truth, 100, 300, rng)
    fitted = log_likelihood(fit.synapse, *held, fit.initial) / held[0].size
    true = log_likelihood(truth, *held, truth.equilibrium()) / held[0].size
    assert fitted == pytest.approx(true, abs=1e-3)
    simple = identify(events, observed, 1, 1, rng, starts=1)
    assert log_likelihood(simple.synapse, *held, simple.initial) / held[0].size < true - 0.01


def test_likelihood_never_falls_and_equals_the_sum_over_all_paths():
    rng = np.random.default_rng(3)
    events, observed = record(cascade(2, 0.3), 20, 30, rng)
    history = identify(events, observed, 2, 2, rng, starts=1, iterations=60, tolerance=0).log_likelihood
    assert np.all(np.diff(history) > -1e-9)
    syn, (events, observed) = cascade(2, 0.2), record(cascade(2, 0.2), 1, 4, rng)
    matrix = {1: syn.potentiation, -1: syn.depression}
    total = 0.0
    for path in np.ndindex(*(4,) * 5):
        if np.array_equal(syn.strength[list(path)], observed[0]):
            steps = [matrix[s][i, j] for s, i, j in zip(events[0], path[:-1], path[1:], strict=True)]
            total += syn.equilibrium()[path[0]] * np.prod(steps)
    assert log_likelihood(syn, events, observed, syn.equilibrium()) == pytest.approx(np.log(total))


def test_missing_measurements():
    truth, rng = cascade(2, 0.3), np.random.default_rng(5)
    events, observed = record(truth, 200, 200, rng)
    observed = np.where(rng.random(observed.shape) < 0.3, 0, observed)
    fit = identify(events, observed, 2, 2, rng, starts=1, structure=cascade(2, 0.4))
    assert np.all(fit.synapse.potentiation[truth.potentiation == 0] == 0)
    np.testing.assert_allclose(fit.synapse.potentiation, truth.potentiation, atol=0.05)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"observed": np.ones((2, 3))}, "do not fit"),
        ({"events": np.zeros((2, 3))}, r"events must be -1 or \+1"),
        ({"weak": 0}, "at least one weak state"),
        ({"structure": cascade(3)}, "weak ones first"),
        ({"structure": MarkovSynapse(np.eye(2)[::-1], np.eye(2)[::-1], [-1, 1])}, "impossible"),
    ],
)
def test_bad_input(change, match):
    arguments = {"events": np.ones((2, 3)), "observed": np.ones((2, 4)), "weak": 1, "strong": 1}
    with pytest.raises(ValueError, match=match):
        identify(**arguments | change, rng=np.random.default_rng(0))
