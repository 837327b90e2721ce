import json

import pytest

from neuromorph.atomic import replacing, write_json, write_text


def test_a_file_is_whole_or_as_it_was(tmp_path):
    path = tmp_path / "new" / "a.txt"
    write_text(path, "one \u00b1")
    assert path.read_text(encoding="utf-8") == "one \u00b1"
    with pytest.raises(KeyboardInterrupt), replacing(path) as unfinished:
        unfinished.write_text("ha")
        assert unfinished.suffix == ".txt" and unfinished.parent == path.parent
        raise KeyboardInterrupt
    assert path.read_text(encoding="utf-8") == "one \u00b1"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_json_refuses_nan_and_keeps_the_old_file(tmp_path):
    write_json(tmp_path / "a.json", {"a": [1, 2.5]})
    for wrong in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="[Oo]ut of range"):
            write_json(tmp_path / "a.json", {"a": wrong})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": [1, 2.5]}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
