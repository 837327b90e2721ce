"""A word that a page does not know, or no seed, is one sentence, before anything is computed."""

import importlib
import sys
from contextlib import contextmanager
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
    match = f"{field} must be one of .*, got 'no such word'"
    with loaded(page, monkeypatch) as module, pytest.raises(ValueError, match=match):
        module.main(module.Args(**{field: ("no such word",)}, quick=True, out=tmp_path))


@pytest.mark.parametrize(
    "page", ["baselines", "mesu", "engrams", "tacos", "probabilistic", "memristor", "prototypes", "laborieux.targets"]
)
def test_no_seeds_are_refused(page, tmp_path, monkeypatch):
    with loaded(page, monkeypatch) as module, pytest.raises(ValueError, match="seeds must be at least 1, got 0"):
        module.main(module.Args(seeds=0, out=tmp_path))


@pytest.mark.parametrize(
    ("page", "wrong", "match"),
    [
        ("baselines", {"data": "usps"}, "data must be one of mnist, fashion-mnist, digits, got 'usps'"),
        ("baselines", {"importance_samples": 0}, "importance_samples must be at least 1, got 0"),
        ("tacos", {"samples": -1}, "samples must be 0 .all of them. or more, got -1"),
        ("tacos", {"data": ("usps",)}, "data must be one of mnist, fashion-mnist, digits, got 'usps'"),
        ("tacos", {"test_samples": -1}, "test samples must be 0 .all of them. or more, got -1"),
        ("probabilistic", {"samples": -1}, "samples must be 0 .all of them. or more, got -1"),
        ("probabilistic", {"data": ("usps",)}, "data must be one of mnist, fashion-mnist, digits, got 'usps'"),
        ("engrams", {"processes": -1}, "processes must be a whole number of at least 0, got -1"),
    ],
)
def test_an_impossible_number_is_refused(page, wrong, match, tmp_path, monkeypatch):
    with loaded(page, monkeypatch) as module, pytest.raises(ValueError, match=match):
        module.main(module.Args(**wrong, seeds=1, out=tmp_path))


@pytest.mark.parametrize(
    ("page", "field"), [("probabilistic", "devices"), ("tacos", "rows"), ("prototypes", "synapses")]
)
def test_an_empty_list_is_refused(page, field, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [page, f"--{field}", "--out", str(tmp_path)])
    with loaded(page, monkeypatch) as module, pytest.raises(SystemExit, match="2"):
        module.run_page(module.main, module.Args)
    assert f"--{field} must name at least one, got none" in capsys.readouterr().err


def test_what_is_made_for_all_images_is_scaled_by_those_that_there_are(monkeypatch):
    """Asking for more than a data set has changes nothing."""
    with loaded("tacos", monkeypatch) as page:
        counts = (page.images_of("digits", n) for n in (0, 60_000))
        ours, theirs = (page.built("digits", {}, page.Args(), images, 0).config for images in counts)
    assert ours == theirs and ours.dm[0] == pytest.approx(page.TacosConfig().dm[0] * 60_000 / 1437)


@contextmanager
def loaded(page, monkeypatch):
    """The module of a page, which is forgotten afterwards: names of pages are those of other modules too."""
    folder, _, name = page.rpartition(".")
    monkeypatch.syspath_prepend(str(PAGES / folder))
    try:
        yield importlib.import_module(name)
    finally:
        del sys.modules[name]
