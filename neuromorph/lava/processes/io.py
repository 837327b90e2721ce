"""Host-side ends of a graph: a source that holds the data set and a recorder of spikes.

What the parent reads back after a run lies in memory shared by the fork: a Lava ``Var`` moves one scalar a message.

Time steps of Lava count from 1. The source sends row t - 1 at step t; layer l (from 1) answers it at step t + l.
"""

import mmap

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


def shared_array(values: np.ndarray) -> np.ndarray:
    """A copy of ``values`` in anonymous memory that processes forked from this one write into."""
    memory = np.frombuffer(mmap.mmap(-1, max(values.nbytes, 1)), values.dtype, values.size).reshape(values.shape)
    memory[...] = values
    return memory


class MessageSource(AbstractProcess):
    """Sends ``messages`` [row, ...], integers, each row for ``hold`` steps, then zeros or, ``forever``, the last.

    The data lie in proc_params, which the fork shares.
    """

    def __init__(self, *, messages: np.ndarray, hold: int = 1, forever: bool = False) -> None:
        super().__init__(messages=messages, hold=hold, forever=forever)
        self.s_out = OutPort(shape=messages.shape[1:])


@implements(proc=MessageSource, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "floating_pt")
class PyMessageSource(PyLoihiProcessModel):
    """``MessageSource`` on the CPU."""

    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.messages, self.hold = proc_params["messages"], proc_params["hold"]
        self.after = self.messages[-1:] if proc_params["forever"] else np.zeros((1, *self.messages.shape[1:]))

    def run_spk(self) -> None:
        row = (self.time_step - 1) // self.hold
        sent = self.messages[row] if row < len(self.messages) else self.after[0]
        self.s_out.send(sent.astype(np.int32, copy=False))


class SpikeRecorder(AbstractProcess):
    """Writes what comes in steps ``lag`` + 1 ... ``lag`` + ``steps`` into ``recorded``, shared [step, *shape].

    ``kind``: bool for spikes; an integer type for messages of any size.
    """

    def __init__(self, *, shape: tuple[int, ...], steps: int, lag: int, kind: type = bool) -> None:
        self.recorded = shared_array(np.zeros((steps, *shape), kind))
        super().__init__(recorded=self.recorded, lag=lag)
        self.s_in = InPort(shape=shape)


@implements(proc=SpikeRecorder, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "floating_pt")
class PySpikeRecorder(PyLoihiProcessModel):
    """``SpikeRecorder`` on the CPU."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.recorded = proc_params["recorded"]
        self.lag = proc_params["lag"]

    def run_spk(self) -> None:
        spikes = self.s_in.recv()
        row = self.time_step - 1 - self.lag
        if 0 <= row < len(self.recorded):
            self.recorded[row] = spikes
