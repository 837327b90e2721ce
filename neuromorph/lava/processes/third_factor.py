"""The error of the local rule as the third factors of a stock learning synapse.

A presentation of ``period`` steps is num_steps frames and then blanks; when its last frame has reached the neurons, y2
is ``size`` for a unit with error +1 and y3 for one with -1, in that time step only, which has to end a learning epoch.
"""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


class ThirdFactors(AbstractProcess):
    """``labels`` [presentation]; ``spikes``: shared bool [presentation, num_steps, unit]; ``rule``: the LayerRule."""

    def __init__(self, *, labels: np.ndarray, spikes: np.ndarray, rule, period: int, size: int) -> None:
        super().__init__(labels=labels, spikes=spikes, rule=rule, period=period, size=size)
        units = spikes.shape[2:]
        self.s_in = InPort(shape=units)
        self.y2_out = OutPort(shape=units)
        self.y3_out = OutPort(shape=units)


@implements(proc=ThirdFactors, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyThirdFactors(PyLoihiProcessModel):
    """``ThirdFactors`` on the CPU."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    y2_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    y3_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.labels, self.spikes = proc_params["labels"], proc_params["spikes"]
        self.rule, self.period, self.size = proc_params["rule"], proc_params["period"], proc_params["size"]

    def run_spk(self) -> None:
        s = self.s_in.recv() > 0
        e = np.zeros(s.shape, np.int32)
        presentation, step = divmod(self.time_step - 2, self.period)  # the synapse delays by one step
        if 0 <= presentation < len(self.spikes) and step < self.rule.num_steps:
            self.spikes[presentation, step] = s
            if step == self.rule.num_steps - 1:
                e += self.rule.error(self.spikes[presentation].sum(0), self.labels[presentation])
        self.y2_out.send(self.size * (e > 0).astype(np.int32))
        self.y3_out.send(self.size * (e < 0).astype(np.int32))
