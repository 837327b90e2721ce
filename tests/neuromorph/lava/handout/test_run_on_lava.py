"""A saved network, run by its stand-alone script: no line of this project is on the path."""

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neuromorph import lava
from neuromorph.lava import LayerSpec, NetworkSpec
from neuromorph.lava.reference import simulate
from neuromorph.lava.saved import load_network, save_network

SCRIPT = Path(lava.__file__).parent / "handout" / "run_on_lava.py"


@pytest.fixture(scope="module")
def spec():
    """Two convolutions, thresholds and biases of each channel, a weight exponent, and a full layer."""
    rng = np.random.default_rng(0)
    signs = np.array([-1, 1], np.int8)
    first = LayerSpec(
        rng.choice(signs, (4, 2, 3, 3)),
        rng.integers(10, 40, 4),
        410,
        weight_exp=0,
        bias_mant=rng.integers(-60, 60, 4),
        bias_exp=1,
        image=(2, 7, 5),
        stride=2,
        padding=1,
    )
    second = LayerSpec(rng.choice(signs, (3, 4, 2, 2)), 1, 100, image=(4, 4, 3), padding=1)
    return NetworkSpec((first, second, LayerSpec(rng.choice(signs, (6, 60)), 2, 410)), num_steps=5, input_bits=4)


def test_a_saved_network_comes_back(spec, tmp_path):
    save_network(spec, tmp_path)
    found = load_network(tmp_path)
    assert (found.num_steps, found.input_bits, found.encoding) == (5, 4, "current")
    for one, other in zip(found.layers, spec.layers, strict=True):
        for field in dataclasses.fields(LayerSpec):
            np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))
    text = (tmp_path / "network.json").read_text()
    (tmp_path / "network.json").write_text(text.replace('"schema": 3', '"schema": 1'))
    with pytest.raises(ValueError, match="has schema 1, this version reads 3"):
        load_network(tmp_path)


def test_the_script_finds_the_counts_of_the_reference(spec, tmp_path):
    pytest.importorskip("lava.magma", reason="lava-nc is not installed")
    x = np.random.default_rng(1).random((6, 70), dtype=np.float32)
    counts = simulate(spec, x)[-1].spikes.sum(0)
    assert len(np.unique(counts)) > 2
    save_network(spec, tmp_path)
    np.savez(tmp_path / "samples.npz", messages=spec.encode(x), counts=counts, labels=counts.argmax(1))
    shutil.copy(SCRIPT, tmp_path)
    command = [sys.executable, "-I", SCRIPT.name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "differing counts 0" in done.stdout, done.stdout + done.stderr
