"""Every decoder against exact enumeration, for networks of at most 8 neurons."""

import numpy as np
import pytest
from scipy.special import expit

from fusi_models import cascade, plain
from fusi_models.networks import aware, factorised
from fusi_models.networks.exact import all_patterns, marginals
from fusi_models.networks.memory import additive_memory, chain_memory, evidence, noisy_cue
from fusi_models.networks.recall import DECODERS, Question
from fusi_models.networks.storage import additive_weights, blank, random_patterns, store, weights
from fusi_models.theory.pairs import GATING, additive_rule


def small_question(kind, seed, n=8, age=1):
    """A network of ``n`` neurons that has stored three patterns, and the cue of one."""
    rng = np.random.default_rng(seed)
    x = random_patterns(3, n, 0.5, rng)
    cue = noisy_cue(x[-1 - age], 0.2, rng)
    if kind in GATING:
        syn, rule = cascade(3), GATING[kind]
        w = weights(syn, store(syn, blank(syn, rule, n, 0.5, 30, rng), x, rule, rng))
        memory = chain_memory(syn, rule, 0.5, age)
    else:
        rule = additive_rule(kind, 0.5)
        w, memory = additive_weights(x, rule, 0.6, rng), additive_memory(rule, 0.5, 3, 0.6)
    return Question(w, cue, 0.2, evidence(cue, 0.2, 0.5), memory)


def dense_log_posterior(q, x):
    """Written out: a Gaussian of all N (N - 1) weights with the covariance of every pair."""
    n, p = len(q.cue), q.memory.pairs
    post, pre = np.nonzero(~np.eye(n, dtype=bool))
    c = np.empty((len(post),) * 2)
    for a, (i, j) in enumerate(zip(post, pre, strict=True)):
        for b, (k, m) in enumerate(zip(post, pre, strict=True)):
            same, back = int(i == k) + int(j == m), int(i == m) + int(j == k)
            kinds = {(2, 0): p.variance, (0, 2): p.reciprocal, (0, 1): p.chain, (0, 0): 0.0}
            c[a, b] = kinds[same, back] if same != 1 else (p.post if i == k else p.pre)
    residual = q.weights[post, pre] - q.memory.mean[x[:, post], x[:, pre]]
    return x @ q.field - np.einsum("xa,ab,xb->x", residual, np.linalg.inv(c), residual) / 2


KINDS = ["pre", "post", "coincidence", "hebb", "covariance"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_aware_posterior_is_that_of_the_dense_gaussian(kind):
    q = small_question(kind, 1, n=6)
    x = all_patterns(6)
    fast, dense = aware.log_posterior(x, q.weights, q.memory, q.field), dense_log_posterior(q, x)
    scale = np.abs(dense).max()
    np.testing.assert_allclose(fast - fast[0], dense - dense[0], atol=1e-5 * scale)


@pytest.mark.parametrize("kind", KINDS)
def test_a_flip_in_linear_time_is_the_difference_of_posteriors(kind):
    q, rng = small_question(kind, 2, n=7), np.random.default_rng(0)
    state = aware.Residual(q.weights, q.memory, rng.random(7) < 0.5)
    for i in rng.integers(0, 7, 30):
        pair = np.tile(state.x, (2, 1))
        pair[:, i] = 0, 1
        off, on = aware.log_posterior(pair, q.weights, q.memory, np.zeros(7))
        assert state.gain(i) == pytest.approx(on - off, rel=1e-7, abs=1e-7)
        state.flip(i)


@pytest.mark.parametrize("kind", KINDS)
def test_gibbs_samples_the_enumerated_posterior(kind):
    for seed in (3, 4):
        q, rng = small_question(kind, seed, age=2), np.random.default_rng(seed)
        exact = marginals(lambda x, q=q: aware.log_posterior(x, q.weights, q.memory, q.field), 8)
        found = [aware.gibbs(q.weights, q.memory, q.field, rng, sweeps=300) for _ in range(4)]
        assert np.abs(np.mean(found, 0) - exact).max() < 0.05
        exact = marginals(lambda x, q=q: factorised.log_posterior(x, q.weights, q.memory, q.field), 8)
        found = [factorised.gibbs(q.weights, q.memory, q.field, rng, sweeps=300) for _ in range(4)]
        assert np.abs(np.mean(found, 0) - exact).max() < 0.05


def test_the_factorised_posterior_is_a_product_over_synapses():
    q = small_question("pre", 5, n=4)
    x = all_patterns(4)
    log = x @ q.field
    for i in range(4):
        for j in range(4):
            if i != j:
                up = (1 + q.memory.mean[x[:, i], x[:, j]]) / 2
                log = log + np.log(np.where(q.weights[i, j] > 0, up, 1 - up))
    found = factorised.log_posterior(x, q.weights, q.memory, q.field)
    np.testing.assert_allclose(found - found[0], log - log[0], atol=1e-10)


def test_decoders_are_nearer_their_posterior_than_the_cue():
    """Mean distance from the enumerated marginals over 15 networks of 8 neurons, age 2."""
    far: dict[tuple[str, str], list] = {}
    rng = np.random.default_rng(0)
    for seed in range(15):
        q = small_question("pre", seed, age=2)
        for kind, model in (("aware", aware), ("factorised", factorised)):
            exact = marginals(lambda x, q=q, model=model: model.log_posterior(x, q.weights, q.memory, q.field), 8)
            for name in DECODERS:
                far.setdefault((name, kind), []).append(np.abs(DECODERS[name](q, rng) - exact).mean())
    mean = {key: np.mean(values) for key, values in far.items()}
    assert mean["aware", "aware"] < 0.4 * mean["cue", "aware"]
    assert mean["aware-mean", "aware"] < mean["cue", "aware"] and mean["stop", "aware"] < mean["cue", "aware"]
    assert (
        max(mean["factorised", "factorised"], mean["factorised-mean", "factorised"]) < 0.4 * mean["cue", "factorised"]
    )
    assert mean["attractor", "aware"] > mean["cue", "aware"]


def test_the_true_law_of_a_tiny_network_is_nearer_the_aware_posterior():
    """Four neurons with sure synapses: all 4096 weight matrices and 16 patterns are enumerated."""
    n, age = 4, 1
    x, bits = all_patterns(n), np.arange(4096)
    post, pre = np.nonzero(~np.eye(n, dtype=bool))
    w = 2 * (bits[:, None] >> np.arange(12) & 1) - 1
    after = np.empty((16, 4096), int)
    for k, p in enumerate(x):
        new = np.where(p[pre] == 1, 2 * p[post] - 1, w)
        after[k] = (new > 0) @ (1 << np.arange(12))

    def step(law):
        return sum(np.bincount(a, law, 4096) for a in after) / 16

    law = np.full(4096, 1 / 4096)
    for _ in range(60):
        law = step(law)
    given = np.array([np.bincount(a, law, 4096) for a in after])
    for _ in range(age):
        given = np.array([step(row) for row in given])
    true = given / np.maximum(given.sum(0), 1e-300)
    memory, zero = chain_memory(plain(), GATING["pre"], 0.5, age), np.zeros(n)
    loss = {}
    for name, model in (("aware", aware), ("factorised", factorised)):
        total = 0.0
        for b in np.flatnonzero(law > 1e-12):
            matrix = np.zeros((n, n))
            matrix[post, pre] = w[b]
            log = model.log_posterior(x, matrix, memory, zero)
            log = log - np.logaddexp.reduce(log)
            seen = true[:, b] > 0
            total += given.mean(0)[b] * np.sum(true[seen, b] * (np.log(true[seen, b]) - log[seen]))
        loss[name] = total
    means = np.einsum("xb,bs->xs", given, w)
    np.testing.assert_allclose(means, memory.mean[x[:, post], x[:, pre]], atol=1e-12)
    assert 0 < loss["aware"] < 0.9 * loss["factorised"], loss


def test_decoders_answer_with_probabilities_and_the_cue_is_its_own_posterior():
    rng = np.random.default_rng(0)
    for kind in ("pre", "hebb"):
        q = small_question(kind, 9)
        for name, decode in DECODERS.items():
            p = decode(q, rng)
            assert p.shape == (8,) and np.all((p >= 0) & (p <= 1)), name
        np.testing.assert_allclose(DECODERS["cue"](q, rng), expit(q.field))


def test_enumeration_has_a_limit():
    with pytest.raises(ValueError, match="1 to 16"):
        all_patterns(17)
