import runpy
from pathlib import Path

PAGE = Path(__file__).parents[2] / "experiments" / "attractors.py"


def test_the_phase_diagram_at_a_small_size(tmp_path, capsys):
    page = runpy.run_path(str(PAGE))
    page["main"](page["Args"](quick=True, out=tmp_path / "figure.svg"))
    printed = capsys.readouterr().out
    assert "benna-fusi(m=4): oldest at N (50, 100)" in printed and "willshaw f = 0.05: capacity" in printed
    assert (tmp_path / "figure.svg").read_text().count("<svg") == 1
