"""Carries the errors of the output layer back to a hidden one by fixed weights (``local_rule.random_feedback``)."""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from neuromorph.local_rule.random_feedback import hidden_error


class RandomFeedback(AbstractProcess):
    """``weights`` [hidden, unit]; ports [replica, ...]. The error comes ``lag`` + num_steps steps after a presentation
    of ``period`` steps begins; hidden spikes come one step after each frame.
    """

    def __init__(self, weights: np.ndarray, replicas: int, margin: int, num_steps: int, period: int, lag: int):
        super().__init__(weights=weights, replicas=replicas, margin=margin, num_steps=num_steps, period=period, lag=lag)
        hidden, units = weights.shape
        self.s_in = InPort(shape=(replicas, hidden))
        self.err_in = InPort(shape=(replicas, units))
        self.err_out = OutPort(shape=(replicas, hidden))


@implements(proc=RandomFeedback, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyRandomFeedback(PyLoihiProcessModel):
    """``RandomFeedback`` on the CPU."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    err_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    err_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        names = ("weights", "margin", "num_steps", "period", "lag")
        self.weights, self.margin, self.num_steps, self.period, self.lag = (proc_params[name] for name in names)
        self.counts = np.zeros((proc_params["replicas"], len(self.weights)), np.int32)

    def run_spk(self) -> None:
        k = self.time_step - 2  # the frame that the hidden neurons see
        if k >= 0 and k % self.period == 0:
            self.counts[...] = 0
        self.counts += self.s_in.recv() > 0
        err = self.err_in.recv()
        self.err_out.send(hidden_error(err, self.counts, self.weights, self.margin, self.num_steps))
