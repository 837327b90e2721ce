import re
import zipfile

import numpy as np
import pytest
import torch

from neuromorph.checkpoint import SCHEMA, load_checkpoint, save_checkpoint, unfinished

RUN = {"learner": "L(m=2)", "epochs": [1, 2], "samples": "abc"}
CONTENT = {
    "rows": np.arange(6.0).reshape(2, 3),
    "empty": np.empty((0, 3)),
    "number": np.float64(0.1),
    "state": {"w": torch.arange(3, dtype=torch.bfloat16), 7: [torch.tensor(True), None, "text", (1, 2.5)]},
}


@pytest.fixture
def path(tmp_path):
    save_checkpoint(tmp_path / "run.pt", CONTENT, RUN)
    return tmp_path / "run.pt"


def test_what_was_saved_is_loaded(path):
    found = load_checkpoint(path, RUN)
    assert found["fingerprint"] == RUN and set(found) == {*CONTENT, "fingerprint"}
    np.testing.assert_array_equal(found["rows"].numpy(), CONTENT["rows"])
    assert found["empty"].shape == (0, 3) and found["number"] == 0.1
    assert found["state"]["w"].equal(CONTENT["state"]["w"]) and found["state"]["w"].dtype == torch.bfloat16
    assert found["state"][7][0].item() is True and found["state"][7][1:] == [None, "text", [1, 2.5]]
    assert load_checkpoint(path).keys() == found.keys()
    assert torch.load(path, weights_only=True)["schema"] == SCHEMA  # needs nothing of this project
    assert [p.name for p in path.parent.iterdir()] == ["run.pt"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"learner": "L(m=3)"}, "learner"),
        ({"epochs": [1, 3], "samples": "abd"}, "epochs, samples"),
        ({"more": 1}, "more"),
    ],
)
def test_another_run_is_refused_by_name(change, what, path):
    with pytest.raises(
        ValueError, match=rf"run.pt belongs to another run \(it differs in {what}\): delete it or choose"
    ):
        load_checkpoint(path, RUN | change)


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, content):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)


@pytest.mark.parametrize("bit", range(8))
def test_a_flipped_bit_of_a_tensor_is_refused(bit, path):
    """Also where the archive around it is sound."""
    content = members(path)
    name = next(name for name in content if name.endswith("/data/0"))
    content[name] = bytes([content[name][0] ^ 1 << bit]) + content[name][1:]
    write(path, content)
    with pytest.raises(ValueError, match="run.pt is damaged .*: delete it to start anew"):
        load_checkpoint(path, RUN)


def test_no_flipped_bit_of_the_file_goes_unseen(path):
    """One bit after the other, every 97th: refused, or in a place that holds nothing (padding, dates, permissions)."""
    whole = path.read_bytes()
    expected = load_checkpoint(path, RUN)
    refused = 0
    for position in range(0, 8 * len(whole), 97):
        spoilt = bytearray(whole)
        spoilt[position // 8] ^= 1 << position % 8
        path.write_bytes(spoilt)
        try:
            found = load_checkpoint(path, RUN)
        except ValueError as error:
            refused += 1
            assert re.search("delete it|use the version", str(error)) and "\n" not in str(error)
        else:
            assert str(found) == str(expected)
    assert refused > 10


@pytest.mark.parametrize("spoil", [lambda c: c[: len(c) // 2], lambda c: b"", lambda c: b"no checkpoint"])
def test_a_damaged_file_is_refused(spoil, path):
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(ValueError, match="run.pt cannot be read .*: delete it to start anew"):
        load_checkpoint(path, RUN)


@pytest.mark.parametrize("content", [{}, [1, 2], torch.zeros(3), {"run": "[]", "rows": torch.zeros(1)}])
def test_a_file_that_is_no_checkpoint_is_refused(content, path):
    torch.save(content, path)
    with pytest.raises(ValueError, match="run.pt is no checkpoint, or one of an earlier version: delete it"):
        load_checkpoint(path, RUN)


def test_another_schema_is_refused(path):
    content = torch.load(path, weights_only=True)
    torch.save(content | {"schema": SCHEMA + 1}, path)
    with pytest.raises(ValueError, match=f"has schema {SCHEMA + 1}, and this version reads {SCHEMA}"):
        load_checkpoint(path, RUN)


def test_a_checkpoint_of_a_gpu_is_loaded_on_a_cpu(path):
    """The file as a GPU would have written it: every storage is said to lie there."""
    content = members(path)
    (name,) = (name for name in content if name.endswith("data.pkl"))
    here, there = (b"X" + bytes([len(place), 0, 0, 0]) + place for place in (b"cpu", b"cuda:0"))
    assert here in content[name]
    content[name] = content[name].replace(here, there)
    write(path, content)
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError, match="CUDA"):
            torch.load(path, weights_only=True)
    found = load_checkpoint(path, RUN)
    np.testing.assert_array_equal(found["rows"].numpy(), CONTENT["rows"])


def test_unfinished_files_of_two_runs_are_two(tmp_path):
    names = {unfinished(tmp_path / name) for name in ("m=2.5", "m=2.7", "m=2.pt", "m=2")}
    assert len(names) == 4 and all(name.parent == tmp_path for name in names)
