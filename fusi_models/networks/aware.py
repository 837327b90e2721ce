"""Recall that knows which synapses share a neuron: the problem of Savin, Dayan & Lengyel (2013, NIPS), derived here.

    log P(x | W, cue) = sum_i x_i e_i - R^T C^-1 R / 2 + const,    R = W - m(x),

C the covariance of all synapses, inverted in closed form (``theory.correlated.inverse_form``). Changing one neuron
changes one row and one column of R, so a Gibbs flip costs two products over the neurons, O(N), and no matrix is solved.

Mean field for large N, with W~ the weights less their row and column means: y = (W~ + W~^T) <phi>, q = sum <phi>^2,
    a = 2 gamma q,   s^2 = max(2 g_u q, mean(y^2) - a^2),   log-odds = evidence + (delta a y - kappa a^2 / 2) / s^2,
delta = 1 / sqrt(f (1 - f)), kappa = (1 - 2 f) / (f (1 - f)): s is the noise that is there, not only the one expected.
The terms of W~ are what a circuit needs: the recurrent drive, less (own mean input weight) x (total activity), which is
multiplicative, as in a dendrite; less the activity weighted by each neuron's mean output weight, plus a global term,
as from inhibitory feedback.

Stopping rule: a second, newer pattern captures the dynamics long after the cue has done its work; the answer is the one
where the signal-to-noise ratio a^2 / s^2 of the field was largest.
"""

from math import exp

import numpy as np
from scipy.special import expit

from fusi_models.networks.memory import Memory, centred
from fusi_models.synapse import Values
from fusi_models.theory.correlated import inverse_form, quadratic_form
from fusi_models.theory.pairs import standard


def log_posterior(x: Values, weights: Values, memory: Memory, evidence: Values) -> Values:
    """[...]: log P(x | W, cue) up to a constant, for patterns ``x`` [..., neuron]. O(N^2) each."""
    x = np.asarray(x, np.int64)
    residual = weights - memory.mean[x[..., :, None], x[..., None, :]]
    return x @ evidence - quadratic_form(residual, memory.pairs) / 2


class Residual:
    """A pattern and its residual, kept so that ``gain`` (the log-odds of a neuron) and ``flip`` cost O(N).

    All in plain numbers but the two products over neurons: a flip is tried N times a sweep.
    """

    def __init__(self, weights: Values, memory: Memory, x: Values):
        self.n, self.x = len(weights), np.array(x, float)
        on = np.asarray(x, np.int64)
        residual = (weights - memory.mean[on[:, None], on]) * (1 - np.eye(self.n))
        self.u, self.v = (residual + residual.T) / np.sqrt(2), (residual - residual.T) / np.sqrt(2)
        self.g_u, self.g_v, shared = inverse_form(memory.pairs, self.n)
        self.own, self.common = shared.own.tolist(), shared.common.tolist()
        self.scale_u, self.scale_v = shared.scale.tolist()
        self.b_u, self.b_v = self.u.sum(1) * self.scale_u, self.v.sum(1) * self.scale_v
        rows, columns = np.diff(memory.mean, axis=0)[0], np.diff(memory.mean, axis=1)[:, 0]
        # what switching on takes off u and v, for an inactive and an active partner
        self.step_u = ((-rows - columns) / np.sqrt(2)).tolist()
        self.step_v = ((columns - rows) / np.sqrt(2)).tolist()
        self._count()

    def _count(self) -> None:
        self.active = float(self.x.sum())
        self.all = float(self.b_u.sum()), float(self.b_v.sum())
        self.on = float(self.b_u @ self.x), float(self.b_v @ self.x)

    def gain(self, i: int) -> float:
        """log P(x_i = 1) - log P(x_i = 0) given the others, without the evidence."""
        state = float(self.x[i])
        sign = 1.0 - 2.0 * state  # +1: the flip switches on
        n_on = self.active - state
        n_off = self.n - 1 - n_on
        (u0, u1), (v0, v1) = self.step_u, self.step_v
        own = float(self.b_u[i]), float(self.b_v[i])
        on_u, on_v = float(self.u[i] @ self.x), float(self.v[i] @ self.x)
        off_u, off_v = own[0] / self.scale_u - on_u, own[1] / self.scale_v - on_v
        # squares: change = sign * linear + square, as sign^2 = 1
        linear = 2 * (u0 * off_u + u1 * on_u) / self.g_u + 2 * (v0 * off_v + v1 * on_v) / self.g_v
        square = (n_off * u0**2 + n_on * u1**2) / self.g_u + (n_off * v0**2 + n_on * v1**2) / self.g_v
        su, sv = self.scale_u, self.scale_v
        d_off, d_on = (u0 * su, -v0 * sv), (u1 * su, -v1 * sv)
        d_own = (n_off * u0 + n_on * u1) * su, (n_off * v0 + n_on * v1) * sv
        b_on = self.on[0] - state * own[0], self.on[1] - state * own[1]
        b_off = self.all[0] - own[0] - b_on[0], self.all[1] - own[1] - b_on[1]
        total = n_off * d_off[0] + n_on * d_on[0] + d_own[0], n_off * d_off[1] + n_on * d_on[1] + d_own[1]
        linear -= 2 * (_form(self.own, b_off, d_off) + _form(self.own, b_on, d_on) + _form(self.own, own, d_own))
        linear -= 2 * _form(self.common, self.all, total)
        square -= n_off * _form(self.own, d_off, d_off) + n_on * _form(self.own, d_on, d_on)
        square -= _form(self.own, d_own, d_own) + _form(self.common, total, total)
        return float(-0.5 * (linear + sign * square))

    def flip(self, i: int) -> None:
        """Change neuron ``i``."""
        sign, on = 1.0 - 2.0 * self.x[i], self.x > 0
        u, v = (sign * np.where(on, step[1], step[0]) for step in (self.step_u, self.step_v))
        u[i] = v[i] = 0.0
        self.u[i] += u
        self.u[:, i] += u
        self.v[i] += v
        self.v[:, i] -= v
        self.b_u += u * self.scale_u
        self.b_v -= v * self.scale_v
        self.b_u[i] += u.sum() * self.scale_u
        self.b_v[i] += v.sum() * self.scale_v
        self.x[i] += sign
        self._count()


def _form(matrix: list[list[float]], a: tuple[float, float], b: tuple[float, float]) -> float:
    return a[0] * (matrix[0][0] * b[0] + matrix[0][1] * b[1]) + a[1] * (matrix[1][0] * b[0] + matrix[1][1] * b[1])


def gibbs(
    weights: Values,
    memory: Memory,
    evidence: Values,
    rng: np.random.Generator,
    sweeps: int = 40,
    burn: int = 20,
) -> Values:
    """[neuron]: probability of being active, the mean of the conditional ones over ``sweeps`` after ``burn``.

    The chain starts at the mean field that stops, which is nearer the pattern than the cue: from there it is captured
    by a newer pattern less often.
    """
    start = mean_field(weights, memory, evidence, stop=True)
    n, field = len(evidence), evidence.tolist()
    state, total = Residual(weights, memory, start > 0.5), np.zeros(n)
    for sweep in range(burn + sweeps):
        for i, u in enumerate(rng.random(n)):
            chance = 1 / (1 + exp(-min(max(field[i] + state.gain(i), -500.0), 500.0)))
            if (u < chance) != state.x[i]:
                state.flip(i)
            if sweep >= burn:
                total[i] += chance
    return total / sweeps


def mean_field(weights: Values, memory: Memory, evidence: Values, steps: int = 100, stop: bool = False) -> Values:
    """[neuron]: probability of being active; ``stop``: that of the step with the best signal-to-noise ratio."""
    f = memory.coding
    lean = centred(weights)
    both, g_u = lean + lean.T, inverse_form(memory.pairs, len(weights))[0]
    delta, kappa = 1 / np.sqrt(f * (1 - f)), (1 - 2 * f) / (f * (1 - f))
    p = expit(evidence)
    best, ratio = p, 0.0
    for _ in range(steps):
        phi = standard(p, f)
        y, q = both @ phi, float(phi @ phi)
        a = 2 * memory.gamma * q
        noise = max(2 * g_u * q, float(np.mean(y**2)) - a**2, 1e-12)
        if stop and a**2 / noise < ratio:
            break
        ratio = a**2 / noise
        new = expit(evidence + (delta * a * y - kappa * a**2 / 2) / noise)
        best = new
        if np.abs(new - p).max() < 1e-6:
            break
        p = (p + new) / 2
    return np.asarray(best)
