"""A benchmark of tiny networks: what it writes, that it goes on, and what it refuses."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from neuromorph.commands.benchmark import HEAD, BenchmarkArgs, benchmark, lines, nbytes
from neuromorph.commands.main import main
from neuromorph.commands.report import ReportArgs, report
from neuromorph.learners.methods import LearnerWords
from neuromorph.streams import by_name

LEARNERS = ("real+replay:capacity=30", "deep:m=0", "snntorch/hidden")
TINY = BenchmarkArgs(
    streams=("split-digits@2", "split-task-digits@2"),
    learners=LEARNERS,
    seeds=2,
    samples=200,
    test_samples=100,
    hidden=(8,),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("benchmark")
    benchmark(replace(TINY, out=out))
    return out


def test_every_learner_on_every_stream_with_joint_and_chance(folder):
    rows = json.loads((folder / "results.json").read_text())["rows"]
    domain, task = ([r for r in rows if r["scenario"] == s] for s in ("domain", "task"))
    named = [f"{r['learner']} {r['role']}".strip() for r in domain]
    assert named == [*LEARNERS, "real joint", "deep:m=0 joint", "snntorch/hidden joint"]
    assert [r["learner"] for r in task] == list(LEARNERS[:2])  # the local rule keeps no outputs a task
    assert task[1]["told"] == ["task", "task at test"] and domain[1]["told"] == []
    assert domain[0]["told"] == ["old samples"] and domain[0]["costs"]["replay"] == 30 * (64 * 4 + 8)
    assert all(len(r["metrics"]["average_accuracy"]) == 2 and r["chance"] == 0.2 for r in rows)
    assert domain[1]["costs"]["weights"] == 1 / 8 and domain[0]["costs"]["spikes"] is None
    assert domain[1]["costs"]["state"] == pytest.approx(8, abs=0.2)  # a hidden weight and Adam's mean


def test_the_tables_say_the_same(folder):
    with (folder / "benchmark.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.reader(file))
    assert tuple(table[0]) == HEAD and {len(line) for line in table} == {len(HEAD)}
    assert [line[1] for line in table].count("chance") == 2
    marked = (folder / "benchmark.md").read_text().splitlines()[2:]
    assert [c.strip() for c in marked[2].strip("|").split("|")] == table[1] and len(marked) == len(table) + 1
    latex = (folder / "benchmark.tex").read_text()
    assert latex.count(r"\\") == len(table) and "\u00b1" not in latex
    assert "<svg" in (folder / "report.html").read_text() and (folder / "benchmark.svg").exists()


def test_it_goes_on_and_is_drawn_again(folder, capsys):
    before = (folder / "benchmark.csv").read_text()
    next((folder / "cells").glob("*deep*seed_1*")).unlink()
    benchmark(replace(TINY, out=folder, jobs=1))
    assert capsys.readouterr().err.count("finished earlier") == 15

    def numbers(text):
        return [line[:-1] for line in csv.reader(text.splitlines())]

    assert numbers((folder / "benchmark.csv").read_text()) == numbers(before)
    (folder / "report.html").unlink()
    report(ReportArgs(folder))
    assert (folder / "report.html").exists()


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["--learners", "dep"], "There is no method 'dep': choose one of deep, real, binary"),
        (["--learners", "real:rate=1"], "The method 'real' has no option 'rate': it has lr, batch, norm"),
        (["--learners", "real+ewx"], "There is no part 'ewx'"),
        (["--learners", "real+ewc:strength=10+ewc"], "The part EWC is given twice: give it once"),
        (["--learners", "mesu:deviation=0"], "deviation must be positive, got 0"),
        (["--learners", "bgd:deviation=0"], "deviation must be positive, got 0"),
        (["--learners", "loihi/plain"], "There is no substrate 'loihi'"),
        (["--learners", "lava/plain+ewc"], "takes no parts"),
        (["--streams", "split-digits"], "does not say how many tasks"),
        (["--streams", "sequence-digits+usps@5"], "The stream 'sequence-digits+usps' has 2 tasks: write sequence-"),
        (["--seeds", "0"], "seeds must be at least 1"),
    ],
)
def test_a_mistake_is_one_sentence(words, match, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["benchmark", "--samples", "100", "--out", str(tmp_path), *words])
    shown = capsys.readouterr().err
    assert match in shown and "Traceback" not in shown and not list(Path(tmp_path).glob("cells/*"))


def test_another_benchmark_is_not_mixed_in(folder):
    with pytest.raises(ValueError, match="holds another benchmark .it differs in epochs"):
        benchmark(replace(TINY, out=folder, epochs=2))


def test_learners_without_outputs_a_task_are_left_out_of_such_streams_only(tmp_path, capsys):
    streams, learners = (
        ("split-digits@2", "split-task-digits@2"),
        ("real", "tacos", "real+lwf", "discriminant:features=20,active=0.2"),
    )
    small = replace(TINY, streams=streams, learners=learners, seeds=1, samples=10, test_samples=5, joint=False)
    benchmark(replace(small, out=tmp_path / "both"))
    rows = json.loads((tmp_path / "both" / "results.json").read_text())["rows"]
    assert [row["learner"] for row in rows] == [*learners, "real"]
    left = "as they cannot have outputs a task: tacos, real+lwf, discriminant:features=20,active=0.2."
    assert left in capsys.readouterr().out
    for learners, match in (
        (("tacos", "real+lwf", "snntorch/plain"), "None of tacos, real.lwf, snntorch/plain"),
        (("tacos+ewc",), "no parts"),
    ):
        with pytest.raises(ValueError, match=match):
            benchmark(replace(small, streams=streams[1:], learners=learners, out=tmp_path / "task"))


def test_no_penalty_of_the_default_learners_is_fine_tuning_by_another_name():
    """Its weights end elsewhere after a second task, by a tenth of the way that those of fine-tuning went there."""
    stream = by_name("permuted-digits", 2, 0)

    def moved(words):
        learner = LearnerWords(words, (64, *BenchmarkArgs().hidden, 10))(0)
        learner.partial_fit(*stream[0].train)
        learner.end_task(stream[0])
        before = learner.network.weights()[0].detach().clone()
        learner.partial_fit(*stream[1].train)
        return learner.network.weights()[0].detach() - before

    free, penalties = moved("real"), [words for words in BenchmarkArgs().learners if words.startswith("real+")]
    assert len(penalties) == 3
    for words in penalties:
        assert (moved(words) - free).norm() > 0.1 * free.norm(), words


def test_every_learner_that_has_torch_is_given_the_device():
    for words in (
        "snntorch/plain",
        "snntorch/prototypes/plain",
        "deep",
        "real",
        "discriminant",
        "tacos:substrate=torch",
    ):
        with pytest.raises(ValueError, match="torch cannot compute on the device 'nowhere'"):
            LearnerWords(words, (64, 8, 10), device="nowhere")(0)


def test_bytes_of_a_state():
    state = {"a": [np.zeros(3)], "b": torch.ones(2), "c": {"d": (np.zeros(1, np.int8),)}, "e": "text", "f": 3}
    assert nbytes(state) == 24 + 8 + 1


def test_comparing_is_refused_where_the_task_would_have_to_be_told(tmp_path, capsys):
    for command in ("compare", "train"):
        with pytest.raises(SystemExit):
            main([command, "--stream", "split-task-digits", "--out", str(tmp_path / "out")])
        assert "task-incremental, but" in capsys.readouterr().err


def test_one_stream_in_other_numbers_of_tasks_has_its_own_chance(folder):
    rows = json.loads((folder / "results.json").read_text())["rows"]
    first, second = rows[0], {**rows[0], "tasks": 5, "chance": 0.5}
    found = [line[:1] + line[3:4] for line in lines({"rows": [first, second]}) if line[1] == "chance"]
    assert found == [("split-digits@2 (domain)", "20.0"), ("split-digits@5 (domain)", "50.0")]
