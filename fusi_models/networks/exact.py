"""Exact recall by enumeration, for networks of a few neurons: what every decoder is checked against."""

from collections.abc import Callable

import numpy as np

from fusi_models.synapse import Values


def all_patterns(neurons: int) -> Values:
    """[2^N, N] in {0, 1}. Raises ``ValueError`` for more than 16 neurons."""
    if not 1 <= neurons <= 16:
        raise ValueError(f"enumeration needs 1 to 16 neurons, got {neurons}: use a decoder for more.")
    return np.asarray(np.arange(2**neurons)[:, None] >> np.arange(neurons) & 1)


def marginals(log_posterior: Callable[[Values], Values], neurons: int) -> Values:
    """[neuron]: probability of being active under ``log_posterior``, a function of patterns [pattern, neuron]."""
    patterns = all_patterns(neurons)
    log = log_posterior(patterns)
    chance = np.exp(log - log.max())
    return np.asarray(chance @ patterns / chance.sum())
