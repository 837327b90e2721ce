import runpy
from pathlib import Path

GALLERY = Path(__file__).parents[2] / "experiments" / "gallery"


def test_page_of_2002_and_the_numbers_in_its_docstring(tmp_path, capsys):
    page = runpy.run_path(str(GALLERY / "Shouval_Bear_Cooper_2002.py"))
    page["main"](page["Args"](out=tmp_path / "figure.svg"))
    printed = capsys.readouterr().out
    assert "[-22.5  -2.5  42.5 127.5]" in printed
    assert "EPSP 1 and 10 mV: [11.7  7.3]" in printed
    assert (tmp_path / "figure.svg").read_text().count("<svg") == 1


def test_page_of_2004_in_small(tmp_path, capsys):
    page = runpy.run_path(str(GALLERY / "Yeung_et_al_2004.py"))
    small = {"seeds": 1, "minutes": 1, "rates": (100.0,), "control": 2}
    small |= {"conductances": 2, "weights": (2.0,), "seconds": 2.0}
    args = page["Args"](out=tmp_path / "figure.svg", runs=tmp_path / "runs", **small)
    page["main"](args)
    printed = capsys.readouterr().out
    assert "threshold (Hz of input)" in printed
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*.npz")}
    page["main"](args)  # cells that are done are read, and say the same
    assert capsys.readouterr().out == printed
    assert len(files) == 3 and all(path.stat().st_mtime_ns == when for path, when in files.items())
    assert (tmp_path / "figure.svg").read_text().count("<svg") == 1
