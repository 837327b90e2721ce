import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from fusi_models import HiddenWeight, cascade, plain
from neuromorph import streams
from neuromorph.checkpoint import save_checkpoint
from neuromorph.data import Data, load
from neuromorph.learner import BoundaryLearner, Learner, ToldLearner
from neuromorph.learners import BrianLearner, TorchLearner
from neuromorph.local_rule.rule import LocalRule
from neuromorph.run import fingerprint, learn_stream

RULE = LocalRule(units_per_class=2)
SYNAPSE = cascade(3).slowed(0.3)
DIGITS = load("digits").limited(40, 30)


def stream(tasks=3, seed=0):
    return streams.permuted(DIGITS, tasks, seed)


def interrupted(kind, after):
    """The learner class ``kind``, stopped by Ctrl-C in the middle of a call once it has seen so many samples."""

    def partial_fit(self, x, y):
        kind.partial_fit(self, x[: max(0, after - self.presented)], y[: max(0, after - self.presented)])
        if self.presented >= after:
            raise KeyboardInterrupt

    return type(kind.__name__, (kind,), {"partial_fit": partial_fit})


def same(a, b):
    for name in ("accuracy", "baseline", "anytime", "anytime_samples"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


class Remembers(Learner):
    """Answers with the label it saw last for exactly this sample, else 0; records its calls."""

    batch_size = 5
    description = "Remembers"

    def __init__(self):
        self.seen, self.calls = {}, []

    def partial_fit(self, x, y):
        self.calls.append((x.copy(), y.copy()))
        self.seen |= {row.tobytes(): label for row, label in zip(x, y, strict=True)}

    def predict(self, x):
        return np.array([self.seen.get(row.tobytes(), 0) for row in x], np.int64)

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


class Told(Remembers, BoundaryLearner):
    def end_task(self, task):
        self.calls.append(task.name)


def itself(whole):
    """A stream whose test samples are its training samples: what was learned is answered rightly."""
    tasks = [streams.Task(task.name, task.train, task.train, task.classes) for task in whole]
    return replace(whole, builders=tuple(lambda task=task: task for task in tasks))


def test_the_matrix_is_filled_row_by_row():
    whole = itself(stream())
    zeros = (whole[0].test[1] == 0).mean()
    matrix = learn_stream(Remembers(), whole, progress=False)
    expected = np.where(np.tril(np.ones((3, 3))) > 0, 1.0, zeros)
    np.testing.assert_allclose(matrix.accuracy, expected)
    np.testing.assert_allclose(matrix.baseline, zeros)
    assert matrix.anytime.size == 0


def test_every_epoch_has_every_sample_once_in_an_order_of_its_own():
    learner, whole = Remembers(), stream(2)
    learn_stream(learner, whole, epochs=2, seed=1, progress=False)
    x = np.concatenate([x for x, _ in learner.calls]).reshape(4, 40, 64)
    y = np.concatenate([y for _, y in learner.calls]).reshape(4, 40)
    for k in range(4):
        task = whole[k // 2]
        label = {row.tobytes(): v for row, v in zip(*task.train, strict=True)}
        assert sorted(row.tobytes() for row in x[k]) == sorted(row.tobytes() for row in task.train[0])
        assert [label[row.tobytes()] for row in x[k]] == y[k].tolist()
    assert (y[0] != y[1]).any() and (y[0] != y[2]).any()
    other = Remembers()
    learn_stream(other, whole, epochs=2, seed=2, progress=False)
    assert (np.concatenate([y for _, y in other.calls])[:40] != y[0]).any()


def test_each_task_can_have_its_own_number_of_epochs():
    learner, whole = Remembers(), stream(2)
    learn_stream(learner, whole, epochs=(1, 2), seed=1, progress=False)
    samples = np.concatenate([x for x, _ in learner.calls])
    same = Remembers()
    learn_stream(same, whole, epochs=2, seed=1, progress=False)
    x = np.concatenate([x for x, _ in same.calls])
    np.testing.assert_array_equal(samples, np.concatenate([x[:40], x[80:]]))
    with pytest.raises(ValueError, match="got 3 numbers of epochs for 2 tasks"):
        learn_stream(learner, whole, epochs=(1, 2, 3), progress=False)
    with pytest.raises(ValueError, match=r"epochs must be at least 1, got 0"):
        learn_stream(learner, whole, epochs=(1, 0), progress=False)


def test_boundaries_are_told_only_to_those_that_ask():
    learner = Told()
    learn_stream(learner, stream(2), epochs=2, progress=False)
    assert [c for c in learner.calls if isinstance(c, str)] == ["permutation 1", "permutation 2"]
    assert learner.calls[-1] == "permutation 2"


def test_the_tested_task_is_told_only_to_those_that_ask():
    tested = []

    class Asks(Told, ToldLearner):
        def begin_test(self, task):
            tested.append(task)

        def predict(self, x):
            tested.append(len(x))
            return super().predict(x)

    whole = itself(stream(2))
    same(learn_stream(Asks(), whole, progress=False), learn_stream(Told(), whole, progress=False))
    assert tested == [0, 40, 1, 40] * 3


def test_anytime_curve():
    """40 samples a task, batches of 5, a test every 3 batches: after 15, 30 and 40 samples of each epoch."""
    matrix = learn_stream(Remembers(), itself(stream(2)), epochs=2, every=3, progress=False)
    assert matrix.anytime_samples.tolist() == [15, 30, 40, 55, 70, 80, 95, 110, 120, 135, 150, 160]
    assert matrix.anytime.shape == (12, 2)
    first = matrix.anytime[:, 0]
    assert first[0] < first[1] < first[2] == 1 and matrix.anytime[5, 1] < matrix.anytime[6, 1]
    np.testing.assert_array_equal(matrix.anytime[[5, 11]], matrix.accuracy)
    plain_run = learn_stream(Remembers(), itself(stream(2)), epochs=2, progress=False)
    np.testing.assert_array_equal(plain_run.accuracy, matrix.accuracy)


@pytest.mark.parametrize(
    ("kind", "synapse", "every"),
    [
        pytest.param(TorchLearner, SYNAPSE, None, id="torch"),
        pytest.param(TorchLearner, HiddenWeight(2.0), 7, id="torch-hidden-anytime"),
    ],
)
def test_an_interrupted_run_goes_on_with_identical_numbers(kind, synapse, every, tmp_path):
    def run(kind, checkpoint=None):
        learner = kind(synapse, 64, 10, RULE, seeds=1)
        found = learn_stream(learner, stream(), seed=1, checkpoint=checkpoint, every=every, progress=False)
        return found, learner.states()

    whole, states = run(kind)
    with pytest.raises(KeyboardInterrupt):
        run(interrupted(kind, after=95), tmp_path / "run.pt")
    assert len(torch.load(tmp_path / "run.pt", weights_only=True)["rows"]) == 3  # the baseline and two tasks
    resumed, states_resumed = run(kind, tmp_path / "run.pt")
    same(resumed, whole)
    np.testing.assert_array_equal(states_resumed, states)
    same(run(kind, tmp_path / "run.pt")[0], whole)  # a finished run is read
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"]


@pytest.mark.parametrize(("every", "epochs"), [(None, 3), (3, 3), (None, (3, 4, 1))])
def test_goes_on_in_the_middle_of_a_task_after_its_last_finished_epoch(every, epochs, tmp_path):
    """40 samples a task, 3 epochs: stopped in the third epoch of the second task."""

    def run(kind, checkpoint=None):
        learner = kind(SYNAPSE, 64, 10, RULE, seeds=1)
        found = learn_stream(learner, stream(), epochs, seed=1, checkpoint=checkpoint, every=every, progress=False)
        return found, learner.states()

    whole, states = run(TorchLearner)
    with pytest.raises(KeyboardInterrupt):
        run(interrupted(TorchLearner, after=120 + 80 + 15), tmp_path / "run.pt")
    saved = torch.load(tmp_path / "run.pt", weights_only=True)
    assert (len(saved["rows"]), saved["epochs"], saved["samples"]) == (2, 2, 200)
    resumed, states_resumed = run(TorchLearner, tmp_path / "run.pt")
    same(resumed, whole)
    np.testing.assert_array_equal(states_resumed, states)


def test_a_watcher_sees_the_tasks_so_far_after_every_epoch_and_changes_nothing(capfd, terminal):
    terminal()
    calls = []
    found = learn_stream(Told(), itself(stream()), 2, watch=lambda *call: calls.append(call))
    assert [(task, epoch, len(row)) for task, epoch, row in calls] == [
        (task, epoch, task + 1) for task in range(3) for epoch in range(2)
    ]
    for task, epoch, row in calls:
        np.testing.assert_array_equal(row, np.ones(task + 1) if epoch else row)
        np.testing.assert_array_equal(calls[2 * task + 1][2], found.accuracy[task, : task + 1])
    assert "permutation 3, epoch 2/2, accuracy 1.00 1.00 1.00" in capfd.readouterr().err
    same(found, learn_stream(Told(), itself(stream()), 2, progress=False))


KILLED = """
import sys, time
import numpy as np
from fusi_models import cascade
from neuromorph import streams
from neuromorph.data import load
from neuromorph.learners import TorchLearner
from neuromorph.local_rule.rule import LocalRule
from neuromorph.run import learn_stream

class Slow(TorchLearner):
    calls = 0
    def partial_fit(self, x, y):
        for k in range(len(x)):
            super().partial_fit(x[k:k+1], y[k:k+1])
            Slow.calls += 1
            if Slow.calls == 60:  # in the middle of the second task
                print("middle", flush=True)
                time.sleep(60)
    @property
    def description(self):
        return super().description.replace("Slow", "TorchLearner", 1)

learner = Slow(cascade(3).slowed(0.3), 64, 10, LocalRule(units_per_class=2), seeds=1)
stream = streams.permuted(load("digits").limited(40, 30), 3, 0)
learn_stream(learner, stream, seed=1, checkpoint=sys.argv[1], progress=False)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_killed_run_goes_on_with_identical_numbers(tmp_path):
    """SIGKILL in the middle of the second task; the numbers are those of a run that was left alone."""
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / "run.pt")], stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline().strip() == b"middle"
    finally:
        os.kill(process.pid, signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL
    assert len(torch.load(tmp_path / "run.pt", weights_only=True)["rows"]) == 2

    def run(checkpoint):
        learner = TorchLearner(SYNAPSE, 64, 10, RULE, seeds=1)
        return learn_stream(learner, stream(), seed=1, checkpoint=checkpoint, progress=False), learner.states()

    resumed, alone = run(tmp_path / "run.pt"), run(None)
    same(resumed[0], alone[0])
    np.testing.assert_array_equal(resumed[1], alone[1])


def test_replicas_of_a_stream_equal_the_runs_alone(kind=TorchLearner):  # test_parity: learners of the others
    """Deterministic synapse: matrices and states of a run of several seeds are those of each seed's run."""
    rule, seeds = LocalRule(units_per_class=2, code="bernoulli"), (3, 8)
    synapse = HiddenWeight(2.0)
    both = kind(synapse, 64, 10, rule, seeds=seeds)
    whole = learn_stream(both, streams.parallel([stream(2, s) for s in seeds]), 1, seeds, progress=False)
    assert whole.accuracy.shape == (2, 2, 2)
    for r, seed in enumerate(seeds):
        learner = kind(synapse, 64, 10, rule, seeds=seed)
        alone = learn_stream(learner, stream(2, seed), 1, seed, progress=False)
        np.testing.assert_array_equal(alone.accuracy, whole.accuracy[..., r])
        np.testing.assert_array_equal(alone.baseline, whole.baseline[..., r])
        np.testing.assert_array_equal(learner.states()[0], both.states()[r])


def test_the_file_of_a_run_that_has_ended_is_none_to_go_on_from(tmp_path):
    """Earlier KeyError 'rows': train --out net.pt, and then net.pt copied to net.pt.unfinished."""
    some, learner = stream(2), TorchLearner(plain(0.1), 64, 10)
    save_checkpoint(tmp_path / "run", {"learner": learner.state_dict()}, fingerprint(learner, some))
    with pytest.raises(ValueError, match="of a run that has ended, and none to go on from: delete it"):
        learn_stream(learner, some, checkpoint=tmp_path / "run", progress=False)


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    path = tmp_path / "run.pt"

    def run(synapse=SYNAPSE, rule=RULE, seeds=1, whole=None, epochs=1, seed=1, every=None, kind=TorchLearner):
        learner = kind(synapse, 64, 10, rule, seeds=seeds)
        return learn_stream(learner, whole or stream(2), epochs, seed, path, every, progress=False)

    run()
    content = path.read_bytes()
    other = streams.permuted(load("digits").limited(40, 30, seed=5), 2, 0)
    for change in (
        {"synapse": plain(0.1)},
        {"synapse": cascade(3).slowed(0.2)},
        {"rule": LocalRule(units_per_class=3)},
        {"seeds": 2},
        {"whole": stream(3)},
        {"whole": stream(2, seed=9)},
        {"whole": other},
        {"epochs": 2},
        {"seed": 2},
        {"every": 1},
        {"kind": BrianLearner},
    ):
        with pytest.raises(
            ValueError, match=r"belongs to another run \(it differs in .*\): delete it or choose another"
        ):
            run(**change)
    assert path.read_bytes() == content
    run()


def changed_pixel(data):
    x = data.test[0].copy()
    x[-1, -1, -1] = 0.5 if x[-1, -1, -1] != 0.5 else 0.25
    return Data(data.name, data.train, (x, data.test[1]), data.classes)


SMALL = load("digits").limited(20, 10)
MORE = load("digits").limited(40, 31)
OTHERS = {
    "more test samples": (lambda: streams.permuted(DIGITS, 2, 0), lambda: streams.permuted(MORE, 2, 0)),
    "a pixel of the last test image": (
        lambda: streams.permuted(DIGITS, 2, 0),
        lambda: streams.permuted(changed_pixel(DIGITS), 2, 0),
    ),
    "the second data set": (lambda: streams.sequence([DIGITS, SMALL]), lambda: streams.sequence([DIGITS, MORE])),
    "the second data set's test samples": (
        lambda: streams.sequence([DIGITS, SMALL]),
        lambda: streams.sequence([DIGITS, changed_pixel(SMALL)]),
    ),
    "a stream made by hand": (lambda: itself(stream(2)), lambda: itself(stream(2, seed=1))),
    "replicas": (
        lambda: streams.joint(streams.split(DIGITS, 5, "class")),
        lambda: streams.joint(streams.split(changed_pixel(DIGITS), 5, "class")),
    ),
}


@pytest.mark.parametrize("what", OTHERS)
def test_a_checkpoint_of_other_samples_is_refused(what, tmp_path):
    """The run goes on with a stream whose first training samples are the same, but not all the rest."""
    ours, theirs = OTHERS[what]
    learn_stream(Remembers(), ours(), 2, 0, tmp_path / "run.pt", progress=False)
    content = (tmp_path / "run.pt").read_bytes()
    with pytest.raises(ValueError, match=r"run.pt belongs to another run \(it differs in training or test samples\)"):
        learn_stream(Remembers(), theirs(), 2, 0, tmp_path / "run.pt", progress=False)
    assert (tmp_path / "run.pt").read_bytes() == content
    learn_stream(Remembers(), ours(), 2, 0, tmp_path / "run.pt", progress=False)


def test_numpy_integers_are_numbers(tmp_path):
    whole = stream(2)
    for epochs, seed in ((2, 1), (np.int64(2), np.int32(1)), (np.array([2, 2])[0], 1)):
        learn_stream(Remembers(), whole, epochs, seed, tmp_path / "run.pt", progress=False)
    for epochs in ([2, 2], np.array([2, 2])):
        learn_stream(Remembers(), whole, epochs, 1, tmp_path / "many.pt", progress=False)


def test_the_task_is_told_only_to_those_that_ask():
    told = []

    class Asks(Remembers):
        needs = frozenset({"task"})

        def begin_task(self, task):
            told.append(task)

    learn_stream(Asks(), stream(2), epochs=2, progress=False)
    assert told == [0, 0, 1, 1]


def test_a_failed_save_keeps_the_last_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    save, saves = torch.save, []

    def full(content, file):
        saves.append(file)
        if len(saves) == 2:
            file.write(b"half")
            raise OSError("disk full")
        save(content, file)

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="disk full"):
        learn_stream(Remembers(), stream(3), checkpoint=path, progress=False)
    assert len(torch.load(path, weights_only=True)["rows"]) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"]


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"epochs": -1}, {"every": 0}])
def test_impossible_numbers_are_refused(wrong):
    with pytest.raises(ValueError, match="(epochs|every) must be at least 1"):
        learn_stream(Remembers(), stream(1), progress=False, **wrong)


def test_progress_is_not_shown_where_nobody_looks(capfd):
    learn_stream(Remembers(), stream(2))
    assert capfd.readouterr().err == ""


def test_progress_is_shown(capfd, terminal):
    terminal()
    learn_stream(Remembers(), stream(2), label="somebody")
    shown = capfd.readouterr().err
    assert "somebody" in shown and "100%" in shown
    learn_stream(Remembers(), stream(2), progress=False)
    assert capfd.readouterr().err == ""


def test_large_test_sets_are_asked_in_several_calls(monkeypatch):
    """Several small tasks share a call of predict; the accuracies are those of each task."""
    from neuromorph import run

    sizes = []

    class Counts(Remembers):
        def predict(self, x):
            sizes.append(len(x))
            return super().predict(x)

    whole = learn_stream(Counts(), itself(stream(3)), progress=False)
    assert set(sizes) == {120}
    monkeypatch.setattr(run, "TOGETHER", 50)
    sizes.clear()
    same(learn_stream(Counts(), itself(stream(3)), progress=False), whole)
    assert sizes[:2] == [80, 40]


def test_one_test_set_of_many_tasks_is_asked_once():
    sizes = []

    class Counts(Remembers):
        def predict(self, x):
            sizes.append(len(x))
            return super().predict(x)

    whole = streams.subsets(load("digits").limited(40, 30), 4, 0)
    found = learn_stream(Counts(), whole, progress=False)
    assert sizes == [30] * 5
    tasks = [streams.Task(task.name, task.train, (*task.test,), task.classes) for task in whole]
    apart = replace(whole, builders=tuple(lambda task=task: task for task in tasks))
    same(learn_stream(Counts(), apart, progress=False), found)
    assert sizes[5:] == [120] * 5
