"""Cascade of metaplastic states (Fusi, Drew & Abbott 2005, Neuron 45:599).

Strength s, depth i = 1..n, x the ratio between levels:
    event opposite to s: with q_i = x^(i-1) (q_n = x^(n-1)/(1-x)) flip and go to depth 1;
    event equal to s:    with p_i = x^i/(1-x) go to depth i+1 (i < n).
For f+ potentiating events in all, p_i is multiplied by f-/f+ on the strong side and by f+/f- on the weak side, which
keeps all depths equally occupied. The numbers follow from that equal occupancy and agree with two public codes.
"""

import numpy as np

from fusi_models.catalogue import Entry
from fusi_models.checks import MOST_STATES, check_fraction, whole
from fusi_models.models.markov import MarkovSynapse


def cascade(depth: int, x: float = 0.5, f_pot: float = 0.5) -> MarkovSynapse:
    """Cascade synapse of Fusi, Drew & Abbott (2005); 2 * ``depth`` states, equally occupied at equilibrium.

    States are ordered weak ``depth``..1, strong 1..``depth``. ``depth = 1`` is ``plain(1)``.
    Raises ``ValueError`` where a transition probability would exceed 1 (x > min(f+, f-)).
    """
    check_fraction("x", x, below_one=True)
    check_fraction("f_pot", f_pot, below_one=True)
    n, f_dep = whole("depth", depth, 1, MOST_STATES // 2), 1 - f_pot
    if n > 1 and x > min(f_pot, f_dep) + 1e-12:
        raise ValueError(
            f"x = {x:g} with f_pot = {f_pot:g} would need a transition probability above 1: "
            f"choose x <= min(f_pot, 1 - f_pot) = {min(f_pot, f_dep):g}."
        )
    level = np.arange(1, n + 1)
    flip = x ** (level - 1.0)
    flip[-1] = 1.0 if n == 1 else x ** (n - 1) / (1 - x)
    deepen = np.minimum(np.append(x ** level[:-1] / (1 - x), 0.0)[:, None] * (f_dep / f_pot, f_pot / f_dep), 1.0)
    potentiation, depression = np.zeros((2 * n, 2 * n)), np.zeros((2 * n, 2 * n))
    for i in range(n):
        strong, weak = n + i, n - 1 - i
        potentiation[strong, min(strong + 1, 2 * n - 1)] += deepen[i, 0]
        potentiation[strong, strong] += 1 - deepen[i, 0]
        depression[strong, n - 1] += flip[i]
        depression[strong, strong] += 1 - flip[i]
        depression[weak, max(weak - 1, 0)] += deepen[i, 1]
        depression[weak, weak] += 1 - deepen[i, 1]
        potentiation[weak, n] += flip[i]
        potentiation[weak, weak] += 1 - flip[i]
    strength = np.repeat([-1, 1], n)
    fraction = "" if f_pot == 0.5 else f", f+={f_pot:g}"
    return MarkovSynapse(potentiation, depression, strength, f_pot, f"cascade(n={n}, x={x:g}{fraction})")


def _cascade(depth: int, x: float = 0.5, rate: float = 1.0, f_pot: float = 0.5) -> MarkovSynapse:
    return cascade(depth, x, f_pot).slowed(rate)


CATALOGUE = (Entry("cascade", _cascade, {"theory": {}, "local": {"depth": 5, "rate": 0.1}}),)
