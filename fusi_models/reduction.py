"""Chains of very unequal rates, without a subtraction: every number keeps its relative precision.

State reduction (Grassmann, Taksar & Heyman 1985, Oper. Res. 33:1107): states are taken out one by one; the chance to
leave a state is the sum of its transitions to the others, never 1 minus the chance to stay. A cascade of depth 200
leaves its last state once in 2^200 events, which 1 - 2^-200 = 1 would forget.

All rates are per candidate event; times are in candidate events.
"""

import numpy as np

from fusi_models.checks import Values


def stationary(step: Values) -> Values:
    """[state]: the stationary row of an irreducible chain ``step`` [from, to]."""
    p = step.copy()
    for k in range(len(p) - 1, 0, -1):
        p[:k, k] /= p[k, :k].sum()
        p[:k, :k] += np.outer(p[:k, k], p[k, :k])
    pi = np.ones(len(p))
    for k in range(1, len(p)):
        pi[k] = pi[:k] @ p[:k, k]
    normalised: Values = pi / pi.sum()
    return normalised


def occupation(step: Values, leaving: Values, groups: Values) -> Values:
    """[from, group]: mean time that a chain spends in each group of states before it is lost.

    ``step``: [from, to] >= 0, its diagonal unused; ``leaving``: [state] >= 0, rate at which the chain is lost from it;
    ``groups``: [state, group] >= 0. From every state the chain must be lost some time.
    """
    p, out, time = step.copy(), leaving.copy(), groups.astype(float)
    size = len(p)
    total = np.empty(size)
    for k in range(size - 1, -1, -1):
        total[k] = p[k, :k].sum() + out[k]
        share = p[:k, k] / total[k]
        p[:k, :k] += np.outer(share, p[k, :k])
        out[:k] += share * out[k]
        time[:k] += np.outer(share, time[k])
    found = np.empty(time.shape)
    for k in range(size):
        found[k] = (time[k] + p[k, :k] @ found[:k]) / total[k]
    return found


def integral(step: Values, pi: Values, change: Values, strength: Values, rate: float) -> float:
    """Integral of exp(-rate t) start exp(t (step - 1)) strength dt, where start = pi @ change; ``rate`` may be 0.

    ``step``: [from, to], irreducible, of one event; ``pi``: its stationary row; ``change``: [from, to], rows sum to 0.
    With h the integrated mean strength that follows from each state, this is pi @ change @ h = sum of
    pi_i change_ij (h_j - h_i). Differences of h are those of the time spent strong and weak before a visit to one
    state r (or the end of a clock of that rate), for the strengths less the constant that makes h_r = 0.
    Raises ``ValueError`` where these times are so long that their differences drown in rounding (a hidden weight that
    has frozen).
    """
    r = int(np.argmax(pi * (step.sum(1) - np.diag(step))))
    others = np.arange(len(step)) != r
    signs = np.stack([strength > 0, strength < 0], 1).astype(float)
    times = np.zeros((len(step), 2))  # [state, strong or weak], before r
    times[others] = occupation(step[np.ix_(others, others)], step[others, r] + rate, signs[others])
    cycle = signs[r] + step[r, others] @ times[others]
    strong, weak = cycle / cycle.sum()  # mean strength less that constant: 2 weak where strong, -2 strong where weak
    h = 2 * (weak * times[:, 0] - strong * times[:, 1])
    value = float(np.sum(pi[:, None] * change * (h[None, :] - h[:, None])))
    rounding = np.finfo(float).eps * np.sum(pi[:, None] * np.abs(change) * (np.abs(h[None, :]) + np.abs(h[:, None])))
    if not rounding < 1e-9 * max(abs(value), 1e-3):
        raise ValueError("the synapse stays in some states too long for its area in double precision: simulate it.")
    return value
