"""Theory of synaptic memory, one file a question; the memory curve and what follows from it stand in ``curve``."""

from fusi_models.theory.curve import (
    Events,
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
    "Events",
    "MemoryCurve",
    "area",
    "equilibrium",
    "initial_snr",
    "laplace",
    "lifetime",
    "memory_curve",
    "optimal_depth",
]
