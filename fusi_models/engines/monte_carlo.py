"""Memory curves of finite populations, every synapse stepped: for any model, and to check the lumped engine.

Each trial draws its own pattern, so the mean and the spread of the overlap are those of ``memory_curve``. Times are in
candidate events per synapse.
"""

import numpy as np
from tqdm.auto import tqdm

from fusi_models.checks import MOST_COUNT, check_generator, whole
from fusi_models.synapse import SynapseModel, Values
from fusi_models.theory.curve import MemoryCurve, tracked
from fusi_models.theory.propagator import Events, check_times


def monte_carlo(
    syn: SynapseModel,
    times: Values,
    synapses: int,
    trials: int,
    rng: np.random.Generator,
    burn_in: int = 0,
    progress: bool = False,
) -> MemoryCurve:
    """Step every synapse of every trial; discrete events, a fraction ``syn.f_pot`` of which potentiate.

    Memory grows with synapses * trials, time with that and ``times[-1]``.
    ``burn_in``: events before the tracked memory, for models whose ``init`` is not the equilibrium (hidden weight).
    The mean efficacy, and the background variance, are those found right before storage.
    """
    times, burn_in = check_reading(times, "discrete", trials), whole("burn_in", burn_in, most=MOST_COUNT)
    shape = (whole("trials", trials), whole_count(synapses))
    check_kinds(syn, rng)
    steps = tqdm(total=burn_in + int(times[-1]) + 1, disable=not progress or None, desc=syn.name, unit="event")

    def event() -> Values:
        steps.update()
        signs: Values = 2 * (rng.random(shape) < syn.f_pot) - 1
        return signs

    state = syn.init(shape, rng)
    for _ in range(burn_in):
        state = syn.update(state, event(), rng)
    before = syn.efficacy(state)
    mean, variance = float(np.mean(before)), float(np.var(before))
    ideal = event()
    state = syn.update(state, ideal, rng)
    overlap, now = np.empty((len(times), trials)), 0
    for k, time in enumerate(times):
        for _ in range(int(time) - now):
            state = syn.update(state, event(), rng)
        now = int(time)
        overlap[k] = np.mean(ideal * (syn.efficacy(state) - mean), axis=1)
    steps.close()
    return trial_curve(times, overlap, variance / shape[1], syn.name)


def trial_curve(times: Values, overlap: Values, background: float, name: str) -> MemoryCurve:
    """The curve of overlaps [time, trial]; ``background``: variance of the overlap with an unstored pattern."""
    signal, noise = overlap.mean(1), np.full(len(times), np.sqrt(background))
    spread = overlap.std(1, ddof=1) if overlap.shape[1] > 1 else np.full(len(times), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        return MemoryCurve(times, signal, noise, signal / noise, spread, spread / np.sqrt(overlap.shape[1]), name)


def check_reading(times: Values, events: Events, trials: int) -> Values:
    """``times`` as a flat, increasing array of at least one time. Raises ``ValueError`` otherwise."""
    times = np.atleast_1d(check_times(times, events))
    if times.ndim != 1 or not len(times) or np.any(np.diff(times) < 0):
        raise ValueError("times must be a list of at least one time in increasing order.")
    whole("trials", trials, 1, MOST_COUNT)
    return times


def whole_count(synapses: int, active: float = 1.0) -> int:
    """Number of synapses one memory touches. Raises ``ValueError`` for none, or more than 1e15."""
    count = tracked(synapses, active)
    if not 1 <= round(min(count, 10**16)) <= 10**15:
        raise ValueError(f"simulations need between 1 and 1e15 synapses that a memory touches, got {count:g}.")
    return round(count)


def check_kinds(syn: object, rng: object) -> None:
    """Raise ``ValueError`` where these are no synapse model and no generator."""
    if not isinstance(syn, SynapseModel):
        raise ValueError(f"syn must be a synapse model such as cascade(5), got {syn!r:.80}.")
    check_generator(rng)
