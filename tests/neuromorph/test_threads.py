import os

import joblib
import numpy as np
import pytest
import torch

from neuromorph import streams
from neuromorph.commands.main import main
from neuromorph.learner import Learner
from neuromorph.learners.deep import DeepConfig, DeepLearner
from neuromorph.run import learn_stream
from neuromorph.study import Cell, run_study
from neuromorph.threads import at_most


@pytest.fixture
def several():
    """torch with two threads, as it comes on two cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


class Counts(Learner):
    """Notes torch's threads when it learns; predicts their number."""

    description = "counts"

    def __init__(self, threads=0):
        self.threads, self.seen = threads, 0

    def partial_fit(self, x, y):
        self.seen = torch.get_num_threads()

    def predict(self, x):
        return np.full(len(x), self.seen)

    def state_dict(self):
        return {"seen": self.seen}

    def load_state_dict(self, state):
        self.seen = state["seen"]


def stream(seed=0):
    return streams.by_name("permuted-digits", 1, seed, 20, 10)


@pytest.mark.parametrize(("worth", "asked", "seen"), [(0, None, 2), (1, None, 1), (1, 2, 2), (0, 1, 1), (1, 0, 2)])
def test_the_loop_takes_what_the_learner_is_worth_or_what_is_asked(several, worth, asked, seen):
    learner = Counts(worth)
    learn_stream(learner, stream(), progress=False, threads=asked)
    assert learner.seen == seen


def test_narrow_networks_are_worth_one_thread():
    assert DeepLearner(DeepConfig((64, 200, 10))).threads == 1
    assert DeepLearner(DeepConfig((64, 500, 10))).threads == 0
    assert DeepLearner(DeepConfig((5000, 20, 10))).threads == 1  # inputs are no layer


def test_threads_are_put_back_after_an_error_and_never_exceed_what_there_was(several):
    with pytest.raises(RuntimeError), at_most(1):
        raise RuntimeError
    with at_most(7):
        assert torch.get_num_threads() == 2


class Counting(Cell):
    def measured(self, learner, stream):
        return {"threads": np.array(learner.seen)}


def counts(seed):
    return Counts()


def test_a_cell_takes_what_it_is_given(several, tmp_path):
    cells = [Counting(f"{threads}", counts, stream, 0, threads=threads) for threads in (0, 1)]
    assert [int(r.arrays["threads"]) for r in run_study(cells, tmp_path, progress=False)] == [2, 1]


@pytest.mark.skipif("OMP_NUM_THREADS" in os.environ, reason="the user says how many threads a process has")
def test_processes_side_by_side_share_the_cores():
    shares = joblib.Parallel(2)(joblib.delayed(torch.get_num_threads)() for _ in range(2))
    assert sum(shares) <= max(os.cpu_count(), 2)


def trained(out, *options):
    main(["train", "--tasks", "1", "--samples", "100", "--test-samples", "20", "--epochs", "2", "--hidden", "40"]
         + ["--num-steps", "3", "--out", str(out), *options])  # fmt: skip
    return torch.load(out, weights_only=True)["learner"]["network"]


def test_a_small_network_has_one_state_however_many_threads_torch_has(several, tmp_path):
    two = trained(tmp_path / "two.pt")
    with at_most(1):
        one = trained(tmp_path / "one.pt", "--threads", "1")
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("command", ["train", "compare", "benchmark"])
def test_impossible_threads_are_refused(command, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([command, "--threads", "-1", "--out", str(tmp_path / "out")])
    assert "threads must be at least 1, or 0" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
