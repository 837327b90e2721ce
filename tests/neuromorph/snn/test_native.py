import os
import subprocess
import sys

import pytest
import torch

from neuromorph.snn import ChipLeaky, native


def records(shape, each, real, seen, fast):
    """Spikes, membranes and the gradient of a loss that looks at the records named by ``seen``."""
    generator = torch.Generator().manual_seed(0)
    steps = max(20 if shape[0] == 1 else 0, shape[0])
    activation = torch.randint(-10, 15, shape, generator=generator).float()
    if real:
        activation += torch.randn(shape, generator=generator)
    activation.requires_grad_()
    one_each = (shape[2], 1, 1) if len(shape) == 5 else shape[2:]
    vth = torch.randint(3, 20, one_each, generator=generator) if each else 7
    bias = torch.randint(-100, 100, one_each, generator=generator) if each else 30
    found = ChipLeaky(410, vth, bias).sequence(activation, steps, fast)
    weights = [torch.randn(found[0].shape, generator=generator) for _ in found]
    loss = sum((weights[k] * found[k]).sum() / (1, 700)[k] for k in seen)
    return *found, *torch.autograd.grad(loss, activation)


@pytest.mark.skipif(native.builder.library(0, True) is None, reason="no C compiler here")
@pytest.mark.parametrize("shape", [(9, 3, 10), (1, 5, 130), (20, 4, 3, 4, 7), (1, 2, 3, 4, 7), (5, 300, 100)], ids=str)
@pytest.mark.parametrize("each", [False, True])
@pytest.mark.parametrize("real", [False, True])
def test_spikes_membranes_and_gradients_have_the_bits_of_torch(shape, each, real):
    for seen in ([0], [1], [0, 1]):
        slow, fast = (records(shape, each, real, seen, fast) for fast in (False, True))
        assert 0 < slow[0].sum() < slow[0].numel()
        assert all(torch.equal(a, b) for a, b in zip(slow, fast, strict=True))


@pytest.mark.skipif(native.builder.library(0, True) is None, reason="no C compiler here")
def test_the_bits_do_not_depend_on_the_number_of_threads():
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(records((8, 200, 128), False, True, [0, 1], True))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


TRAIN = """
import sys
import torch
from neuromorph.snn import Metaplastic, SpikingBNN, native
for word in sys.argv[1:]:
    net = SpikingBNN((6, 5, 3), num_steps=4, fast=True if word == "fast" else None,
                     generator=torch.Generator().manual_seed(0))
    optimiser = Metaplastic(net.parameters(), m=2.0, compiled=word == "fast" and "compiled" in sys.argv)
    x = torch.rand(7, 6, generator=torch.Generator().manual_seed(1))
    for _ in range(3):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(net.scores(x), torch.arange(7) % 3).backward()
        optimiser.step()
    print(torch.cat([p.flatten() for p in net.parameters()]).double().sum().item(), bool(native.builder.loaded))
"""


def trained(tmp_path, *words, **environment):
    """[number, whether the library was loaded] of each training, in a new process, and what it said."""
    cache = {"XDG_CACHE_HOME": str(tmp_path), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, **cache, **environment},
        timeout=300,
        check=True,
    )
    return [line.split() for line in done.stdout.splitlines()], done.stderr


def test_without_a_compiler_everything_runs_to_the_same_numbers(tmp_path):
    nowhere = {"PATH": str(tmp_path), "CC": "/no/such/compiler", "CXX": "/no/such/compiler"}
    ((number, loaded), (same, missing), *_), said = trained(tmp_path, "default", "fast", "compiled", **nowhere)
    assert loaded == missing == "False" and number == same
    assert said.count("does not work here") == 1 and "Traceback" not in said


@pytest.mark.skipif(native.builder.library(0, True) is None, reason="no C compiler here")
def test_a_small_network_starts_no_compiler_and_a_cached_library_is_taken(tmp_path):
    ((number, loaded), (same, built)), _ = trained(tmp_path, "default", "fast")
    assert loaded == "False" and built == "True" and same == number
    assert len(list(tmp_path.rglob("loops-*.so"))) == 1
    assert trained(tmp_path, "default")[0] == [[number, "True"]]


def test_a_compiler_that_fails_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", "false")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    builder = native.Builder()
    assert builder.library(1, True) is None and "status 1" in builder.failure


def test_it_compiles_in_the_background_once_that_pays(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    builder = native.Builder()
    assert builder.library(native.PAYS // 2, False) is None and builder._process is None and not builder.failure
    builder.library(native.PAYS, False)
    if builder.failure:
        pytest.skip("no C compiler here")
    assert builder.library(0, True) is not None
    assert not builder._folder.exists()
