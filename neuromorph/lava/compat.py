"""The one door to lava-nc: import this module before any ``lava`` module.

lava-nc 0.10.0 is archived, so what it lacks is mended here, narrowly, and only while its modules are imported:

* From Python 3.11 a dataclass field may not default to an unhashable instance; lava uses instances of its dataclass
  ``ByteEncoder`` as defaults. That one class gets a hash.
* Importing its runtime calls ``multiprocessing.set_start_method("fork")``, which raises where a start method was chosen
  before (a joblib or Dask worker). Lava needs "fork", so the call replaces the earlier choice instead of raising.
* The destructors of processes and runtimes fail where a signal left them half made: what they ask for has a default.
"""

from __future__ import annotations

import dataclasses
import importlib
import multiprocessing
import multiprocessing.util
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from neuromorph.lava import INSTALL, installed

LEASH_SECONDS = 0.5  # how often a process of a graph looks whether its parent is still there
HELD_SECONDS = 10.0  # how long a signal waits for forks: one of the forked may be dead, or never answer
LONGEST_PAUSE = 0.005  # how often the parent looks whether the graph has answered, at least
PROGRESS_PARTS = 50


@contextmanager
def _mended() -> Iterator[None]:
    """Give ``ByteEncoder`` a hash and let ``set_start_method`` repeat itself; both originals are restored."""
    dataclass, set_start_method = dataclasses.dataclass, multiprocessing.set_start_method

    def hashed_dataclass(cls: Any = None, /, **options: Any) -> Any:
        if cls is None:
            return lambda cls: hashed_dataclass(cls, **options)
        if (cls.__module__, cls.__name__) == ("lava.magma.compiler.var_model", "ByteEncoder"):
            options["unsafe_hash"] = True
        return dataclass(cls, **options)

    def repeatable_start_method(method: str | None, force: bool = True) -> None:
        set_start_method(method, force=True)

    dataclasses.dataclass = hashed_dataclass
    multiprocessing.set_start_method = repeatable_start_method
    try:
        yield
    finally:
        dataclasses.dataclass = dataclass
        multiprocessing.set_start_method = set_start_method


def _import_lava() -> None:
    try:
        with _mended():
            importlib.import_module("lava.magma.compiler.var_model")
            importlib.import_module("lava.magma.runtime.message_infrastructure.multiprocessing")
            importlib.import_module("lava.magma.core.process.process").AbstractProcess._runtime = None
            importlib.import_module("lava.magma.runtime.runtime").Runtime._is_started = False
    except ModuleNotFoundError as error:
        if installed():  # something of it, or that it needs, is missing
            raise
        raise ImportError(f"lava-nc is not installed; {INSTALL}") from error


_import_lava()


@contextmanager
def running(
    process: Any, run_cfg: Any, timeout: float | None = None, label: str | None = None
) -> Iterator[Callable[[int], None]]:
    """Run a Lava graph and stop it whatever happens: an exception, Ctrl-C, a death in the graph, or of this process.

    ``process`` is any process of the connected graph, ``run_cfg`` e.g. ``Loihi2SimCfg(select_tag="fixed_pt")``. Yields
    ``run(steps)``, which compiles the graph at its first call and returns when the steps are done. ``timeout``: seconds
    that all of it may take; ``label``: names a progress bar. The graph cannot be run again after the block; read its
    variables inside. Raises RuntimeError when a process model raises (Lava prints its traceback on stdout),
    ChildProcessError when a process of the graph is killed, TimeoutError when the time is over (a port waits for a
    message that nobody sends, or the network is too large for the time).
    """
    from lava.magma.core.run_conditions import RunSteps

    from neuromorph.lava.runtime import start

    end = None if timeout is None else time.monotonic() + timeout

    def run(steps: int) -> None:
        from tqdm.auto import trange

        chunk = steps if label is None else max(1, steps // PROGRESS_PARTS)
        if process.runtime is None:  # here Lava forks
            with _held_back():
                start(process, run_cfg)
        for done in trange(0, steps, chunk, desc=label, disable=label is None or None, leave=False):
            process.run(RunSteps(num_steps=min(chunk, steps - done), blocking=False), run_cfg)
            _answered(process.runtime, end, timeout)
            process.runtime.wait()

    # Lava forks its processes in the first call of ``run``; each of them then ends when this one does.
    leash = _Leash(os.getpid())
    multiprocessing.util.register_after_fork(leash, _Leash.follow)
    try:
        yield run
        _stop(process.runtime, end, timeout)  # Ctrl-C may fall on this, too
    except BaseException:
        _abort(process)
        raise
    finally:
        del leash  # its registration goes with it
        _forget(process.runtime)


def _forget(runtime: Any) -> None:
    """Take a graph that has ended off Lava's lists of all processes and variables ever made, which would keep it, its
    channels and its memory for as long as this process lives."""
    from lava.magma.core.process.process import ProcessServer
    from lava.magma.core.process.variable import VarServer

    if runtime is not None:
        processes, variables = ProcessServer().processes, VarServer().vars
        processes[:] = [one for one in processes if one.runtime is not runtime]
        variables[:] = [one for one in variables if one.process is None or one.process.runtime is not runtime]


@contextmanager
def _held_back() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait until forked processes have left them to this one.

    One that falls on a fork is swallowed there, or reaches a child that is not shielded yet. A second one does not
    wait: what is awaited may be dead. The first comes again by itself when ``HELD_SECONDS`` are over.
    """
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield
        return
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    own = {number: handler for number, handler in handlers.items() if callable(handler)}
    waiting: list[int] = []
    timers: list[threading.Timer] = []

    def wait(number: int, frame: Any) -> None:
        waiting.append(number)
        if len(waiting) > 1:
            own[signal.Signals(number)](number, frame)
            return
        timers.append(threading.Timer(HELD_SECONDS, os.kill, (os.getpid(), number)))
        timers[0].daemon = True
        timers[0].start()

    for number in own:
        signal.signal(number, wait)
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()
        for number, handler in own.items():
            signal.signal(number, handler)
    if waiting:
        own[signal.Signals(waiting[0])](waiting[0], None)


class _Leash:
    """What a forked child of ``parent`` does first: leave Ctrl-C to the parent, and end when the parent is gone."""

    def __init__(self, parent: int):
        self.parent = parent

    def follow(self) -> None:
        if os.getppid() == self.parent:  # not in processes that a user's thread forks from those
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)  # not the handler of a command that it is a copy of
            threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while os.getppid() == self.parent:
            time.sleep(LEASH_SECONDS)
        os._exit(1)


def _answered(runtime: Any, end: float | None, timeout: float | None) -> None:
    """Return when the graph has answered what it was told; look meanwhile whether it still can."""
    pause = 1e-5
    while not all(port.probe() for port in runtime.service_to_runtime):
        for actor in runtime._messaging_infrastructure.actors:
            if actor.exitcode:  # a model that raises reports it itself and exits with 0
                raise ChildProcessError(
                    f"a process of the Lava graph died (exit code {actor.exitcode}), perhaps for want of memory: "
                    "run fewer samples at a time or a smaller network"
                )
        if end is not None and time.monotonic() > end:
            raise TimeoutError(
                f"the Lava graph did not finish within {timeout:g} s: allow it more time or give it fewer samples; if "
                "it never finishes, one of its ports waits for a message that nobody sends"
            )
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def _stop(runtime: Any, end: float | None, timeout: float | None) -> None:
    """What Lava's ``Runtime.stop`` does, which waits for ever for processes that died, or that a signal left untold:
    whatever cut it, it joins them in its ``finally``."""
    from lava.magma.runtime.mgmt_token_enums import MGMT_COMMAND, MGMT_RESPONSE, enum_equal

    if runtime is None or not runtime._is_started:
        return
    for port in runtime.runtime_to_service:
        port.send(MGMT_COMMAND.STOP)
    _answered(runtime, end, timeout)
    if not all(enum_equal(port.recv(), MGMT_RESPONSE.TERMINATED) for port in runtime.service_to_runtime):
        raise RuntimeError("the Lava graph ended with an error: see what its process printed")
    runtime.join()
    runtime._is_started = False  # its destructor has nothing to do
    runtime._messaging_infrastructure.stop()
    runtime._watchdog_manager.stop()


def _abort(process: Any) -> None:
    """End the processes of a graph, of which some may be dead."""
    runtime = process.runtime
    if runtime is None or runtime._messaging_infrastructure is None:
        return
    runtime._is_started = False  # its destructor would ask the dead to stop
    living = [actor for actor in runtime._messaging_infrastructure.actors if _alive(actor)]
    for actor in living:  # all, before one is waited for
        actor.kill()
    for actor in living:
        actor.join()
    for actor in runtime._messaging_infrastructure.actors:
        actor._is_done = True  # the destructor would wait for it again, closed or not


def _alive(actor: Any) -> bool:
    with suppress(ValueError):  # closed, when the signal came before Lava had noted it
        return not actor._is_done and actor.is_alive()
    return False
