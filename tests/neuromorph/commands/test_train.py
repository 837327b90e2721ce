"""``neuromorph train`` on the embedded digits; what it saves is deployed in test_deploy."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from neuromorph.commands.main import main
from neuromorph.metrics import AccuracyMatrix

TRAIN = ["train", "--tasks", "2", "--samples", "200", "--test-samples", "60", "--epochs", "3", "--hidden", "30"]
TRAIN += ["--num-steps", "4"]


def run(out, *options):
    main([*TRAIN, "--out", str(out), *options])
    return torch.load(out, weights_only=True)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The finished checkpoint of a run that was left alone."""
    return run(tmp_path_factory.mktemp("train") / "network.pt")


def equal(a, b):
    np.testing.assert_array_equal(a["accuracy"].numpy(), b["accuracy"].numpy())
    states = [c["learner"]["optimiser"]["state"] for c in (a, b)]
    assert states[0].keys() == states[1].keys()
    for ours, theirs in zip(states[0].values(), states[1].values(), strict=True):
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    weights = [c["learner"]["network"] for c in (a, b)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_shows_task_epoch_and_accuracies_and_prints_the_matrix(tmp_path, capsys, terminal):
    terminal()
    content = run(tmp_path / "network.pt", "--seed", "3")
    printed = capsys.readouterr()
    assert re.search(r"permutation 2, epoch 3/3, accuracy 0\.\d\d 0\.\d\d", printed.err)
    rows = {line.rsplit(maxsplit=2)[0]: line.split()[-2:] for line in printed.out.splitlines()[1:4]}
    assert set(rows) == {"before learning", "after permutation 1", "after permutation 2"}
    accuracy = 100 * content["accuracy"].numpy()
    assert rows["after permutation 1"] == [f"{v:.1f}" for v in accuracy[0]]
    assert rows["after permutation 2"] == [f"{v:.1f}" for v in accuracy[1]]
    assert accuracy[0, 0] > 20
    assert sorted(p.name for p in tmp_path.iterdir()) == ["network-report", "network.pt"]


def test_writes_the_matrix_a_figure_and_a_page(alone, tmp_path_factory, capsys):
    (folder,) = tmp_path_factory.getbasetemp().glob("train0/network-report")
    matrix = AccuracyMatrix.load(folder / "matrix.npz")
    np.testing.assert_array_equal(matrix.accuracy, alone["accuracy"].numpy())
    results = json.loads((folder / "results.json").read_text())
    assert results["metrics"]["average_accuracy"] == matrix.average_accuracy and results["chance"] == 0.1
    assert len((folder / "accuracies.csv").read_text().splitlines()) == 1 + 3 * 2
    config = json.loads((folder / "config.json").read_text())
    assert config["command"].startswith("neuromorph train --tasks 2") and "--out" not in config["command"]
    page = (folder / "report.html").read_text()
    assert page.count("<figure") == 3 and "permutation 2" in page and (folder / "accuracy.svg").exists()
    (folder / "report.html").unlink()
    main(["report", "--folder", str(folder)])
    assert (folder / "report.html").read_text() == page


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_killed_run_goes_on_with_identical_numbers(alone, tmp_path):
    """SIGKILL as soon as an epoch of the second task is saved, then the same command again."""
    unfinished = tmp_path / "network.pt.unfinished"
    command = [sys.executable, "-m", "neuromorph.commands.main", *TRAIN, "--out", str(tmp_path / "network.pt")]
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}  # the order of a sum depends on them
    process = subprocess.Popen(
        command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env={**os.environ, **threads}
    )
    try:
        for _ in range(20_000):  # 200 s: another process may hold the machine
            saved = torch.load(unfinished, weights_only=True) if unfinished.exists() else None
            if saved and len(saved["rows"]) == 2 and saved["epochs"]:
                break
            assert process.poll() is None
            time.sleep(0.01)
        assert saved and saved["epochs"]
    finally:
        os.kill(process.pid, signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL
    assert not (tmp_path / "network.pt").exists()
    with pytest.raises(SystemExit):  # another optimiser does not go on from there
        run(tmp_path / "network.pt", "--no-relative")
    equal(run(tmp_path / "network.pt"), alone)
    assert not unfinished.exists()


def test_unfinished_files_of_two_names_are_two(tmp_path, monkeypatch):
    """Both runs are stopped after an epoch; each goes on from its own file."""
    from neuromorph.learners.deep import DeepLearner

    learned, limit = [], 5
    partial_fit = DeepLearner.partial_fit

    def stops(self, x, y):
        learned.append(len(x))
        if len(learned) == limit:
            raise KeyboardInterrupt
        partial_fit(self, x, y)

    monkeypatch.setattr(DeepLearner, "partial_fit", stops)
    names = ["m=2.5", "m=2.7"]
    for name in names:
        learned.clear()
        with pytest.raises(SystemExit):
            run(tmp_path / name, "--m", name[2:])
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"{name}.unfinished" for name in names]
    limit = 0
    for name in names:
        learned.clear()
        assert run(tmp_path / name, "--m", name[2:])["arguments"]["m"] == float(name[2:])
        assert len(learned) == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*names, *(f"{name}-report" for name in names)])


def test_the_optimiser_s_options_are_used(alone, tmp_path):
    choices = {"--m": "5", "--lr": "0.01", "--weight-decay": "0.1", "--batch": "25"}
    choices |= {"--variance": "weight"}
    changed = run(tmp_path / "a.pt", "--no-relative", *(word for pair in choices.items() for word in pair))
    group = changed["learner"]["optimiser"]["param_groups"][0]
    assert (group["m"], group["lr"], group["weight_decay"]) == (5.0, 0.01, 0.1)
    assert not group["relative"] and group["variance"] == "weight"
    assert alone["learner"]["optimiser"]["param_groups"][0]["relative"] and not changed["arguments"]["relative"]
    steps = [next(iter(c["learner"]["optimiser"]["state"].values()))["step"].item() for c in (alone, changed)]
    assert steps == [2 * 3 * 4, 2 * 3 * 8]


def test_a_missing_tensorboard_is_one_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(SystemExit) as stopped:
        run(tmp_path / "network.pt", "--tensorboard", str(tmp_path / "board"))
    errors = capsys.readouterr().err
    assert stopped.value.code == 2 and "pip install 'neuromorph[tensorboard]'" in errors and errors.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_tensorboard_gets_the_accuracies_of_every_epoch(tmp_path):
    pytest.importorskip("tensorboard", reason="the extra 'tensorboard' is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    content = run(tmp_path / "network.pt", "--tensorboard", str(tmp_path / "board"))
    board = EventAccumulator(str(tmp_path / "board"))
    board.Reload()
    first, second = (board.Scalars(f"accuracy/{k:02d} permutation {k}") for k in (1, 2))
    assert [s.step for s in first] == [1, 2, 3, 4, 5, 6] and [s.step for s in second] == [4, 5, 6]
    assert [first[2].value, first[5].value, second[2].value] == pytest.approx(content["accuracy"][[0, 1, 1], [0, 0, 1]])
    mean = board.Scalars("accuracy/mean of tasks so far")
    assert mean[5].value == pytest.approx(float(content["accuracy"][1].mean()))


def test_parts_are_added_in_words_and_resumed(tmp_path, capsys):
    content = run(tmp_path / "network.pt", "--parts", "ewc:strength=5000,samples=20", "reset")
    assert content["arguments"]["parts"] == ["ewc:strength=5000,samples=20", "reset"]
    kept = content["learner"]["parts"]
    assert kept[0]["ended"] == 2 and max(f.max() for f in kept[0]["fisher"]) > 0 and kept[1] == {}
    free = run(tmp_path / "free.pt")
    assert not np.array_equal(free["accuracy"].numpy()[1], content["accuracy"].numpy()[1])


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ("ewx", "There is no part 'ewx': choose one of contexts, engrams, ewc, "),
        ("ewc:lambda=1", "The part 'ewc' has no option 'lambda': it has strength, samples, shuffled."),
        ("ewc:samples=1.5", "The option samples of the part 'ewc' must be a whole number, got '1.5'."),
        ("ewc:shuffled=maybe", "must be true or false, got 'maybe'"),
        ("si:strength=-1", "strength must be a finite number of at least 0"),
        ("si --beta 2", "beta must lie between 1/4096 and 1, got 2.0"),
    ],
)
def test_a_wrong_part_is_one_sentence(tmp_path, capsys, part, sentence):
    with pytest.raises(SystemExit) as stopped:
        run(tmp_path / "network.pt", "--parts", *part.split())
    errors = capsys.readouterr().err
    assert stopped.value.code == 2 and sentence in errors and errors.count("\n") == 1
