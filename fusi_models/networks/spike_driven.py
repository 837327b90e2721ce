"""One layer of integrate-and-fire neurons with synapses that spikes drive (Brader, Senn & Fusi 2007).

Excitatory inputs fire as given events; the instructor is a steady drive I_j of each unit (many weak spikes in the
limit). Steps of dt; V in units of the threshold, floor at 0. In a step, S the inputs that spike:

    C_j <- C_j exp(-dt/tau);   gate_j from (V_j, C_j);   n_j = number of i in S with J_ij = 1;
    gated synapses (i in S) change;
    V_j <- max(0, V_j + weight (n_j - inhibition |S|) + (I_j - leak) dt);
    V_j >= 1: a spike, V_j <- 0, C_j <- C_j + 1.

Constant leak and floor, instructor signal and global inhibition are the paper's; that the instructor is steady, that
inhibition follows the number of input spikes in the step, and the values of the weights, are ours. Between
presentations the network is silent until all X, V and C are at rest: a presentation starts from states at rest, C = 0
and V uniform (``uniform_start``).

``present`` runs it as compiled loops, ``spike_driven_brian.present`` in Brian2, with the same spikes: constants of
sums lie on ``GRID`` and random numbers are functions of (key, step, i, j) (Salmon et al. 2011, SC'11).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from fusi_models.checks import check_numbers
from fusi_models.models.brader import GRID, Gates, Hidden, on_grid
from fusi_models.synapse import Values

KEYS = 2**31
"""Keys are whole numbers below this: they name a presentation's random numbers."""


@dataclass(frozen=True)
class Circuit:
    """Constants of the layer. dt in seconds, ``steps`` of a presentation, ``leak`` in thresholds a second.

    ``weight``: depolarisation of an input spike where J = 1. ``inhibition``: that of an input spike at every unit, in
    units of ``weight``. Raises ``ValueError`` for numbers out of range.
    """

    gates: Gates = Gates()
    dt: float = 0.001
    steps: int = 300
    leak: float = 10.0
    weight: float = 0.03
    inhibition: float = 0.5

    def __post_init__(self) -> None:
        check_numbers(self, "dt", "leak", "weight", "inhibition")
        if not (self.dt > 0 and self.steps >= 1):
            raise ValueError(f"dt must be above 0 seconds and steps at least 1, got {self.dt} and {self.steps}.")
        if min(self.leak, self.weight, self.inhibition) < 0:
            raise ValueError(f"leak, weight and inhibition must not be negative, got {self}.")

    def constants(self) -> dict[str, float]:
        """The numbers of a step, on ``GRID``, and the decay of calcium."""
        values = {"weight": self.weight, "inhibiting": self.weight * self.inhibition}
        values |= {"leak": self.leak * self.dt}
        return {name: on_grid(value) for name, value in values.items()} | {"decay": np.exp(-self.dt / self.gates.tau)}


class Events(NamedTuple):
    """Spikes of the inputs in one presentation: ``who[starts[t]:starts[t + 1]]`` fire in step t, each once at most."""

    starts: Values
    who: Values


class Outcome(NamedTuple):
    """``spikes`` bool [presentation, step, unit], and the synapses' states at rest afterwards, int8 [input, unit]."""

    spikes: Values
    state: Values


def poisson_events(probability: Values, steps: int, key: int) -> Events:
    """Independent spikes of each input with a probability a step, [input]; decided by ``key``.

    Raises ``ValueError`` for probabilities outside [0, 1).
    """
    from fusi_models.networks import spike_driven_loops as loops

    probability = _probabilities(probability)
    starts, index = np.empty(steps + 1, np.int64), np.empty(len(probability) * steps, np.int32)
    loops.poisson(probability, steps, check_key(key), starts, index)
    return Events(starts, index[: starts[-1]].copy())


def uniform_start(units: int, key: int) -> Values:
    """V at the start of a presentation, uniform on the grid in [0, 1), float64 [unit]; decided by ``key``."""
    from fusi_models.networks import spike_driven_loops as loops

    start = np.empty(units)
    loops.start(check_key(key), GRID, start)
    return start


def present(
    circuit: Circuit,
    hidden: Hidden,
    state: Values,
    events: Sequence[Events],
    drive: Values,
    keys: Sequence[int],
    learn: bool = True,
) -> Outcome:
    """Show presentations one after another; ``state`` [input, unit] is not changed.

    ``drive`` [presentation, unit]: the instructor's, in thresholds a second. ``keys``: one a presentation.
    """
    from fusi_models.networks import spike_driven_loops as loops

    layer = _Layer(circuit, hidden, state)
    if max((int(e.who.max(initial=-1)) for e in events), default=-1) >= len(state):
        raise ValueError(f"events name inputs that state, of {len(state)} inputs, does not have.")
    spikes = np.zeros((len(events), circuit.steps, layer.units), np.bool_)
    for events_k, drive_k, key, spikes_k in zip(events, drive_a_step(circuit, drive), keys, spikes, strict=True):
        v = uniform_start(layer.units, key)
        loops.present(
            layer.synapses, layer.numbers, layer.tables, events_k, drive_k, v, check_key(key), learn, spikes_k
        )
    return Outcome(spikes, layer.rest())


def present_rates(
    circuit: Circuit,
    hidden: Hidden,
    state: Values,
    probability: Values,
    drive: Values,
    keys: Values,
    learn: bool = True,
) -> tuple[Values, Values]:
    """``present`` of ``poisson_events``, all in one compiled loop: spike counts int32 [presentation, unit], and states.

    ``probability`` [presentation, input]: of a spike in a step. ``drive``, ``keys`` as in ``present``.
    Raises ``ValueError`` for another number of inputs than ``state`` has.
    """
    from fusi_models.networks import spike_driven_loops as loops

    layer, probability = _Layer(circuit, hidden, state), _probabilities(probability)
    if probability.shape[1:] != np.shape(state)[:1]:
        raise ValueError(f"probability has shape {probability.shape}: give {len(state)} inputs, as state has.")
    counts = np.zeros((len(probability), layer.units), np.int32)
    loops.present_all(
        layer.synapses,
        layer.numbers,
        layer.tables,
        probability,
        drive_a_step(circuit, drive),
        np.asarray(keys, np.int64),
        circuit.steps,
        GRID,
        learn,
        counts,
    )
    return counts, layer.rest()


def drive_a_step(circuit: Circuit, drive: Values) -> Values:
    """What ``drive``, in thresholds a second, adds to V in a step, on ``GRID``."""
    return np.asarray(np.round(np.asarray(drive, float) * circuit.dt / GRID) * GRID)


def check_key(key: int) -> int:
    """``key`` as an int; raises ``ValueError`` outside 0..KEYS-1."""
    if not 0 <= key < KEYS:
        raise ValueError(f"a key must be a whole number from 0 to {KEYS - 1}, got {key}.")
    return int(key)


def _probabilities(values: Values) -> Values:
    values = np.asarray(values, float)
    if values.size and not (values.min() >= 0 and values.max() < 1):
        raise ValueError(
            f"probabilities of a spike in a step lie between {values.min()} and {values.max()}: keep 0 <= p < 1."
        )
    return values


@dataclass
class _Layer:
    """Working arrays of the loops: per synapse X or k, step of its last change, and J; and the circuit's numbers."""

    circuit: Circuit
    hidden: Hidden
    state: Values
    synapses: tuple[Values, ...] = field(init=False)

    def __post_init__(self) -> None:
        state = np.asarray(self.state, np.int8)
        self.units = state.shape[1]
        self.tables = tuple(self.hidden.tables(self.circuit.dt))
        efficacy = self.hidden.efficacy(state).astype(np.float32)
        self.synapses = (state.astype(np.float32), np.zeros(state.shape, np.float32), efficacy)
        gates = self.circuit.gates.constants()
        self.numbers = np.array([*self.circuit.constants().values(), *gates.values()])

    def rest(self) -> Values:
        """The states at rest now, int8: J for the internal variable, k for a chain."""
        hidden, _, efficacy = self.synapses
        return np.asarray(hidden if self.hidden.stochastic else efficacy, np.int8)
