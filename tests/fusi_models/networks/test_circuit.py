import numpy as np
import pytest
from scipy.special import expit

from fusi_models import cascade
from fusi_models.networks.circuit import circuit_recall
from fusi_models.networks.memory import additive_memory, centred, chain_memory, evidence, noisy_cue, rmse
from fusi_models.networks.storage import additive_weights, blank, random_patterns, store, weights
from fusi_models.theory.pairs import GATING, additive_rule, standard


def hebb(f, neurons, patterns, flip, seed):
    rng, rule = np.random.default_rng(seed), additive_rule("hebb", f)
    x = random_patterns(patterns, neurons, f, rng)
    w = additive_weights(x, rule, 0.01, rng)
    field = evidence(noisy_cue(x[0], flip, rng), flip, f)
    return w, additive_memory(rule, f, patterns, 0.01), field, x[0]


def test_the_circuit_recalls_and_needs_both_terms():
    w, memory, field, x = hebb(0.5, 100, 5, 0.2, 1)
    whole = rmse(circuit_recall(w, memory, field), x)
    assert whole < 0.05 < rmse(expit(field), x)
    for inhibition, dendrite in ((False, True), (True, False), (False, False)):
        assert rmse(circuit_recall(w, memory, field, inhibition, dendrite), x) > whole + 0.2


def test_a_sparse_network_recalls_too():
    w, memory, field, x = hebb(0.2, 100, 8, 0.1, 1)
    assert rmse(circuit_recall(w, memory, field), x) < 0.05 < rmse(expit(field), x)


def test_it_comes_to_rest_at_the_mean_field_of_the_centred_weights():
    w, memory, field, _ = hebb(0.2, 60, 3, 0.1, 2)
    p = circuit_recall(w, memory, field)
    own, phi = memory.pairs.variance - memory.pairs.post - memory.pairs.pre, standard(p, 0.2)
    y = centred(w) @ phi
    # the currents do not leave out a neuron's own activity, which ``centred`` does: 2 parts in N
    cost = (1 - 0.4) / 0.16 * memory.gamma**2 / 2 / own * (phi @ phi)
    assert np.mean(np.abs(p - expit(field + memory.gamma / own / 0.4 * y - cost))) < 0.02


def test_a_cascade_network_recalls_its_newest_pattern():
    rng, syn, rule = np.random.default_rng(0), cascade(3), GATING["pre"]
    x = random_patterns(1, 100, 0.5, rng)
    w = weights(syn, store(syn, blank(syn, rule, 100, 0.5, 40, rng), x, rule, rng))
    field = evidence(noisy_cue(x[0], 0.2, rng), 0.2, 0.5)
    assert rmse(circuit_recall(w, chain_memory(syn, rule, 0.5, 0), field), x[0]) < 0.2


def test_weights_must_fit():
    w, memory, field, _ = hebb(0.5, 10, 2, 0.2, 0)
    with pytest.raises(ValueError, match=r"\[post, pre\]"):
        circuit_recall(w[:5], memory, field)
