import numpy as np
import pytest

from fusi_models import MarkovSynapse, cascade, coding, equilibrium, multistate, plain
from fusi_models.networks.storage import additive_weights, blank, random_patterns, weights
from fusi_models.theory.pairs import (
    GATING,
    PairLaw,
    Rule,
    additive_pairs,
    additive_rule,
    chain_pairs,
    standard,
)

TABLE = {
    # rule: correlations of synapses that share (post, pre, chain, reciprocal) at f = .5 for cascades of depth 1, 3, 5
    "pre": [(0.33333, 0, 0, 0.33333), (0.21941, 0, 0, 0.21553), (0.13336, 0, 0, 0.13178)],
    "post": [(0, 0.33333, 0, 0.33333), (0, 0.21941, 0, 0.21553), (0, 0.13336, 0, 0.13178)],
    "symmetric": [(0, 0, 0, 1), (0, 0, 0, 0.55556), (0, 0, 0, 0.30613)],
    "coincidence": [(0.14286, 0.14286, 0.14286, 1), (0.07824,) * 3 + (0.54792,), (0.03777,) * 3 + (0.27074,)],
}


def network_moments(w):
    """Sample mean and second moments of one network, in the order of ``Pairs``, from row and column sums."""
    n = len(w)
    rows, columns, squares = w.sum(1), w.sum(0), (w**2).sum()
    both = (w * w.T).sum()
    pairs, triples = n * (n - 1), n * (n - 1) * (n - 2)
    post, pre = ((rows**2).sum() - squares) / triples, ((columns**2).sum() - squares) / triples
    return np.array([w.sum() / pairs, squares / pairs, post, pre, (rows @ columns - both) / triples, both / pairs])


def assert_near(samples, expected, sigmas=4.5):
    """``samples`` [network, moment] have the mean ``expected`` within ``sigmas`` standard errors."""
    error = samples.std(0, ddof=1) / np.sqrt(len(samples)) + 1e-9
    assert np.all(np.abs(samples.mean(0) - expected) < sigmas * error), (samples.mean(0), expected, error)


@pytest.mark.parametrize("rule", TABLE)
def test_reference_correlations_of_the_cascade(rule):
    for depth, expected in zip((1, 3, 5), TABLE[rule], strict=True):
        found = chain_pairs(cascade(depth), GATING[rule], 0.5).correlation()
        np.testing.assert_allclose(found[2:], expected, atol=1e-5)
    np.testing.assert_allclose(chain_pairs(cascade(3), GATING["symmetric"], 0.2).correlation()[2:5], 0.13817, atol=1e-5)


def test_coincidence_means_and_covariances():
    means = [chain_pairs(cascade(n), GATING["coincidence"], 0.5).mean for n in (1, 3, 5)]
    np.testing.assert_allclose(means, [-1 / 3, -0.4286, -0.6290], atol=5e-5)
    np.testing.assert_allclose(
        chain_pairs(cascade(5), GATING["coincidence"], 0.5)[1:], (0.60432, *[0.02283] * 3, 0.16362), atol=1e-5
    )


@pytest.mark.parametrize(
    ("syn", "rule", "f"),
    [
        (cascade(3), GATING["pre"], 0.5),
        (multistate(4, 0.7), GATING["coincidence"], 0.4),
        (plain(0.6), GATING["symmetric"], 0.2),
        (plain(0.8), Rule(np.array([[0.3, -0.5], [0.0, 1.0]])), 0.6),
    ],
    ids=lambda p: getattr(p, "name", str(p)),
)
def test_simulated_networks_have_these_covariances(syn, rule, f):
    rng = np.random.default_rng(3)
    expected = chain_pairs(syn, rule, f)
    samples = []
    for _ in range(80):
        w = weights(syn, blank(syn, rule, 30, f, 60, rng))
        samples.append(network_moments(w))
    m = expected.mean
    assert_near(np.array(samples), [m] + [c + m**2 for c in expected[1:]])


@pytest.mark.parametrize("name", ["hebb", "pre", "post", "covariance"])
def test_additive_networks_have_these_covariances(name):
    rng, f = np.random.default_rng(5), 0.3
    rule = additive_rule(name, f)
    samples = [network_moments(additive_weights(random_patterns(4, 30, f, rng), rule, 0.0, rng)) for _ in range(300)]
    expected = additive_pairs(rule, f, 4)
    assert_near(np.array(samples), [expected.mean] + [c + expected.mean**2 for c in expected[1:]])


def test_closed_forms_of_additive_rules():
    f, s = 0.3, np.sqrt(0.3 * 0.7)
    hebb = additive_rule("hebb", f).components(f)
    np.testing.assert_allclose(hebb, (f * f, f * s, f * s, s * s))
    np.testing.assert_allclose(additive_rule("pre", f).components(f), (0, f * s, 0, s * s), atol=1e-15)
    covariance = additive_pairs(additive_rule("covariance", f), f)
    np.testing.assert_allclose(covariance, (0, s**4, 0, 0, 0, s**4), atol=1e-15)
    phi = standard(np.arange(2), f)
    assert phi @ [1 - f, f] == pytest.approx(0) and phi**2 @ [1 - f, f] == pytest.approx(1)


def test_the_pair_chain_has_the_marginals_of_one_synapse():
    syn, rule = cascade(3), GATING["pre"]
    law = PairLaw(syn, rule, 0.5)
    for kind in ("post", "pre", "chain", "reciprocal"):
        joint = law.pair_equilibrium(kind).reshape(syn.states, syn.states)
        np.testing.assert_allclose(joint.sum(0), law.equilibrium, atol=1e-12)
        np.testing.assert_allclose(joint.sum(1), law.equilibrium, atol=1e-12)
    active, f_pot = coding(0.5, "pre")
    np.testing.assert_allclose(law.equilibrium, equilibrium(syn, f_pot), atol=1e-12)
    np.testing.assert_allclose(law.step, (1 - active) * np.eye(6) + active * syn.mean_step(f_pot))


def test_unknown_age_average_of_the_reference():
    """P(strong | pre, post = 1) at mean age 20, n = 5, post-gated: .446 and .554; .5 where the gate is shut."""
    ages = np.arange(300)
    prior = (20 / 21) ** ages / 21
    means = np.einsum("t,tab->ab", prior / prior.sum(), PairLaw(cascade(5), GATING["post"], 0.5).means(ages))
    np.testing.assert_allclose((1 + means) / 2, [[0.5, 0.5], [0.446, 0.554]], atol=6e-4)


def test_mistakes_are_one_sentence():
    with pytest.raises(ValueError, match="four finite numbers"):
        Rule(np.zeros(4))
    with pytest.raises(ValueError, match="coding level"):
        chain_pairs(plain(), GATING["pre"], 1.0)
    with pytest.raises(ValueError, match="between -1 and 1"):
        chain_pairs(plain(), Rule(np.full((2, 2), 2.0)), 0.5)
    with pytest.raises(ValueError, match="one of hebb"):
        additive_rule("bcm", 0.5)
    with pytest.raises(ValueError, match="no unique equilibrium"):
        chain_pairs(MarkovSynapse(np.eye(2), np.eye(2), np.array([-1, 1])), GATING["pre"], 0.5)
    with pytest.raises(ValueError, match="no correlation"):
        additive_pairs(Rule(np.ones((2, 2))), 0.5).correlation()
    for ages in ([-1], [0.5]):  # not a step backwards in time, nor one cut off
        with pytest.raises(ValueError, match="an age must be a whole number of at least 0"):
            PairLaw(plain(), GATING["pre"], 0.5).means(ages)
    with pytest.raises(ValueError, match="at most 64 states, got 200: take a shorter chain"):
        chain_pairs(cascade(100), GATING["pre"], 0.5)  # 40000 x 40000 numbers, several times
