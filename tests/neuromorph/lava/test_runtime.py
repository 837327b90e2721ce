"""A graph runs as under Lava's own runtime: the same numbers, without its threads, servers and repeated searches."""

import importlib.util
import multiprocessing
from pathlib import Path

import numpy as np
import pytest

if importlib.util.find_spec("lava") is None:
    pytest.skip("lava-nc is not installed", allow_module_level=True)

from neuromorph.lava.compat import running  # before any lava module

from lava.magma.compiler.compiler_graphs import ProcGroupDiGraphs  # isort: skip
from lava.magma.core.run_conditions import RunSteps  # isort: skip
from lava.magma.core.run_configs import Loihi2SimCfg  # isort: skip
from lava.magma.runtime.message_infrastructure.multiprocessing import SystemProcess  # isort: skip
from lava.proc.dense.process import Dense  # isort: skip
from lava.proc.lif.models import PyLifModelBitAcc  # isort: skip
from lava.proc.lif.process import LIF, LIFReset  # isort: skip

STEPS = 40


def connected() -> tuple[LIF, LIF]:
    rng = np.random.default_rng(0)
    first = LIF(shape=(6,), bias_mant=rng.integers(10, 60, 6), vth=3, du=4095, dv=300)
    dense = Dense(weights=2 * rng.integers(-20, 40, (4, 6)))
    second = LIF(shape=(4,), vth=5000, du=1000, dv=200)
    first.s_out.connect(dense.s_in)
    dense.a_out.connect(second.a_in)
    return first, second


def test_the_numbers_are_those_of_lavas_own_runtime():
    found = []
    for own in (False, True):
        first, second = connected()
        if own:
            try:
                first.run(RunSteps(num_steps=STEPS), Loihi2SimCfg(select_tag="fixed_pt"))
                found.append([part.get() for lif in (first, second) for part in (lif.u, lif.v)])
            finally:
                first.stop()
        else:
            with running(first, Loihi2SimCfg(select_tag="fixed_pt")) as run:
                run(STEPS // 2)
                run(STEPS - STEPS // 2)
                found.append([part.get() for lif in (first, second) for part in (lif.u, lif.v)])
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))
    assert found[0][1].any() and found[0][3].any()


def test_variables_are_set_in_the_running_graph():
    lif = LIF(shape=(3,), bias_mant=2, vth=10_000, du=4095)
    with running(lif, Loihi2SimCfg(select_tag="fixed_pt")) as run:
        run(2)
        lif.v.set(np.array([100, 200, 300]))
        run(1)
        assert lif.v.get().tolist() == [102, 202, 302]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads in /proc")
def test_no_port_has_a_thread_and_no_process_serves_memory():
    first, _ = connected()
    with running(first, Loihi2SimCfg(select_tag="fixed_pt")) as run:
        run(1)
        children = [child for child in multiprocessing.active_children() if isinstance(child, SystemProcess)]
        threads = [len(list(Path(f"/proc/{child.pid}/task").iterdir())) for child in children]
    assert len(children) == 4, "three process models and the runtime's service"
    assert max(threads) <= 3, "itself, its leash, and the feeder of the queue that Lava reports errors by"


def test_the_files_of_a_process_are_searched_once(monkeypatch):
    searched = []
    search = ProcGroupDiGraphs._find_proc_models
    monkeypatch.setattr(
        ProcGroupDiGraphs, "_find_proc_models", staticmethod(lambda proc: searched.append(type(proc)) or search(proc))
    )
    for tag in ("fixed_pt", "fixed_pt", "floating_pt"):
        before = len(searched)
        with running(LIFReset(shape=(1,)), Loihi2SimCfg(select_tag=tag)) as run:
            run(1)
        last = searched[before:]
    assert searched.count(LIFReset) <= 2
    assert last in ([], [LIFReset]), "another tag is another model"


def test_a_model_that_the_caller_names_is_taken_and_not_remembered():
    class Other(PyLifModelBitAcc):
        """The same dynamics."""

    config = Loihi2SimCfg(select_tag="fixed_pt")
    for named in (True, False):
        lif = LIF(shape=(1,))
        config.exception_proc_model_map = {lif: Other} if named else {}
        with running(lif, config) as run:
            run(1)
            assert (lif.runtime._executable.proc_builders[lif].proc_model is Other) == named
    assert config.exception_proc_model_map == {}
