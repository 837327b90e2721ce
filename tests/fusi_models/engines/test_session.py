"""What a user's Brian2 and numpy find after one of our runs, and that Ctrl-C ends it."""

import gc
import subprocess
import sys
import threading
import weakref

import brian2 as b2
import numpy as np
import pytest

from fusi_models import HiddenWeight, cascade
from fusi_models.engines.brian import simulate_brian
from fusi_models.engines.session import session

TIMES = np.array([0, 2])


@pytest.mark.parametrize("target", ["numpy", "cython"])
def test_the_users_random_numbers_go_on_as_if_nothing_had_run(target):
    np.random.seed(3)
    np.random.rand(5)
    expected = np.random.get_state()[1].copy(), np.random.get_state()[2]
    simulate_brian(HiddenWeight(2), TIMES, 20, 2, seed=1, target=target)
    after = np.random.get_state()
    np.testing.assert_array_equal(after[1], expected[0])
    assert after[2] == expected[1]


def test_a_users_half_built_standalone_program_survives(tmp_path):
    """In a process of its own, where a failure leaves no device behind."""
    code = f"""
import brian2 as b2, numpy as np
from fusi_models import plain
from fusi_models.engines.brian import simulate_brian
b2.prefs["codegen.cpp.extra_compile_args_gcc"] = ["-w", "-O0", "-std=c++11"]
b2.set_device("cpp_standalone", build_on_run=False, directory={str(tmp_path)!r})
b2.defaultclock.dt = 0.5*b2.ms
device = b2.get_device()
group = b2.NeuronGroup(3, "x : 1")
group.run_regularly("x += 1", dt=1*b2.ms)
network = b2.Network(group)
network.run(2*b2.ms)
for ours in ("numpy", "cpp_standalone"):
    curve = simulate_brian(plain(0.3), np.arange(3), 500, 20, seed=1, target=ours)  # all zero where it was not run
    assert np.allclose(curve.signal, [0.3, 0.21, 0.147], atol=0.04), curve.signal
assert b2.get_device() is device and not device.build_on_run
network.run(3*b2.ms)
device.build(directory={str(tmp_path)!r})
print(*np.array(group.x), float(b2.defaultclock.dt))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.split() == ["5.0", "5.0", "5.0", "0.0005"], run.stderr[-2000:]


def test_preferences_and_device_come_back_after_an_error():
    before = b2.prefs.codegen.target, b2.prefs.core.stop_on_keyboard_interrupt, b2.get_device()
    with pytest.raises(ZeroDivisionError), session("cython"):
        assert b2.prefs.codegen.target == "cython" and not b2.prefs.core.stop_on_keyboard_interrupt
        _ = 1 / 0
    assert before == (b2.prefs.codegen.target, b2.prefs.core.stop_on_keyboard_interrupt, b2.get_device())


def test_an_interrupt_is_raised_and_not_taken_for_the_end():
    """Brian2's own handler ends ``run`` early and returns: the second process shows that this is still so."""
    code = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # also in a job that ignores it
import brian2 as b2
from contextlib import nullcontext
from fusi_models.engines.session import session
with session("numpy") if sys.argv[1] == "ours" else nullcontext():
    group = b2.NeuronGroup(1, "x : 1", dt=1*b2.ms)
    @b2.network_operation(dt=1*b2.ms)
    def interrupt(t):
        if abs(t - 3*b2.ms) < 0.1*b2.ms:
            os.kill(os.getpid(), signal.SIGINT)
    try:
        b2.Network(group, interrupt).run(10*b2.ms)
        print("returned")
    except KeyboardInterrupt:
        print("raised")
print(b2.Network._globally_running)
"""
    shown = {}
    for who in ("ours", "plain"):
        run = subprocess.run([sys.executable, "-c", code, who], capture_output=True, text=True)
        shown[who] = run.stdout.split()
    assert shown == {"ours": ["raised", "False"], "plain": ["returned", "False"]}


def test_an_interrupt_before_an_object_is_in_its_network_says_nothing():
    """Earlier Brian2 warned of an object that was "never included in a network"."""
    code = (
        "import brian2 as b2\n"
        "from fusi_models.engines.session import session\n"
        "def cut():\n"
        "    with session():\n"
        "        group = b2.NeuronGroup(2, 'v : 1', name='mine')\n"
        "        raise KeyboardInterrupt\n"
        "try:\n    cut()\nexcept KeyboardInterrupt:\n    print('ended')"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, "ended\n", "")


def test_a_job_that_ignores_ctrl_c_goes_on():
    """Brian2's handler raised TypeError there: 'Handlers' object is not callable."""
    code = "import os, signal, fusi_models.engines.session; os.kill(os.getpid(), signal.SIGINT); print('goes on')"
    shell = f"trap '' INT; exec {sys.executable} -c \"{code}\""
    run = subprocess.run(["sh", "-c", shell], capture_output=True, text=True)
    assert run.stdout.strip() == "goes on", run.stderr[-500:]


def test_two_threads_do_not_share_the_random_stream():
    alone = [simulate_brian(cascade(2), TIMES, 30, 3, seed=s).signal for s in (1, 2)]
    found = {}

    def work(seed):
        found[seed] = simulate_brian(cascade(2), TIMES, 30, 3, seed=seed).signal

    threads = [threading.Thread(target=work, args=(s,)) for s in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(alone, [found[1], found[2]])


def test_an_unknown_target():
    with pytest.raises(ValueError, match="no Brian2 target 'gpu'"), session("gpu"):
        pass


def test_the_garbage_collector_passes_over_what_was_there_and_forgets_nothing():
    class Ring:
        """Refers to itself."""

    ring = Ring()
    ring.self, gone = ring, weakref.ref(ring)
    with session("numpy"):
        del ring
        assert gc.get_freeze_count() > 0
        gc.collect()
        assert gone() is not None
    assert gc.get_freeze_count() == 0
    gc.collect()
    assert gone() is None


def test_networks_that_were_dropped_between_sessions_do_not_pile_up():
    """Earlier each session passed over what the ones before had left: 1.5 MiB a learner, for ever."""

    class Ring(list):
        """Refers to itself."""

    alive = weakref.WeakSet()

    def left():
        ring = Ring()
        ring.extend([ring, *([] for _ in range(30_000))])  # as many objects as a learner of Brian2 and more
        alive.add(ring)
        return ring

    Ring.__hash__ = object.__hash__
    for _ in range(12):
        with session("numpy"):
            kept = left()
        del kept
    assert len(alive) < 9


def test_what_the_user_has_frozen_stays_so():
    gc.freeze()
    try:
        count = gc.get_freeze_count()
        with session("numpy"):
            pass
        assert gc.get_freeze_count() > 0.9 * count, "what dies leaves it"
    finally:
        gc.unfreeze()
