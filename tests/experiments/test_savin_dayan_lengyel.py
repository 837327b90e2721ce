import math
import runpy
from pathlib import Path

PAGE = Path(__file__).parents[2] / "experiments" / "gallery" / "Savin_Dayan_Lengyel_2014.py"


def test_the_page_runs_at_a_small_size(tmp_path, capsys):
    page = runpy.run_path(str(PAGE))
    page["main"](page["Args"](neurons=40, additive=20, ages=(0, 1), trials=2, out=tmp_path / "figure.svg"))
    printed = capsys.readouterr().out
    assert "pre          n = 5:  0.13336  0.00000  0.00000  0.13178" in printed
    assert "neither" in printed and "explain, familiarity" in printed
    assert (tmp_path / "figure.svg").read_text().count("<svg") == 1


def test_the_benchmark_prints_a_ratio_and_an_exponent(capsys, monkeypatch):
    monkeypatch.syspath_prepend(str(PAGE.parents[1]))
    bench = runpy.run_path(str(PAGE.parents[1] / "bench_theory.py"))
    bench["recall"](bench["Args"](neurons=(8, 1000, 1500), dense=8, flips=20))
    lines = capsys.readouterr().out.splitlines()
    assert float(lines[1].split()[-1]) > 0 and math.isfinite(float(lines[-1].split()[-1]))
