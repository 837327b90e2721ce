"""The staircase in Lava's own learning engine, exact in fixed point; and the traps of other rules, each shown."""

import numpy as np
import pytest

pytest.importorskip("lava.magma", reason="lava-nc is not installed")

from fusi_models import HiddenWeight
from fusi_models.models.staircase import Staircase, closest_staircase
from neuromorph.lava.compat import running
from neuromorph.lava.learning_engine import ERROR, NO_DECAY, staircase_rule
from neuromorph.lava.processes.io import MessageSource

from lava.magma.core.learning.learning_rule import Loihi3FLearningRule  # isort: skip
from lava.magma.core.run_configs import Loihi2SimCfg  # isort: skip
from lava.proc.dense.process import LearningDense  # isort: skip


def learn(rule, tags, spikes, y2, y3=None, arithmetic="fixed_pt"):
    """Tags and weights after steps with ``spikes`` [step, input] and third factors [step, unit]."""
    if arithmetic == "fixed_pt":
        dense = LearningDense(weights=2 * np.where(tags >= 0, 1, -1), tag_1=tags, weight_exp=-1, learning_rule=rule)
    else:
        dense = LearningDense(weights=np.where(tags >= 0, 1.0, -1.0), tag_1=tags.astype(float), learning_rule=rule)
    sources = [MessageSource(messages=m.astype(np.int32)) for m in (spikes, y2, y2 * 0 if y3 is None else y3)]
    for source, port in zip(sources, (dense.s_in, dense.s_in_y2, dense.s_in_y3), strict=True):
        source.s_out.connect(port)
    with running(dense, Loihi2SimCfg(select_tag=arithmetic), timeout=60) as run:
        run(len(spikes))
        return dense.tag_1.get().astype(int), dense.weights.get().astype(int)


@pytest.mark.parametrize("model", [Staircase(), closest_staircase(HiddenWeight(10), 4)[0]], ids=str)
def test_staircase_equals_numpy_for_every_tag(model):
    """200 random epochs of one step, 6 x 8 synapses that start all over the range, clipping included."""
    rng = np.random.default_rng(0)
    tags = (2 * rng.integers(-128, 128, (6, 8)) + 1).astype(int)
    spikes = rng.random((200, 8)) < 0.6
    error = rng.choice([-1, 0, 1], (200, 6), p=[0.35, 0.2, 0.45])
    found, weights = learn(staircase_rule(model, 1), tags, spikes, ERROR * (error > 0), ERROR * (error < 0))
    before = tags
    for s, e in zip(spikes, error, strict=True):
        before, tags = tags, model.step(tags, e[:, None] * s[None, :])
    np.testing.assert_array_equal(found, tags)
    np.testing.assert_array_equal(weights, 2 * model.efficacy(before))  # every target sees old values: w is late
    assert (before != tags).any() and np.abs(tags).max() >= 255


def test_floating_point_staircase_is_the_same_but_is_not_clipped():
    model, rng = Staircase(), np.random.default_rng(0)
    tags = 2 * rng.integers(-30, 30, (6, 8)) + 1
    spikes, error = rng.random((60, 8)) < 0.6, rng.choice([-1, 0, 1], (60, 6), p=[0.35, 0.2, 0.45])
    factors = ERROR * (error > 0), ERROR * (error < 0)
    found, weights = learn(staircase_rule(model, 1, "float"), tags, spikes, *factors, arithmetic="floating_pt")
    before = inside = tags
    bounded = np.ones(tags.shape, bool)
    for s, e in zip(spikes, error, strict=True):
        before, inside = inside, model.step(inside, e[:, None] * s[None, :])
        bounded &= abs(inside) < 255
    np.testing.assert_array_equal(found[bounded], inside[bounded])
    np.testing.assert_array_equal(weights[bounded], model.efficacy(before)[bounded])
    assert bounded.mean() > 0.3 and found.max() > 255  # tags that the chip would clip go on


def test_products_with_the_tag_are_floored():
    """Why a polynomial of t cannot be the rule: y2 t loses five bits, downwards, so +3 stays and -3 moves."""
    rule = Loihi3FLearningRule(dt="x0*y2*t", t_epoch=1)
    rule.y1_tau = rule.y2_tau = rule.y3_tau = NO_DECAY
    found, _ = learn(rule, np.array([[3], [-3]]), np.ones((1, 1)), np.ones((1, 2)))
    assert found.ravel().tolist() == [3, -4]


def test_stochastic_rounding_of_the_engine_moves_all_synapses_together():
    """One random number a step for all of them, and always the same ones: no independent transitions."""

    def rule(seed):
        half = Loihi3FLearningRule(dt="2^-6*x0*y2", t_epoch=1, rng_seed=seed)
        half.y1_tau = half.y2_tau = half.y3_tau = NO_DECAY
        return half

    paths = []
    for seed in (1, 2):
        found, _ = learn(rule(seed), np.ones((4, 25), int), np.ones((40, 25)), np.full((40, 4), 32))
        assert len(np.unique(found)) == 1  # 100 synapses, 40 coin tosses each, one outcome
        paths.append(found[0, 0])
    assert paths[0] == paths[1] and 1 < paths[0] < 41
