"""Synapses of ``models.tagging`` in Brian2, with spikes, noise and units (loads Brian2).

Neurons without a membrane of their own spike when told to; each has the given synapses, and the trials are copies of it
with noise of their own. Step: Heun's method, as in the paper's public code.
"""

import numpy as np

from fusi_models.checks import MOST_COUNT, whole
from fusi_models.engines.package import b2
from fusi_models.engines.session import Target, session
from fusi_models.models.tagging import Course, Regime, Tagging
from fusi_models.seeds import integer
from fusi_models.synapse import Values

NEURON = """
dp/dt = (int(change > theta_pro) - p)/tau_p : 1
change : volt
told : 1
"""

SYNAPSE = """
dh/dt = (leak*(h0 - h) + gamma_p*(top - h)*above_p - gamma_d*h*above_d + sqrt(tau_h*(above_p + above_d))*sigma*xi)/tau_h
    : volt (clock-driven)
dc/dt = -c/tau_c : 1 (clock-driven)
dz/dt = p_post*((z_max - z)*int(h - h0 > theta_tag) - (z - z_min)*int(h0 - h > theta_tag))/tau_z : 1 (clock-driven)
above_p = int(c + held(t, which) > theta_p) : 1
above_d = int(c + held(t, which) > theta_d) : 1
change_post = abs(h - h0) : volt (summed)
which : integer (constant)
"""


def follow_brian(
    rule: Tagging,
    pre: list[Values],
    post: Values,
    seconds: float,
    dt: float,
    trials: int = 1,
    seed: int = 0,
    held: list[Regime] | None = None,
    every: float | None = None,
    target: Target = "numpy",
) -> tuple[Values, list[Course]]:
    """Times read (s), and the course of each trial.

    ``pre``: [synapse][spike], and ``post``: [spike], s. ``held``: [synapse], calcium held at a level beside that of
    spikes, for stimuli of hours, whose spikes no step of minutes resolves. ``dt``, ``every``: step and reading, s.
    Raises ``ValueError`` for no synapse, no trial, or as many ``held`` as there are not synapses.
    """
    synapses, trials = whole("synapses", len(pre), 1), whole("trials", trials, 1, MOST_COUNT)
    if held is not None and len(held) != synapses:
        raise ValueError(f"held names {len(held)} synapses, but pre names {synapses}.")
    with session(target):
        b2.seed(integer("noise of tagging", seed))
        clock, network = b2.Clock(dt * b2.second), b2.Network()
        neurons = b2.NeuronGroup(trials, NEURON, threshold="told > 0", reset="told = 0", clock=clock, method="heun")
        sources = b2.SpikeGeneratorGroup(synapses, *_spikes(pre), clock=clock)
        teacher = b2.SpikeGeneratorGroup(1, *_spikes([post]), clock=clock)
        told = b2.Synapses(teacher, neurons, on_pre="told_post += 1", clock=clock)
        told.connect()
        plastic = b2.Synapses(
            sources, neurons, SYNAPSE, on_pre="c += c_pre", on_post="c += c_post", method="heun", clock=clock
        )
        plastic.connect()
        plastic.pre.delay = rule.delay * b2.second
        plastic.h = rule.h0 * b2.mV
        plastic.which = "i"
        reading = b2.Clock((every or dt) * b2.second)
        seen = b2.StateMonitor(plastic, ["h", "z"], record=True, clock=reading)
        protein = b2.StateMonitor(neurons, "p", record=True, clock=reading)
        network.add(neurons, sources, teacher, told, plastic, seen, protein)
        network.run(seconds * b2.second, namespace=_constants(rule) | {"held": _held(held, synapses, seconds, dt)})
        order = np.argsort(np.asarray(plastic.j) * synapses + np.asarray(plastic.i))
        h, z = (np.asarray(x)[order].reshape(trials, synapses, -1).swapaxes(1, 2) for x in (seen.h / b2.mV, seen.z))
        times, p = np.asarray(seen.t / b2.second), np.asarray(protein.p)
    return times, [Course(h[k], z[k], p[k]) for k in range(trials)]


def _spikes(trains: list[Values]) -> tuple[Values, b2.Quantity]:
    which = np.repeat(np.arange(len(trains)), [len(train) for train in trains])
    times = np.concatenate([np.asarray(train, float) for train in trains])
    return which, times * b2.second


def _held(held: list[Regime] | None, synapses: int, seconds: float, dt: float) -> b2.TimedArray:
    """[time, synapse]: calcium far above both thresholds, between them, or none."""
    step = dt if held is not None else seconds
    at = np.arange(0, seconds, step)
    levels = np.zeros((len(at), synapses))
    for k, found in enumerate(held or []):
        levels[:, k] = found.level[np.searchsorted(found.start, at + 1e-9, side="right") - 1]
    return b2.TimedArray(2.0 * levels, dt=step * b2.second)


def _constants(rule: Tagging) -> dict[str, b2.Quantity | float]:
    units = {"h0": b2.mV, "top": b2.mV, "sigma": b2.mV, "theta_pro": b2.mV, "theta_tag": b2.mV}
    units |= dict.fromkeys(("tau_h", "tau_c", "tau_p", "tau_z"), b2.second)
    plain = ("leak", "gamma_p", "gamma_d", "theta_p", "theta_d", "c_pre", "c_post", "z_max", "z_min")
    return {name: getattr(rule, name) * unit for name, unit in (units | dict.fromkeys(plain, 1)).items()}
