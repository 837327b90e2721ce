"""Lava processes of the local rules (``neuromorph.local_rule.layer``): plastic synapses and the error they learn from.

Every connection of these graphs costs one step: at time step t (from 1) the neurons see raster
frame t - 2.
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

from neuromorph.lava.processes.activation import shifted
from neuromorph.local_rule import chance
from neuromorph.local_rule.layer import events

LAG = 1  # steps from a source frame to the neurons behind a synapse process, beyond the source's own step


class PlasticDense(AbstractProcess):
    """Synapses that learn: a_out = w s; makes their transitions when errors arrive.

    ``synapse``: the SynapseModel; ``states``: shared array [replica, unit, input, ...]; ``seeds``, ``presented``,
    ``layer``: name the random stream of each presentation (``local_rule.chance``); ``rule``: the LayerRule;
    ``period``: of a presentation and the blanks behind it (none if 0); ``lag``: synapses between the source and the
    neurons that err.
    """

    def __init__(
        self,
        synapse,
        states: np.ndarray,
        rule,
        seeds: tuple[int, ...],
        presented: int,
        period: int = 0,
        lag: int = LAG,
        layer: int = 0,
    ):
        super().__init__(
            synapse=synapse,
            states=states,
            rule=rule,
            seeds=seeds,
            presented=presented,
            period=period or rule.num_steps,
            lag=lag,
            layer=layer,
        )
        replicas, units, inputs = states.shape[:3]
        self.s_in = InPort(shape=(replicas, inputs))
        self.err_in = InPort(shape=(replicas, units))
        self.a_out = OutPort(shape=(replicas, units))


class ErrorReadout(AbstractProcess):
    """Counts spikes, records them, and sends the error of a presentation in its last step (else zeros).

    ``labels`` [presentation, replica]; ``spikes``: shared bool [time, replica, unit]; ``rule``: the LayerRule;
    ``period``, ``lag``: as in ``PlasticDense``.
    """

    def __init__(self, labels: np.ndarray, spikes: np.ndarray, rule, period: int = 0, lag: int = LAG):
        super().__init__(labels=labels, spikes=spikes, rule=rule, period=period or rule.num_steps, lag=lag)
        self.s_in = InPort(shape=spikes.shape[1:])
        self.err_out = OutPort(shape=spikes.shape[1:])


class _PlasticModel(PyLoihiProcessModel):
    """Sends before it receives, so the loop synapse - neuron - error - synapse closes within a time step."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    err_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.synapse, self.states = proc_params["synapse"], proc_params["states"]
        self.rule, self.period, self.lag = (proc_params[name] for name in ("rule", "period", "lag"))
        self.seeds, self.presented, self.layer = (proc_params[name] for name in ("seeds", "presented", "layer"))
        self.weight = self.stored(self.synapse.efficacy(self.states)).astype(np.float32)  # exact: sums stay below 2^24
        self.active = np.zeros((self.states.shape[0], self.states.shape[2]), bool)
        self.current = self.activation(np.zeros(self.states.shape[:2], np.float32))

    def run_spk(self):
        self.a_out.send(self.current)
        err = self.err_in.recv()
        k = self.time_step - 1 - self.lag
        if k >= 0 and k % self.period == self.rule.num_steps - 1:
            self._transition(err)
        s = self.s_in.recv()
        self.active |= s > 0
        self.current = self.activation((self.weight @ s.astype(np.float32)[..., None])[..., 0])

    def _transition(self, err):
        found = []
        for r, (seed, e, active) in enumerate(zip(self.seeds, err, self.active, strict=True)):
            unit, source, event = events(e, active, self.rule.opposed(seed, self.presented, len(active)))
            found.append((np.full(len(unit), r), unit, source, event))
        *place, event = map(np.concatenate, zip(*found, strict=True))
        if len(event):
            rng = chance.transitions(self.seeds, self.presented, self.layer)
            new = self.synapse.update(self.states[tuple(place)], event, rng)
            self.states[tuple(place)] = new
            self.weight[tuple(place)] = self.stored(self.synapse.efficacy(new))
        self.active[...] = False
        self.presented += 1


@implements(proc=PlasticDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyPlasticFloat(_PlasticModel):
    """``PlasticDense`` in floating point."""

    a_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)

    def stored(self, efficacy: np.ndarray) -> np.ndarray:
        return efficacy

    def activation(self, total: np.ndarray) -> np.ndarray:
        return total.astype(np.float64)


@implements(proc=PlasticDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyPlasticFixed(_PlasticModel):
    """``PlasticDense`` in integers: give it a synapse from ``fusi_models.models.integer.fixed_point``."""

    a_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def stored(self, efficacy: np.ndarray) -> np.ndarray:
        return 2 * efficacy

    def activation(self, total: np.ndarray) -> np.ndarray:
        return shifted(total, -1)


@implements(proc=ErrorReadout, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt", "fixed_pt")
class PyErrorReadout(PyLoihiProcessModel):
    """``ErrorReadout`` on the CPU."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    err_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.labels, self.spikes, self.rule = proc_params["labels"], proc_params["spikes"], proc_params["rule"]
        self.period, self.lag = proc_params["period"], proc_params["lag"]

    def run_spk(self):
        k = self.time_step - 1 - self.lag
        s = self.s_in.recv() > 0
        err = np.zeros(s.shape, np.int32)
        if 0 <= k < len(self.spikes):
            self.spikes[k] = s
            presentation, step = divmod(k, self.period)
            if step == self.rule.num_steps - 1:
                counts = self.spikes[k - step : k + 1].sum(0)
                err += self.rule.error(counts, self.labels[presentation])
        self.err_out.send(err)
