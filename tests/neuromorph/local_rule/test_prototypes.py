import numpy as np
import pytest

from fusi_models import HiddenWeight, plain
from fusi_models.models.staircase import Staircase
from neuromorph import data, streams
from neuromorph.learners.feedback import FeedbackLearner
from neuromorph.learners.methods import LearnerWords
from neuromorph.learners.torch import TorchLearner
from neuromorph.local_rule.codes import Winners
from neuromorph.local_rule.layer import events
from neuromorph.local_rule.prototypes import Prototypes
from neuromorph.local_rule.rule import LocalRule
from neuromorph.run import learn_stream

CODE = Winners(40, 0.2)
RULE = Prototypes(units_per_class=4, code=CODE)


def test_only_the_units_of_the_label_learn():
    found = RULE.error(np.zeros((2, 12), int), np.array([2, 0]))
    assert found.dtype == np.int8
    np.testing.assert_array_equal(found, [[0] * 8 + [1] * 4, [1] * 4 + [0] * 8])


def test_the_mean_event_is_the_distance_of_the_input_from_f():
    """(p_i - f) / (1 - f), within 5 standard errors, for an input that spikes in a share p_i of the presentations."""
    rng, shares, count = np.random.default_rng(2), np.array([0.0, 0.1, 0.2, 0.5, 1.0]), 3000
    total = np.zeros((4, 5))
    for k in range(count):
        place, event = events(np.ones((1, 4), int), rng.random((1, 5)) < shares, [RULE.opposed(7, k, 5)])
        total.flat[place] += event
    expected = (shares - 0.2) / 0.8
    assert (abs(total.mean(0) / count - expected) < 5 / np.sqrt(4 * count)).all()


def test_what_is_thinned_depends_on_seed_and_presentation_only():
    one = RULE.opposed(1, 5, 40)
    assert one.shape == (4, 40) and (one == RULE.opposed(1, 5, 40)).all()
    for other in (RULE.opposed(2, 5, 40), RULE.opposed(1, 6, 40)):
        assert (one != other).any()
    assert (one[0] != one[1]).any()  # units of a class differ


def test_a_new_class_changes_no_synapse_of_another():
    learner = TorchLearner(plain(0.5), 64, 10, RULE)
    before, x = learner.states(), data.load("digits").train[0][:50].reshape(50, -1)
    learner.partial_fit(x, np.full(50, 3))
    changed = (learner.states() != before)[0].reshape(10, 4, -1).any((1, 2))
    assert changed.tolist() == [k == 3 for k in range(10)]


def test_classes_learned_one_after_another_are_kept_where_the_delta_rule_keeps_the_last():
    stream = streams.by_name("split-class-digits", 5, 0)
    prototypes = Prototypes(code=Winners(300))
    found = {
        name: learn_stream(TorchLearner(plain(0.03), 64, 10, rule), stream, progress=False).accuracy[-1]
        for name, rule in {"prototypes": prototypes, "delta": LocalRule(code=Winners(300))}.items()
    }
    assert found["prototypes"].mean() > 0.75 and found["prototypes"].min() > 0.5
    assert found["delta"][:3].mean() < 0.35


def test_drive_and_spikes_are_read_out_of_the_same_synapses():
    x = data.load("digits").train[0][:30].reshape(30, -1)
    one, two = (TorchLearner(plain(0.5), 64, 10, Prototypes(code=CODE, readout=r)) for r in ("drive", "spikes"))
    raster = one._raster(x[:, None], 0, True)
    weight = 2 * one.states() - 1
    np.testing.assert_array_equal(one.drives(raster)[:, 0], raster[:, 0, 0] @ weight[0].T)
    np.testing.assert_array_equal(one.spikes(raster), two.spikes(raster))
    np.testing.assert_array_equal(one.predict(x), one.drives(raster)[:, 0].reshape(30, 10, -1).sum(2).argmax(1))
    np.testing.assert_array_equal(two.predict(x), one.spikes(raster)[:, 0, 0].reshape(30, 10, -1).sum(2).argmax(1))


def test_the_rule_in_words():
    learner = LearnerWords("snntorch/prototypes/plain:q=0.5", (64, 20, 10))(2)
    assert learner.description == TorchLearner(plain(0.5), 64, 10, Prototypes(), 2).description
    with pytest.raises(ValueError, match="no local rule 'prototype': choose one of delta, prototypes"):
        LearnerWords("snntorch/prototype/plain", (64, 20, 10))(0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"code": "rate"}, "prototypes need to know the fraction of inputs that spike, at most 1/2: .* got 'rate'"),
        ({"code": Winners(10, 0.6)}, "at most 1/2"),
        ({"readout": "membrane"}, "no readout 'membrane': choose one of drive, spikes"),
        ({"num_steps": 0}, "must be at least 1"),
        ({"beta": 0.9}, "multiple of 1/4096"),
    ],
)
def test_impossible_constants_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Prototypes(**wrong)


def test_learners_without_events_of_silent_inputs_say_so():
    with pytest.raises(ValueError, match="synapses of silent inputs receive no events here, as Prototypes wants"):
        FeedbackLearner((HiddenWeight(2.0), HiddenWeight(2.0)), 9, 5, 3, RULE)
    pytest.importorskip("lava.magma", reason="lava-nc is not installed")
    from neuromorph.learners.lava_stock import StockLavaLearner

    with pytest.raises(ValueError, match="synapses of silent inputs receive no events here"):
        StockLavaLearner(Staircase(), 9, 3, RULE)
