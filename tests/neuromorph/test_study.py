"""Cells of a study: the same numbers one after the other, side by side, and on the workers of a Dask cluster."""

import json
import os
import pickle
import time
from dataclasses import dataclass, replace
from functools import partial

import joblib
import numpy as np
import pytest
import torch

from fusi_models import cascade
from neuromorph import streams
from neuromorph.learner import Learner
from neuromorph.learners import TorchLearner
from neuromorph.local_rule.rule import LocalRule
from neuromorph.run import learn_stream
from neuromorph.streams import StreamWords
from neuromorph.study import Cell, Job, Result, ahead, columns, run_study, spread, stacked

WORDS = StreamWords("permuted-digits", 2, 30, 20)


def local(seeds):
    return TorchLearner(cascade(3).slowed(0.3), 64, 10, LocalRule(units_per_class=2), seeds=seeds)


def cells():
    """Learners made by a function of this file; what is sent elsewhere must not need the file there."""
    made = partial(TorchLearner, cascade(3).slowed(0.3), 64, 10, LocalRule(units_per_class=2))

    def learner(seeds):
        return made(seeds=seeds)

    alone = [Cell(f"alone {s}", learner, WORDS, s, threads=1) for s in range(2)]
    return [*alone, Cell("both", learner, WORDS, (0, 1), threads=1), Cell("joint", learner, WORDS, 1, 2, "joint")]


def same(a, b):
    assert len(a) == len(b)
    for one, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(one.arrays["accuracy"], other.arrays["accuracy"])
        np.testing.assert_array_equal(one.arrays["baseline"], other.arrays["baseline"])


@pytest.fixture(scope="module")
def sequential(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    return folder, run_study(cells(), folder, progress=False)


def test_results_are_those_of_the_runs(sequential):
    _, found = sequential
    for seed in range(2):
        alone = learn_stream(local(seed), WORDS(seed), 1, seed, progress=False)
        np.testing.assert_array_equal(found[seed].matrix.accuracy, alone.accuracy)
    both = learn_stream(local((0, 1)), streams.parallel([WORDS(0), WORDS(1)]), 1, (0, 1), progress=False)
    np.testing.assert_array_equal(found[2].matrix.accuracy, both.accuracy)
    joint = learn_stream(local(1), streams.joint(WORDS(1)), 2, 1, progress=False)
    np.testing.assert_array_equal(found[3].matrix.accuracy, joint.accuracy)
    assert not any(result.earlier for result in found) and all(result.seconds > 0 for result in found)


def test_what_is_finished_is_read_and_only_that(sequential, tmp_path, monkeypatch):
    folder, found = sequential
    files = sorted((folder / "cells").iterdir())
    assert len(files) == 4 and {file.suffix for file in files} == {".npz"}
    calls = []
    monkeypatch.setattr("neuromorph.study.learn_stream", lambda *a, **o: calls.append(a) or learn_stream(*a, **o))
    again = run_study(cells(), folder, progress=False)
    same(again, found)
    assert not calls and all(r.earlier for r in again) and [r.seconds for r in again] == [r.seconds for r in found]
    content = files[0].read_bytes()
    for spoil in (lambda f: f.unlink(), lambda f: f.write_bytes(content[:100]), lambda f: np.savez(f, accuracy=1)):
        spoil(files[0])
        calls.clear()
        same(run_study(cells(), folder, progress=False), found)
        assert len(calls) == 1
    more = [replace(cells()[0], epochs=2), replace(cells()[0], stream=replace(WORDS, test_samples=21))]
    calls.clear()
    assert not any(r.earlier for r in run_study(more, folder, progress=False)) and len(calls) == 2


def test_a_cell_of_other_settings_under_a_known_name_is_not_believed(tmp_path):
    """A file is found by its fingerprint and must also hold it."""
    folder, found = tmp_path, run_study(cells()[:1], tmp_path, progress=False)
    (file,) = (folder / "cells").iterdir()
    with np.load(file) as stored:
        arrays = dict(stored)
    mark = json.loads(str(arrays["fingerprint"]))
    for wrong in (mark | {"epochs": 2}, None):
        changed = {k: v for k, v in arrays.items() if k != "fingerprint"} | {"accuracy": arrays["accuracy"] * 0}
        if wrong:
            changed["fingerprint"] = np.array(json.dumps(wrong))
        np.savez(file, **changed)
        same(run_study(cells()[:1], folder, progress=False), found[:1])


def test_the_same_cell_in_two_rows_runs_once(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr("neuromorph.study.learn_stream", lambda *a, **o: calls.append(a) or learn_stream(*a, **o))
    first, *_ = cells()
    same(*([[r] for r in run_study([first, first], tmp_path, progress=False)]))
    assert len(calls) == 1


def test_a_stopped_cell_goes_on_from_its_last_epoch(tmp_path):
    """Ctrl-C in the second of three epochs: what was finished is kept, and the numbers are those of a run alone."""
    seen = []

    class Stops(TorchLearner):
        def partial_fit(self, x, y):
            seen.append(len(x))
            if stop and len(seen) == 2:
                raise KeyboardInterrupt
            super().partial_fit(x, y)

        @property
        def description(self):
            return "Stops"

    def learner(seed):
        return Stops(cascade(3).slowed(0.3), 64, 10, LocalRule(units_per_class=2), seeds=seed)

    cell, stop = Cell("stops", learner, WORDS, 0, 3), True
    with pytest.raises(KeyboardInterrupt):
        run_study([cell], tmp_path, progress=False)
    (left,) = (tmp_path / "cells").iterdir()
    assert left.name.endswith(".npz.unfinished")
    stop = False
    seen.clear()
    (found,) = run_study([cell], tmp_path, progress=False)
    assert len(seen) == 5 and not left.exists()
    np.testing.assert_array_equal(
        found.matrix.accuracy, learn_stream(local(0), WORDS(0), 3, 0, progress=False).accuracy
    )


def test_two_processes_give_the_same_numbers(sequential, tmp_path, capfd, terminal):
    terminal()
    _, found = sequential
    same(run_study(cells(), tmp_path, jobs=2), found)
    assert "4/4" in capfd.readouterr().err
    assert len(list((tmp_path / "cells").glob("*.npz"))) == len(list((tmp_path / "cells").iterdir())) == 4
    assert all(r.earlier for r in run_study(cells(), tmp_path, jobs=2, progress=False))


def test_the_processes_of_a_study_are_prepared_ahead(tmp_path):
    def here():
        (tmp_path / str(os.getpid())).touch()
        time.sleep(0.2)  # so that no process makes both calls

    ahead(here, 2)
    prepared = {int(path.name) for path in tmp_path.iterdir()}
    assert len(prepared) == 2 and os.getpid() not in prepared
    assert set(joblib.Parallel(n_jobs=2)(joblib.delayed(os.getpid)() for _ in range(4))) <= prepared


@pytest.mark.parametrize("jobs", [None, 1])
def test_a_single_process_prepares_itself(jobs):
    made = []
    ahead(lambda: made.append(os.getpid()), jobs)
    assert made == [os.getpid()]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_mistake_found_ahead_is_raised(jobs):
    def wrong():
        raise KeyError("there")

    with pytest.raises(KeyError, match="there"):
        ahead(wrong, jobs)


def test_joblib_s_own_settings_are_used(sequential, tmp_path):
    with joblib.parallel_config(backend="threading", n_jobs=2):
        same(run_study(cells(), tmp_path, progress=False), sequential[1])


@dataclass(frozen=True)
class Waits(Job):
    """A job of another kind than a cell: the number of torch's threads, and nobody else in this process meanwhile."""

    name: str
    threads: int = 1
    running = []

    def fingerprint(self):
        return {"name": self.name}

    def compute(self, unfinished, label, progress):
        assert not self.running
        self.running.append(self.name)
        time.sleep(0.05)
        self.running.pop()
        return Result({"threads": np.array(torch.get_num_threads())}, 0.1)


def test_jobs_in_threads_of_one_process_do_not_meet(tmp_path):
    before = torch.get_num_threads()
    with joblib.parallel_config(backend="threading", n_jobs=3):
        found = run_study([Waits(str(k)) for k in range(6)], tmp_path, progress=False)
    assert {int(r.arrays["threads"]) for r in found} == {1} and torch.get_num_threads() == before


@pytest.mark.parametrize("jobs", [0, -2])
def test_impossible_jobs_are_refused(jobs, tmp_path):
    with pytest.raises(ValueError, match=f"jobs must be at least 1, or -1 .*, got {jobs}"):
        run_study([], tmp_path / "out", jobs)
    assert not (tmp_path / "out").exists()


def test_no_scheduler(tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    with pytest.raises(OSError, match="No Dask scheduler answers at nothing://here"):
        run_study(cells(), tmp_path, scheduler="nothing://here")
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(ImportError, match=r"pip install 'neuromorph\[cluster\]'"):
        run_study(cells(), tmp_path, scheduler="tcp://127.0.0.1:1")


def test_cells_can_be_sent():
    cell = Cell("sent", TorchLearner, WORDS, (0, 1), 2, "joint", 1)
    assert pickle.loads(pickle.dumps(cell)) == cell


def test_tables():
    assert spread([0.5, 0.7]) == "60.0 \u00b1 14.1" and spread(0.25) == spread([0.25]) == "25.0"
    assert columns([["a", "b"], ["long", ""]]) == "a     b\nlong"
    results = [Result({"accuracy": np.full((1, 1), v), "baseline": np.zeros(1)}, 0.0) for v in (0.2, 0.4)]
    assert stacked(results).average_accuracy.tolist() == [0.2, 0.4]


@pytest.fixture(scope="module")
def cluster():
    """A scheduler and two workers, processes of one thread each, on the loopback."""
    dask = pytest.importorskip("dask", reason="the extra 'cluster' is not installed")
    from distributed import LocalCluster

    settings = {
        "distributed.worker.daemon": False,
        "distributed.nanny.environ.PYTHONPATH": os.environ.get("PYTHONPATH"),
    }
    with dask.config.set(settings):
        made = LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, memory_limit=0)
        with made:
            yield made


@pytest.mark.timeout(240)
def test_a_cluster_gives_the_same_numbers_though_a_worker_is_killed(cluster, sequential, tmp_path):
    """The first worker that has saved an epoch of a certain cell is killed; another one goes on from there."""
    marker, epochs = tmp_path / "killed", 2
    made = partial(TorchLearner, cascade(3).slowed(0.3), 64, 10, LocalRule(units_per_class=2))

    def learner(seeds):
        class Kills(TorchLearner):
            calls = 0

            def partial_fit(self, x, y):
                Kills.calls += 1
                if Kills.calls == 2 and seeds == 1 and not marker.exists():
                    marker.write_text(str(os.getpid()))
                    os.kill(os.getpid(), 9)
                super().partial_fit(x, y)

            @property
            def description(self):
                return super().description.replace("Kills", "TorchLearner")

        return Kills(*made.args, seeds=seeds) if fatal else made(seeds=seeds)

    all_ = [Cell(f"cell {seed}", learner, WORDS, seed, epochs, threads=1) for seed in range(4)]
    fatal = False
    expected = run_study(all_, tmp_path / "here", progress=False)
    fatal = True
    workers = set(cluster.scheduler_info["workers"])
    found = run_study(all_, tmp_path / "there", scheduler=cluster.scheduler_address, progress=False)
    assert int(marker.read_text()) != os.getpid() and set(cluster.scheduler_info["workers"]) != workers
    same(found, expected)
    names = [path.name for path in (tmp_path / "there/cells").iterdir()]
    assert len(names) == 4 and all(name.endswith(".npz") for name in names)


@pytest.mark.timeout(240)
def test_the_same_call_inside_joblib_s_dask(cluster, sequential, tmp_path):
    from distributed import Client

    with Client(cluster), joblib.parallel_config(backend="dask"):
        same(run_study(cells(), tmp_path, progress=False), sequential[1])


class Reports(Learner):
    description = "Reports"

    def partial_fit(self, x, y): ...

    def predict(self, x):
        return np.zeros(len(x), np.int64)

    def state_dict(self):
        return {}

    def load_state_dict(self, state): ...


def test_a_cell_that_fails_says_why(tmp_path):
    def fails(seed):
        raise ValueError("no such learner")

    with pytest.raises(ValueError, match="no such learner"):
        run_study([Cell("fails", fails, WORDS, 0)], tmp_path, progress=False)
    assert list((tmp_path / "cells").iterdir()) == []


def test_results_come_home_where_workers_do_not_see_the_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("neuromorph.study._seen", lambda folder: False)
    (found,) = run_study([Cell("far", lambda seed: Reports(), WORDS, 0)], tmp_path, progress=False)
    monkeypatch.undo()
    (kept,) = run_study([Cell("far", lambda seed: Reports(), WORDS, 0)], tmp_path, progress=False)
    assert kept.earlier and not found.earlier
    same([kept], [found])
