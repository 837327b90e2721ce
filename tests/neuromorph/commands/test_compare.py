import json
import pickle
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from fusi_models import plain
from fusi_models.theory.transient import transient_curve
from neuromorph import study
from neuromorph.commands import compare
from neuromorph.commands.main import main
from neuromorph.commands.report import ReportArgs
from neuromorph.metrics import AccuracyMatrix

TINY = ["--seeds", "2", "--tasks", "2", "--samples", "30", "--test-samples", "20"]
TORCH = ["compare", "--substrates", "snntorch", *TINY]
ONE = [*TORCH, "--synapses", "plain", "--no-deep"]
DOCS = Path(__file__).parents[3] / "docs/results.md"


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Memory curves of fewer synapses, and no work outside the test's folder."""
    monkeypatch.setattr(compare, "POPULATION", 1000)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A complete comparison with the deep network, in a folder that did not exist."""
    out = tmp_path_factory.mktemp("compare") / "a" / "b"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compare, "POPULATION", 1000)
        main([*TORCH, "--synapses", "plain", "hidden", "--deep-epochs", "1", "--deep-hidden", "20", "--out", str(out)])
    return out


def fails(argv, capsys):
    """The only line on stderr of a command that must end with exit code 2."""
    with pytest.raises(SystemExit) as end:
        main(argv)
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("neuromorph: ")
    return line


def strict(text):
    """JSON without NaN or Infinity."""

    def refuse(constant):
        raise ValueError(constant)

    return json.loads(text, parse_constant=refuse)


def keys(content):
    if isinstance(content, dict):
        for key, value in content.items():
            yield key
            yield from keys(value)
    elif isinstance(content, list):
        for value in content:
            yield from keys(value)


def test_the_folder_holds_all_files(finished):
    names = {p.name for p in finished.iterdir()}
    pictures = {f"{name}.svg" for name in ("accuracy", "average", "final", "grid", "matrix", "memory")}
    tables = {f"{name}.csv" for name in ("results", "matrices", "memory")}
    files = {"config.json", "results.json", "matrices.npz", "memory.json", "cells", "report.html"}
    assert names == {*files, *tables, *pictures}
    for name in pictures:
        assert ElementTree.parse(finished / name).getroot().tag.endswith("svg")
    assert {p.suffix for p in (finished / "cells").iterdir()} == {".npz"}


def test_results_are_strict_json_and_documented(finished):
    results = strict((finished / "results.json").read_text())
    config = strict((finished / "config.json").read_text())
    labels = {"plain(q=0.03)", "hidden(m=2)", "snntorch"}
    known = re.findall(r"`([a-z_]+)`", DOCS.read_text())
    missing = {key for key in keys(results) if key not in labels} - set(known)
    missing |= {key for key in config if key not in known}
    assert not missing
    assert set(results) == {"schema", "stream", "seeds", "chance", "boundary", "cells", "memory"}
    assert results["schema"] == 1 and results["seeds"] == 2 and results["chance"] == 0.1
    assert results["stream"] == {
        "name": "permuted-digits",
        "scenario": "domain-incremental",
        "tasks": 2,
        "outputs": 10,
        "samples": [30, 30],
        "test_samples": [20, 20],
    }
    rows = [(c["synapse"], c["role"]) for c in results["cells"]]
    deep = [name for name, _ in rows if name.startswith("deep") and name != "deep(m=0)"]
    assert len(deep) == 1
    assert sorted(rows) == sorted(
        [("plain(q=0.03)", ""), ("hidden(m=2)", ""), ("hidden(m=0)", "no protection"), (deep[0], "")]
        + [("plain(q=0.03)", "joint"), ("hidden(m=2)", "joint")]
        + [("deep(m=0)", "no protection"), ("deep(m=0)", "joint")]
    )
    assert config["arguments"]["samples"] == 30 and config["packages"]["numpy"] == np.__version__


def test_metrics_are_those_of_the_matrices(finished):
    results = strict((finished / "results.json").read_text())
    with np.load(finished / "matrices.npz") as stored:
        assert len(stored.files) == 2 * len(results["cells"])
        for cell in results["cells"]:
            matrix = AccuracyMatrix(stored[f"{cell['matrix']}/accuracy"], stored[f"{cell['matrix']}/baseline"])
            assert matrix.accuracy.shape == ((1, 1, 2) if cell["role"] == "joint" else (2, 2, 2))
            for name, values in cell["metrics"].items():
                np.testing.assert_array_equal(values, getattr(matrix, name))
            assert cell["seconds"] > 0 and cell["epochs"] == 1


def test_memory_curves_lie_on_the_theory(finished):
    """1000 synapses, 10 groups: within 6 of their standard errors (t distribution, 9 degrees of freedom)."""
    memory = strict((finished / "results.json").read_text())["memory"]
    assert set(memory["curves"]) == {"plain(q=0.03)", "hidden(m=2)"} and memory["synapses"] == 1000
    curve = memory["curves"]["plain(q=0.03)"]
    expected = transient_curve(plain(0.03), np.array(memory["lags"]), memory["tracked"])
    np.testing.assert_allclose(curve["theory"], expected)
    measured = curve["measured"]["snntorch"]
    assert len(measured["signal"]) == len(measured["error"]) == len(memory["lags"])
    assert (abs(np.array(measured["signal"]) - expected) < 6 * np.array(measured["error"])).all()


def test_prototypes_beside_the_delta_rule_on_a_class_incremental_stream(tmp_path):
    stream = ["--stream", "split-class-digits", "--tasks", "5", "--samples", "300", "--seeds", "2"]
    options = ["--substrates", "snntorch", "--synapses", "plain", "--no-deep", "--rule", "prototypes"]
    main(["compare", *stream, *options, "--out", str(tmp_path)])
    results = strict((tmp_path / "results.json").read_text())
    rows = {(c["synapse"], c["role"]): np.mean(c["metrics"]["average_accuracy"]) for c in results["cells"]}
    own, delta = ("plain(q=0.03)", ""), ("plain(q=0.03), delta rule", "no protection")
    assert set(rows) == {own, delta, ("plain(q=0.03)", "joint")}
    assert rows[own] > 0.5 > 0.35 > rows[delta]
    (delta_cell,) = (tmp_path / "cells").glob("*delta*")
    (own_cell,) = (tmp_path / "cells").glob("plain_q=0.03_snntorch-*")
    with np.load(own_cell) as one, np.load(delta_cell) as other:
        assert "Prototypes(" in str(one["fingerprint"]) and "LocalRule(" in str(other["fingerprint"])


def test_an_unknown_rule_is_refused(tmp_path, capsys):
    line = fails([*ONE, "--rule", "delt", "--out", str(tmp_path)], capsys)
    assert "no local rule 'delt': choose one of delta, prototypes" in line


def test_the_page_stands_alone(finished):
    page = (finished / "report.html").read_text()
    assert page.count("<figure") == 6 and "Forgetting on permuted-digits" in page and "chance" in page
    assert not re.search(r"<(script|link|img|iframe)\b|@import|url\((?!#)", page)
    assert not re.search(r"""(?:href|src)=["'](?!#|data:)""", page)


def test_a_second_call_reuses_everything(finished, monkeypatch, capsys):
    before = (finished / "results.json").read_text()

    def never(*args, **options):
        raise AssertionError("a finished cell was run again")

    monkeypatch.setattr(study, "learn_stream", never)
    monkeypatch.setattr(compare, "memory_signal", never)
    arguments = json.loads((finished / "config.json").read_text())["arguments"]
    assert arguments["deep_epochs"] == 1
    main([*TORCH, "--synapses", "plain", "hidden", "--deep-epochs", "1", "--deep-hidden", "20", "--out", str(finished)])
    shown, progress = capsys.readouterr()
    assert progress.count("finished earlier") == 5 + 3 * 2 + 2  # of all seeds; deep, one a seed; memory curves
    assert (finished / "results.json").read_text() == before
    table = shown[shown.index("permuted-digits") :]
    for word in ("ACC", "forgetting", "BWT", "chance", "no protection", "joint", "10.0", "\u00b1"):
        assert word in table


def test_report_draws_the_same_page_again(finished, capsys):
    page = (finished / "report.html").read_text()
    (finished / "report.html").unlink()
    (finished / "grid.svg").unlink()
    main(["report", str(finished)])
    assert (finished / "report.html").read_text() == page and (finished / "grid.svg").exists()
    assert "hidden(m=2)" in capsys.readouterr().out


def test_report_takes_its_folder_with_or_without_the_option(finished, tmp_path, capsys):
    assert ReportArgs(finished).chosen == ReportArgs(option=finished).chosen == finished
    assert "got a and b: leave one out" in fails(["report", "a", "--folder", "b"], capsys)


def test_report_of_nothing(tmp_path, capsys):
    assert "holds no results.json: run 'neuromorph compare --out" in fails(
        ["report", "--folder", str(tmp_path)], capsys
    )


def test_ctrl_c_keeps_the_finished_cells(tmp_path, monkeypatch, capsys):
    learn, calls = study.learn_stream, []

    def second_is_interrupted(*args, **options):
        calls.append(options["label"])
        if len(calls) == 2:
            raise KeyboardInterrupt
        return learn(*args, **options)

    monkeypatch.setattr(study, "learn_stream", second_is_interrupted)
    with pytest.raises(SystemExit) as end:
        main([*ONE, "--out", str(tmp_path / "out")])
    assert end.value.code == 130
    assert "What was finished is kept" in capsys.readouterr().err
    (kept,) = (tmp_path / "out/cells").glob("*.npz")
    content = kept.read_bytes()
    main([*ONE, "--out", str(tmp_path / "out")])
    assert calls[1] == calls[2] and len(set(calls)) == 3 and len(calls) == 4
    assert kept.read_bytes() == content
    assert (tmp_path / "out/report.html").exists()


def numbers(folder):
    """results.json without what time it took."""
    results = strict((folder / "results.json").read_text())
    return results | {"cells": [{k: v for k, v in cell.items() if k != "seconds"} for cell in results["cells"]]}


def test_two_cells_at_a_time_have_the_same_numbers(finished, tmp_path, capsys, monkeypatch):
    """Also POPULATION of this process is that of the others: cells say everything that they are."""
    words = ["--synapses", "plain", "hidden", "--deep-epochs", "1", "--deep-hidden", "20"]
    main([*TORCH, *words, "--out", str(tmp_path), "--jobs", "2"])
    assert numbers(tmp_path) == numbers(finished)
    with np.load(tmp_path / "matrices.npz") as ours, np.load(finished / "matrices.npz") as theirs:
        assert ours.files == theirs.files
        for name in ours.files:
            np.testing.assert_array_equal(ours[name], theirs[name])
    main([*TORCH, *words, "--out", str(tmp_path), "--jobs", "1"])  # the same comparison
    assert "finished earlier" in capsys.readouterr().err


def test_files_of_another_comparison_are_not_believed(finished, tmp_path):
    """memory.json and cells without a fingerprint, or with another one, lie in the folder."""
    (tmp_path / "cells").mkdir()
    (tmp_path / "memory.json").write_text((finished / "memory.json").read_text().replace("hidden(m=2)", "hidden(m=9)"))
    names = [name.name for name in (finished / "cells").iterdir()]
    for name in names:
        np.savez(tmp_path / "cells" / name, accuracy=np.ones((2, 2, 2)), baseline=np.ones((2, 2)), seconds=1.0)
        old = tmp_path / "cells" / f"{name[: name.rindex('-')]}.npz"  # as version 0.1 named them
        np.savez(old, accuracy=np.ones((2, 2, 2)), baseline=np.ones((2, 2)), seconds=1.0)
    (tmp_path / "config.json").write_text((finished / "config.json").read_text())
    words = ["--synapses", "plain", "hidden", "--deep-epochs", "1", "--deep-hidden", "20"]
    main([*TORCH, *words, "--out", str(tmp_path)])
    assert numbers(tmp_path) == numbers(finished)


def test_cells_can_be_sent_to_other_processes():
    args = compare.CompareArgs(synapses=("plain", "cascade", "hidden:m=3"), substrates=compare.SUBSTRATES)
    stream = compare._checked(args)
    cells = [cell for row in compare._rows(args, stream) for cell in row.cells]
    for cell in [*cells, *compare._memory_cells(args, stream)]:
        assert pickle.loads(pickle.dumps(cell)).name == cell.name


def test_a_chain_without_a_theory_is_compared_on_every_substrate(tmp_path):
    """memory-curve takes it, so compare does, and shows no curve of a theory that is not known."""
    words = ["--synapses", "benna-fusi", "--substrates", "snntorch", "lava", "--no-deep"]
    main(["compare", *TINY, *words, "--out", str(tmp_path)])
    memory = strict((tmp_path / "results.json").read_text())["memory"]
    (curve,) = memory["curves"].values()
    assert curve["theory"] is None
    ours, chip = (np.array(curve["measured"][name]["signal"]) for name in ("snntorch", "lava"))
    assert ours[0] > 0.15 and abs(ours - chip).max() < 0.03
    assert "No theory: benna-fusi(m=4, values 16/16/16/16, binary)" in (tmp_path / "report.html").read_text()


def test_parts_of_the_deep_network_are_rows_that_say_what_they_are_told(tmp_path):
    words = ["--synapses", "plain", "--deep-hidden", "20", "--deep-epochs", "1", "--out", str(tmp_path)]
    main([*TORCH, *words, "--deep-parts", "ewc:strength=10", "replay:capacity=20+si"])
    results = strict((tmp_path / "results.json").read_text())
    added = {c["synapse"] for c in results["cells"] if "+" in c["synapse"]}
    assert added == {"deep(m=0)+ewc:strength=10", "deep(m=0)+replay:capacity=20+si"}
    assert (
        "but deep(m=0)+ewc:strength=10: boundary; deep(m=0)+replay:capacity=20+si: boundary, old samples;"
        in (results["boundary"])
    )


def test_a_folder_of_before_an_option_was_there_goes_on(tmp_path):
    """What it lacks has its default there."""
    main([*ONE, "--out", str(tmp_path)])
    config = strict((tmp_path / "config.json").read_text())
    del config["arguments"]["deep_parts"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    main([*ONE, "--out", str(tmp_path)])


def test_models_of_one_name_are_told_apart(tmp_path):
    """Two parameters of one model are two rows, whatever the model calls itself."""
    texts = ["hidden:step=0.02", "hidden:step=0.3", "plain:q=0.2"]
    main([*TORCH, "--synapses", *texts, "--no-deep", "--out", str(tmp_path)])
    results = strict((tmp_path / "results.json").read_text())
    cells = {c["synapse"]: c["metrics"]["average_accuracy"] for c in results["cells"] if not c["role"]}
    assert set(cells) == {"hidden(m=2)", "hidden(m=2, step=0.3)", "plain(q=0.2)"}
    assert cells["hidden(m=2)"] != cells["hidden(m=2, step=0.3)"]
    assert set(results["memory"]["curves"]) == set(cells)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ["--stream", "mixed-digits"],
            "no stream 'mixed-digits': say KIND-DATA, with KIND one of brightness",
        ),
        (["--stream", "permuted-mnits"], "no data set 'mnits': choose one of digits, mnist"),
        (["--stream", "split-digits", "--tasks", "3"], "cannot be split into 3 equal tasks"),
        (["--synapses", "benna"], "no synapse 'benna': choose one of benna-fusi, cascade, hidden, multistate"),
        (["--synapses", "benna-fusi:values=0", "--substrates", "lava"], "got benna-fusi(m=4, binary): give values=16"),
        (["--deep-parts", "ewc"], "--deep-parts are of the deep network: leave out --no-deep"),
        (["--deep", "--deep-parts", "ewc+heads:tasks=2"], "heads is an output layer a task, but no task is told here"),
        (["--deep", "--deep-parts", "ewd"], "no part 'ewd': choose one of contexts, engrams, ewc"),
        (["--synapses", "plain:p=1"], "'plain' has no parameter 'p'"),
        (["--synapses", "plain:q=7"], "q must lie between 0 and 1, got 7"),
        (["--substrates", "loihi"], "no substrate 'loihi': choose any of brian2, snntorch, lava, lava-float"),
        (["--brian-target", "c"], "brian-target must be one of auto, numpy, cython, cpp_standalone, got 'c'"),
        (["--device", "tpu"], "'tpu'"),
        (["--tasks", "0"], "tasks must be at least 1, got 0"),
        (["--stream", "sequence-digits+digits", "--tasks", "0"], "tasks must be at least 1, got 0"),
        (["--seeds", "0"], "seeds must be at least 1, got 0"),
        (["--jobs", "0"], "jobs must be at least 1, or -1 for as many as there are cores, got 0"),
        (["--stream", "rotated-digits:degree=3"], "stream 'rotated' has no parameter 'degree': it has degrees, start"),
        (["--epochs", "0"], "epochs must be at least 1, got 0"),
        (["--deep-epochs", "0"], "deep-epochs must be at least 1, got 0"),
        (["--samples", "-3"], "samples must be 0 (all of them) or more, got -3"),
        (["--test-samples", "-3"], "test samples must be 0 (all of them) or more, got -3"),
    ],
)
def test_wrong_words_are_refused_before_anything_is_written(change, message, tmp_path, capsys):
    assert message in fails([*ONE, *change, "--out", str(tmp_path / "out")], capsys)
    assert not (tmp_path / "out").exists()


def test_without_lava_the_others_are_compared(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(compare, "installed", lambda: False)
    chosen = ["--substrates", "snntorch", "lava", "lava-float", *TINY, "--synapses", "plain", "--no-deep"]
    main(["compare", *chosen, "--out", str(tmp_path)])
    said = capsys.readouterr().err
    assert "lava-nc is not installed: snntorch without Lava" in said and "pip install --ignore-requires-python" in said
    results = strict((tmp_path / "results.json").read_text())
    assert {cell["substrate"] for cell in results["cells"]} == {"snntorch"}
    assert strict((tmp_path / "config.json").read_text())["arguments"]["substrates"] == ["snntorch"]


def test_missing_data_is_one_sentence(tmp_path, monkeypatch, capsys, no_network):
    monkeypatch.setenv("NEUROMORPH_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    line = fails([*ONE, "--stream", "permuted-mnist", "--out", str(tmp_path / "out")], capsys)
    assert "could not be downloaded" in line and "NEUROMORPH_DATA" in line


@pytest.mark.parametrize("below", ["", "deeper"])
def test_an_unwritable_folder(below, tmp_path, capsys):
    """A file stands where the folder should be."""
    (tmp_path / "out").write_text("a file")
    line = fails([*ONE, "--out", str(tmp_path / "out" / below)], capsys)
    assert "cannot be written" in line and "choose another --out" in line
    assert (tmp_path / "out").read_text() == "a file"


def test_another_comparison_in_the_folder(finished, capsys):
    before = (finished / "results.json").read_text()
    line = fails([*ONE, "--out", str(finished)], capsys)
    assert "holds another comparison (it differs in synapses, deep" in line and "choose another --out" in line
    assert (finished / "results.json").read_text() == before


@pytest.mark.parametrize("content", ["", "no json", "{}", "[1]"])
def test_a_folder_whose_config_is_something_else(content, tmp_path, capsys):
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells/plain.npz").write_bytes(b"1")
    (tmp_path / "config.json").write_text(content)
    assert "config.json is not a comparison's" in fails([*ONE, "--out", str(tmp_path)], capsys)
