"""Learning rules in the words of the chip's learning engine: sums of products over traces, weight w and tag t.

y2 = 32 potentiates and y3 = 32 depresses (the third factors of a neuron in error, else 0); x0 is 1 for an input that
has spiked within the epoch. In fixed point Lava 0.10.0 shifts a product to 15 bits, flooring: y2 sgn(t) loses five
bits, so that 32 sgn(t) becomes +-1 exactly, and y2 alone loses none. A smaller error would be rounded at random, all
synapses alike, and a product with t itself floored to 0 or -1. In floating point nothing is shifted, so the rule has
other exponents; and nothing is clipped, so tags leave -256..255 there.
"""

from __future__ import annotations

from fusi_models.models.staircase import Staircase
from neuromorph.lava import compat as compat  # before any lava module

from lava.magma.core.learning.learning_rule import Loihi3FLearningRule  # isort: skip

ERROR = 32  # what y2 and y3 carry: the least that a product with sgn leaves exact
NO_DECAY = 10**18  # the traces y2, y3 are set by the neuron; Lava's default lets them lose a bit at random


def staircase_rule(model: Staircase, t_epoch: int, arithmetic: str = "fixed") -> Loihi3FLearningRule:
    """The rule of ``fusi_models.models.staircase`` on the tag; w follows its sign one epoch later.

    w is 2 sgn(t) in ``arithmetic`` "fixed" and sgn(t) in "float".
    """
    shifted, weight = (0, "2*u0*sgn(t)") if arithmetic == "fixed" else (5, "u0*sgn(t)")
    up, down = [], []
    for exponent in _bits(model.constant):
        up.append(f"+ {_power(exponent - 5)}x0*y2")
        down.append(f"- {_power(exponent - 5)}x0*y3")
    for c, theta in zip(model.coefficients, model.thresholds, strict=True):
        for exponent in _bits(c):
            up.append(f"+ {_power(exponent - shifted)}x0*y2*sgn(t+{theta})")
            down.append(f"+ {_power(exponent - shifted)}x0*y3*sgn(t-{theta})")
    rule = Loihi3FLearningRule(dw=f"{weight} - u0*w", dt=" ".join(up + down).removeprefix("+ "), t_epoch=t_epoch)
    rule.y1_tau = rule.y2_tau = rule.y3_tau = NO_DECAY
    return rule


def _bits(number: int) -> list[int]:
    return [k for k in range(number.bit_length()) if number >> k & 1]


def _power(exponent: int) -> str:
    return f"2^{exponent}*" if exponent else ""
