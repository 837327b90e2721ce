"""Models of synapses that protect their memories, and how long they remember.

Importing this package loads numpy and scipy; Brian2 is loaded when ``fusi_models.brian`` is.
"""

from fusi_models.chains import BennaFusi
from fusi_models.frontier import Spectrum, envelope, envelope_lifetime, envelope_share, first_passage, spectrum
from fusi_models.hidden import BinaryUncertainty, HiddenWeight
from fusi_models.markov import MarkovSynapse, cascade, coding, multistate, plain, serial
from fusi_models.simulate import monte_carlo, simulate
from fusi_models.synapse import SynapseModel
from fusi_models.theory import (
    MemoryCurve,
    area,
    equilibrium,
    initial_snr,
    laplace,
    lifetime,
    memory_curve,
    optimal_depth,
)

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
