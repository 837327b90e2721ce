import runpy
from pathlib import Path

PAGE = Path(__file__).parents[2] / "experiments" / "attractors.py"


def test_the_phase_diagram_at_a_small_size(tmp_path, capsys):
    page = runpy.run_path(str(PAGE))
    page["main"](page["Args"](quick=True, out=tmp_path / "figure.svg"))
    printed = capsys.readouterr().out
    assert "benna-fusi(m=4): oldest at N (50, 100)" in printed and "willshaw f = 0.05: capacity" in printed
    assert (tmp_path / "figure.svg").read_text().count("<svg") == 1


def test_a_chain_without_its_leak_puts_the_longer_one_ahead():
    """The ages that docs/memory.md names; with the leak and at equilibrium the shorter chain is ahead."""
    without_leak = runpy.run_path(str(PAGE))["without_leak"]
    assert [[without_leak(m, n, 3000) for m in (4, 6)] for n in (400, 1000)] == [[5, 8], [13, 21]]
