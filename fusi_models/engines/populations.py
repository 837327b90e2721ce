"""Memory curves of finite populations, drawn exactly.

Lumped (finite chains): independent synapses in the same state are exchangeable, so the counts per state are all there
is to know. Between two reading times the counts of each state spread as a multinomial with the row of Mbar^dt
(discrete) or exp(dt (Mbar - 1)) (Poisson): the law of the counts is exact and the cost does not depend on N.

Monte-Carlo (any model): every synapse is stepped. For models without a finite chain, and to check the lumped engine.

Both: each trial draws its own pattern, so the mean and the spread of the overlap are those of ``memory_curve``.
"""

import numpy as np
from scipy.linalg import expm
from tqdm import tqdm

from fusi_models.synapse import SynapseModel
from fusi_models.theory.curve import Events, MemoryCurve, check_times, tracked


def simulate(
    syn: SynapseModel,
    times: np.ndarray,
    synapses: int,
    trials: int,
    rng: np.random.Generator,
    events: Events = "discrete",
    f_pot: float | None = None,
    active: float = 1.0,
    burn_in: int = 0,
    progress: bool = False,
) -> MemoryCurve:
    """``trials`` populations of ``synapses`` synapses, finite chains lumped (up to 1e15); see ``memory_curve``.

    Models without a finite chain are stepped synapse by synapse, after ``burn_in`` events (see ``monte_carlo``).
    ``times``: [time], increasing. ``progress``: show a bar over the times.
    Raises ``ValueError`` for times that do not increase, or counts below 1.
    """
    times = check_reading(times, events, trials)
    count = whole_count(synapses, active)
    chain = syn.chain()
    if chain is None:
        if events != "discrete" or active != 1 or f_pot not in (None, syn.f_pot):
            raise ValueError(f"{syn.name} has no finite chain: only discrete events on all synapses can be simulated.")
        return monte_carlo(syn, times, count, trials, rng, burn_in, progress)
    return _lumped(chain, times, count, trials, rng, events, f_pot, active, progress)


def _lumped(syn, times, count, trials, rng, events, f_pot, active, progress):
    f = syn.f_pot if f_pot is None else f_pot
    pi, one = syn.equilibrium(f), np.eye(syn.states)
    generator = active * (syn.mean_step(f) - one)
    potentiated = rng.binomial(count, f, size=trials)
    groups = np.stack([potentiated, count - potentiated], -1)  # [trial, sign]
    counts = np.stack(
        [rng.multinomial(groups[:, s], _rows(pi @ m)) for s, m in enumerate((syn.potentiation, syn.depression))], 1
    )
    mean, now, jump = float(pi @ syn.strength), 0.0, (np.nan, one)
    overlap = np.empty((len(times), trials))
    for k, time in enumerate(tqdm(times, disable=not progress, desc=f"{syn.name} lumped", unit="reading")):
        if time > now:
            if time - now != jump[0]:
                jump = (time - now, _rows(_advance(generator, time - now, events)))
            counts = rng.multinomial(counts, jump[1]).sum(-2)
        now = time
        # in integers: 2^53 synapses would round
        signed = (counts[:, 0] - counts[:, 1]) @ syn.strength - mean * (groups[:, 0] - groups[:, 1])
        overlap[k] = signed / count
    return trial_curve(times, overlap, (1 - mean**2) / count, syn.name)


def monte_carlo(
    syn: SynapseModel,
    times: np.ndarray,
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
    times = check_reading(times, "discrete", trials)
    shape = (trials, whole_count(synapses))
    steps = tqdm(total=burn_in + int(times[-1]) + 1, disable=not progress, desc=syn.name, unit="event")

    def event():
        steps.update()
        return 2 * (rng.random(shape) < syn.f_pot) - 1

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


def trial_curve(times: np.ndarray, overlap: np.ndarray, background: float, name: str) -> MemoryCurve:
    """The curve of overlaps [time, trial]; ``background``: variance of the overlap with an unstored pattern."""
    signal, noise = overlap.mean(1), np.full(len(times), np.sqrt(background))
    spread = overlap.std(1, ddof=1) if overlap.shape[1] > 1 else np.full(len(times), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        return MemoryCurve(times, signal, noise, signal / noise, spread, spread / np.sqrt(overlap.shape[1]), name)


def check_reading(times: np.ndarray, events: Events, trials: int) -> np.ndarray:
    """``times`` as a flat, increasing array of at least one time. Raises ``ValueError`` otherwise."""
    times = np.atleast_1d(check_times(times, events))
    if times.ndim != 1 or not len(times) or np.any(np.diff(times) < 0):
        raise ValueError("times must be a list of at least one time in increasing order.")
    if trials < 1:
        raise ValueError(f"trials must be at least 1, got {trials}.")
    return times


def whole_count(synapses: int, active: float = 1.0) -> int:
    """Number of synapses one memory touches. Raises ``ValueError`` for none, or more than 1e15."""
    count = int(round(tracked(synapses, active)))
    if not 1 <= count <= 10**15:
        raise ValueError(f"simulations need between 1 and 1e15 synapses that a memory touches, got {count:g}.")
    return count


def _advance(generator: np.ndarray, duration: float, events: Events) -> np.ndarray:
    if events == "poisson":
        return expm(generator * duration)
    return np.linalg.matrix_power(np.eye(len(generator)) + generator, int(duration))


def _rows(matrix: np.ndarray) -> np.ndarray:
    """Rounding errors out: multinomial draws want rows that are >= 0 and sum to 1."""
    matrix = np.clip(matrix, 0, None)
    return matrix / matrix.sum(-1, keepdims=True)
