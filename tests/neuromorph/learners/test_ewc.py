from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from neuromorph import data, streams
from neuromorph.learners.control import ControlLearner, Metaplasticity, TrainingConfig
from neuromorph.learners.ewc import Consolidation, EWCLearner, permuted
from neuromorph.run import learn_stream
from neuromorph.snn.baselines import ControlConfig, SpikingConfig

torch.set_num_threads(1)

BINARY = TrainingConfig(ControlConfig((64, 12, 10)), Metaplasticity(), batch=20)
KINDS = {
    "binary": BINARY,
    "full precision": replace(BINARY, network=ControlConfig((64, 12, 10), binary=False)),
    "spiking": replace(BINARY, network=SpikingConfig((64, 12, 10), num_steps=3)),
}
STREAM = streams.permuted(data.load("digits").limited(200, 100), 3, 0)


def learned(config, consolidation, tasks=1):
    learner = EWCLearner(config, consolidation)
    for task in STREAM[:tasks]:
        learner.partial_fit(*task.train)
        learner.end_task(task)
    return learner


def test_the_fisher_information_of_one_layer_has_a_closed_form():
    """Scores s = W x: gradient of -log softmax is (p - onehot) x^T, with a norm that is no more than a factor."""
    config = replace(BINARY, network=ControlConfig((64, 10), norm="none"))
    learner = EWCLearner(config, Consolidation(samples=50))
    x, y = STREAM[0].train
    signs = np.where(learner.network.weights()[0].detach().numpy() >= 0, 1, -1)
    scores = x[:50] @ signs.T / 8
    p = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    error = (p - np.eye(10)[y[:50]]) / 8
    expected = np.einsum("nc,nf->cf", error**2, x[:50] ** 2) / 50
    np.testing.assert_allclose(learner.information(STREAM[0])[0], expected, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_the_penalty_equals_one_term_a_past_task(kind):
    consolidation = Consolidation(strength=70.0, samples=15)
    learner = EWCLearner(KINDS[kind], consolidation)
    terms = []
    for task in STREAM:
        learner.partial_fit(*task.train)
        learner.end_task(task)
        weights = learner.network.weights()
        terms.append((learner.information(task), [learner.network.used(w).detach().clone() for w in weights]))
    with torch.no_grad():
        for weight in learner.network.weights():
            weight[:4] *= -1
    used = [learner.network.used(w) for w in learner.network.weights()]
    expected = sum(
        35 * (f * (w - anchor) ** 2).sum()
        for information, anchors in terms
        for f, anchor, w in zip(information, anchors, used, strict=True)
    )
    penalty = learner._penalty()
    assert penalty.item() == pytest.approx(expected.item(), rel=1e-4) and penalty > 0
    gradient = torch.autograd.grad(penalty, learner.network.weights()[0])[0]
    by_hand = sum(70 * information[0] * (used[0] - anchors[0]) for information, anchors in terms)
    torch.testing.assert_close(gradient, by_hand.detach(), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_penalised_right_after_a_task(kind):
    assert learned(KINDS[kind], Consolidation(samples=15))._penalty().item() == pytest.approx(0, abs=1e-3)


def test_no_strength_is_no_consolidation():
    x, y = STREAM[1].train
    free, weak = ControlLearner(BINARY), learned(BINARY, Consolidation(0.0, 15))
    free.partial_fit(*STREAM[0].train)
    for learner in (free, weak):
        learner.partial_fit(x, y)
    for a, b in zip(free.network.parameters(), weak.network.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6)


def test_a_huge_strength_forbids_to_move_what_matters():
    learner = learned(BINARY, Consolidation(1e9, 100))
    before = [learner.network.used(w).detach().clone() for w in learner.network.weights()]
    matters = [f > 1e-4 for f in learner.fisher]
    learner.partial_fit(*STREAM[1].train)
    moved = [
        (learner.network.used(w) != b)[m] for w, b, m in zip(learner.network.weights(), before, matters, strict=True)
    ]
    free = ControlLearner(BINARY)
    free.partial_fit(*STREAM[0].train)
    free.partial_fit(*STREAM[1].train)
    loose = [(free.network.used(w) != b)[m] for w, b, m in zip(free.network.weights(), before, matters, strict=True)]
    assert torch.cat(moved).float().mean() < 0.5 * torch.cat(loose).float().mean()


def test_a_permutation_keeps_the_numbers_and_moves_them():
    values = torch.arange(24.0).reshape(4, 6)
    found = permuted(values, np.random.default_rng(0))
    assert found.shape == values.shape and not torch.equal(found, values)
    assert sorted(found.flatten().tolist()) == values.flatten().tolist()


def test_random_consolidation_permutes_inside_each_matrix_and_adds_nothing_else():
    """The same network, with and without: the stored information has the same numbers in other places."""
    true, random = (learned(BINARY, Consolidation(samples=15, shuffled=shuffled)) for shuffled in (False, True))
    for f, g in zip(true.fisher, random.fisher, strict=True):
        assert not torch.equal(f, g)
        assert torch.equal(f.flatten().sort().values, g.flatten().sort().values)


def test_a_killed_run_goes_on_with_the_same_numbers(tmp_path):
    def run(stream, checkpoint=None):
        learner = EWCLearner(BINARY, Consolidation(samples=15, shuffled=True), reset_per_task=True)
        return learner, learn_stream(learner, stream, checkpoint=checkpoint, progress=False)

    whole, matrix = run(STREAM)
    part, _ = run(STREAM[:2])
    resumed = EWCLearner(BINARY, Consolidation(samples=15, shuffled=True), reset_per_task=True)
    resumed.load_state_dict(part.state_dict())
    again = learn_stream(resumed, STREAM[2:], progress=False)
    assert again.baseline[0] == matrix.accuracy[1, 2]
    for a, b in zip(part.fisher, resumed.fisher, strict=True):
        assert not torch.equal(a, b)  # the third task has been added, to a copy
    run(STREAM, tmp_path / "run")
    np.testing.assert_array_equal(run(STREAM, tmp_path / "run")[1].accuracy, matrix.accuracy)


def test_the_loss_of_learning_contains_the_penalty():
    learner = learned(BINARY, Consolidation(samples=15))
    before = [w.detach().clone() for w in learner.network.weights()]
    x, y = (torch.from_numpy(a[:20]) for a in STREAM[1].train)
    reference = replace(BINARY)
    twin = EWCLearner(reference, Consolidation(samples=15))
    twin.load_state_dict(learner.state_dict())
    twin.network.train()
    loss = functional.cross_entropy(twin.network(x), y) + twin._penalty()
    twin.optimiser.zero_grad()
    loss.backward()
    twin.optimiser.step()
    learner.partial_fit(x.numpy(), y.numpy())
    for a, b, old in zip(learner.network.weights(), twin.network.weights(), before, strict=True):
        assert torch.equal(a, b) and not torch.equal(a, old)


@pytest.mark.parametrize("wrong", [{"strength": -1.0}, {"samples": 0}])
def test_impossible_consolidation_is_refused(wrong):
    with pytest.raises(ValueError, match="strength must be a finite number of at least 0|samples must be at least 1"):
        Consolidation(**wrong)


def test_batch_statistics_have_no_fisher_information():
    with pytest.raises(ValueError, match="one sample at a time"):
        EWCLearner(replace(BINARY, network=ControlConfig((64, 10), norm="batch-statistics")))
