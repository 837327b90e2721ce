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
    page["main"](page["Args"](out=tmp_path / "figure.svg", **small))
    assert "threshold (Hz of input)" in capsys.readouterr().out
    assert (tmp_path / "figure.svg").read_text().count("<svg") == 1
