import runpy
from pathlib import Path

import pytest

GALLERY = Path(__file__).parents[2] / "experiments" / "gallery"
QUICK = {
    "Benna_Fusi_2016_retrieval": ({"quick": True}, "benna-fusi(m=6)      N   200: oldest"),
    "Luboeinski_Tetzlaff_2021": ({"quick": True}, "capture: alone 0.000"),
    "Roxin_Fusi_2013": ({"populations": (1, 5)}, "lifetime, best population, all, homogeneous: 323.0 327.0 367.0"),
}
"""Pages with a small size, what they take then, and a line that they print; the others have tests of their own."""


@pytest.mark.parametrize(
    ("script", "printed"),
    [
        ("Fusi_Drew_Abbott_2005", "[0.569 0.745 0.84  0.884]"),
        ("Benna_Fusi_2016", "[3505.0, 77068.0, 54361.0]"),
        ("Lahiri_Ganguli_2013", "[0.821 0.929 0.974]"),
    ],
)
def test_figures_are_made_and_the_numbers_in_their_docstrings_hold(script, printed, tmp_path, capsys):
    page = runpy.run_path(str(GALLERY / f"{script}.py"))
    page["main"](page["Args"](out=tmp_path / "figure.svg"))
    assert printed in capsys.readouterr().out
    assert (tmp_path / "figure.svg").read_text().count("<svg") == 1


@pytest.mark.parametrize("script", QUICK)
def test_pages_at_a_small_size(script, tmp_path, capsys):
    arguments, printed = QUICK[script]
    page = runpy.run_path(str(GALLERY / f"{script}.py"))
    page["main"](page["Args"](out=tmp_path / "figure.svg", **arguments))
    assert printed in capsys.readouterr().out
    assert (tmp_path / "figure.svg").read_text().count("<svg") == 1


@pytest.mark.parametrize("script", sorted(path.stem for path in GALLERY.glob("*_[12][0-9][0-9][0-9]*.py")))
def test_every_page_loads_and_says_what_agrees(script):
    page = runpy.run_path(str(GALLERY / f"{script}.py"))
    assert callable(page["main"]) and page["Args"]().out.suffix == ".svg"
    assert "Agrees" in page["__doc__"]
