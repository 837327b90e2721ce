"""What a synapse process sends: a = (We s) << weight_exp, or >> -weight_exp (floor), in the chip's integers.

Source: Lava 0.10.0, ``PyDenseModelBitAcc``.
"""

import numpy as np


def shifted(total: np.ndarray, weight_exp: int) -> np.ndarray:
    """a, int32, of whole-numbered sums We s of any type and shape."""
    total = total.astype(np.int32)
    return total << weight_exp if weight_exp > 0 else total >> -weight_exp
