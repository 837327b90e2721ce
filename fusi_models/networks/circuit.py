"""The terms of correlation-aware recall as a circuit: a Brian2 rate network that recalls (derived here).

The mean field of ``aware`` over incoming weights, W~ = W - row mean - column mean + mean written as currents:

    tau dh_i/dt = -h_i + evidence_i + g (sum_j W_ij phi_j - rho_i A - (B - w A)) - kappa gamma^2 Q / (2 v_G)
    A = sum_j phi_j,   B = sum_j omega_j phi_j,   Q = sum_j phi_j^2,   phi = (1 / (1 + exp(-h)) - f) / sqrt(f (1 - f))

rho_i A: a neuron's mean input weight rho_i times the total activity, a product within the neuron (dendritic
non-linearity); B - w A: feedback inhibition, common to all, from one unit that weighs each neuron by its mean output
weight omega_j and one that counts activity, w the mean weight. g = delta gamma / v_G, v_G = var - c_post - c_pre. That
such motifs are what correlations ask for is the statement of Savin, Dayan & Lengyel (2013, NIPS); these are ours.

h is dimensionless (log-odds), tau a membrane time constant.
"""

from typing import Literal

import numpy as np

from fusi_models.engines.package import b2
from fusi_models.engines.session import session
from fusi_models.networks.memory import Memory
from fusi_models.synapse import Values

TAU = 10 * b2.ms

NEURONS = """
dh/dt = (-h + evidence + gain*(recurrent - dendrite*rho*total - feedback*(weighted - mean*total)) - cost*power)/tau : 1
phi = (1/(1 + exp(-h)) - coding)/scale : 1
evidence : 1 (constant)
rho : 1 (constant)
omega : 1 (constant)
recurrent : 1
total : 1 (linked)
weighted : 1 (linked)
power : 1 (linked)
"""
WEIGHTS = """
w : 1 (constant)
recurrent_post = w*phi_pre : 1 (summed)
"""
COUNTS = """
total_post = phi_pre : 1 (summed)
weighted_post = omega_pre*phi_pre : 1 (summed)
power_post = phi_pre**2 : 1 (summed)
"""
POOL = """
total : 1
weighted : 1
power : 1
"""


def circuit_recall(
    weights: Values,
    memory: Memory,
    evidence: Values,
    inhibition: bool = True,
    dendrite: bool = True,
    duration: b2.Quantity = 300 * b2.ms,
    dt: b2.Quantity = 1 * b2.ms,
    target: Literal["numpy", "cython"] = "numpy",
) -> Values:
    """[neuron]: probability of being active after ``duration``, from the ``evidence`` [neuron] of prior and cue.

    ``inhibition``, ``dendrite``: leave out a term to see what it is worth. Raises ``ValueError`` for weights that are
    not [neuron, neuron].
    """
    n, f, pairs = len(evidence), memory.coding, memory.pairs
    if weights.shape != (n, n):
        raise ValueError(f"weights must be [post, pre] between the {n} neurons of the evidence, got {weights.shape}.")
    own, scale = pairs.variance - pairs.post - pairs.pre, np.sqrt(f * (1 - f))
    constants = {
        "gain": memory.gamma / own / scale,
        "cost": (1 - 2 * f) / (f * (1 - f)) * memory.gamma**2 / 2 / own,
        "dendrite": float(dendrite),
        "feedback": float(inhibition),
        "mean": weights.sum() / n / (n - 1),
        "coding": f,
        "scale": scale,
        "tau": TAU,
    }
    with session(target):
        neurons = b2.NeuronGroup(n, NEURONS, method="euler", dt=dt, namespace=constants)
        pool = b2.NeuronGroup(1, POOL, dt=dt)
        for name in ("total", "weighted", "power"):
            setattr(neurons, name, b2.linked_var(pool, name, index=np.zeros(n, int)))
        neurons.h = neurons.evidence = evidence
        neurons.rho, neurons.omega = weights.sum(1) / (n - 1), weights.sum(0) / (n - 1)
        synapses = b2.Synapses(neurons, neurons, WEIGHTS, dt=dt, namespace=constants)
        post, pre = np.nonzero(~np.eye(n, dtype=bool))
        synapses.connect(i=pre, j=post)
        synapses.w = weights[post, pre]
        to_pool = b2.Synapses(neurons, pool, COUNTS, dt=dt, namespace=constants)
        to_pool.connect()
        b2.Network(neurons, pool, synapses, to_pool).run(duration, namespace={})
        h = np.array(neurons.h)
    return np.asarray(1 / (1 + np.exp(-h)))
