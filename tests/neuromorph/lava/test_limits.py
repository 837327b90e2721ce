"""Biases in the chip's words; the limits of a layer are tested where networks are checked (``test_spec.py``)."""

import pytest

from neuromorph.lava.limits import bias_words


def test_a_bias_has_the_least_exponent_that_is_exact():
    mantissa, shift = bias_words("layer 1", [4096 * 3, -8])
    assert (mantissa << shift).tolist() == [12288, -8] and shift == 2
    assert bias_words("layer 1", 5) == (5, 0)
    for units in ([4097, 1], [2.5], [1 << 20]):
        with pytest.raises(ValueError, match="layer 1: the chip holds a bias as 13 bits"):
            bias_words("layer 1", [*units, 2**13 + 1])
