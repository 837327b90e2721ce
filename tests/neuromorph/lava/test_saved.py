"""Damaged deployed networks; that a whole one comes back is shown with its graphs."""

import json

import numpy as np
import pytest

from neuromorph.lava.saved import load_network, save_network
from neuromorph.lava.spec import LayerSpec, NetworkSpec
from neuromorph.outputs import check_foreign


@pytest.fixture
def folder(tmp_path):
    save_network(NetworkSpec((LayerSpec(np.ones((3, 5), np.int8), 2, 0),), 4, 0), tmp_path)
    assert load_network(tmp_path).sizes == (5, 3)
    return tmp_path


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"half", b"whole archive of something else"])
def test_damaged_arrays(folder, content):
    (folder / "network.npz").write_bytes(content)
    with pytest.raises(ValueError, match="network.npz .*deploy the network again"):
        load_network(folder)


def test_cut_off_between_the_two_files(folder):
    """A killed process leaves the words of the new network beside the arrays of the old one."""
    other = NetworkSpec((LayerSpec(-np.ones((3, 5), np.int8), 2, 0),), 4, 0)
    old = (folder / "network.npz").read_bytes()
    save_network(other, folder)
    (folder / "network.npz").write_bytes(old)
    with pytest.raises(ValueError, match="network.npz is not the one that network.json names.*deploy"):
        load_network(folder)
    check_foreign(folder, "network.json", ("schema", "layers"), ("network.json", "network.npz"))
    save_network(other, folder)
    assert load_network(folder).layers[0].weights[0, 0] == -1


def test_words_come_first(tmp_path, monkeypatch):
    """A run that ends before the arrays are there leaves a folder that the next run takes for its own."""
    monkeypatch.setattr("neuromorph.lava.saved.replacing", lambda path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_network(NetworkSpec((LayerSpec(np.ones((3, 5), np.int8), 2, 0),), 4, 0), tmp_path)
    check_foreign(tmp_path, "network.json", ("schema", "layers"), ("network.json", "network.npz"))
    with pytest.raises(FileNotFoundError):
        load_network(tmp_path)


def test_lost_arrays(folder):
    np.savez(folder / "network.npz", weights_1=np.ones((3, 5)))
    with pytest.raises(ValueError, match="lacks an array: threshold_1"):
        load_network(folder)


@pytest.mark.parametrize("change", [{"layers": [{}]}, {"layers": 3}, {"layers": [{"connections": []}]}])
def test_edited_words(folder, change):
    words = json.loads((folder / "network.json").read_text())
    (folder / "network.json").write_text(json.dumps(words | change))
    with pytest.raises(ValueError, match="network.json is damaged, or edited|npz"):
        load_network(folder)


@pytest.mark.parametrize("text", ["", "[]", "{}", "{"])
def test_words_that_are_none(folder, text):
    (folder / "network.json").write_text(text)
    with pytest.raises(ValueError, match="network.json is .*deploy the network again"):
        load_network(folder)
