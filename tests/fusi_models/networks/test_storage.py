import numpy as np
import pytest

from fusi_models import HiddenWeight, cascade, plain
from fusi_models.networks.storage import additive_weights, blank, random_patterns, store, weights
from fusi_models.theory.pairs import GATING, PairLaw, Rule, additive_rule


def test_a_sure_synapse_holds_the_last_event_of_its_gate():
    """plain(1), pre-gated: W_ij = 2 x_i - 1 at the last pattern in which j was active."""
    rng = np.random.default_rng(0)
    x = random_patterns(12, 15, 0.5, rng)
    w = weights(plain(), store(plain(), plain().init((15, 15), rng), x, GATING["pre"], rng))
    for j in range(15):
        last = x[np.flatnonzero(x[:, j])[-1]]
        expected = 2.0 * last - 1
        expected[j] = 0
        np.testing.assert_array_equal(w[:, j], expected)


@pytest.mark.parametrize("rule", GATING)
def test_mean_weights_given_the_pattern_are_those_of_theory(rule):
    """The tracked pattern is fixed, everything else drawn anew: standard errors over networks."""
    rng, syn, n, ages = np.random.default_rng(2), cascade(3), 8, (0, 2)
    x = np.array([0, 0, 1, 1, 0, 1, 1, 0])
    expected = PairLaw(syn, GATING[rule], 0.5).means(np.array(ages))[:, x[:, None], x]
    off = ~np.eye(n, dtype=bool)
    samples = []
    for _ in range(150):
        state = store(syn, blank(syn, GATING[rule], n, 0.5, 20, rng), x[None], GATING[rule], rng)
        later = store(syn, state, random_patterns(2, n, 0.5, rng), GATING[rule], rng)
        samples.append([weights(syn, state), weights(syn, later)])
    away = np.mean(samples, 0) - expected
    for a in range(2):
        for b in range(2):
            chosen = off & (x[:, None] == a) & (x == b)
            group = np.array(samples)[:, :, chosen].mean(-1)
            error = group.std(0, ddof=1) / np.sqrt(len(samples)) + 1e-9
            assert np.all(np.abs(away[:, chosen].mean(-1)) < 4.5 * error)


def test_rules_with_probabilities_and_models_without_a_chain():
    rng = np.random.default_rng(1)
    x = np.ones((1, 60), np.int8)
    w = weights(plain(), store(plain(), np.zeros((60, 60), int), x, Rule(np.full((2, 2), 0.25)), rng))
    up = (w[~np.eye(60, dtype=bool)] > 0).mean()
    assert up == pytest.approx(0.25, abs=0.03)
    hidden = HiddenWeight(2.0)
    assert store(hidden, hidden.init((5, 5), rng), random_patterns(2, 5, 0.5, rng), GATING["pre"], rng).shape == (5, 5)


def test_additive_weights_are_the_sum_of_the_rule():
    rng = np.random.default_rng(0)
    x, rule = random_patterns(3, 6, 0.4, rng), additive_rule("pre", 0.4)
    w = additive_weights(x, rule, 0.0, rng)
    expected = sum(np.outer(p - 0.4, p) for p in x)
    np.testing.assert_allclose(w, expected * (1 - np.eye(6)))
    noisy = additive_weights(np.zeros((1, 200), int), additive_rule("hebb", 0.5), 0.1, rng)
    assert noisy[~np.eye(200, dtype=bool)].std() == pytest.approx(0.1, rel=0.05)


def test_the_same_generator_gives_the_same_network():
    def network(seed):
        rng = np.random.default_rng(seed)
        return weights(cascade(3), blank(cascade(3), GATING["post"], 10, 0.5, 10, rng))

    np.testing.assert_array_equal(network(4), network(4))
    assert np.any(network(4) != network(5))


def test_mistakes_are_one_sentence():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"\[pattern, neuron\]"):
        store(plain(), np.zeros((4, 4), int), np.zeros((2, 5), int), GATING["pre"], rng)
    with pytest.raises(ValueError, match="between -1 and 1"):
        store(plain(), np.zeros((4, 4), int), np.zeros((2, 4), int), Rule(np.full((2, 2), 2)), rng)
    with pytest.raises(ValueError, match="at least 2 neurons"):
        random_patterns(3, 1, 0.5, rng)
