"""Synapses that do not learn, for many samples at once: stock neurons take a leading batch axis, stock Dense does not.

Fixed point as in ``activation``; floating point (W s) 2^weight_exp. Sends before it receives, so that a connection
delays by one step like the stock one.
"""

from collections import deque

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from neuromorph.lava.processes.activation import shifted


class BatchedDense(AbstractProcess):
    """``weights`` [out, in] as the stock Dense takes them (mixed signs even), an array or a scipy.sparse matrix, with
    ports [batch, ...]; or [replica, out, in], networks side by side, with ports [batch, replica, ...].

    ``largest``: no sum of weights times messages exceeds it; below 2^24 the products run, exactly, in float32.
    ``wait``: steps of delay beyond the one of every connection.
    """

    def __init__(self, *, weights: np.ndarray, weight_exp: int, batch: int, largest: int, wait: int = 0) -> None:
        super().__init__(weights=weights, weight_exp=weight_exp, batch=batch, largest=largest, wait=wait)
        *replicas, outputs, inputs = weights.shape
        self.s_in = InPort(shape=(batch, *replicas, inputs))
        self.a_out = OutPort(shape=(batch, *replicas, outputs))


class _BatchedModel(PyLoihiProcessModel):
    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        kind = np.float32 if proc_params["largest"] < 2**24 else np.float64
        weights = proc_params["weights"].astype(kind)
        self.weights = [weights] if weights.ndim == 2 else list(weights)
        self.weight_exp, self.shape = proc_params["weight_exp"], (proc_params["batch"], *weights.shape[:-1])
        nothing = self.activation(np.zeros(self.shape, kind))
        self.sent = deque([nothing] * (1 + proc_params["wait"]))

    def run_spk(self) -> None:
        self.a_out.send(self.sent.popleft())
        s = self.s_in.recv().astype(self.weights[0].dtype)
        s = s.reshape(len(s), len(self.weights), -1)
        products = [s[:, k] @ matrix.T for k, matrix in enumerate(self.weights)]
        self.sent.append(self.activation(np.stack(products, 1).reshape(self.shape)))


@implements(proc=BatchedDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyBatchedFixed(_BatchedModel):
    """``BatchedDense`` in the chip's integers."""

    a_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)

    def activation(self, total: np.ndarray) -> np.ndarray:
        return shifted(total, self.weight_exp)


@implements(proc=BatchedDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyBatchedFloat(_BatchedModel):
    """``BatchedDense`` in floating point."""

    a_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)

    def activation(self, total: np.ndarray) -> np.ndarray:
        return total.astype(np.float64) * 2.0**self.weight_exp
