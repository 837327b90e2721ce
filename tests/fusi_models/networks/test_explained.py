import itertools

import numpy as np
import pytest
from scipy.special import expit

from fusi_models import cascade, multistate, plain
from fusi_models.networks.exact import all_patterns
from fusi_models.networks.explained import Explained, Model, explain, recall
from fusi_models.networks.memory import evidence, geometric, noisy_cue, rmse
from fusi_models.networks.storage import blank, random_patterns, store, weights
from fusi_models.theory.pairs import GATING, PairLaw


def network(syn, rule, neurons, stored, seed, coding=0.5):
    rng = np.random.default_rng(seed)
    x = random_patterns(stored, neurons, coding, rng)
    state = store(syn, blank(syn, GATING[rule], neurons, coding, 60, rng), x, GATING[rule], rng)
    return weights(syn, state), x, rng


@pytest.mark.parametrize("rule", GATING)
def test_the_mean_given_newer_patterns_is_the_enumerated_one(rule):
    """R averaged over independent soft patterns, against all sequences of activities of two neurons written out."""
    syn, law = cascade(3), PairLaw(cascade(3), GATING[rule], 0.5)
    model, newer = Model(syn, GATING[rule], 0.5), np.array([[0.2, 0.9], [0.6, 0.3]])  # [slot, neuron], newest first
    ahead = np.broadcast_to(model.efficacy, (2, 2, 6))
    for p in newer:
        ahead = model.older(ahead, p)
    for a, b in itertools.product(range(2), repeat=2):
        exact = 0.0
        for old, new in itertools.product(itertools.product(range(2), repeat=2), repeat=2):
            chance = np.prod([newer[1][k] if s else 1 - newer[1][k] for k, s in enumerate(old)])
            chance *= np.prod([newer[0][k] if s else 1 - newer[0][k] for k, s in enumerate(new)])
            exact += chance * (law.equilibrium @ law.event[a, b] @ law.event[old] @ law.event[new] @ syn.strength)
        assert law.equilibrium @ law.event[a, b] @ ahead[0, 1] == pytest.approx(exact, abs=1e-5)
    later = model.unknown(ahead, np.array([0.5, 0, 0.5]))
    twice = np.linalg.matrix_power(law.step, 2) @ ahead[0, 1]
    np.testing.assert_allclose(later[0, 1], (ahead[0, 1] + twice) / 2, atol=1e-5)


@pytest.mark.parametrize("syn", [plain(), cascade(3), multistate(4)], ids=lambda syn: syn.name)
def test_eight_neurons_against_the_enumerated_posterior_of_both_patterns(syn):
    """All 2^16 pairs (older, newest) enumerated, synapses independent given both. So few neurons give no pattern away
    without a cue; the answer must still be nearer the exact one than the cue is, and so must it be when told the newest
    pattern. Means over 12 networks."""
    rule, n, flip = GATING["pre"], 8, 0.2
    law, model, x = PairLaw(syn, rule, 0.5), Model(syn, rule, 0.5), all_patterns(8)
    mean = np.einsum("s,abst,cdtu,u->abcd", law.equilibrium, law.event, law.event, law.strength)
    far = []
    for seed in range(12):
        w, stored, rng = network(syn, "pre", n, 2, seed)
        cue = noisy_cue(stored[0], flip, rng)
        field = evidence(cue, flip, 0.5)
        log = np.tile((x @ field)[:, None], 256)
        for i, j in zip(*np.nonzero(~np.eye(n, dtype=bool)), strict=True):
            both = np.log(np.clip((1 + w[i, j] * mean) / 2, 1e-12, 1))
            log += both[x[:, i], x[:, j]][:, x[:, i], x[:, j]]
        newest = int(stored[1] @ (1 << np.arange(n)))
        exact, told = (mean_under(part, x) for part in (np.logaddexp.reduce(log, axis=1), log[:, newest]))
        ahead = model.older(np.broadcast_to(model.efficacy, (n, n, syn.states)), stored[1].astype(float))
        given = Explained(np.empty((0, n)), (), ahead, model, w.astype(np.float32))
        answers = recall(explain(w, model), cue, flip, field, 1), recall(given, cue, flip, field, 0)
        pairs = zip((*answers, expit(field), expit(field)), (exact, told, exact, told), strict=True)
        far.append([np.abs(a - b).mean() for a, b in pairs])
    blind, knowing, cue_blind, cue_knowing = np.mean(far, 0)
    assert blind < cue_blind and knowing < cue_knowing, (blind, knowing, cue_blind, cue_knowing)


def mean_under(log, x):
    """Mean pattern under weights given as logarithms."""
    chance = np.exp(log - log.max())
    return chance @ x / chance.sum()


def test_the_newest_patterns_need_no_cue():
    for seed in (0, 1):
        w, x, _ = network(cascade(5), "pre", 250, 8, seed)
        found = explain(w, Model(cascade(5), GATING["pre"], 0.5)).patterns
        errors = [np.mean(np.round(found[k]) != x[-1 - k]) for k in range(3)]
        assert len(found) >= 3 and max(errors) < 0.08, errors


@pytest.mark.parametrize(
    ("syn", "rule", "coding"),
    [(cascade(5), "pre", 0.5), (cascade(3), "symmetric", 0.5), (multistate(6), "post", 0.5), (plain(), "pre", 0.5)]
    + [(cascade(4), "coincidence", 0.5), (cascade(4, 0.2, 0.2), "pre", 0.2)],
    ids=lambda v: getattr(v, "name", str(v)),
)
def test_it_beats_the_cue_when_young_and_never_does_worse(syn, rule, coding):
    ages, flip, error = (0, 1, 6, 20), 0.2 * coding / 0.5, []
    for seed in range(2):
        w, x, rng = network(syn, rule, 160, 21, seed, coding)
        newer = explain(w, Model(syn, GATING[rule], coding))
        for t in ages:
            cue = noisy_cue(x[-1 - t], flip, rng)
            field = evidence(cue, flip, coding)
            known = rmse(recall(newer, cue, flip, field, t), x[-1 - t])
            prior = rmse(recall(newer, cue, flip, field, geometric(20, 60)), x[-1 - t])
            error.append((rmse(expit(field), x[-1 - t]), known, prior))
    cue, known, prior = np.array(error).reshape(2, len(ages), 3).mean(0).T
    assert known[0] < 0.35 * cue[0] and known[1] < 0.6 * cue[1], known
    assert np.all(known < cue + 0.03) and np.all(prior < cue + 0.03), (known, prior, cue)


def test_without_any_memory_the_answer_is_the_cue():
    rng = np.random.default_rng(0)
    w = np.where(rng.random((100, 100)) < 0.5, -1.0, 1.0) * (1 - np.eye(100))
    newer = explain(w, Model(cascade(5), GATING["pre"], 0.5))
    assert len(newer.patterns) == 0
    x = random_patterns(1, 100, 0.5, rng)[0]
    cue = noisy_cue(x, 0.2, rng)
    field = evidence(cue, 0.2, 0.5)
    assert rmse(recall(newer, cue, 0.2, field, 3), x) < rmse(expit(field), x) + 0.06
