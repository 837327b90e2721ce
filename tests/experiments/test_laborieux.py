"""Every page runs from end to end in a tiny setting, on stand-ins of the data sets made of real digits."""

import json
import runpy
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch

from neuromorph import data
from neuromorph.streams import words

torch.set_num_threads(1)
PAGES = Path(__file__).parents[2] / "experiments" / "laborieux"
TINY = {"hidden": (12,), "epochs": 1, "samples": 60, "test_samples": 30, "batch": 20, "seeds": 1, "num_steps": 2}
RATES = {
    "permuted_mnist": {"tasks": 2, "ms": (0.0, 3.0), "fisher_samples": 5},
    "width": {"tasks": 2, "widths": (8, 12), "fisher_samples": 5},
    "mnist_fashion": {},
    "mnist_usps": {"channels": (3, 4), "half": (2, 2), "hidden": ()},
    "stream_fashion": {"parts": 3},
    "beakers": {"tasks": 2},
}


@pytest.fixture
def page(monkeypatch, tmp_path):
    """Run a page's main; data sets of any name are the embedded digits, three pixels a pixel and padded to 28x28."""

    def enlarged(name, folder=None):
        digits = real("digits")
        pairs = [
            (np.pad(np.kron(x, np.ones((3, 3), np.float32)), ((0, 0), (2, 2), (2, 2))), y) for x, y in pairs_of(digits)
        ]
        return data.Data(name, *pairs, 10)

    def run(name, **arguments):
        found = runpy.run_path(str(PAGES / f"{name}.py"))
        found["main"](found["Args"](**arguments, out=tmp_path))

    real, pairs_of = data.load, lambda d: (d.train, d.test)
    monkeypatch.setattr(data, "load", enlarged)
    monkeypatch.setattr(words, "load", enlarged)
    monkeypatch.syspath_prepend(str(PAGES))
    return run


@pytest.mark.parametrize("name", RATES)
def test_a_page_makes_its_table_and_figure_and_goes_on(name, page, tmp_path, capsys):
    page(name, **TINY | RATES[name])
    table = capsys.readouterr().out
    assert "chance 10%" in table and "told or reset" in table and "not found" in table and "batch-running" in table
    rows = json.loads((tmp_path / f"{name}.json").read_text())["rows"]
    assert {row["network"] for row in rows} >= {"non-spiking", "spiking"}
    assert any("m = 0" in row["method"] for row in rows)
    assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    cells = sorted((tmp_path / "cells").iterdir())
    assert len(cells) == len(rows) and {c.suffix for c in cells} == {".npz"}  # one a row, none shared
    if name != "width":  # going on is the study's, the same for every page
        return
    written = [c.stat().st_mtime_ns for c in cells]
    cells[0].unlink()
    page(name, **TINY | RATES[name])
    assert [c.stat().st_mtime_ns for c in cells[1:]] == written[1:] and cells[0].exists()
    assert capsys.readouterr().out == table


def test_two_runs_at_a_time_give_the_same_numbers(page, tmp_path, capsys):
    tables = []
    for jobs in (1, 2):
        with joblib.parallel_config(backend="threading"):  # other processes would look for the real data set
            page("stream_fashion", **TINY | {"parts": 2, "jobs": jobs, "seeds": 2, "ms": (0.0,)})
        tables.append((tmp_path / "stream_fashion.json").read_text())
        for cell in (tmp_path / "cells").iterdir():
            cell.unlink()
    assert tables[0] == tables[1]


@pytest.mark.parametrize(
    ("name", "arguments", "tables"),
    [
        ("targets", {"settings": ("split-mnist", "permuted-mnist")}, ("targets-split-mnist", "targets-permuted-mnist")),
        ("choosing_m", {"tasks": 2, "lengths": (1, 2), "fixed": (0.0, 5.0)}, ("choosing_m-1", "choosing_m-2")),
        ("capacity", {"tasks": 6}, ("capacity",)),
    ],
)
def test_pages_of_the_spiking_network_alone(name, arguments, tables, page, tmp_path, capsys):
    page(name, **TINY | arguments)
    assert capsys.readouterr().out.count("chance") == len(tables)
    for table in tables:
        rows = json.loads((tmp_path / f"{table}.json").read_text())["rows"]
        assert len(rows) >= 3 and any("m = 0" in row["method"] or "no prot" in row["method"] for row in rows)
    assert list(tmp_path.glob("*.png"))


def test_fifty_tasks_have_references_that_are_cells_of_their_own(page, tmp_path, capsys):
    page("capacity", **TINY | {"tasks": 3, "rules": ("no protection",)})
    rows = json.loads((tmp_path / "capacity.json").read_text())["rows"]
    assert [row["boundary"] for row in rows] == ["nothing"] + ["all tasks at once"] * 3
    assert np.shape(rows[0]["accuracy"]) == (3, 3, 1) and np.shape(rows[-1]["accuracy"]) == (1, 1, 1)
    assert len(list((tmp_path / "cells").iterdir())) == 4 and "capacity: mixed" in capsys.readouterr().out


def test_the_published_protocol(page, tmp_path, capsys):
    """Every cell has its own settings; another m is added, and what is there is read."""
    asked = TINY | {"tasks": 2, "m": (0.0, 2.0)}
    page("published", **asked)
    table = capsys.readouterr().out
    assert "norm per task" in table and "rerun not found" in table and "just learned" in table
    rows = json.loads((tmp_path / "published.json").read_text())["rows"]
    assert [row["method"] for row in rows][:4] == [f"m = {m}, gain {g}" for g in ("ones", "uniform") for m in (0, 2)]
    assert len({str(row["accuracy"]) for row in rows}) > 4 and rows[-1]["boundary"] == "all tasks at once"
    cells = {c: c.stat().st_mtime_ns for c in (tmp_path / "cells").iterdir()}
    page("published", **asked | {"m": (2.0, 3.0), "gain": ("uniform",), "spiking": ()})
    later = {c: c.stat().st_mtime_ns for c in (tmp_path / "cells").iterdir()}
    assert len(cells) == len(rows) == 7 and len(later) == 8 and cells.items() <= later.items()
    with pytest.raises(ValueError, match="gain must be one of ones, uniform, got 'two'"):
        page("published", **asked | {"gain": ("two",)})


def test_sign_switches(page, tmp_path, capsys):
    page("sign_switch", **TINY | {"bins": 2, "draws": 2, "flips": (3, 3), "probes": 20})
    assert "non-spiking" in capsys.readouterr().out
    rows = json.loads((tmp_path / "sign_switch.json").read_text())
    assert len(rows) == 2 * 2 * 2 and all(np.isfinite(r["increase"]).all() and r["increase"] for r in rows)


def test_quadratic_task(page, tmp_path, capsys):
    page("quadratic", size=60, steps=300)
    assert capsys.readouterr().out.count("rotated") == 3
    runs = json.loads((tmp_path / "quadratic.json").read_text())["runs"]
    assert all(r["error_large"] < 0.15 and r["pearson"] > 0.8 for r in runs)
    assert all(r["error_large"] < 0.01 for r in runs if r["diagonal"])


@pytest.mark.parametrize("name", [*RATES, "published", "capacity", "sign_switch", "quadratic"])
def test_the_command_line_explains_itself(name, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(PAGES))
    monkeypatch.setattr("sys.argv", [name, "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(PAGES / f"{name}.py"), run_name="__main__")
    assert ended.value.code == 0 and "--quick" in capsys.readouterr().out
