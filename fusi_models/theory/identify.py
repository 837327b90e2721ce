"""Fit the hidden states of a synapse to recorded plasticity by expectation-maximisation.

A hidden Markov model whose transition matrix at each step is M+ or M- by the sign of that event (an input-output HMM),
and whose states show their strength without error (Baum et al. 1970, Ann. Math. Stat. 41:164; for synapses, Lahiri's
``complex_synapse.identify``):

    E: alpha_t = (alpha_{t-1} M_{s_t}) o [strength = observed_t],  beta likewise backwards, scaled at every step;
    M: M_s[i, j] proportional to sum over steps t with s_t = s of alpha_{t-1,i} M_s[i, j] [..]_j beta_{t,j}.

The likelihood never falls. What data can tell: the law of strengths given events, and so the memory curve. Not the
matrices themselves: M -> T^-1 M T, with T mixing states of one strength, gives the same law (Kienker 1989, Proc. R.
Soc. B 236:269), a continuum of models wherever no entry turns negative; and the last two levels of a cascade with
x = 1/2 cannot be told apart at all. A ``structure`` (which transitions exist) usually leaves one model. Without it,
states of one strength are returned in the order of their chance to flip.
"""

from dataclasses import dataclass

import numpy as np
from tqdm.auto import trange

from fusi_models.models.markov import MarkovSynapse
from fusi_models.synapse import Values


@dataclass(frozen=True, eq=False)
class Identification:
    """``synapse``: the fitted model. ``initial``: [state], distribution before the first event.

    ``log_likelihood``: [iteration] of the best start, natural logarithm, all data. ``converged``: whether it settled.
    """

    synapse: MarkovSynapse
    initial: Values
    log_likelihood: Values
    converged: bool


def identify(
    events: Values,
    observed: Values,
    weak: int,
    strong: int,
    rng: np.random.Generator,
    starts: int = 5,
    iterations: int = 500,
    tolerance: float = 1e-7,
    structure: MarkovSynapse | None = None,
    progress: bool = False,
) -> Identification:
    """The most likely synapse with ``weak`` + ``strong`` states, the best of ``starts`` random starts.

    ``events``: [recording, step], -1 or +1. ``observed``: [recording, step + 1], the strength -1 or +1 before the first
    event and after each one, 0 where it was not measured. ``tolerance``: stop when the log-likelihood per step grows by
    less. ``structure``: a model, weak states first, whose zeros are kept; its other values are not used.
    Raises ``ValueError`` for shapes or values that do not fit, or data that the structure makes impossible.
    """
    events, observed = np.asarray(events), np.asarray(observed)
    if events.ndim != 2 or observed.shape != (events.shape[0], events.shape[1] + 1) or not events.size:
        raise ValueError(
            f"events [recording, step] and observed [recording, step + 1] do not fit: {events.shape}, {observed.shape}."
        )
    if not (np.all(np.isin(events, (-1, 1))) and np.all(np.isin(observed, (-1, 0, 1)))):
        raise ValueError("events must be -1 or +1, and observed strengths -1, +1 or 0 for not measured.")
    if weak < 1 or strong < 1 or starts < 1:
        raise ValueError(
            f"give at least one weak state, one strong state and one start, got {weak}, {strong}, {starts}."
        )
    strength = np.repeat([-1, 1], [weak, strong])
    if structure is not None and not np.array_equal(structure.strength, strength):
        raise ValueError("the structure must have the same number of states, the weak ones first.")
    shown = (observed[..., None] == strength) | (observed[..., None] == 0)
    one = np.ones(weak + strong)
    allowed = 1.0 if structure is None else np.stack([structure.depression, structure.potentiation]) > 0
    fits = []
    for _ in range(starts):
        matrices = rng.dirichlet(one, (2, len(one))) * allowed
        matrices /= matrices.sum(-1, keepdims=True)
        fits.append(_climb(matrices, rng.dirichlet(one), events, shown, iterations, tolerance, progress))
    matrices, initial, history, converged = max(fits, key=lambda fit: fit[2][-1])
    order = _flip_order(matrices, strength) if structure is None else np.arange(len(one))
    matrices, f_pot = matrices[:, order][:, :, order], float(np.mean(events > 0))
    f_pot = min(max(f_pot, 1e-9), 1 - 1e-9)
    synapse = MarkovSynapse(matrices[1], matrices[0], strength, f_pot, f"identified({weak}+{strong})")
    return Identification(synapse, initial[order], np.array(history), converged)


def log_likelihood(synapse: MarkovSynapse, events: Values, observed: Values, initial: Values) -> float:
    """Natural log-likelihood of recordings (see ``identify``) under a model, for example of recordings left out."""
    shown = (observed[..., None] == synapse.strength) | (observed[..., None] == 0)
    return _expect(np.stack([synapse.depression, synapse.potentiation]), initial, events, shown)[2]


def _climb(
    matrices: Values,
    initial: Values,
    events: Values,
    shown: Values,
    iterations: int,
    tolerance: float,
    progress: bool,
) -> tuple[Values, Values, list[float], bool]:
    history: list[float] = []
    for _ in trange(iterations, disable=not progress or None, desc="expectation-maximisation", leave=False):
        counts, first, likelihood = _expect(matrices, initial, events, shown)
        history.append(likelihood)
        if len(history) > 1 and history[-1] - history[-2] < tolerance * events.size:
            return matrices, initial, history, True
        total = counts.sum(-1, keepdims=True)
        matrices = np.where(total > 0, counts / np.where(total > 0, total, 1), matrices)  # unvisited rows stay
        initial = first / first.sum()
    return matrices, initial, history, False


def _expect(matrices: Values, initial: Values, events: Values, shown: Values) -> tuple[Values, Values, float]:
    """Expected transitions [sign, from, to], expected first states [state], and the log-likelihood."""
    recordings, steps = events.shape
    alpha = np.empty((steps + 1, recordings, len(initial)))
    scale = np.empty((steps + 1, recordings))
    up = (events > 0).T[..., None]
    alpha[0] = initial * shown[:, 0]
    for t in range(steps + 1):
        if t:
            alpha[t] = np.where(up[t - 1], alpha[t - 1] @ matrices[1], alpha[t - 1] @ matrices[0]) * shown[:, t]
        scale[t] = alpha[t].sum(-1)
        if not np.all(scale[t] > 0):
            raise ValueError("the starting model makes the data impossible: give a structure with fewer zeros.")
        alpha[t] /= scale[t][:, None]
    counts, beta = np.zeros_like(matrices), np.ones((recordings, len(initial)))
    for t in range(steps, 0, -1):
        ahead = beta * shown[:, t] / scale[t][:, None]
        counts[1] += (alpha[t - 1] * up[t - 1]).T @ ahead
        counts[0] += (alpha[t - 1] * ~up[t - 1]).T @ ahead
        beta = np.where(up[t - 1], ahead @ matrices[1].T, ahead @ matrices[0].T)
    return counts * matrices, (alpha[0] * beta).sum(0), float(np.log(scale).sum())


def _flip_order(matrices: Values, strength: Values) -> Values:
    """Weak states from the least to the most likely to flip, then strong states from the most to the least likely."""
    weak = strength < 0
    flip = np.where(weak, matrices[1][:, ~weak].sum(1), -matrices[0][:, weak].sum(1))
    return np.asarray(np.lexsort((flip, strength)))
