import runpy
from pathlib import Path

PAGE = Path(__file__).parents[2] / "experiments" / "gallery" / "Savin_Dayan_Lengyel_2014.py"


def test_the_page_runs_at_a_small_size(tmp_path, capsys):
    page = runpy.run_path(str(PAGE))
    page["main"](page["Args"](neurons=40, additive=40, ages=(0, 2), trials=2, out=tmp_path / "figure.svg"))
    printed = capsys.readouterr().out
    assert "pre          n = 5:  0.13336  0.00000  0.00000  0.13178" in printed
    assert "neither" in printed and "explain, familiarity" in printed
    assert (tmp_path / "figure.svg").read_text().count("<svg") == 1
