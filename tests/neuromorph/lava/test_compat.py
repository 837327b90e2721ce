"""The import fix for lava-nc, each case in a fresh interpreter because an import happens once."""

import importlib.util
import subprocess
import sys
import textwrap

import pytest

needs_lava = pytest.mark.skipif(importlib.util.find_spec("lava") is None, reason="lava-nc is not installed")

GRAPH = """
from neuromorph.lava import compat
import numpy as np
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.lif.process import LIF

def simulate(bias, fail=None):
    lif = LIF(shape=(2,), bias_mant=bias, vth=100, du=4095)
    with compat.running(lif, Loihi2SimCfg(select_tag="fixed_pt")) as run:
        run(7)
        if fail is not None:
            raise fail
        return lif.v.get()
"""


def run_fresh(code: str, timeout: int = 60) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=timeout)


def check(code: str, first: str = "") -> None:
    """Run ``first``, the graph above and ``code`` in a fresh interpreter; any failed assert there fails here."""
    done = run_fresh(first + GRAPH + textwrap.dedent(code))
    assert done.returncode == 0, done.stderr


@needs_lava
def test_torch_first_then_lava():
    check("assert (simulate(3) == 21).all()", first="import torch\n")


@needs_lava
def test_lava_first_then_torch():
    check("import torch, scipy.special\nassert (simulate(3) == 21).all()")


@needs_lava
def test_originals_are_restored():
    check("""
    import dataclasses, multiprocessing
    assert dataclasses.dataclass.__module__ == "dataclasses"
    assert multiprocessing.set_start_method.__self__ is multiprocessing.context._default_context
    @dataclasses.dataclass
    class Plain:
        x: int = 0
    assert Plain.__hash__ is None
    """)


@needs_lava
def test_runs_where_a_start_method_was_chosen():
    check(
        "assert (simulate(2) == 14).all()", first="import multiprocessing\nmultiprocessing.set_start_method('spawn')\n"
    )


@needs_lava
def test_runs_inside_joblib_workers(tmp_path):
    (tmp_path / "graph_for_worker.py").write_text(GRAPH)
    check(f"""
    import os, sys
    os.environ["PYTHONPATH"] = os.pathsep.join([{str(tmp_path)!r}, *sys.path])
    sys.path.insert(0, {str(tmp_path)!r})
    import joblib, graph_for_worker
    results = joblib.Parallel(n_jobs=2)(joblib.delayed(graph_for_worker.simulate)(b) for b in (1, 2))
    assert [r.tolist() for r in results] == [[7, 7], [14, 14]], results
    """)


@needs_lava
def test_graph_is_stopped_after_an_exception_and_after_an_interrupt():
    check("""
    import multiprocessing
    for error in (ValueError("wrong"), KeyboardInterrupt()):
        try:
            simulate(1, fail=error)
        except BaseException as caught:
            assert caught is error
        else:
            raise AssertionError("the error was swallowed")
        assert multiprocessing.active_children() == []
    """)


def test_missing_lava_gives_one_sentence_with_the_command():
    code = """
import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name == "lava":
            raise ModuleNotFoundError("No module named 'lava'", name="lava")
sys.meta_path.insert(0, Hide())
import neuromorph.lava.compat
"""
    done = run_fresh(code)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: lava-nc is not installed") and "uv pip install --group lava" in last
