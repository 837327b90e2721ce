"""What chance decides in the local learners: every draw has a purpose and numbers of its own, alike on all substrates.

``layer`` counts from 0, ``presented`` the presentations before this one.
"""

import numpy as np

from fusi_models.seeds import generator, integer


def initial_states(seed: int, layer: int = 0) -> np.random.Generator:
    """Draws the states that the synapses of a layer start from."""
    return generator("initial states", seed, layer)


def transitions(seeds: tuple[int, ...], presented: int, layer: int = 0) -> np.random.Generator:
    """Draws the stochastic transitions of a layer after one presentation, all replicas in one stream."""
    return generator("transitions", layer, presented, *seeds)


def transition_seed(seeds: tuple[int, ...], presented: int) -> int:
    """As ``transitions``, for generators of other libraries: a number below 2^32."""
    return integer("transitions", 0, presented, *seeds)


def imprinting(seed: int) -> np.random.Generator:
    """Draws the transitions of synapses that store patterns, without a network."""
    return generator("transitions of imprinted synapses", seed)


def imprinting_seed(seed: int) -> int:
    """As ``imprinting``, a number below 2^32."""
    return integer("transitions of imprinted synapses", seed)


def feedback(seed: int) -> np.random.Generator:
    """Draws the fixed weights that carry errors back."""
    return generator("feedback weights", seed)


def projection(seed: int) -> np.random.Generator:
    """Draws the fixed weights of an input code."""
    return generator("projection of the input", seed)


def opposed(seed: int, presented: int) -> np.random.Generator:
    """Draws which synapses of silent inputs receive an event at a presentation."""
    return generator("events of silent inputs", seed, presented)
