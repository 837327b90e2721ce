"""Synapses without a network, which store one pattern after another."""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from neuromorph.local_rule import chance


class Population(AbstractProcess):
    """Synapses without a network: every frame is one candidate event each.

    ``states`` [synapse, ...]: initial states; ``efficacy``: shared int8 [time, synapse], written after each frame.
    """

    def __init__(self, synapse, states: np.ndarray, efficacy: np.ndarray, seed: int):
        super().__init__(synapse=synapse, states=states, efficacy=efficacy, seed=seed)
        self.event_in = InPort(shape=efficacy.shape[1:])


@implements(proc=Population, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt", "fixed_pt")
class PyPopulation(PyLoihiProcessModel):
    """``Population`` on the CPU; the arithmetic is the synapse's."""

    event_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.synapse, self.states = proc_params["synapse"], proc_params["states"]
        self.efficacy, self.rng = proc_params["efficacy"], chance.imprinting(proc_params["seed"])

    def run_spk(self):
        self.states = self.synapse.update(self.states, self.event_in.recv(), self.rng)
        self.efficacy[self.time_step - 1] = self.synapse.efficacy(self.states)
