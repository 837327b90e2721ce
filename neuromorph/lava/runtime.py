"""Starts a Lava graph with channels and memory of this project; all that runs in it is Lava's.

A runtime of Lava (0.10.0) takes its processes, shared memory and channels from a message infrastructure. Here that one
gives ``channels.DirectChannel``, and anonymous memory that the forked processes share, which needs no server process
and is gone with them. The compiler, the runtime, its service and the process models are not touched; but the
service's and the models' wait for one of several channels is, in the forked processes alone.

To find the model of a process, Lava's compiler executes every file of its folder, at each compilation. A model that it
has once chosen for a class of processes is named to it the next time (``exception_proc_model_map``).
"""

from __future__ import annotations

import copy
import mmap
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, final

from neuromorph.lava import compat as compat  # before any lava module
from neuromorph.lava.channels import DirectChannel, Selector

from lava.magma.compiler.channels.interfaces import Channel, ChannelType  # isort: skip
from lava.magma.compiler.compiler_graphs import find_processes  # isort: skip
from lava.magma.core.model.py import model as process_models  # isort: skip
from lava.magma.core.process.message_interface_enum import ActorType  # isort: skip
from lava.magma.core.run_configs import AbstractLoihiRunCfg  # isort: skip
from lava.magma.runtime.message_infrastructure.multiprocessing import MultiProcessing, SystemProcess  # isort: skip
from lava.magma.runtime.runtime import Runtime  # isort: skip
from lava.magma.runtime.runtime_services import runtime_service  # isort: skip

_CHOSEN: dict[tuple[Any, ...], type] = {}


def start(process: Any, run_cfg: AbstractLoihiRunCfg) -> None:
    """Compile the graph of ``process`` and fork it, as ``process.create_runtime(run_cfg)`` does."""
    how, named = (type(run_cfg), run_cfg.select_tag, run_cfg.select_sub_proc_model), run_cfg.exception_proc_model_map
    free = [one for one in find_processes(process) if one not in named and type(one) not in named]
    run_cfg = copy.copy(run_cfg)
    known = {one: _CHOSEN[how, type(one)] for one in free if (how, type(one)) in _CHOSEN}
    run_cfg.exception_proc_model_map = {**known, **named}
    executable = process.compile(run_cfg)
    for one in free:
        if one in executable.proc_builders:  # else it is made of others
            _CHOSEN[how, type(one)] = executable.proc_builders[one].proc_model
    runtime = _DirectRuntime(executable, ActorType.MultiProcessing, loglevel=process._log_config.level)
    executable.assign_runtime_to_all_processes(runtime)
    runtime.initialize()


@final
class _DirectRuntime(Runtime):
    def _build_message_infrastructure(self) -> None:
        self._messaging_infrastructure = Messages()
        self._messaging_infrastructure.start()


@final
class Memory:
    """Lava's ``SharedMemoryManager``, for processes that are forked from this one."""

    def create_shared_memory(self, size: int) -> SimpleNamespace:
        """``size`` bytes, as ``buf``."""
        return SimpleNamespace(buf=mmap.mmap(-1, max(size, 1)))

    def shutdown(self) -> None:
        """The memory ends with the last process that has it."""


@final
class Messages(MultiProcessing):
    """Lava's processes, with these channels between those of Python."""

    def start(self) -> None:
        """Before the first channel."""
        self._smm = Memory()

    def channel_class(self, channel_type: ChannelType) -> type[Channel]:
        """For ``channel_type``."""
        return DirectChannel if channel_type == ChannelType.PyPy else super().channel_class(channel_type)

    def build_actor(self, target_fn: Callable[..., None], builder: Any, exception_q: Any = None) -> Any:
        """Fork a process of the graph: known before there is one, and, a daemon, not waited for where Python ends."""
        given = {"builder": builder, "exception_q": exception_q}
        actor = SystemProcess(target=partial(_in_actor, target_fn), kwargs=given, daemon=True)
        self._actors.append(actor)
        actor.start()
        return actor


def _in_actor(target: Callable[..., None], **given: Any) -> None:
    process_models.CspSelector = runtime_service.CspSelector = Selector  # of this forked process only
    target(**given)
