"""Widths of Loihi's neurons and synapses as Lava models them, for every part that computes in the chip's integers.

Source: Lava 0.10.0, ``PyLifModelBitAcc`` and ``PyDenseModelBitAcc``: thresholds 17 bits, decay 12, bias 13 with sign
and an exponent of 3, current and membrane 24 with sign.
"""

UNITS = 64  # membrane units per unit of weight or threshold
DECAY_UNITY = 2**12
MEMBRANE_LIMIT = 2**23 - 1  # of the current too
THRESHOLD_LIMIT = 2**17 - 1
BIAS_MANTISSA_LIMIT = 2**12 - 1
BIAS_EXPONENT_LIMIT = 7
CONVOLUTION_EXPONENT_LIMIT = 5  # of weight_exp: Lava's Conv has none, so that it goes into the 8-bit weights
