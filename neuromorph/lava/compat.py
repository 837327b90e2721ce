"""The one door to lava-nc: import this module before any ``lava`` module.

lava-nc 0.10.0 is archived, so what it lacks is mended here, narrowly, and only while its modules are imported:

* From Python 3.11 a dataclass field may not default to an unhashable instance; lava uses instances of its dataclass
  ``ByteEncoder`` as defaults. That one class gets a hash.
* Importing its runtime calls ``multiprocessing.set_start_method("fork")``, which raises where a start method was chosen
  before (a joblib or Dask worker). Lava needs "fork", so the call replaces the earlier choice instead of raising.
"""

from __future__ import annotations

import dataclasses
import importlib
import multiprocessing
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

STOP_SECONDS = 3.0  # a healthy graph stops within 0.1 s; one whose processes died never answers


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
    except ModuleNotFoundError as error:
        if error.name not in ("lava", "lava.magma"):
            raise
        raise ImportError(
            "lava-nc is not installed; inside a checkout of neuromorph run `uv pip install --group lava` "
            "(pip itself refuses lava-nc above Python 3.10)."
        ) from error


_import_lava()


@contextmanager
def running(process: Any, run_cfg: Any) -> Iterator[Callable[[int], None]]:
    """Run a Lava graph and stop it whatever happens, also on an exception or Ctrl-C.

    ``process`` is any process of the connected graph, ``run_cfg`` e.g. ``Loihi2SimCfg(select_tag="fixed_pt")``. Yields
    ``run(steps)``, which compiles the graph at its first call and returns when the steps are done. The graph cannot be
    run again after the block; read its variables inside. Raises RuntimeError when a process model raises (Lava prints
    the model's traceback on stdout).
    """
    from lava.magma.core.run_conditions import RunSteps

    try:
        yield lambda steps: process.run(condition=RunSteps(num_steps=steps), run_cfg=run_cfg)
    except BaseException:
        _abort(process)
        raise
    process.stop()


def _abort(process: Any) -> None:
    """Stop a graph of which some processes may be dead: ask, wait, then end those that this graph started."""
    runtime = process.runtime
    if runtime is None:
        return
    actors = list(runtime._messaging_infrastructure.actors)
    asking = threading.Thread(target=_stop_quietly, args=(process,), daemon=True)
    asking.start()
    asking.join(STOP_SECONDS)
    if asking.is_alive():
        for actor in actors:
            if not actor._is_done and actor.is_alive():
                actor.kill()
        runtime._messaging_infrastructure.smm.shutdown()


def _stop_quietly(process: Any) -> None:
    with suppress(Exception):  # the error that led here is the one to show
        process.stop()
