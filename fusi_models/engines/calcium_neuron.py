"""A cell whose synapses follow ``models/calcium.py``: the compiled reference for hours of model time (loads numba).

    tau dV/dt = V_reset - V - G_e (V - E_e) - G_i (V - E_i)         a spike where V > threshold, then V = V_reset
    tau_r dV_reset/dt = V_rest - V_reset                            a spike lowers V_reset by ``drop``
    G_e jumps by ``excite`` times the weight, G_i by ``inhibit``; both decay.  The dendrite is at V_reset + BPAP.

Yeung, Shouval, Blais & Cooper 2004 (PNAS 101:14943) as it stands in a public teaching code (Gabbiani & Cox); ms, mV,
conductances relative to the leak. g follows the BPAP alone.
"""

from dataclasses import dataclass, replace
from math import exp
from typing import NamedTuple

import numpy as np
from tqdm.auto import tqdm

from fusi_models.checks import MOST_COUNT, check_constants, finites, whole
from fusi_models.engines import calcium_loops as loops
from fusi_models.engines.calcium_inputs import Inputs
from fusi_models.models.calcium import YEUNG_2004, CalciumSynapse
from fusi_models.synapse import Values


@dataclass(frozen=True)
class CalciumNeuron:
    """Constants of the cell. Raises ``ValueError`` for times that are not positive and for NaN."""

    synapse: CalciumSynapse = YEUNG_2004
    tau: float = 20.0
    threshold: float = -55.0
    excite: float = 0.03
    inhibit: float = 0.1
    tau_excited: float = 5.0
    tau_inhibited: float = 5.0
    reversal_excited: float = 0.0
    reversal_inhibited: float = -65.0
    drop: float = 2.0
    tau_reset: float = 100.0

    def __post_init__(self) -> None:
        check_constants({name: value for name, value in vars(self).items() if name != "synapse"})

    def fixed(self, conductance: float) -> "CalciumNeuron":
        """The same cell without metaplasticity, its receptors at ``conductance`` (uM/(ms mV), below 0)."""
        return replace(self, synapse=self.synapse.fixed(conductance))

    def numbers(self, dt: float) -> loops.CellConstants:
        """The constants for steps of ``dt`` ms."""
        keep = [exp(-dt / tau) for tau in (self.tau_excited, self.tau_inhibited, self.tau_reset)]
        return loops.CellConstants(
            self.tau, self.threshold, self.excite, self.inhibit, keep[0], keep[1],
            self.reversal_excited, self.reversal_inhibited, self.drop, keep[2],
        )  # fmt: skip


class NeuronState(NamedTuple):
    """Synapses [4, input]: fast and slow open receptors, calcium, weight. Cell [7]: see ``calcium_loops``."""

    synapses: Values
    cell: Values

    @property
    def weight(self) -> Values:
        """[input]."""
        return np.asarray(self.synapses[loops.WEIGHT])

    @property
    def conductance(self) -> float:
        """g, uM/(ms mV)."""
        return float(self.cell[loops.CELL_CONDUCTANCE])


class NeuronRun(NamedTuple):
    """What a run left, by minute: weights [minute, input], conductance [minute], output rate [minute] in Hz."""

    weights: Values
    conductance: Values
    output: Values
    state: NeuronState


def start(neuron: CalciumNeuron, inputs: int, weight: float | Values = 0.5) -> NeuronState:
    """A cell at rest without calcium; ``weight``: one number or [input], not below 0, as a cell's synapses excite it.

    Raises ``ValueError`` for other weights.
    """
    synapses, cell = np.zeros((4, inputs)), np.zeros(7)
    synapses[loops.WEIGHT] = finites("weights", weight, 0)
    cell[[loops.VOLTAGE, loops.RESET]] = neuron.synapse.rest
    cell[loops.CELL_CONDUCTANCE] = neuron.synapse.conductance
    return NeuronState(synapses, cell)


def advance(
    neuron: CalciumNeuron,
    state: NeuronState,
    excite: Values,
    inhibit: Values,
    dt: float = 1.0,
    plastic: bool = True,
) -> tuple[NeuronState, Values]:
    """The state after given input, and the steps at which the cell fired, [step] bool; deterministic.

    ``excite``: [step, input] bool. ``inhibit``: [step], number of inhibitory spikes. ``dt`` in ms.
    ``plastic=False`` holds weights and conductance. Raises ``ValueError`` where shapes do not fit.
    """
    after = NeuronState(state.synapses.copy(), state.cell.copy())
    excite, inhibit = np.asarray(excite, bool), np.asarray(inhibit, float)
    if excite.shape != (*inhibit.shape, state.synapses.shape[1]):
        raise ValueError(
            f"excite must be [step, input] = [{len(inhibit)}, {state.synapses.shape[1]}], got {list(excite.shape)}."
        )
    fired = np.zeros(len(excite), bool)
    numbers = loops.constants(neuron.synapse, dt), neuron.numbers(dt)
    loops.advance(excite, inhibit, *after, *numbers, plastic, fired)
    return after, fired


def run(
    neuron: CalciumNeuron,
    inputs: Inputs,
    minutes: int,
    rng: np.random.Generator,
    weight: float | Values = 0.5,
    state: NeuronState | None = None,
    dt: float = 1.0,
    progress: bool = False,
) -> NeuronRun:
    """``minutes`` of model time, patterns drawn at random every ``inputs.dwell``; from ``state`` or from ``weight``.

    Raises ``ValueError`` for less than a minute or a part of one, and a dwell that does not divide it.
    """
    steps, shows, minutes = _steps(inputs, dt), 60_000 / inputs.dwell, whole("minutes", minutes, most=MOST_COUNT)
    if minutes < 1 or shows != int(shows):
        raise ValueError(f"need minutes >= 1 and a dwell that divides a minute, got {minutes} and {inputs.dwell} ms.")
    state = state or start(neuron, inputs.rates.shape[1], weight)
    weights, conductance, output = [], np.empty(minutes), np.zeros(minutes)
    for minute in tqdm(range(minutes), disable=not progress or None, unit="min of model time"):
        for pattern in rng.integers(len(inputs.rates), size=int(shows)):
            state, fired = advance(neuron, state, *inputs.draw(int(pattern), steps, dt, rng), dt)
            output[minute] += fired.sum() / 60
        weights.append(state.weight.copy())
        conductance[minute] = state.conductance
    return NeuronRun(np.array(weights), conductance, output, state)


def responses(
    neuron: CalciumNeuron,
    inputs: Inputs,
    state: NeuronState,
    rng: np.random.Generator,
    shows: int = 100,
    dt: float = 1.0,
) -> Values:
    """Output rate to each pattern, [pattern] in Hz, over ``shows`` presentations of each in random order; frozen.

    Raises ``ValueError`` for no presentation.
    """
    steps, shows = _steps(inputs, dt), whole("shows", shows, 1, MOST_COUNT)
    counts = np.zeros(len(inputs.rates))
    for pattern in rng.permutation(np.repeat(np.arange(len(inputs.rates)), shows)):
        state, fired = advance(neuron, state, *inputs.draw(int(pattern), steps, dt, rng), dt, plastic=False)
        counts[pattern] += fired.sum()
    return counts / (shows * inputs.dwell / 1000)


def _steps(inputs: Inputs, dt: float) -> int:
    """Of a pattern's presentation."""
    steps = round(inputs.dwell / dt) if dt > 0 else 0
    if steps < 1 or abs(steps * dt - inputs.dwell) > 1e-6 * inputs.dwell:
        raise ValueError(f"a dwell of {inputs.dwell:g} ms must be a whole number of steps, got dt = {dt:g} ms.")
    return steps


def selectivity(rates: Values, silent: float = 1.0) -> Values:
    """1 - mean / max over the last axis, [pattern]; 0 where no rate exceeds ``silent`` Hz. At most 1 - 1 / patterns."""
    best = rates.max(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(best > silent, 1 - rates.mean(-1) / best, 0.0))
