"""Models of synapses that protect their memories, and how long they remember.

Importing this package loads numpy and scipy; Brian2 is loaded when ``fusi_models.engines.brian`` is.
"""

from fusi_models.engines.lumped import simulate
from fusi_models.engines.monte_carlo import monte_carlo
from fusi_models.models.benna_fusi import BennaFusi
from fusi_models.models.cascade import cascade
from fusi_models.models.hidden import HiddenWeight
from fusi_models.models.line import multistate, plain, serial
from fusi_models.models.markov import MarkovSynapse
from fusi_models.models.uncertainty import BinaryUncertainty
from fusi_models.moved import answer_to
from fusi_models.synapse import SynapseModel
from fusi_models.theory.coding import coding
from fusi_models.theory.curve import (
    MemoryCurve,
    area,
    equilibrium,
    initial_snr,
    laplace,
    lifetime,
    memory_curve,
    optimal_depth,
)
from fusi_models.theory.frontier import Spectrum, envelope, envelope_lifetime, envelope_share, first_passage, spectrum

_MOVED = {
    "fusi_models.brian": "fusi_models.engines.brian",
    "fusi_models.chains": "fusi_models.models.benna_fusi",
    "fusi_models.frontier": "fusi_models.theory.frontier",
    "fusi_models.hidden": "fusi_models.models.hidden",
    "fusi_models.identify": "fusi_models.theory.identify",
    "fusi_models.integer": "fusi_models.models.integer",
    "fusi_models.markov": "fusi_models.models.markov",
    "fusi_models.engines.populations": "fusi_models.engines.lumped",
    "fusi_models.simulate": "fusi_models.engines.lumped",
    "fusi_models.staircase": "fusi_models.models.staircase",
    "fusi_models.transient": "fusi_models.theory.transient",
}
answer_to(_MOVED)

__all__ = [
    "BennaFusi",
    "BinaryUncertainty",
    "HiddenWeight",
    "MarkovSynapse",
    "MemoryCurve",
    "Spectrum",
    "SynapseModel",
    "area",
    "cascade",
    "coding",
    "envelope",
    "envelope_lifetime",
    "envelope_share",
    "equilibrium",
    "first_passage",
    "initial_snr",
    "laplace",
    "lifetime",
    "memory_curve",
    "monte_carlo",
    "multistate",
    "optimal_depth",
    "plain",
    "serial",
    "simulate",
    "spectrum",
]
