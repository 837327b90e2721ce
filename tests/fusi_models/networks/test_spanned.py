import numpy as np
import pytest
from scipy.special import expit, logsumexp

from fusi_models.networks.exact import all_patterns
from fusi_models.networks.memory import evidence, noisy_cue, rmse
from fusi_models.networks.recall import additive_errors
from fusi_models.networks.spanned import recall, span
from fusi_models.networks.storage import additive_weights, random_patterns
from fusi_models.theory.pairs import Rule, additive_rule, standard

RULES = ("hebb", "pre", "post", "covariance")


@pytest.mark.parametrize("coding", [0.5, 0.2])
@pytest.mark.parametrize("name", RULES)
def test_the_span_holds_every_stored_pattern_and_no_other(name, coding):
    rng, rule = np.random.default_rng(0), additive_rule(name, coding)
    x = random_patterns(12, 100, coding, rng)
    basis = span(additive_weights(x, rule, 0.0, rng), rule, coding, 12)
    np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-9)
    assert basis.shape[1] <= 14
    phi = standard(x, coding)
    np.testing.assert_allclose(phi @ basis @ basis.T, phi, atol=0.02)
    other = standard(random_patterns(200, 100, coding, rng), coding)
    share = np.sum((other @ basis) ** 2, 1) / np.sum(other**2, 1)
    assert share.mean() == pytest.approx(basis.shape[1] / 100, abs=0.02)


def test_the_field_has_the_stated_signal_and_noise():
    """(P <phi>)_i - P_ii <phi>_i over random answers to a pattern of the span, against (c - P_ii) phi and its noise."""
    rng, rule = np.random.default_rng(1), additive_rule("hebb", 0.5)
    x = random_patterns(20, 200, 0.5, rng)
    basis = span(additive_weights(x, rule, 0.0, rng), rule, 0.5, 20)
    share, phi = np.sum(basis**2, 1), standard(x[0], 0.5)
    answers = standard(np.array([noisy_cue(x[0], 0.2, rng) for _ in range(4000)]), 0.5) * 0.6
    field = answers @ basis @ basis.T - share * answers
    np.testing.assert_allclose(field.mean(0), 0.36 * (1 - share) * phi, atol=0.04)  # the cue holds .36 of the pattern
    np.testing.assert_allclose(field.var(0), 0.36 * 0.64 * share * (1 - share), rtol=0.25)
    # 1 - q = .64: the decoder's <phi> is the mean given the cue, whose error is uncorrelated with it
    signs = standard(random_patterns(4000, 200, 0.5, rng), 0.5) * 0.8
    np.testing.assert_allclose((signs @ basis @ basis.T - share * signs).var(0), 0.64 * share * (1 - share), rtol=0.25)


@pytest.mark.parametrize("name", RULES)
def test_recall_is_exact_where_a_gaussian_of_pairs_is_not(name):
    """A pattern for five neurons: the aware decoder does not beat the cue there (docs/gallery)."""
    errors = additive_errors(additive_rule(name, 0.5), 120, 24, 3, 0, ("cue", "explain", "aware"))
    assert errors["explain"].max() < 1e-3 and errors["aware"].mean() > 0.1 and errors["cue"].mean() > 0.35


@pytest.mark.parametrize("name", RULES)
def test_eight_neurons_are_nearer_the_enumerated_posterior_than_the_cue(name):
    """Two patterns, all 2^16 pairs enumerated; means over 40 networks."""
    rule, flip, noise, x = additive_rule(name, 0.5), 0.2, 0.01, all_patterns(8)
    tables = rule.table[x[:, :, None], x[:, None, :]]
    ours, cues, exact = [], [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        stored = random_patterns(2, 8, 0.5, rng)
        w = additive_weights(stored, rule, noise, rng)
        field = evidence(noisy_cue(stored[0], flip, rng), flip, 0.5)
        far = ((w - tables[:, None] - tables[None]) * (1 - np.eye(8))) ** 2
        log = logsumexp(-far.sum((2, 3)) / 2 / noise**2, axis=1) + x @ field
        exact.append(np.exp(log - logsumexp(log)) @ x)
        ours.append(recall(span(w, rule, 0.5, 2), rule, 0.5, noise, field))
        cues.append(expit(field))
    assert np.abs(np.subtract(ours, exact)).mean() < 0.65 * np.abs(np.subtract(cues, exact)).mean()


@pytest.mark.parametrize(
    ("patterns", "noise", "coding"), [(45, 0.02, 0.5), (30, 0.02, 0.5), (5, 3.0, 0.5), (30, 0.02, 0.2)]
)
def test_the_answer_is_the_cue_where_the_weights_say_nothing(patterns, noise, coding):
    errors = additive_errors(additive_rule("hebb", coding), 45, patterns, 6, 0, ("cue", "explain"), coding, noise=noise)
    assert errors["explain"].mean() <= errors["cue"].mean() + 0.01


def test_a_rule_without_a_product_of_both_activities_tells_nothing():
    rng, rule = np.random.default_rng(0), Rule(np.array([[0.0, 0.0], [1.0, 1.0]]))
    x = random_patterns(3, 30, 0.5, rng)
    field = evidence(x[0], 0.2, 0.5)
    answer = recall(span(additive_weights(x, rule, 0.0, rng), rule, 0.5, 3), rule, 0.5, 0.0, field)
    np.testing.assert_array_equal(answer, expit(field))
    assert rmse(answer, x[0]) > 0.1


def test_mistakes_are_one_sentence():
    rule = additive_rule("hebb", 0.5)
    with pytest.raises(ValueError, match="weights must be \\[post, pre\\] of one network"):
        span(np.zeros((3, 4)), rule, 0.5, 1)
    with pytest.raises(ValueError, match="patterns must be"):
        span(np.zeros((8, 8)), rule, 0.5, 0)
    with pytest.raises(ValueError, match="weights"):
        span(np.full((8, 8), np.nan), rule, 0.5, 1)
    with pytest.raises(ValueError, match="noise"):
        recall(np.eye(8), rule, 0.5, -1.0, np.zeros(8))
