"""Whose a folder of results is, and what is said where that cannot be read."""

from dataclasses import dataclass

import pytest

from neuromorph.folder import claim, finished


@dataclass(frozen=True)
class Args:
    seeds: int = 1
    jobs: int = 1


def begun(folder):
    (folder / "cells").mkdir()
    (folder / "cells" / "one.npz").touch()
    assert finished(folder)


def test_a_folder_goes_on_with_its_own_arguments_only(tmp_path):
    claim(tmp_path, Args(), ("jobs",), "study")
    begun(tmp_path)
    claim(tmp_path, Args(jobs=4), ("jobs",), "study")
    with pytest.raises(ValueError, match="holds another study .it differs in seeds"):
        claim(tmp_path, Args(seeds=2), ("jobs",), "study")


@pytest.mark.parametrize("text", ['{"arguments": null}', '{"arguments": [1]}', "[]", "{", ""])
def test_a_folder_that_does_not_say_whose_it_is(text, tmp_path):
    begun(tmp_path)
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ValueError, match="is not a study's: choose another --out"):
        claim(tmp_path, Args(), (), "study")
