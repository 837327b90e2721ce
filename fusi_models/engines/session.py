"""Brian2 keeps a device, preferences and a random stream for the whole process; here they are borrowed and given back.

Everything of this project that runs Brian2 does so inside ``session``. Meanwhile

* the code is generated for the wanted target; "cpp_standalone" gets a device and a folder of its own, so that the
  user's standalone device, which may hold a half-built program, is not touched;
* Ctrl-C raises ``KeyboardInterrupt``. Brian2's own handler would end ``Network.run`` early and let it return, and the
  numbers of a cut run look like those of a whole one;
* numpy's global random stream, from which Brian2 draws, is ours; it goes back to where it was. One thread at a time;
* on "numpy", the garbage collector, which Brian2 calls before every run, passes over what was there before: with torch
  loaded it took 0.2 s a run. Not on "cython": an object that waits for it keeps its name, and compiled code is found by
  names.
"""

import gc
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Literal, get_args

import numpy as np
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import reset_device, runtime_device

from fusi_models.engines.package import b2

Target = Literal["numpy", "cython", "cpp_standalone"]
TARGETS: tuple[Target, ...] = get_args(Target)

GROWTH = 1.1

_alone = threading.RLock()
_born = gc.get_freeze_count()  # of the interpreter's own, from Python 3.12 on
_living = 0  # objects that the last full collection left

if b2._int_handler.previous_handler in (signal.SIG_IGN, signal.SIG_DFL) and (
    threading.current_thread() is threading.main_thread()
):  # in a job that ignores Ctrl-C Brian2 puts its handler, which then calls a number in place of a function
    signal.signal(signal.SIGINT, b2._int_handler.previous_handler)


def check_target(target: str) -> None:
    """Raise ``ValueError`` for a target that Brian2 does not have."""
    if target not in TARGETS:
        raise ValueError(f"There is no Brian2 target '{target}': choose one of {', '.join(TARGETS)}.")


@contextmanager
def session(target: Target = "numpy") -> Iterator[str]:
    """Brian2 on ``target`` within a ``with`` block; gives the folder of the standalone program, else "".

    Under "cpp_standalone" nothing runs before ``brian2.device.build(directory=folder)``.
    Raises ``ValueError`` for an unknown target; another thread waits until this one has left the block.
    """
    check_target(target)
    with _alone, ExitStack() as stack:
        stack.callback(_give_back, b2.prefs.codegen.target, b2.prefs.core.stop_on_keyboard_interrupt)
        stack.callback(np.random.set_state, np.random.get_state())
        b2.prefs.core.stop_on_keyboard_interrupt = False
        if target == "numpy" and gc.get_freeze_count() <= _born:  # else the user has frozen something
            _freeze()
            stack.callback(_thaw)
        device, limit = b2.get_device(), b2.get_device()._maximum_run_time
        folder = ""
        if target == "cpp_standalone":
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="brian2-"))
            b2.set_device(CPPStandaloneDevice(), directory=folder, build_on_run=False)
        else:
            b2.prefs.codegen.target = target
            b2.set_device(runtime_device)
        stack.callback(device._set_maximum_run_time, limit)
        stack.callback(reset_device)
        try:
            yield folder
        except KeyboardInterrupt:  # what was not yet in a network is no mistake of the user's
            b2.BrianLogger.suppress_name("unused_brian_object")
            raise


def _freeze() -> None:
    """Pass over what is there, after a collection where it has grown by a tenth: networks of earlier sessions that
    their users have dropped since lie among it, and would be passed over for ever."""
    global _living
    gc.freeze()
    if gc.get_freeze_count() > GROWTH * _living:
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        _living = gc.get_freeze_count()


def _thaw() -> None:
    gc.collect()  # of what this session has made, so that networks do not pile up
    gc.unfreeze()


def _give_back(target: str, stop: bool) -> None:
    b2.prefs.codegen.target = target
    b2.prefs.core.stop_on_keyboard_interrupt = stop
    b2.Network._globally_running = False  # an interrupted run leaves it, and the next Ctrl-C would be swallowed
    runtime_device.rand_buffer_index[:] = 0  # what cython has drawn ahead belongs to our stream
    runtime_device.randn_buffer_index[:] = 0
