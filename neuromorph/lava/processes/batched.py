"""Synapses that do not learn, for many samples at once: stock neurons take a leading batch axis, stock Dense does not.

a = (We s) << weight_exp, or >> -weight_exp (floor) in fixed point; W s in floating point. Sends before it receives, so
that a connection delays by one step like the stock one.
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


class BatchedDense(AbstractProcess):
    """``weights`` [out, in] as the stock Dense takes them (mixed signs even), an array or a scipy.sparse matrix; ports
    [batch, ...].

    ``largest``: no sum of weights times messages exceeds it; below 2^24 the products run, exactly, in float32.
    """

    def __init__(self, *, weights: np.ndarray, weight_exp: int, batch: int, largest: int) -> None:
        super().__init__(weights=weights, weight_exp=weight_exp, batch=batch, largest=largest)
        self.s_in = InPort(shape=(batch, weights.shape[1]))
        self.a_out = OutPort(shape=(batch, weights.shape[0]))


class _BatchedModel(PyLoihiProcessModel):
    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        kind = np.float32 if proc_params["largest"] < 2**24 else np.float64
        self.weights = proc_params["weights"].T.astype(kind)
        self.weight_exp = proc_params["weight_exp"]
        self.sent = self.activation(np.zeros((proc_params["batch"], self.weights.shape[1]), kind))

    def run_spk(self) -> None:
        self.a_out.send(self.sent)
        self.sent = self.activation(self.s_in.recv().astype(self.weights.dtype) @ self.weights)


@implements(proc=BatchedDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyBatchedFixed(_BatchedModel):
    """``BatchedDense`` in the chip's integers."""

    a_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)

    def activation(self, total: np.ndarray) -> np.ndarray:
        total = total.astype(np.int32)
        return total << self.weight_exp if self.weight_exp > 0 else total >> -self.weight_exp


@implements(proc=BatchedDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyBatchedFloat(_BatchedModel):
    """``BatchedDense`` in floating point."""

    a_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)

    def activation(self, total: np.ndarray) -> np.ndarray:
        return total.astype(np.float64) * 2.0**self.weight_exp
