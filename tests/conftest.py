import os
import sys
from pathlib import Path

import hypothesis
import pytest

# The same examples every time, and no deadline: a busy machine is no error.
hypothesis.settings.register_profile("steady", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("steady")


@pytest.fixture(scope="session", autouse=True)
def quick_compilation():
    """Brian2 compiles without optimising: the tests wait for the compiler, hardly for the program."""
    import brian2

    brian2.prefs["codegen.cpp.extra_compile_args_gcc"] = ["-w", "-O0", "-std=c++11"]


@pytest.fixture(autouse=True)
def seeded():
    """Weights that a test draws from torch's global generator do not depend on the tests before it."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(scope="session")
def data_folder():
    """The folder of real data sets: ``NEUROMORPH_DATA``, else shared/data beside the checkout; skips without one."""
    folder = Path(os.environ.get("NEUROMORPH_DATA") or Path(__file__).parents[2] / "shared/data")
    if not folder.is_dir():
        pytest.skip("no folder of data sets: set NEUROMORPH_DATA")
    return folder


@pytest.fixture
def terminal(monkeypatch):
    """A function to call inside the test: stderr, captured as it is there, passes for a terminal."""
    return lambda: monkeypatch.setattr(sys.stderr, "isatty", lambda: True)


@pytest.fixture
def no_network(monkeypatch):
    """Every download fails."""
    import pooch

    def refuse(*args, **options):
        raise OSError("no network")

    monkeypatch.setattr(pooch, "retrieve", refuse)


@pytest.fixture(scope="session")
def flat():
    """Every number and tensor of a nested state, in order: a function of the state."""
    import torch

    def leaves(state):
        if isinstance(state, dict):
            return [leaf for key in sorted(state, key=str) for leaf in leaves(state[key])]
        if isinstance(state, (list, tuple)):
            return [leaf for value in state for leaf in leaves(value)]
        return [state.tolist() if isinstance(state, torch.Tensor) else state]

    return leaves
