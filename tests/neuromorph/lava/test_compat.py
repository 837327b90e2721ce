"""The import fix for lava-nc, each case in a fresh interpreter because an import happens once."""

import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

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


@needs_lava
@pytest.mark.parametrize("cut", ["SendPort.send = untold", "BaseProcess.close = closed"])
def test_an_interrupt_while_a_graph_is_stopped_leaves_nothing_and_says_nothing(cut):
    """Earlier the processes, that had not been told to end, were waited for; or Lava's destructor failed, as they were
    closed."""
    done = run_fresh(
        GRAPH
        + textwrap.dedent("""
    import multiprocessing
    from multiprocessing.process import BaseProcess
    from neuromorph.lava.channels import SendPort
    lif, close, send = LIF(shape=(2,)), BaseProcess.close, SendPort.send
    def untold(port, data):
        SendPort.send = send
        raise KeyboardInterrupt
    def closed(actor):
        BaseProcess.close = close
        actor.close()
        raise KeyboardInterrupt
    try:
        with compat.running(lif, Loihi2SimCfg(select_tag="fixed_pt")) as run:
            run(1)
            CUT
    except KeyboardInterrupt:
        assert multiprocessing.active_children() == [], multiprocessing.active_children()
        print("ended")
    """).replace("CUT", cut)
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "ended\n", "")


@needs_lava
def test_a_process_that_dies_before_the_graph_is_stopped_is_reported():
    """Earlier its answer was waited for, for ever."""
    check("""
    import multiprocessing
    lif = LIF(shape=(2,))
    try:
        with compat.running(lif, Loihi2SimCfg(select_tag="fixed_pt")) as run:
            run(1)
            lif.runtime._messaging_infrastructure.actors[-1].kill()
    except ChildProcessError as error:
        assert "died (exit code -9)" in str(error), error
    else:
        raise AssertionError("nobody noticed")
    assert multiprocessing.active_children() == []
    """)


@needs_lava
def test_a_graph_that_nobody_stopped_is_not_waited_for_at_the_end():
    """Earlier Python waited at its end for processes that wait for it."""
    done = run_fresh(
        GRAPH
        + textwrap.dedent("""
    kept = compat.running(LIF(shape=(2,)), Loihi2SimCfg(select_tag="fixed_pt"))
    kept.__enter__()(1)
    """)
    )
    assert done.returncode == 0


@needs_lava
def test_what_a_signal_left_half_made_ends_without_a_word():
    """Earlier "Exception ignored in AbstractProcess.__del__" after the sentence of SIGTERM."""
    done = run_fresh(
        f"{GRAPH}\nfrom lava.magma.runtime.runtime import Runtime\nLIF.__new__(LIF), Runtime.__new__(Runtime)"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_lava
def test_nothing_is_kept_of_a_graph_that_has_ended():
    """Earlier Lava's lists of all processes and variables kept every graph: a quarter of a MiB each."""
    check("""
    import gc
    def living():
        gc.collect()
        return sum(type(one).__name__ in ("Executable", "SendPort", "_DirectRuntime") for one in gc.get_objects())
    mine = LIF(shape=(1,))
    for _ in range(2):
        assert (simulate(3) == 21).all() and living() == 0
    from lava.magma.core.process.process import ProcessServer
    assert ProcessServer().processes == [mine]
    """)


@needs_lava
def test_a_graph_that_waits_for_itself_ends_with_a_message():
    """Two neurons in a ring: each receives before it sends. Without a timeout this hangs for ever."""
    check("""
    import multiprocessing, time
    ring = [LIF(shape=(2,)) for _ in range(2)]
    for one, other in (ring, ring[::-1]):
        one.s_out.connect(other.a_in)
    begun = time.monotonic()
    try:
        with compat.running(ring[0], Loihi2SimCfg(select_tag="fixed_pt"), timeout=1.5) as run:
            run(3)
    except TimeoutError as error:
        assert "did not finish within 1.5 s" in str(error) and "nobody sends" in str(error)
    else:
        raise AssertionError("it finished")
    assert time.monotonic() - begun < 10 and multiprocessing.active_children() == []
    """)


@needs_lava
def test_a_killed_process_of_the_graph_is_reported():
    check("""
    import multiprocessing, os, signal, threading
    lif = LIF(shape=(2,))
    def kill_one():
        lif.runtime._messaging_infrastructure.actors[0].kill()
    try:
        with compat.running(lif, Loihi2SimCfg(select_tag="fixed_pt"), timeout=30) as run:
            run(1)
            threading.Timer(0.3, kill_one).start()
            run(10_000_000)
    except ChildProcessError as error:
        assert "died (exit code -9)" in str(error), error
    else:
        raise AssertionError("nobody noticed")
    assert multiprocessing.active_children() == []
    """)


ENDLESS = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # also in a job that ignores it
lif = LIF(shape=(2,))
with compat.running(lif, Loihi2SimCfg(select_tag="fixed_pt")) as run:
    run(1)
    print("running", flush=True)
    run(100_000_000)
"""


def session(leader: int) -> list[int]:
    """Living processes of the session that ``leader`` began."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, belongs_to = stat.read_text().rpartition(")")[2].split()[:4]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(belongs_to) == leader and state != "Z":
            found.append(int(stat.parent.name))
    return found


def segments(processes: list[int]) -> set[Path]:
    """Files in shared memory that ``processes`` have mapped."""
    lines = [line for p in processes for line in Path(f"/proc/{p}/maps").read_text().splitlines()]
    return {Path("/dev/shm") / line.rpartition("/")[2].split()[0] for line in lines if "/dev/shm/psm_" in line}


@needs_lava
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_of_a_stopped_run(stop):
    """No process; nor memory, which has no name. The parent is killed, asked to end, or Ctrl-C reaches its group."""
    parent = subprocess.Popen(
        [sys.executable, "-c", GRAPH + ENDLESS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert parent.stdout is not None and parent.stdout.readline() == "running\n"
        assert len(session(parent.pid)) == 3
        assert segments(session(parent.pid)) == set(), "shared memory with a name can outlive its processes"
        if stop == signal.SIGINT:
            os.killpg(parent.pid, stop)
        else:
            parent.send_signal(stop)
        _, errors = parent.communicate(timeout=20)
        end = time.monotonic() + 10
        while session(parent.pid) and time.monotonic() < end:
            time.sleep(0.1)
        assert session(parent.pid) == []
        assert errors.count("Traceback") == (stop == signal.SIGINT), errors  # the parent's own, not one a process
    finally:
        for process in session(parent.pid):
            os.kill(process, signal.SIGKILL)


@pytest.mark.parametrize("missing", ["lava", "lava.magma", "lava.magma.compiler"])  # folders stay when pip removes it
def test_missing_lava_gives_one_sentence_with_the_command(missing):
    code = f"""
import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name == {missing!r}:
            raise ModuleNotFoundError("No module named " + name, name=name)
sys.meta_path.insert(0, Hide())
import neuromorph.lava
assert not neuromorph.lava.installed()
import neuromorph.lava.compat
"""
    done = run_fresh(code)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: lava-nc is not installed") and "uv pip install --group lava" in last
    assert "pip install --ignore-requires-python lava-nc==0.10.0 'asteval<0.10' 'networkx<=2.8.7'" in last


@needs_lava
def test_ctrl_c_waits_until_the_forks_are_shielded_and_a_second_one_does_not():
    from neuromorph.lava import compat

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # also in a job that ignores it
    try:
        for times in (1, 2):
            reached = 0
            with pytest.raises(KeyboardInterrupt), compat._held_back():
                for _ in range(times):
                    os.kill(os.getpid(), signal.SIGINT)
                    time.sleep(0.01)
                    reached += 1
            assert reached == 1
            assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, handler)


@needs_lava
def test_a_signal_that_waits_for_a_fork_that_hangs_comes_again(monkeypatch):
    from neuromorph.lava import compat

    monkeypatch.setattr(compat, "HELD_SECONDS", 0.1)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    begun = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt), compat._held_back():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(20)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert time.monotonic() - begun < 10
