"""The channels of a Lava graph without a thread at each end: a message is one copy and two semaphores.

A channel is a queue of bounded length between two processes (Hoare 1978, communicating sequential processes): the
messages lie in shared memory, one semaphore counts those that wait, another the places that have become free. Lava's
own, ``PyPyChannel`` (0.10.0), has the same queue and semaphores; but a thread at each end carries every count over into
its own process, where two more locks hand it to the thread that computes. In a graph of small layers that is most of
the work: 64 inputs that teach 200 neurons in three replicas took 3.2 ms a time step with them and 1.3 ms without
(medians of four runs in turn, processor time of all processes), with the same messages in the same order.

``runtime`` gives them to a graph.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from multiprocessing import Semaphore
from typing import Any, final

import numpy as np

from neuromorph.lava import compat as compat  # before any lava module

from lava.magma.compiler.channels.interfaces import Channel  # isort: skip
from lava.magma.compiler.channels.pypychannel import CspRecvPort, CspSelector, CspSendPort, Proto  # isort: skip

LONGEST_PAUSE = 0.001  # between two looks at several channels


@final
class SendPort(CspSendPort):
    """The end of a channel that sends."""

    def start(self) -> None:
        """Called in the process that sends, before all others."""
        self._array, self._free, self._next = _places(self), self._size, 0

    def probe(self) -> bool:
        """Whether ``send`` would not block."""
        if not self._free and self._ack.acquire(block=False):
            self._free = 1
        return self._free > 0

    def send(self, data: np.ndarray) -> None:
        """Put a message into the channel; blocks while it is full. Raises ``ValueError`` for another shape."""
        if data.shape != self._shape:
            raise ValueError(f"the channel {self._name} carries {self._shape}, got {data.shape}.")
        if self._free:
            self._free -= 1
        else:
            self._ack.acquire()
        self._array[self._next][...] = data
        self._next = (self._next + 1) % self._size
        self._req.release()

    def join(self) -> None:
        """Nothing runs that would have to end."""


@final
class RecvPort(CspRecvPort):
    """The end of a channel that receives."""

    def start(self) -> None:
        """Called in the process that receives, before all others."""
        self._array, self._here, self._next = _places(self), 0, 0

    def probe(self) -> bool:
        """Whether ``recv`` would not block."""
        if not self._here and self._req.acquire(block=False):
            self._here = 1
        return self._here > 0

    def wait(self) -> None:
        """Return when there is a message."""
        if not self._here:
            self._req.acquire()
            self._here = 1

    def peek(self) -> np.ndarray:
        """A copy of the next message, which stays; blocks until there is one."""
        self.wait()
        return self._array[self._next].copy()

    def recv(self) -> np.ndarray:
        """A copy of the next message, which is taken out; blocks until there is one."""
        message = self.peek()
        self._here -= 1
        self._next = (self._next + 1) % self._size
        self._ack.release()
        return message

    def join(self) -> None:
        """Nothing runs that would have to end."""


def _places(port: SendPort | RecvPort) -> list[np.ndarray]:
    """The messages' places in the memory that both ends share."""
    shape, dtype, step = port._shape, port._dtype, port._nbytes
    return [np.ndarray(shape, dtype, port._shm.buf, step * k) for k in range(port._size)]


@final
class DirectChannel(Channel):
    """A channel of ``size`` places for messages of one shape and type; arguments as of Lava's ``PyPyChannel``."""

    def __init__(
        self,
        infrastructure: Any,
        source: str,
        target: str,
        shape: tuple[int, ...],
        dtype: Any,
        size: int,
        *watchdogs: Any,
    ) -> None:
        step = int(np.prod(shape)) * np.dtype(dtype).itemsize
        memory = infrastructure.smm.create_shared_memory(step * size)
        common = (memory, Proto(shape, dtype, step), size, Semaphore(0), Semaphore(0))
        send, send_end, recv, recv_end = watchdogs or (None,) * 4
        self.ends = SendPort(source, *common, send, send_end), RecvPort(target, *common, recv, recv_end)

    @property
    def src_port(self) -> SendPort:
        """Where it begins."""
        return self.ends[0]

    @property
    def dst_port(self) -> RecvPort:
        """Where it ends."""
        return self.ends[1]


@final
class Selector(CspSelector):
    """Waits for the first of several channels; for a single one without looking twice."""

    def select(self, *channel_actions: tuple[Any, Callable[[], Any]]) -> Any:
        """The answer of the action of the first channel that is ready."""
        if len(channel_actions) == 1 and isinstance(channel_actions[0][0], RecvPort):
            channel_actions[0][0].wait()
        pause = 1e-5
        while True:
            for port, action in channel_actions:
                if port.probe():
                    return action()
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
