import numpy as np
import pytest

from fusi_models import cascade
from fusi_models.networks.memory import (
    additive_memory,
    age_posterior,
    centred,
    chain_memory,
    evidence,
    geometric,
    noisy_cue,
    rmse,
)
from fusi_models.networks.storage import blank, random_patterns, store, weights
from fusi_models.theory.pairs import GATING, PairLaw, Rule, additive_rule, chain_pairs


def test_a_prior_over_ages_averages_the_means():
    syn, rule = cascade(3), GATING["pre"]
    each = [chain_memory(syn, rule, 0.5, t) for t in range(3)]
    mixed = chain_memory(syn, rule, 0.5, np.array([0.5, 0.25, 0.25]))
    np.testing.assert_allclose(mixed.mean, 0.5 * each[0].mean + 0.25 * (each[1].mean + each[2].mean))
    assert mixed.pairs == chain_pairs(syn, rule, 0.5) and mixed.binary
    prior = geometric(20, 400)
    assert prior @ np.arange(401) == pytest.approx(20, rel=1e-3) and prior.sum() == pytest.approx(1)


def test_additive_memory_counts_the_others():
    memory = additive_memory(additive_rule("hebb", 0.5), 0.5, 5, 0.1)
    np.testing.assert_allclose(memory.mean, [[1, 1], [1, 2]])
    assert memory.pairs.variance == pytest.approx(4 * 3 / 16 + 0.01) and not memory.binary
    assert memory.gamma == pytest.approx(0.25)


def test_evidence_is_the_posterior_of_one_bit():
    f, flip = 0.3, 0.1
    on = 1 / (1 + np.exp(-evidence(np.array([1, 0]), flip, f)))
    np.testing.assert_allclose(on, [0.3 * 0.9 / (0.3 * 0.9 + 0.7 * 0.1), 0.3 * 0.1 / (0.3 * 0.1 + 0.7 * 0.9)])
    x = random_patterns(1, 4000, f, np.random.default_rng(0))[0]
    assert np.mean(noisy_cue(x, flip, np.random.default_rng(1)) != x) == pytest.approx(flip, abs=0.02)
    assert rmse(np.array([0.5, 1.0]), np.array([0, 1])) == pytest.approx(np.sqrt(0.125))


def test_centred_weights_have_lost_what_rows_and_columns_share():
    n, rng = 200, np.random.default_rng(0)
    own = rng.standard_normal((n, n))
    w = (own + 3 * rng.standard_normal((n, 1)) + 3 * rng.standard_normal(n)) * (1 - np.eye(n))
    away = centred(w) - centred(own)
    assert np.abs(away).max() < 0.2 and np.all(np.diag(centred(w)) == 0)


def test_familiarity_tells_young_from_old():
    """Mean estimated age rises with the age, and the log score beats the prior's."""
    syn, rule, n = cascade(5), GATING["pre"], 150
    law, pairs, prior = PairLaw(syn, rule, 0.5), chain_pairs(syn, rule, 0.5), geometric(10, 50)
    ages, means, gains = (0, 4, 12), [], []
    for trial in range(6):
        rng = np.random.default_rng(trial)
        x = random_patterns(14, n, 0.5, rng)
        w = weights(syn, store(syn, blank(syn, rule, n, 0.5, 60, rng), x, rule, rng))
        chance = [age_posterior(w, noisy_cue(x[-1 - t], 0.2, rng), 0.2, law, pairs, prior) for t in ages]
        means.append([c @ np.arange(51) for c in chance])
        gains += [np.log(c[t] / prior[t]) for c, t in zip(chance, ages, strict=True)]
        assert all(c.sum() == pytest.approx(1) for c in chance)
    young, middle, old = np.mean(means, 0)
    assert young < 2 and young < middle < old and np.mean(gains) > 0.3, (young, middle, old, np.mean(gains))


def test_mistakes_are_one_sentence():
    with pytest.raises(ValueError, match="above 1/2"):
        noisy_cue(np.zeros(3), 0.7, np.random.default_rng(0))
    with pytest.raises(ValueError, match="patterns must be a whole number of at least 1, got 0"):
        additive_memory(additive_rule("hebb", 0.5), 0.5, 0)
    for age in (-1, 1.5, np.nan):
        with pytest.raises(ValueError, match="the age must be a whole number of at least 0"):
            chain_memory(cascade(3), GATING["pre"], 0.5, age)
    for chance in ([0.5, -0.5], [0.0, 0.0], [np.nan, 1.0]):
        with pytest.raises(ValueError, match="probabilities of the ages"):
            chain_memory(cascade(3), GATING["pre"], 0.5, np.array(chance))
    with pytest.raises(ValueError, match="all its synapses end with the same strength"):
        chain_memory(cascade(3), Rule(np.array([[0, 0], [0, 1]])), 0.5, 1)
    with pytest.raises(ValueError, match="patterns must be a whole number"):
        additive_memory(additive_rule("hebb", 0.5), 0.5, 2.5)
    with pytest.raises(ValueError, match="noise must be a finite number of at least 0, got nan"):
        additive_memory(additive_rule("hebb", 0.5), 0.5, 2, np.nan)
    for mean in (-1, np.nan):
        with pytest.raises(ValueError, match="mean age"):
            geometric(mean, 5)
