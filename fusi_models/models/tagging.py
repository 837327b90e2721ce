"""Synaptic tagging and capture: weights with an early and a late phase (Luboeinski & Tetzlaff 2021, Commun Biol 4:275).

With Theta(x) = 1 for x > 0, else 0; calcium c of each synapse, protein p of the neuron that its synapses share:

    tau_c c' = -c,  c += c_pre a delay after a presynaptic spike, c += c_post at a postsynaptic one
    tau_h h' = leak (h0 - h) + gamma_p (top - h) Theta(c - theta_p) - gamma_d h Theta(c - theta_d)
               + sqrt(tau_h (Theta(c - theta_p) + Theta(c - theta_d))) sigma xi                          early phase, mV
    tau_p p' = -p + Theta(sum_synapses |h - h0| - theta_pro)                                             protein
    tau_z z' = p [(z_max - z) Theta(h - h0 - theta_tag) - (z - z_min) Theta(h0 - h - theta_tag)]         late phase
    w = h + h0 z

Equations and constants from the paper's public Brian2 code. ``course`` is the mean (xi = 0) in closed form piece by
piece, given where c stands between its thresholds; ``engines.tagging_brian`` has noise and spikes. Times in s, h in mV.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fusi_models.checks import check_constants, finite, numbers
from fusi_models.synapse import Values

REST, DEPRESSED, POTENTIATED = 0, 1, 2
"""Where calcium stands: below both thresholds, between them, above both."""


@dataclass(frozen=True)
class Tagging:
    """Constants of the model; the defaults are the published ones.

    h0: resting weight, mV.
    top: what potentiation pulls h to, mV.
    tau_h: time constant of h, s.
    leak: weight of the pull to h0.
    gamma_p: rate of potentiation, in units of 1 / tau_h.
    gamma_d: rate of depression, in units of 1 / tau_h.
    sigma: noise of plasticity, mV.
    theta_p: calcium above which h is potentiated.
    theta_d: calcium above which h is depressed.
    tau_c: time constant of calcium, s.
    delay: from a presynaptic spike to its calcium, s.
    c_pre: calcium of a presynaptic spike.
    c_post: calcium of a postsynaptic spike.
    tau_p: time constant of the protein, s.
    theta_pro: sum of |h - h0| above which protein is made, mV.
    theta_tag: |h - h0| above which a synapse is tagged, mV.
    tau_z: time constant of the late phase, s.
    z_max: what capture pulls z to at a tag for potentiation.
    z_min: the same at a tag for depression.

    Raises ``ValueError`` for numbers that are not finite and time constants that are not above 0.
    """

    h0: float = 4.20075
    top: float = 10.0
    tau_h: float = 688.4
    leak: float = 0.1
    gamma_p: float = 1645.6
    gamma_d: float = 313.1
    sigma: float = 2.90436
    theta_p: float = 3.0
    theta_d: float = 1.2
    tau_c: float = 0.0488
    delay: float = 0.0188
    c_pre: float = 1.0
    c_post: float = 0.2758
    tau_p: float = 3600.0
    theta_pro: float = 2.10037
    theta_tag: float = 0.840149
    tau_z: float = 3600.0
    z_max: float = 1.0
    z_min: float = -0.5

    def __post_init__(self) -> None:
        check_constants(vars(self))
        finite("delay", self.delay, 0)

    def pull(self, level: Values) -> tuple[Values, Values]:
        """Rate (1/s) and target (mV) of h where calcium stands at ``level``, any shape."""
        up, down = self.gamma_p * (level == POTENTIATED), self.gamma_d * (level >= DEPRESSED)
        rate = self.leak + up + down
        return rate / self.tau_h, (self.leak * self.h0 + up * self.top) / rate

    def spread(self, level: int) -> float:
        """Standard deviation of h, mV, where calcium stays at ``level`` for long."""
        rate = float(self.pull(np.array(level))[0])
        return float(self.sigma * np.sqrt(level / self.tau_h / 2 / rate))

    def weight(self, h: Values, z: Values) -> Values:
        """w, mV."""
        return np.asarray(h + self.h0 * z)


class Regime(NamedTuple):
    """Where calcium stands: ``level[k]`` from ``start[k]`` (s, increasing, the first 0) on."""

    start: Values
    level: Values


class Course(NamedTuple):
    """``h`` (mV) and ``z``: [time, synapse]; ``p``: [time]."""

    h: Values
    z: Values
    p: Values


def regime(rule: Tagging, pre: Values, post: Values) -> Regime:
    """Calcium's thresholds crossed by spikes at ``pre`` and ``post`` (s, in any order); exact.

    Raises ``ValueError`` for spikes before 0.
    """
    if not all(np.all(np.asarray(spikes) >= 0) for spikes in (pre, post)):
        raise ValueError("spikes must come at times of 0 or later.")
    times = np.concatenate([np.asarray(pre, float) + rule.delay, np.asarray(post, float)])
    sizes = np.repeat([rule.c_pre, rule.c_post], [len(pre), len(post)])
    order = np.argsort(times, kind="stable")
    times, sizes = times[order], sizes[order]
    starts, levels, calcium = [0.0], [REST], 0.0
    for k, (t, size) in enumerate(zip(times, sizes, strict=True)):
        since = t - times[k - 1] if k else 0.0
        calcium = calcium * np.exp(-since / rule.tau_c) + size
        end = times[k + 1] if k + 1 < len(times) else np.inf
        for threshold, level in ((np.inf, POTENTIATED), (rule.theta_p, DEPRESSED), (rule.theta_d, REST)):
            left = rule.theta_p if level == POTENTIATED else rule.theta_d if level == DEPRESSED else 0.0
            if calcium <= left:
                continue
            begin = t + (rule.tau_c * np.log(calcium / threshold) if calcium > threshold else 0.0)
            if begin < end:
                starts.append(float(begin))
                levels.append(level)
    return Regime(np.array(starts), np.array(levels))


def course(rule: Tagging, regimes: list[Regime], times: Values, step: float = 1.0) -> Course:
    """The mean of the synapses of one neuron, one a regime, from rest on; ``times``: [time], s, increasing.

    h is exact at every time; p and z are exact but for crossings of their thresholds, which are known to ``step`` s.
    Raises ``ValueError`` for times that do not increase from 0 on, no synapse, or a step that is not above 0.
    """
    if not regimes or not step > 0:
        raise ValueError(f"give at least one regime and a step above 0, got {len(regimes)} and {step}.")
    times = numbers("times", times)
    if len(times) == 0 or times[0] < 0 or np.any(np.diff(times) <= 0):
        raise ValueError("times must increase, from 0 or later.")
    grid = np.unique(np.concatenate([times, np.arange(0, times[-1], step), *(r.start for r in regimes)]))
    grid = grid[grid <= times[-1]]
    h = np.stack([_early(rule, r, grid) for r in regimes], 1)
    made = np.abs(h - rule.h0).sum(1) > rule.theta_pro
    tag = np.where(np.abs(h - rule.h0) > rule.theta_tag, np.sign(h - rule.h0), 0)
    p, z = np.zeros(len(grid)), np.zeros(h.shape)
    for k, dt in enumerate(np.diff(grid)):
        keep = np.exp(-dt / rule.tau_p)
        p[k + 1] = made[k] + keep * (p[k] - made[k])
        area = made[k] * dt + rule.tau_p * (1 - keep) * (p[k] - made[k])  # integral of p
        goal = np.where(tag[k] > 0, rule.z_max, rule.z_min)
        z[k + 1] = np.where(tag[k] == 0, z[k], goal + np.exp(-area / rule.tau_z) * (z[k] - goal))
    asked = np.searchsorted(grid, times)
    return Course(h[asked], z[asked], p[asked])


def _early(rule: Tagging, found: Regime, grid: Values) -> Values:
    """h at ``grid``, [time], piece by piece."""
    rate, target = rule.pull(found.level)
    begin = np.empty(len(found.start))
    begin[0] = rule.h0
    for k, dt in enumerate(np.diff(found.start)):
        begin[k + 1] = target[k] + np.exp(-rate[k] * dt) * (begin[k] - target[k])
    piece = np.searchsorted(found.start, grid, side="right") - 1
    return np.asarray(target[piece] + np.exp(-rate[piece] * (grid - found.start[piece])) * (begin - target)[piece])
