import csv
import inspect
import json
import re
from dataclasses import replace

import numpy as np
import pytest

import fusi_models as fm
from fusi_models.catalogue import entries
from fusi_models.files import ARRAYS
from fusi_models.theory.correlated import correlated_curve
from fusi_models.theory.pairs import GATING
from neuromorph.commands.memory_curve import MemoryCurveArgs, memory_curve, parse_model
from neuromorph.page.curves import _number


def test_theory_prints_the_table_and_writes_its_files(tmp_path, capsys):
    stem = tmp_path / "new" / "curve"
    memory_curve(MemoryCurveArgs(models=("cascade:depth=10", "benna-fusi:levels=4"), points=20, out=stem))
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("cascade"))
    data = json.loads(stem.with_suffix(".json").read_text())
    times = np.array(data["curves"][0]["times"])
    assert row.split()[-5:] == ["200", "840.0", f"{times[times <= 840].max():.0f}", "4.600", "-"]
    np.testing.assert_allclose(data["curves"][0]["signal"], fm.memory_curve(fm.cascade(10), times, 1e6).signal)
    assert data["arguments"]["synapses"] == 1e6
    with open(stem.with_suffix(".csv")) as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * len(times) and {r["model"] for r in rows} == {"cascade(n=10, x=0.5)", "benna-fusi(m=4)"}
    assert float(rows[0]["snr"]) == pytest.approx(200)
    svg = stem.with_suffix(".svg").read_text()
    assert svg.count("<svg") == 1 and "upper bound" not in svg
    assert sorted(p.name for p in stem.parent.iterdir()) == [
        f"curve{ending}" for ending in ("-summary.csv", ".csv", ".json", ".svg")
    ]


def test_the_bound_is_shown_where_it_bounds(tmp_path, capsys):
    memory_curve(MemoryCurveArgs(models=("cascade:depth=10",), points=20, events="poisson", out=tmp_path / "c"))
    assert capsys.readouterr().out.splitlines()[2].split()[-1] == "0.200"
    assert "upper bound, 20 states" in (tmp_path / "c.svg").read_text()


def test_a_searched_synapse_is_drawn_beside_the_others(tmp_path, capsys):
    args = MemoryCurveArgs(models=("serial:states=4",), optimise=(5,), points=5, events="poisson", out=tmp_path / "c")
    memory_curve(args)
    rows = capsys.readouterr().out.splitlines()[2:4]
    assert rows[1].startswith("best(4, t=5)") and float(rows[0].split()[-1]) < float(rows[1].split()[-1]) < 1
    memory_curve(replace(args, states=2))
    assert "best(2, t=5)" in capsys.readouterr().out and "best(2, t=5)" in (tmp_path / "c.svg").read_text()


def test_the_observer_of_a_network(tmp_path, capsys):
    args = MemoryCurveArgs(
        models=("cascade:depth=3",), observer="correlated", synapses=380, last=50, points=6, out=tmp_path / "c"
    )
    memory_curve(args)
    rows = {line.split(",")[2][1:8].strip(): line for line in capsys.readouterr().out.splitlines()[2:5]}
    snr = {name: float(line.split()[-5]) for name, line in rows.items()}
    assert snr["shared"[:7]] < snr["aware"[:7]] < snr["indepen"]
    times = np.array([0, 1, 50])
    curve = json.loads((tmp_path / "c.json").read_text())["curves"][1]
    expected = correlated_curve(fm.cascade(3), times, 20, GATING["pre"])
    assert [curve["snr"][curve["times"].index(t)] for t in times] == pytest.approx(expected.snr.tolist())
    memory_curve(replace(args, events="poisson", rule="symmetric"))
    assert "aware," not in capsys.readouterr().out


def test_the_observer_with_a_threshold(tmp_path, capsys):
    args = MemoryCurveArgs(
        models=("plain:q=0.1", "cascade:depth=5"), observer="first-passage", threshold=0, synapses=1000, last=300,
        points=6, trials=400, out=tmp_path / "c",
    )  # fmt: skip
    memory_curve(args)
    rows = capsys.readouterr().out.splitlines()[2:4]
    mean, error = (float(word) for word in rows[0].rsplit(maxsplit=3)[1::2])
    assert abs(mean - 20.33) < 4 * error + 0.05
    data = json.loads((tmp_path / "c.json").read_text())["curves"][1]["summary"]
    assert data["survival"] == sorted(data["survival"], reverse=True) and data["kept"] == 0
    assert "memories not yet lost" in (tmp_path / "c.svg").read_text()


def test_sparse_memories(tmp_path, capsys):
    """A coding level is an active fraction and a fraction of potentiation; a simulation agrees with its theory."""
    args = MemoryCurveArgs(models=("plain:q=0.3",), synapses=4000, last=20, points=6, out=tmp_path / "c")
    memory_curve(replace(args, active=0.2))
    curve = json.loads((tmp_path / "c.json").read_text())["curves"][0]
    expected = fm.memory_curve(fm.plain(0.3), np.array(curve["times"]), 4000, active=0.2)
    np.testing.assert_allclose(curve["snr"], expected.snr)
    memory_curve(replace(args, coding=0.2, rule="coincidence", engine="lumped"))
    data = json.loads((tmp_path / "c.json").read_text())
    assert data["arguments"]["active"] == pytest.approx(0.36) and data["arguments"]["f_pot"] == pytest.approx(1 / 9)
    found, theory = (np.array(data["curves"][0][name]) for name in ("snr", "theory"))
    assert np.all(abs(found - theory) < 5 / np.sqrt(20) + 1e-9) and theory[0] > 5
    assert "of the synapses touched" in (tmp_path / "c.svg").read_text()
    capsys.readouterr()


def test_a_memory_that_outlives_the_readings_is_said_to(tmp_path, capsys):
    """Censored: the last reading is still above the threshold."""
    args = MemoryCurveArgs(models=("plain:q=0.01", "plain:q=1"), last=100, points=5, out=tmp_path / "c")
    memory_curve(args)
    long, short = (line.split() for line in capsys.readouterr().out.splitlines()[2:4])
    assert long[-4:-2] == [">=", "100"] and short[-3] == "0"
    memory_curve(replace(args, observer="first-passage", models=("plain:q=0.01",), trials=5, synapses=1e5, last=9))
    assert re.search(r">= [89]\.\d \+- \d", capsys.readouterr().out)


def test_no_minus_of_a_rounding_error(tmp_path):
    memory_curve(MemoryCurveArgs(models=("cascade:depth=4",), last=1e6, out=tmp_path / "c"))
    curve = json.loads((tmp_path / "c.json").read_text())["curves"][0]
    signal = np.array(curve["signal"])
    assert signal[-1] == 0 and not ((abs(signal) < 1e-12) & (signal != 0)).any()
    memory_curve(MemoryCurveArgs(models=("hidden:m=2", "plain:q=1e-9"), out=tmp_path / "h"))
    nothing, little = (curve["signal"] for curve in json.loads((tmp_path / "h.json").read_text())["curves"])
    assert set(nothing) == {0.0} and little[0] > 0  # earlier SNR(0) of the first was -3e-13
    assert _number(-4e-13, 3) == "0.000" and _number(-1.26, 1) == "-1.3"


def test_every_model_is_to_be_seen(tmp_path):
    """One without a signal is named so and marked; a weak one, and one that another hides, are in the picture."""
    from neuromorph.page.curves import figure

    models = [parse_model(text) for text in ("plain:q=1", "plain:q=0.001", "cascade:depth=1", "plain:q=0.001")]
    times = np.append(0, np.geomspace(1, 1000, 20).round())
    curves = [fm.memory_curve(syn, times, 100) for syn in models]
    curves[0] = replace(curves[0], signal=0 * times, snr=0 * times)
    ax = figure(models, curves, MemoryCurveArgs(synapses=100)).axes[0]
    handles = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    assert any(label.startswith("plain(q=1): no signal") for label in handles)
    lines = [line for line in ax.lines if line.get_label().startswith(("plain", "cascade"))]
    assert len({line.get_color() for line in lines}) == 4 and "--" in {line.get_linestyle() for line in lines}
    weak = next(line for line in lines if line.get_label().startswith("plain(q=0.001"))
    assert (weak.get_ydata() > ax.get_ylim()[0]).any() and weak.get_ydata().max() < 0.1
    assert any(line.get_marker() == "v" for line in ax.lines)


def test_lifetime_against_the_number_of_synapses(tmp_path, capsys):
    args = MemoryCurveArgs(models=("plain:q=0.1",), lifetimes=(1e3, 1e5), points=5, last=50, out=tmp_path / "c")
    memory_curve(args)
    with open(tmp_path / "c-lifetimes.csv") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["lifetime"]) for row in rows] == [fm.lifetime(fm.plain(0.1), n) for n in (1e3, 1e5)]
    data = json.loads((tmp_path / "c.json").read_text())["lifetimes"]
    assert data["synapses"] == [1e3, 1e5] and list(data)[1:] == ["plain(q=0.1)"]
    assert "exponent" in capsys.readouterr().out and "synapses N" in (tmp_path / "c.svg").read_text()


@pytest.mark.parametrize("engine", ["lumped", "brian2"])
def test_simulations_agree_with_theory_and_show_progress(engine, tmp_path, capsys, terminal):
    terminal()
    args = MemoryCurveArgs(
        models=("cascade:depth=4",), engine=engine, synapses=300, last=30, points=8, out=tmp_path / "c"
    )
    memory_curve(args)
    curve = json.loads((tmp_path / "c.json").read_text())["curves"][0]
    theory = fm.memory_curve(fm.cascade(4), np.array(curve["times"]), 300)
    np.testing.assert_allclose(curve["theory"], theory.snr)
    assert "cascade(n=4, x=0.5), theory" in (tmp_path / "c.svg").read_text()
    assert np.all(np.abs(np.array(curve["signal"]) - theory.signal) < 4.5 * theory.spread / np.sqrt(20))
    assert "%" in capsys.readouterr().err


def test_models_are_named_with_their_options(tmp_path):
    assert parse_model("cascade:depth=3", x=0.2, f_pot=0.3).f_pot == 0.3
    np.testing.assert_array_equal(parse_model("cascade:depth=3,x=0.2").potentiation, fm.cascade(3, 0.2).potentiation)
    assert parse_model("hidden:m=1.5").m == 1.5
    syn = fm.serial(4, 0.1)
    np.savez(tmp_path / "mine.npz", potentiation=syn.potentiation, depression=syn.depression, strength=syn.strength)
    mine = parse_model(f"file:{tmp_path}/mine.npz")
    assert mine.name == "mine" and fm.area(mine) == fm.area(syn)


@pytest.mark.parametrize("name", entries())
def test_the_help_names_every_synapse(name):
    text = inspect.getsource(MemoryCurveArgs)
    assert re.search(rf"[ ,]{name} \(", text)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "no .npz archive"),
        (b"PK\x03\x04 and nothing", "no .npz archive"),
        (lambda f: np.save(f, np.eye(2)), "no .npz archive"),
        (lambda f: np.savez(f, strength=[-1, 1]), "lacks the array potentiation, depression"),
        (lambda f: np.savez(f, **{k: np.array(["a"]) for k in ARRAYS}), "could not convert"),
        (lambda f: np.savez(f, **{k: np.array([{}]) for k in ARRAYS}), "allow_pickle"),
        (lambda f: np.savez(f, **dict.fromkeys(ARRAYS, np.eye(2))), "flat list of -1 or"),
    ],
    ids=range(7),
)
def test_files_that_hold_no_synapse(content, match, tmp_path):
    path = tmp_path / "mine.npz"
    with open(path, "wb") as file:
        file.write(content) if isinstance(content, bytes) else content(file)
    with pytest.raises(ValueError, match=match) as error:
        parse_model(f"file:{path}")
    assert "\n" not in str(error.value)


def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path):
    syn, path = fm.cascade(6), tmp_path / "mine.npz"
    np.savez(path, potentiation=syn.potentiation, depression=syn.depression, strength=syn.strength)
    whole = path.read_bytes()
    for end in range(0, len(whole) - 1, 97):
        path.write_bytes(whole[:end])
        with pytest.raises(ValueError, match="holds no synapse"):
            parse_model(f"file:{path}")


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"models": ("hopfield",)}, "no synapse 'hopfield'"),
        ({"models": ("cascade:levels=3",)}, "no parameter 'levels'"),
        ({"models": ("cascade",)}, "needs depth"),
        ({"models": ("cascade:depth=deep",)}, "depth of .cascade. must be a number"),
        ({"models": ("cascade:depth=5",), "f_pot": 0.3}, "transition probability above 1"),
        ({"models": ()}, "at least one model"),
        ({"synapses": 0.1}, "at least 1"),
        ({"points": 1}, "points >= 2"),
        ({"engine": "brian2", "events": "poisson"}, "discrete events"),
        ({"engine": "lumped", "trials": 0}, "trials"),
        ({"engine": "lumped", "observer": "correlated"}, "engine theory only"),
        ({"models": ("benna-fusi:levels=3",), "observer": "first-passage"}, "no finite chain"),
        ({"threshold": 0}, "threshold must be finite and above 0"),
        ({"coding": 0.2, "active": 0.5}, "leave out --active"),
        ({"active": 0.5, "engine": "brian2"}, "engine brian2 has memories that touch all synapses"),
        ({"active": 0.5, "observer": "first-passage"}, "the observer 'first-passage' has memories"),
        ({"active": 0.5, "observer": "correlated"}, "--coding and --rule in place of --active"),
        ({"models": ("hidden:m=3",), "f_pot": 0.1}, "has no memory curve"),
        ({"threshold": float("nan"), "observer": "first-passage"}, "threshold must be finite"),
        ({"optimise": (-3,)}, "optimise must be numbers from 0"),
        ({"optimise": (3,), "states": 1}, "states must be"),
        ({"optimise": (3,), "states": 3000}, "takes hours: give states of at most 100"),
        ({"models": ("cascade:depth=60",), "observer": "correlated"}, "at most 64 states, got 120"),
        ({"models": ("plain",), "observer": "correlated", "synapses": 2}, "at least 3 neurons"),
    ],
)
def test_mistakes_are_explained_in_one_sentence(arguments, match, tmp_path):
    with pytest.raises(ValueError, match=match) as error:
        memory_curve(MemoryCurveArgs(**arguments, out=tmp_path / "c"))
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        parse_model(f"file:{tmp_path}/nowhere.npz")


@pytest.mark.parametrize("burn_in", [0, 20])
def test_a_simulated_hidden_weight_stands_on_the_theory_of_its_beginning(burn_in, tmp_path, capsys):
    """Earlier the line was that of an equilibrium it never sees, no signal at all, and the lifetime 0 beside >= 40."""
    out = tmp_path / "c"
    args = MemoryCurveArgs(models=("hidden:m=2",), engine="lumped", synapses=2000, last=40, points=5, out=out)
    memory_curve(replace(args, burn_in=burn_in))
    (curve,) = json.loads((tmp_path / "c.json").read_text())["curves"]
    theory = np.array(curve["theory"]) * np.array(curve["noise"])
    assert theory[0] > 0.05 and (abs(theory - curve["signal"]) < 5 * np.array(curve["error"])).all()
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("hidden"))
    assert curve["summary"]["lifetime"] is None and row.count(">= 40") == 2


def test_a_model_without_a_signal_says_why(tmp_path, capsys):
    memory_curve(MemoryCurveArgs(models=("hidden:m=2",), points=4, last=10, out=tmp_path / "c"))
    assert "no signal at equilibrium, which theory means: hidden(m=2) (frozen)" in capsys.readouterr().out


def test_the_table_is_there_as_csv(tmp_path):
    """Earlier it was on the terminal and in the JSON only."""
    memory_curve(MemoryCurveArgs(models=("plain:q=0.1", "hidden:m=2"), points=4, last=5, out=tmp_path / "c"))
    with open(tmp_path / "c-summary.csv") as file:
        one, other = csv.DictReader(file)
    assert float(one["lifetime"]) == fm.lifetime(fm.plain(0.1), 1e6) and one["censored"] == "True"
    assert other["model"] == "hidden(m=2)" and other["area"] == ""


@pytest.mark.parametrize("tail", ["-summary.csv", "-lifetimes.csv"])
def test_somebodys_table_is_not_overwritten(tail, tmp_path):
    (tmp_path / f"c{tail}").write_text("mine")
    with pytest.raises(ValueError, match="was not written by this command: choose another --out"):
        memory_curve(MemoryCurveArgs(models=("plain:q=0.1",), points=4, last=5, lifetimes=(10.0,), out=tmp_path / "c"))
    assert (tmp_path / f"c{tail}").read_text() == "mine"
