"""Models of synapses that protect their memories, and how long they remember.

Importing this package loads numpy and scipy; Brian2 is loaded when ``fusi_models.brian`` is.
"""

from fusi_models.synapse import HiddenWeight, MarkovSynapse, SynapseModel, cascade, plain
from fusi_models.theory import MemoryCurve, area, equilibrium, lifetime, memory_curve, optimal_depth

__all__ = [
    "HiddenWeight",
    "MarkovSynapse",
    "MemoryCurve",
    "SynapseModel",
    "area",
    "cascade",
    "equilibrium",
    "lifetime",
    "memory_curve",
    "optimal_depth",
    "plain",
]
