"""Pages of a comparison and a benchmark: audited, and opened in a real browser where there is one."""

import base64
import csv
import importlib.util
import io
import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

from neuromorph.commands.report import write_benchmark, write_report, write_training
from neuromorph.metrics import AccuracyMatrix
from neuromorph.page import content
from neuromorph.page.comparison import references
from neuromorph.page.training import NAMES

spec = importlib.util.spec_from_file_location("audit", Path(__file__).parent / "audit.py")
audit = importlib.util.module_from_spec(spec)
spec.loader.exec_module(audit)

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CONFIG = {
    "arguments": {"stream": "made-up", "substrates": ["brian2", "lava"], "deep": True, "out": None},
    "command": "neuromorph compare --stream '<made> & up'", "date": "2026-01-02 03:04 UTC", "commit": "abc",
    "machine": "none", "python": "3.12.0", "packages": {"neuromorph": "0.1.0"},
}  # fmt: skip
TASKS, RNG = 11, np.random.default_rng(0)


def entry(synapse, substrate, role=""):
    tasks = 1 if role == "joint" else TASKS
    matrix = AccuracyMatrix(RNG.random((tasks, tasks, 3)), RNG.random((tasks, 3)))
    names = ("average_accuracy", "learning_accuracy", "forgetting", "backward_transfer", "forward_transfer")
    cell = {"synapse": synapse, "substrate": substrate, "role": role, "epochs": 2, "seconds": 1.0}
    cell |= {"matrix": "_".join((synapse, substrate, role)), "metrics": {k: getattr(matrix, k).tolist() for k in names}}
    return cell, matrix


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A comparison of eleven tasks whose numbers are made up, with names that need care in HTML."""
    out = tmp_path_factory.mktemp("comparison")
    rows = [("<x> & $y$", "brian2", ""), ("<x> & $y$", "lava", ""), ("hidden(m=0)", "snntorch", "no protection")]
    made = [entry(*row) for row in [*rows, ("<x> & $y$", "snntorch", "joint")]]
    signal = {"signal": [0.5, 0.02, -0.01], "error": [0.01, 0.01, 0.02]}
    curve = {"theory": [0.5, 0.05, 0.001], "measured": {"brian2": signal, "lava": signal}}
    results = {
        "stream": {"name": "made-up", "scenario": "domain-incremental", "tasks": TASKS, "outputs": 10},
        "seeds": 3, "chance": 0.1, "boundary": "nothing", "cells": [cell for cell, _ in made],
        "memory": {"lags": [0, 10, 100], "synapses": 100, "tracked": 10, "curves": {"<x> & $y$": curve}},
    }  # fmt: skip
    results["stream"] |= {"samples": [5] * TASKS, "test_samples": [5] * TASKS}
    arrays = {f"{c['matrix']}/{k}": getattr(m, k) for c, m in made for k in ("accuracy", "baseline")}
    np.savez(out / "matrices.npz", **arrays)
    (out / "results.json").write_text(json.dumps(results))
    (out / "config.json").write_text(json.dumps(CONFIG))
    write_report(out)
    return out


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    out = tmp_path_factory.mktemp("benchmark")
    rows = []
    for learner, role in (("real", ""), ("snntorch/" + 40 * "ab", ""), ("deep:m=4", ""), ("real", "joint")):
        cell, matrix = entry(learner, "", role)
        rows.append({"stream": "made-up", "tasks": TASKS, "scenario": "class", "chance": 0.1, "learner": learner})
        rows[-1] |= {"role": role, "told": [], "metrics": cell["metrics"], "accuracy": matrix.accuracy.tolist()}
        rows[-1] |= {"baseline": matrix.baseline.tolist()}
    (out / "results.json").write_text(json.dumps({"rows": rows, "seeds": 3, "epochs": 1}))
    draw_benchmark(out)
    return out


def draw_benchmark(out):
    table = [("stream", "learner", "ACC"), (f"made-up@{TASKS} (class)", "real", "50.0")]
    write_benchmark(out, json.loads((out / "results.json").read_text()), "What was run.", table, CONFIG)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("training")
    matrix = AccuracyMatrix(RNG.random((TASKS, TASKS)), RNG.random(TASKS))
    stream = {"name": "made-up", "scenario": "domain-incremental", "tasks": TASKS, "names": list("abcdefghijk")}
    results = {"stream": stream | {"samples": [5] * TASKS}, "epochs": 2, "chance": 0.1, "matrix": "matrix.npz"}
    results["metrics"] = {name: float(getattr(matrix, name)) for name in NAMES}
    write_training(out, results, matrix, CONFIG)
    return out


@pytest.fixture(params=["folder", "bench", "trained"])
def page(request):
    return request.getfixturevalue(request.param) / "report.html"


def test_the_audit_finds_nothing(page):
    text = page.read_text()
    assert audit.faults(text) == []
    assert audit.pale(text[text.index("<style>") : text.index("</style>")], TASKS) == []


def test_the_audit_finds_faults():
    bad = '<html><body><h1>a</h1><h3>b</h3><i id="a"></i><i id="a"></i><a href="#c"> </a><svg></svg>'
    bad += "<table><tr><th>x</th></tr></table></body></html>"
    found = " ".join(audit.faults(bad))
    for word in (
        "language",
        "level",
        "id a 2 times",
        "refers to #c",
        "without a name",
        "without words",
        "caption",
        "scope",
    ):
        assert word in found


def test_text_is_text_and_nothing_is_loaded(page):
    text = page.read_text()
    assert "<text" in text and not re.search(r"<(script|link|img|iframe)\b|@import|url\((?!#)", text)
    assert not re.search(r"""(?:href|src)=["'](?!#|data:)""", text)
    assert "prefers-color-scheme: dark" in text and "DejaVu" not in text.partition("<main")[0]


def test_every_task_has_its_own_colour_and_entry(folder):
    text = (folder / "report.html").read_text()
    legend = text[text.index('aria-label="Legend of: Accuracy on each task"') :].partition("</ul>")[0]
    colours = re.findall(r"<path[^>]*stroke=\"(var[^\"]*)\"[^>]*/>.*? task \d+", legend)
    assert len(re.findall(r"task \d+", legend)) == TASKS == len(set(colours))


def test_points_and_cells_tell_their_numbers(folder):
    text = (folder / "report.html").read_text()
    with np.load(folder / "matrices.npz") as stored:
        accuracy = 100 * stored["<x> & $y$_lava_/accuracy"]
    value = f"{accuracy[3, 1].mean():.1f} \u00b1 {accuracy[3, 1].std(ddof=1):.1f} %"
    assert f"<title>task 2 after task 4: {value}</title>" in text
    assert f"<title>after task 4, on task 2: {value}</title>" in text
    assert "<title>lava, 100 later: -0.01 \u00b1 0.02</title>" in text  # negative, on a logarithmic axis


def test_where_the_numbers_come_from(folder):
    text = (folder / "report.html").read_text()
    for word in (CONFIG["date"], "commit abc", "--stream &#39;&lt;made&gt; &amp; up&#39;", "@software{neuromorph"):
        assert word in text
    assert "&lt;x&gt; &amp; $y$" in text and "<x>" not in text


def test_downloads_are_the_files(folder):
    text = (folder / "report.html").read_text()
    found = dict(re.findall(r'download="([^"]+)" href="data:[^;]+;base64,([^"]+)"', text))
    assert {Path(name).suffix for name in found} == {".csv", ".json", ".npz", ".svg"}
    for name, data in found.items():
        assert base64.b64decode(data) == (folder / name).read_bytes()
    rows = list(csv.DictReader(io.StringIO((folder / "matrices.csv").read_text())))
    assert len(rows) == 3 * 3 * TASKS * (TASKS + 1) + 3 * 2
    with np.load(folder / "matrices.npz") as stored:
        kept = stored["<x> & $y$_lava_/accuracy"][4, 2, 1]
    assert [float(r["accuracy"]) for r in rows if list(r.values())[1:6] == ["lava", "", "5", "3", "1"]] == [kept]


def test_a_page_of_many_figures_stays_small(bench, monkeypatch):
    """Twenty systems on seven streams made 21 MB: every figure twice, once in base64, and every tick with its style."""
    before = (bench / "report.html").read_text()
    cells = before[before.index('id="f-matrix"') :].partition("</figure>")[0]
    assert cells.count("<title>after task") == 3 * TASKS * TASKS and len(cells) < 3 * 40_000
    monkeypatch.setattr(content, "ROOM", 0)
    draw_benchmark(bench)
    text = (bench / "report.html").read_text()
    (bench / "report.html").write_text(before)
    found = dict(re.findall(r'download="([^"]+)" href="data:[^;]+;base64,([^"]+)"', text))
    assert "matrix.svg.zip" in found and "benchmark.svg" in found and len(text) < 0.8 * len(before)
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(found["matrix.svg.zip"]))) as archive:
        assert archive.read("matrix.svg") == (bench / "matrix.svg").read_bytes()


def test_a_table_a_stream_stands_in_its_section(bench):
    """Earlier one table of all streams stood before every figure, its numbers out of sight."""
    text = (bench / "report.html").read_text()
    assert "<table>" not in text[: text.index("</figure>")]
    section = text[text.index(f'aria-labelledby="s-made-up-in-{TASKS}') :]
    table = section[section.index("<table>") : section.index("</table>")]
    assert re.search(r'<th scope="col">learner</th><th scope="col" class="number">ACC', table)
    assert 'real</th><td class="number">50.0</td>' in table and "made-up@" not in table
    keys = text[text.index('aria-label="Legend of: Average accuracy after the last task"') :].partition("</ul>")[0]
    assert "network</li>" in keys and "snntorch</li>" in keys


def test_one_seed_has_no_spread(trained, folder):
    """Earlier its captions spoke of bands and means over seeds."""
    for out, many in ((trained, False), (folder, True)):
        text = (out / "report.html").read_text().partition("<main")[2]
        found = ["over seeds" in caption for caption in re.findall(r"<figcaption>(.*?)</figcaption>", text)]
        assert any(found) == many and ("one standard deviation over seeds" in text) == many
    assert "FWT: " in (trained / "report.html").read_text()


def test_every_download_says_what_it_holds(page):
    items = re.findall(r"<li><a download=\"[^>]*>([^<]+)</a> \(([^)]+)\): (.+?)</li>", page.read_text())
    assert len(items) >= 5 and not any(size.startswith("0 ") for _, size, _ in items)
    assert len({about for *_, about in items}) == len(items)


def test_the_papers_of_models_and_metrics_are_cited(page):
    text = page.read_text()
    for key in ("software{neuromorph", "fusi2005cascade", "laborieux2021synaptic", "chaudhry2018riemannian"):
        assert "@" in text and key in text
    assert "<dd>None</dd>" not in text and "<dd></dd>" not in text


def test_what_a_cell_is_held_against():
    cells = [{"synapse": s, "role": r} for s, r in (("a", ""), ("b", ""), ("hidden(m=0)", "no protection"))]
    cells += [{"synapse": s, "role": r} for s, r in (("a", "joint"), ("b", "joint"), ("deep(m=0)", "joint"))]
    cells += [{"synapse": "b, delta rule", "role": "no protection"}]
    assert references(cells, cells[0]) == {"joint": cells[3], "no protection": cells[2]}
    assert references(cells, cells[1]) == {"joint": cells[4], "no protection": cells[6]}
    assert references(cells, {"synapse": "deep(m=4)", "role": ""}) == {"joint": cells[5]}


FRAMES = """<body style="margin:0;display:flex"><script>
const sizes = [400, 1300], found = [];
for (const w of sizes) {{
  const f = document.createElement("iframe");
  f.style = `flex:none;border:0;height:2000px;width:${{w}}px`; f.src = "{page}";
  f.onload = () => {{
    const d = f.contentDocument;
    const over = [...d.querySelectorAll("h1,h2,h3,p,figure,.panel > svg,.panel text,dl,li")].filter(
      one => one.getBoundingClientRect().right > w + .5 && !one.closest(".scroll"));
    const tall = [...d.querySelectorAll("tbody tr")].filter(one => one.getBoundingClientRect().height > 120);
    const panels = d.querySelectorAll(".panel > svg").length;
    found.push([w, d.documentElement.scrollWidth, over.length + tall.length, panels]);
    document.title = found.join(" ");
  }};
  document.body.append(f);
}}</script></body>"""


@pytest.mark.skipif(BROWSER is None, reason="no chromium")
def test_a_browser_shows_it_without_overflow(page, tmp_path):
    """In frames of 400 and 1300 px, side by side: a headless window is not always as narrow as asked for."""
    (tmp_path / "frames.html").write_text(FRAMES.format(page=page.as_uri()))
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--hide-scrollbars"]
    asked = [BROWSER, *options, f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1700,2000"]
    shown = (tmp_path / "frames.html").as_uri()
    done = subprocess.run(
        [*asked, "--virtual-time-budget=5000", "--dump-dom", shown], capture_output=True, text=True, timeout=120
    )
    found = [tuple(map(int, words.split(","))) for words in re.search(r"<title>(.*?)</title>", done.stdout)[1].split()]
    assert {width for width, *_ in found} == {400, 1300}
    assert all(wide <= width and over == 0 and panels > 2 for width, wide, over, panels in found)
    picture = tmp_path / "page.png"
    subprocess.run([*asked, f"--screenshot={picture}", shown], capture_output=True, timeout=120)
    assert picture.stat().st_size > 10_000
