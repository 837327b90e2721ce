"""Parts in words, and every part of the folder on the spiking network and on both controls."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from neuromorph import data, streams
from neuromorph.learners import parts
from neuromorph.learners.composed import ComposedLearner, TrainingConfig
from neuromorph.learners.methods import LearnerWords
from neuromorph.learners.parts.ewc import EWC
from neuromorph.learners.parts.si import SI
from neuromorph.run import learn_stream
from neuromorph.snn import NetworkConfig
from neuromorph.snn.baselines import ControlConfig

torch.set_num_threads(1)

NETWORKS = {
    "spiking": NetworkConfig((64, 12, 10), num_steps=3),
    "binary": ControlConfig((64, 12, 10)),
    "full precision": ControlConfig((64, 12, 10), binary=False),
}
STREAM = streams.permuted(data.load("digits").limited(100, 50), 2, 0)


def test_words_and_configurations_are_each_others_inverse():
    assert {"ewc", "si", "reset", "norm-per-task"} <= set(parts.names())
    for name in parts.names():
        config = parts.by_words(name)
        assert parts.by_words(parts.words(config)) == config
    assert parts.by_words("ewc:strength=7,shuffled=true,samples=3") == EWC(7.0, 3, True)
    assert parts.settled(("si:damping=1e-3", EWC(1.0))) == (SI(damping=0.001), EWC(1.0))


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("part", parts.names())
def test_every_part_serves_every_network_and_ends_each_task(part, network):
    config = NETWORKS[network]
    if part == "heads":
        config = replace(config, sizes=(*config.sizes[:-1], 2 * config.sizes[-1]))
    if part == "norm-per-task" and config.norm == "none":
        with pytest.raises(ValueError, match="without a norm"):
            ComposedLearner(TrainingConfig(config, batch=20, parts=(part,)))
        config = replace(config, norm="batch-running")
    learner = ComposedLearner(TrainingConfig(config, batch=20, parts=(part,)))
    assert learner.needs == learner.parts[0].needs
    matrix = learn_stream(learner, STREAM, progress=False)
    assert matrix.accuracy.shape == (2, 2)
    state = learner.state_dict()["parts"][0]
    twin = ComposedLearner(learner.config)
    twin.load_state_dict(learner.state_dict())
    assert twin.state_dict()["parts"][0].keys() == state.keys()


@pytest.mark.parametrize("network", NETWORKS)
def test_elastic_weight_consolidation_of_any_network_keeps_bits_that_matter(network):
    """A huge strength: weights with information move less than they do without it."""
    moved = []
    for strength in (0.0, 1e9):
        config = TrainingConfig(NETWORKS[network], batch=20, parts=(EWC(strength, 100),))
        learner = ComposedLearner(config)
        learner.partial_fit(*STREAM[0].train)
        learner.end_task(STREAM[0])
        matters = [f > f.mean() for f in learner.parts[0].fisher]
        before = [w.detach().clone() for w in learner.network.multiplied()]
        learner.partial_fit(*STREAM[1].train)
        after = learner.network.multiplied()
        moved.append(
            torch.cat([(a - b)[m].abs() for a, b, m in zip(after, before, matters, strict=True)]).mean().item()
        )
    assert moved[1] < 0.7 * moved[0]


def test_a_sample_alone_is_refused_before_a_weight_has_moved(flat):
    network = replace(NETWORKS["spiking"], norm="batch-running", gains=())
    learner = ComposedLearner(TrainingConfig(network, batch=20))
    before = flat(learner.state_dict())
    with pytest.raises(ValueError, match="1 samples in batches of 20 leave one alone"):
        learner.partial_fit(*(a[:1] for a in STREAM[0].train))
    assert flat(learner.state_dict()) == before


def test_a_loss_that_is_not_finite_stops_before_the_step(flat):
    learner = ComposedLearner(TrainingConfig(NETWORKS["binary"], batch=20, logit_scale=1e39))
    x, y = STREAM[0].train
    before = [w.detach().clone() for w in learner.network.weights()]
    with pytest.raises(ValueError, match="the loss became (nan|inf).*the weights are those before this mini-batch"):
        learner.partial_fit(x, y)
    assert all(torch.equal(a, b) for a, b in zip(before, learner.network.weights(), strict=True))


def test_weights_that_are_not_finite_are_named():
    """Their signs still are numbers, so the loss does not show it."""
    learner = ComposedLearner(TrainingConfig(NETWORKS["spiking"], batch=20))
    learner.optimiser.param_groups[0]["lr"] = 1e38  # which no optimiser takes at its making
    with pytest.raises(ValueError, match="weights are no longer finite.*go on from a saved state"):
        for _ in range(5):
            learner.partial_fit(*STREAM[0].train)


def test_a_state_goes_on_with_another_device_but_not_with_other_parts():
    config = TrainingConfig(NETWORKS["binary"], batch=20, parts=("si",))
    assert ComposedLearner(config).description == ComposedLearner(replace(config, device="cpu:0")).description
    with pytest.raises(ValueError, match="saved by"):
        ComposedLearner(replace(config, parts=("reset",))).load_state_dict(ComposedLearner(config).state_dict())
    assert np.isfinite(ComposedLearner(config).parts[0].config.strength)


@pytest.mark.parametrize("pair", [("xdg", "engrams"), ("contexts", "xdg"), ("engrams", "contexts")])
def test_one_part_alone_closes_units(pair):
    with pytest.raises(ValueError, match="so does the part"):
        ComposedLearner(TrainingConfig(NETWORKS["binary"], batch=20, parts=pair))


@pytest.mark.parametrize("method", ["mesu", "bgd", "bimu"])
@pytest.mark.parametrize("part", ["ewc", "online-ewc", "mas"])
def test_what_holds_one_number_a_weight_refuses_distributions(method, part):
    with pytest.raises(ValueError, match="distributions"):
        LearnerWords(f"{method}+{part}", (64, 9, 10))(0)


@pytest.mark.parametrize("words", ["real:norm=batch-statistics", "binary:norm=batch-statistics"])
def test_statistics_of_a_tested_batch_are_those_of_one_task(words):
    """Or accuracy on a task would depend on the others that are tested."""
    made = [LearnerWords(words, (64, 20, 10))(0) for _ in range(2)]
    found = [
        learn_stream(learner, stream, progress=False)
        for learner, stream in zip(made, (STREAM, STREAM[:1]), strict=True)
    ]
    assert "test task" in made[0].needs
    np.testing.assert_array_equal(found[0].accuracy[0, 0], found[1].accuracy[0, 0])
