"""Memory curves of finite populations of a finite chain, drawn exactly at a cost that does not depend on N.

Independent synapses in the same state are exchangeable, so the counts per state are all there is to know. Between two
reading times the counts of each state spread as a multinomial with the row of Mbar^dt (discrete) or exp(dt (Mbar - 1))
(Poisson): the law of the counts is exact. Each trial draws its own pattern, so the mean and the spread of the overlap
are those of ``memory_curve``. Times are in candidate events per synapse.
"""

import numpy as np
from scipy.linalg import expm
from tqdm.auto import tqdm

from fusi_models.checks import MOST_COUNT, whole
from fusi_models.engines.monte_carlo import check_kinds
from fusi_models.engines.monte_carlo import check_reading as check_reading
from fusi_models.engines.monte_carlo import monte_carlo as monte_carlo
from fusi_models.engines.monte_carlo import trial_curve as trial_curve
from fusi_models.engines.monte_carlo import whole_count as whole_count
from fusi_models.models.markov import MarkovSynapse
from fusi_models.synapse import Chain, SynapseModel, Values, find
from fusi_models.theory.curve import MemoryCurve
from fusi_models.theory.propagator import Events


def simulate(
    syn: SynapseModel,
    times: Values,
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
    times, trials = check_reading(times, events, trials), whole("trials", trials)
    burn_in = whole("burn_in", burn_in, most=MOST_COUNT)
    count = whole_count(synapses, active)
    check_kinds(syn, rng)
    found = find(syn, Chain)
    if found is None:
        if events != "discrete" or active != 1 or f_pot not in (None, syn.f_pot):
            raise ValueError(f"{syn.name} has no finite chain: only discrete events on all synapses can be simulated.")
        return monte_carlo(syn, times, count, trials, rng, burn_in, progress)
    return _lumped(found.chain(), times, count, trials, rng, events, f_pot, active, progress)


def _lumped(
    syn: MarkovSynapse,
    times: Values,
    count: int,
    trials: int,
    rng: np.random.Generator,
    events: Events,
    f_pot: float | None,
    active: float,
    progress: bool,
) -> MemoryCurve:
    f = syn.f_pot if f_pot is None else f_pot
    pi, one, variance = syn.equilibrium(f), np.eye(syn.states), syn.variance(f)
    generator = active * (syn.mean_step(f) - one)
    potentiated = rng.binomial(count, f, size=trials)
    groups = np.stack([potentiated, count - potentiated], -1)  # [trial, sign]
    counts = np.stack(
        [rng.multinomial(groups[:, s], _rows(pi @ m)) for s, m in enumerate((syn.potentiation, syn.depression))], 1
    )
    mean, now = float(pi @ syn.strength), 0.0
    jump: tuple[float, Values] = (np.nan, one)
    overlap = np.empty((len(times), trials))
    for k, time in enumerate(tqdm(times, disable=not progress or None, desc=f"{syn.name} lumped", unit="reading")):
        if time > now:
            if time - now != jump[0]:
                jump = (time - now, _rows(_advance(generator, time - now, events)))
            counts = rng.multinomial(counts, jump[1]).sum(-2)
        now = time
        # in integers: 2^53 synapses would round
        signed = (counts[:, 0] - counts[:, 1]) @ syn.strength - mean * (groups[:, 0] - groups[:, 1])
        overlap[k] = signed / count
    return trial_curve(times, overlap, variance / count, syn.name)


def _advance(generator: Values, duration: float, events: Events) -> Values:
    if events == "poisson":
        return np.asarray(expm(generator * duration))
    return np.linalg.matrix_power(np.eye(len(generator)) + generator, int(duration))


def _rows(matrix: Values) -> Values:
    """Rounding errors out: multinomial draws want rows that are >= 0 and sum to 1."""
    positive: Values = np.clip(matrix, 0, None)
    normalised: Values = positive / positive.sum(-1, keepdims=True)
    return normalised
