import runpy
from pathlib import Path

import pytest

GALLERY = Path(__file__).parents[2] / "experiments" / "gallery"


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
