"""A word that a page does not know is one sentence, before anything is computed."""

import importlib
import sys
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "experiments"


@pytest.mark.parametrize(
    ("page", "field"),
    [
        ("mesu", "methods"),
        ("engrams", "methods"),
        ("tacos", "rows"),
        ("memristor", "tables"),
        ("baselines", "scenarios"),
        ("prototypes", "only"),
        ("laborieux.capacity", "rules"),
        ("laborieux.capacity", "references"),
        ("laborieux.targets", "settings"),
        ("laborieux.published", "gain"),
    ],
)
def test_an_unknown_word_is_refused(page, field, tmp_path, monkeypatch):
    folder, _, name = page.rpartition(".")
    monkeypatch.syspath_prepend(str(PAGES / folder))
    module = importlib.import_module(name)
    try:
        with pytest.raises(ValueError, match=f"{field} must be one of .*, got 'no such word'"):
            module.main(module.Args(**{field: ("no such word",)}, quick=True, out=tmp_path))
    finally:
        del sys.modules[name]
