"""Damaged deployed networks; that a whole one comes back is shown with its graphs."""

import json

import numpy as np
import pytest

from neuromorph.lava.saved import load_network, save_network
from neuromorph.lava.spec import LayerSpec, NetworkSpec


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
