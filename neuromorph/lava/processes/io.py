"""Host-side ends of a graph: a source that holds the data set and a recorder of spikes.

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


class MessageSource(AbstractProcess):
    """Sends ``messages`` [row, ...], each row for ``hold`` steps, then zeros.

    The data lie in proc_params, which the fork shares.
    """

    def __init__(self, *, messages: np.ndarray, hold: int = 1) -> None:
        super().__init__(messages=messages, hold=hold)
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

    def run_spk(self) -> None:
        row = (self.time_step - 1) // self.hold
        self.s_out.send(self.messages[row] if row < len(self.messages) else np.zeros_like(self.messages[0]))


class SpikeRecorder(AbstractProcess):
    """Writes the spikes of steps ``lag`` + 1 ... ``lag`` + ``steps`` into ``recorded`` [step, *shape], uint8.

    ``recorded`` is anonymous memory shared with the forked model, because ``Var.get`` moves one scalar per message.
    """

    def __init__(self, *, shape: tuple[int, ...], steps: int, lag: int) -> None:
        size = steps * int(np.prod(shape))
        shared = mmap.mmap(-1, max(1, size))
        self.recorded = np.frombuffer(shared, np.uint8, count=size).reshape(steps, *shape)
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
            self.recorded[row] = spikes != 0
