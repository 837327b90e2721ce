"""Synapses of ``models/calcium.py`` on given spike trains: the compiled reference (loads numba), deterministic.

Every synapse has a dendrite of its own, so one call follows all delays or all rates of an experiment.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fusi_models.checks import finite, finites
from fusi_models.engines import calcium_loops as loops
from fusi_models.models.calcium import CalciumSynapse
from fusi_models.synapse import Values


class Trace(NamedTuple):
    """``times`` [reading] in ms; ``calcium`` (uM), ``weight`` and ``conductance`` (uM/(ms mV)), [reading, synapse].

    Readings are of the start of a step. ``state``: [9, synapse] at the end, see ``calcium_loops``.
    """

    times: Values
    calcium: Values
    weight: Values
    conductance: Values
    state: Values

    @property
    def final(self) -> Values:
        """Weights at the end, [synapse]."""
        return np.asarray(self.state[loops.WEIGHT])


def trains(times: Sequence[Values], duration: float, dt: float = 0.1) -> Values:
    """Spike times in ms, one array a synapse, as [step, synapse] bool.

    A time on the border of two steps belongs to the later one. Raises ``ValueError`` for times outside 0..duration and
    steps that are not above 0.
    """
    finite("dt", dt, 0, above=True, unit="ms")
    finite("duration", duration, 0, unit="ms")
    times = [np.ravel(finites("spike times", when, unit="ms")) for when in times]
    grid = np.zeros((int(round(duration / dt)), len(times)), bool)
    for synapse, when in enumerate(times):
        steps = np.floor(when / dt + 1e-6).astype(int)
        if steps.size and (steps.min() < 0 or steps.max() >= len(grid)):
            raise ValueError(f"spikes must lie within 0..{duration:g} ms, got {np.min(when):g}..{np.max(when):g}.")
        grid[steps, synapse] = True
    return grid


def start(synapse: CalciumSynapse, count: int, weight: float | Values = 0.25) -> Values:
    """``count`` synapses at rest, without calcium: [9, synapse]; ``ValueError`` for weights that are not finite."""
    state = np.zeros((9, count))
    state[loops.WEIGHT], state[loops.CONDUCTANCE] = finites("weights", weight), synapse.conductance
    return state


def follow(
    synapse: CalciumSynapse,
    pre: Values,
    post: Values,
    dt: float = 0.1,
    weight: float | Values = 0.25,
    state: Values | None = None,
    held: Values | None = None,
    every: int = 1,
) -> Trace:
    """All synapses through given spikes, pre and post: [step, synapse] bool; one step is ``dt`` ms.

    ``post`` are spikes of the soma; they reach the dendrite ``synapse.delay`` later (those that would do so after the
    end are lost). ``held``: [synapse], dendrites clamped to this voltage in mV, nan for free ones. ``every``: steps
    between readings. Starts at ``state``, or at rest with ``weight``.
    Raises ``ValueError`` where the shapes of pre and post differ, or ``every`` is below 1.
    """
    pre, post = np.asarray(pre, bool), np.asarray(post, bool)
    numbers = loops.constants(synapse, dt)
    if pre.ndim != 2 or pre.shape != post.shape or every < 1:
        raise ValueError(
            f"pre and post must be [step, synapse] alike, got {pre.shape}, {post.shape}; every {every} >= 1."
        )
    state = start(synapse, pre.shape[1], weight) if state is None else state.copy()
    held = np.full(pre.shape[1], np.nan) if held is None else np.broadcast_to(np.asarray(held, float), pre.shape[1:])
    record = np.empty((3, -(-len(pre) // every), pre.shape[1]))
    loops.follow(pre, arriving(synapse, post, dt), np.array(held), state, numbers, every, record)
    return Trace(np.arange(record.shape[1]) * every * dt, record[0], record[1], record[2], state)


def arriving(synapse: CalciumSynapse, post: Values, dt: float) -> Values:
    """Spikes of the soma as they come to the dendrite, [step, synapse]."""
    late = np.zeros_like(post)
    shift = min(int(round(synapse.delay / dt)), len(post))
    late[shift:] = post[: len(post) - shift]
    return late
