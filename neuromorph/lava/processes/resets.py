"""Neurons whose reset stock Lava lacks, for a host: ``LIFReset`` with the resets of ``reference.py``. Not on the chip.

With r = 1 where the kept membrane exceeds the threshold: "subtract" v <- v - r theta before the spike is taken;
"subtract now" besides v <- v - (s - r) theta after it; "hold" v <- 0 where r = 1; "none" keeps v. Source: snnTorch
1.0.0, ``Leaky``, ``Synaptic`` and ``RLeaky`` (derived here for the chip's integers).
"""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.lif.models import AbstractPyLifModelFixed, AbstractPyLifModelFloat
from lava.proc.lif.process import LIFReset


class OtherReset(LIFReset):
    """``LIFReset`` that resets as ``kind`` says."""

    def __init__(self, *, kind: str, **values) -> None:
        super().__init__(**values)
        self.proc_params["kind"] = kind


def _run(model, theta) -> None:
    """One step of a process model of ``OtherReset``, from its ports to its ports."""
    received, values = model.a_in.recv(), model.proc_params
    if model.time_step % values["reset_interval"] == values["reset_offset"] % values["reset_interval"]:
        model.u *= 0
        model.v *= 0
    kind, late = values["kind"], model.v > theta
    model.subthr_dynamics(activation_in=received)
    if kind == "hold":
        model.v[late] = 0
    elif kind != "none":
        model.v -= (late * theta).astype(model.v.dtype)
    spikes = model.v > theta
    if kind == "subtract now":
        model.v -= ((spikes.astype(np.int8) - late) * theta).astype(model.v.dtype)
    model.s_out.send(spikes)


@implements(proc=OtherReset, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyOtherResetFixed(AbstractPyLifModelFixed):
    """``OtherReset`` in the chip's integers."""

    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    vth: int = LavaPyType(int, np.int32, precision=17)

    def run_spk(self) -> None:
        self.scale_bias()
        _run(self, np.left_shift(self.vth, self.vth_shift))


@implements(proc=OtherReset, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyOtherResetFloat(AbstractPyLifModelFloat):
    """``OtherReset`` in floating point."""

    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    vth: float = LavaPyType(float, float)

    def run_spk(self) -> None:
        _run(self, self.vth)
