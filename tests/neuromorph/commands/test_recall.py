import json
from dataclasses import replace

import numpy as np
import pytest

from neuromorph.commands.main import main
from neuromorph.commands.recall import RecallArgs, figure, recall
from neuromorph.palette import COLOURS

SMALL = {"neurons": 60, "trials": 2, "ages": (0, 2)}


def test_a_cascade_network_prints_a_table_and_writes_two_files(tmp_path, capsys, terminal):
    terminal()
    decoders = ("cue", "stop", "explain")
    recall(RecallArgs(**SMALL, decoders=decoders, out=tmp_path / "new" / "r"))
    out = capsys.readouterr()
    rows = {line.split()[0]: line.split()[1::2] for line in out.out.splitlines()[2:5]}
    data = json.loads((tmp_path / "new" / "r.json").read_text())
    assert list(rows) == list(decoders) == list(data["errors"])
    for name, cells in rows.items():
        assert [float(c) for c in cells] == pytest.approx(data["mean"][name], abs=6e-4)
    assert data["arguments"]["rule"] == "pre" and data["ages"] == [0, 2]
    assert "100%" in out.err
    (ax,) = figure(RecallArgs(), [0, 2], {name: np.array(rows) for name, rows in data["errors"].items()}).axes
    drawn = [line for line in ax.lines if line.get_linestyle() != "None"]
    assert {line.get_color() for line in drawn} <= {*COLOURS} and all(
        float(tick).is_integer() for tick in ax.get_xticks()
    )
    assert (tmp_path / "new" / "r.svg").read_text().count("<svg") == 1


def test_additive_weights_and_an_unknown_age(tmp_path, capsys):
    recall(RecallArgs("additive", "hebb", neurons=60, patterns=3, trials=2, out=tmp_path / "a"))
    data = json.loads((tmp_path / "a.json").read_text())
    assert data["mean"]["explain"][0] < data["mean"]["aware"][0] + 0.01 < 0.1 < data["mean"]["cue"][0]
    chain = RecallArgs("multistate:states=4", "symmetric", **SMALL, decoders=("cue", "explain"), age="prior")
    recall(replace(chain, out=tmp_path / "b"))
    assert "age prior" in capsys.readouterr().out


@pytest.mark.parametrize("neurons", [2, 3])
def test_a_network_whose_synapses_may_say_nothing(neurons, tmp_path, capsys):
    """Earlier ARPACK's "Starting vector is zero" as a traceback."""
    main(["recall", "--neurons", str(neurons), "--ages", "8", "20", "--out", str(tmp_path / "r")])
    assert "explain" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rule", "hebb"], "the rule of a chain is one of pre, post"),
        (["--synapse", "additive", "--rule", "symmetric"], "an additive rule is one of hebb"),
        (["--synapse", "hidden:m=2"], "no finite chain"),
        (["--decoders", "magic"], "a decoder here is one of cue"),
        (["--flip", "0.9"], "not above 1/2"),
    ],
)
def test_mistakes_are_one_sentence(words, said, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["recall", *words, "--neurons", "20", "--out", str(tmp_path / "x")])
    error = capsys.readouterr().err
    assert stopped.value.code == 2 and said in error and "Traceback" not in error
    assert not list(tmp_path.iterdir())
