"""The reservoir is a fair sample of the past, counted in bytes, and needs no boundary."""

import numpy as np
import pytest
import torch

from fusi_models.seeds import generator
from neuromorph import data, streams
from neuromorph.learners import parts
from neuromorph.learners.composed import ComposedLearner, TrainingConfig
from neuromorph.learners.parts.replay import Replay, places
from neuromorph.snn.baselines import ControlConfig

torch.set_num_threads(1)

STREAM = streams.split(data.load("digits").limited(300, 100), 2, "domain")
NETWORK = ControlConfig((64, 12, 2))


def test_every_sample_so_far_is_kept_with_the_same_probability():
    """40 samples in mini-batches of 8, a reservoir of 10: each is kept in a quarter of 2000 runs."""
    kept = np.zeros(40)
    for run in range(2000):
        rng, held = generator("test of a reservoir", run), {}
        for start in range(0, 40, 8):
            held |= {place: start + k for place, k in places(start, 8, 10, rng).items()}
        assert sorted(held) == list(range(10))
        kept[list(held.values())] += 1 / 2000
    np.testing.assert_allclose(kept, 0.25, atol=5 * (0.25 * 0.75 / 2000) ** 0.5)


def test_the_second_sample_takes_the_only_place_in_half_of_the_runs():
    """capacity / (n + 1) with n from 0: of two samples either is kept as often."""
    taken = sum(len(places(1, 1, 1, generator("test of a reservoir", run))) for run in range(1000))
    assert taken / 1000 == pytest.approx(0.5, abs=5 * (0.25 / 1000) ** 0.5)


def test_what_is_kept_are_samples_that_were_learned_and_their_bytes():
    learner = ComposedLearner(TrainingConfig(NETWORK, batch=10, parts=(Replay(25),)))
    part = learner.parts[0]
    assert part.bytes == 0
    x, y = STREAM[0].train
    learner.partial_fit(x[:20], y[:20])
    assert part.bytes == 20 * (64 * 4 + 8)
    learner.partial_fit(x[20:50], y[20:50])
    assert part.bytes == 25 * (64 * 4 + 8) and part.met == 50 and part.updates == 5
    saved = part.state_dict()
    assert sum(saved[name].nbytes for name in ("images", "labels", "tasks")) == part.bytes  # no task was told
    twin = ComposedLearner(learner.config)
    twin.load_state_dict(learner.state_dict())
    assert torch.equal(twin.parts[0].tasks, part.tasks)
    known = {(*sample.tolist(), label) for sample, label in zip(x[:50], y[:50].tolist(), strict=True)}
    kept = {(*i.tolist(), c) for i, c in zip(part.images, part.labels.tolist(), strict=True)}
    assert kept <= known and len(kept) == 25


@pytest.mark.parametrize(("replayed", "more"), [(0, 10), (3, 3), (50, 20)])
def test_a_mini_batch_is_learned_with_earlier_samples(replayed, more):
    learner = ComposedLearner(TrainingConfig(NETWORK, batch=10, parts=(Replay(20, replayed),)))
    part = learner.parts[0]
    x, y = (torch.from_numpy(a) for a in STREAM[0].train)
    images, labels = part.before_batch(x[:10], y[:10])
    assert torch.equal(images, x[:10]) and torch.equal(labels, y[:10])  # nothing is there yet
    learner.partial_fit(x[:20].numpy(), y[:20].numpy())
    images, labels = part.before_batch(x[20:30], y[20:30])
    assert len(images) == len(labels) == 10 + more and torch.equal(images[:10], x[20:30])
    assert len(images[10:].unique(dim=0)) == more  # no sample twice


def test_it_is_boundary_free_and_calls_may_be_cut(flat):
    config = TrainingConfig(NETWORK, batch=10, parts=("replay:capacity=15",))
    whole, cut = ComposedLearner(config), ComposedLearner(config)
    assert whole.needs == {"replay"}
    x, y = (np.concatenate([task.train[k] for task in STREAM[:2]])[:95] for k in (0, 1))
    whole.partial_fit(x, y)
    for some in (slice(0, 30), slice(30, 40), slice(40, 95)):
        cut.partial_fit(x[some], y[some])
        renewed = ComposedLearner(config)
        renewed.load_state_dict(cut.state_dict())
        cut = renewed
    assert flat(whole.state_dict()) == flat(cut.state_dict())


def test_it_remembers_the_first_task():
    kept = []
    for chosen in ((), ("replay:capacity=50",)):
        learner = ComposedLearner(TrainingConfig(NETWORK, batch=10, parts=chosen))
        for k in range(3):
            for _ in range(8):
                learner.partial_fit(*(a[: len(a) // 10 * 10] for a in STREAM[k].train))
        x, y = STREAM[0].test
        kept.append((learner.predict(x) == y).mean())
    assert kept[1] > kept[0] + 0.1


@pytest.mark.parametrize("wrong", ["replay:capacity=0", "replay:capacity=-1", "replay:replayed=-1"])
def test_an_empty_reservoir_is_refused(wrong):
    with pytest.raises(ValueError, match="capacity must be at least 1|replayed must be a whole number of at least 0"):
        parts.by_words(wrong)
