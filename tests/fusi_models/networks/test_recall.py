import numpy as np
import pytest

from fusi_models import cascade
from fusi_models.networks import recall
from fusi_models.networks.memory import geometric
from fusi_models.networks.recall import additive_errors, chain_errors
from fusi_models.theory.pairs import GATING, PairLaw, Rule, additive_rule


def test_knowing_the_correlations_decides_for_hebb_and_not_for_covariance():
    decoders = ("cue", "factorised", "aware", "aware-mean")
    hebb = {k: v.mean() for k, v in additive_errors(additive_rule("hebb", 0.5), 100, 6, 5, 1, decoders).items()}
    assert hebb["aware"] < 0.03 and hebb["aware-mean"] < 0.15 < hebb["cue"] < 0.45 < hebb["factorised"]
    control = {
        k: v.mean() for k, v in additive_errors(additive_rule("covariance", 0.5), 100, 6, 5, 1, decoders).items()
    }
    assert abs(control["factorised"] - control["aware"]) < 0.02 and control["aware"] < 0.03


def test_a_sparse_hebb_network():
    errors = additive_errors(additive_rule("hebb", 0.2), 150, 15, 4, 3, ("cue", "factorised", "aware"), 0.2, 0.1)
    cue, factorised, aware = (errors[k].mean() for k in ("cue", "factorised", "aware"))
    assert aware < 0.05 < cue < factorised


@pytest.mark.parametrize("age", ["known", "prior", "familiarity"])
def test_cascade_recall_with_the_age_known_and_unknown(age):
    decoders = ("cue", "factorised-mean", "stop", "explain")
    errors = chain_errors(cascade(5), GATING["pre"], 200, (0, 2, 12), 3, 4, decoders, age=age, burn_in=60)
    mean = {name: values.mean(0) for name, values in errors.items()}
    assert errors["cue"].shape == (3, 3)
    assert np.all(mean["explain"] < mean["cue"] + 0.02) and mean["explain"][0] < 0.05
    assert np.all(mean["stop"][1:] < mean["cue"][1:] + 0.02)
    assert np.all(mean["factorised-mean"][1:] > mean["cue"][1:])


def test_the_same_seed_gives_the_same_errors_whatever_is_asked_beside_it():
    first = chain_errors(cascade(3), GATING["post"], 30, (0, 1), 2, 7, ("cue", "aware"), burn_in=10)
    more = ("factorised", "explain", "cue", "aware")
    again = chain_errors(cascade(3), GATING["post"], 30, (0, 1), 2, 7, more, burn_in=10)
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])


def test_mistakes_are_one_sentence():
    with pytest.raises(ValueError, match="a decoder here is one of"):
        chain_errors(cascade(3), GATING["pre"], 20, (0,), 1, 0, ("magic",))
    with pytest.raises(ValueError, match="a decoder here is one of"):
        additive_errors(additive_rule("hebb", 0.5), 20, 2, 1, 0, ("guess",))
    with pytest.raises(ValueError, match="at least one age"):
        chain_errors(cascade(3), GATING["pre"], 20, (), 1, 0, ("cue",))
    with pytest.raises(ValueError, match="a pattern would activate 0.2 neurons"):
        chain_errors(cascade(3), GATING["pre"], 20, (0,), 1, 0, ("cue",), coding=0.01)
    with pytest.raises(ValueError, match="one of known, prior, familiarity, got 'guess'"):
        chain_errors(cascade(3), GATING["pre"], 20, (0,), 1, 0, ("cue",), age="guess")
    with pytest.raises(ValueError, match="an age must be a whole number"):
        chain_errors(cascade(3), GATING["pre"], 20, (1.5,), 1, 0, ("cue",))
    with pytest.raises(ValueError, match="trials must be a whole number"):
        chain_errors(cascade(3), GATING["pre"], 20, (0,), 1.5, 0, ("cue",))
    with pytest.raises(ValueError, match="ages may be up to 1e"):
        chain_errors(cascade(3), GATING["pre"], 20, (10**8,), 1, 0, ("cue",))
    with pytest.raises(ValueError, match="all its synapses end with the same strength"):
        chain_errors(cascade(3), Rule(np.array([[0, 0], [0, 1]])), 20, (0,), 1, 0)


def test_a_prior_of_a_short_mean_age_reaches_beyond_its_whole_part(monkeypatch):
    """A mean of .9 was a prior over age 0 only."""
    seen = []
    monkeypatch.setitem(recall.DECODERS, "cue", lambda q, rng: seen.append(q.memory.mean) or q.cue)
    chain_errors(cascade(3), GATING["pre"], 20, (0,), 1, 0, ("cue",), age="prior", mean_age=0.9)
    law = PairLaw(cascade(3), GATING["pre"], 0.5)
    expected = np.einsum("t,tab->ab", geometric(0.9, 5), law.means(np.arange(6)))
    np.testing.assert_allclose(seen[0], expected, atol=1e-12)
