"""Widths of Loihi's neurons and synapses as Lava models them, for every part that computes in the chip's integers.

Source: Lava 0.10.0, ``PyLifModelBitAcc`` and ``PyDenseModelBitAcc``: thresholds 17 bits, decay 12, bias 13 with sign
and an exponent of 3, current and membrane 24 with sign.
"""

UNITS = 64  # membrane units per unit of weight or threshold
DECAY_BITS = 12
DECAY_UNITY = 2**DECAY_BITS
DECAY_LIMIT = DECAY_UNITY - 1
NO_CURRENT_MEMORY = DECAY_LIMIT  # du; the chip adds 1 to it (not to dv), so that nothing of the current is kept
MEMBRANE_LIMIT = 2**23 - 1  # of the current too
THRESHOLD_LIMIT = 2**17 - 1
BIAS_MANTISSA_LIMIT = 2**12 - 1
BIAS_EXPONENT_LIMIT = 7
CONVOLUTION_EXPONENT_LIMIT = 5  # of weight_exp: Lava's Conv has none, so that it goes into the 8-bit weights


def kept(beta: float) -> int:
    """What a membrane of decay ``beta`` keeps in a step, in 1/4096. Raises ``ValueError`` for a beta off that grid."""
    if not 0 <= beta <= 1 or beta * DECAY_UNITY != int(beta * DECAY_UNITY):
        raise ValueError(f"beta must be a multiple of 1/{DECAY_UNITY} between 0 and 1 (the chip's grid), got {beta}.")
    return int(beta * DECAY_UNITY)


def decay(beta: float) -> int:
    """dv of the membrane decay ``beta`` = 1 - dv / 4096.

    Raises ``ValueError`` for a beta off that grid, and for 0: dv = 4096 has no place in its 12 bits.
    """
    dv = DECAY_UNITY - kept(beta)
    if dv > DECAY_LIMIT:
        raise ValueError(f"beta = {beta:g} needs dv = {dv}, but the chip's decay has {DECAY_BITS} bits: take another.")
    return dv
