"""Recall errors: patterns are stored, a noisy cue of one is shown, and each decoder answers with probabilities.

The error is the root mean square over neurons of (answer - pattern), as in Savin, Dayan & Lengyel (2014, PLoS CB
10:e1003489): sqrt(flip (1 - flip)) for the cue alone at coding level 1/2, 1 / sqrt(2) for an unrelated pattern.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from scipy.special import expit
from tqdm.auto import tqdm

from fusi_models.checks import MOST_COUNT, whole
from fusi_models.models.markov import MarkovSynapse
from fusi_models.networks import aware, explained, factorised, spanned
from fusi_models.networks.memory import (
    Memory,
    additive_memory,
    age_posterior,
    chain_memory,
    evidence,
    geometric,
    noisy_cue,
    rmse,
)
from fusi_models.networks.storage import additive_weights, blank, random_patterns, store, weights
from fusi_models.seeds import generator
from fusi_models.synapse import Values
from fusi_models.theory.pairs import PairLaw, Rule, additive_pairs

Knowledge = Literal["known", "prior", "familiarity"]


@dataclass(frozen=True, eq=False)
class Question:
    """``weights`` [post, pre], the ``cue`` [neuron] with bits wrong with probability ``flip``, the log-odds ``field``
    [neuron] of prior and cue, and what is known about the ``memory``."""

    weights: Values
    cue: Values
    flip: float
    field: Values
    memory: Memory


Decoder = Callable[[Question, np.random.Generator], Values]

DECODERS: dict[str, Decoder] = {
    "cue": lambda q, rng: expit(q.field),
    "attractor": lambda q, rng: factorised.attractor(q.weights, q.cue, q.memory.coding),
    "factorised": lambda q, rng: factorised.gibbs(q.weights, q.memory, q.field, rng, sweeps=20, burn=20),
    "factorised-mean": lambda q, rng: factorised.mean_field(q.weights, q.memory, q.field),
    "aware": lambda q, rng: aware.gibbs(q.weights, q.memory, q.field, rng, sweeps=20, burn=20),
    "aware-mean": lambda q, rng: aware.mean_field(q.weights, q.memory, q.field),
    "stop": lambda q, rng: aware.mean_field(q.weights, q.memory, q.field, stop=True),
}
"""The cue alone; Hopfield's network; independent synapses, by Gibbs and mean field; correlated ones, the same two, and
mean field that stops at its best signal-to-noise ratio. ``EXPLAIN`` looks at a network once for all its cues, so it is
not in this table."""

EXPLAIN = "explain"
"""The other patterns explained: newer ones one after another (finite chains, ``networks.explained``), or all at once
(additive weights, ``networks.spanned``)."""
LONGEST = 1e6  # of ages: a network stores as many patterns; the prior is a list of five times as many numbers


def chain_errors(
    syn: MarkovSynapse,
    rule: Rule,
    neurons: int,
    ages: Sequence[int],
    trials: int,
    seed: int,
    decoders: Sequence[str] = (*DECODERS, EXPLAIN),
    coding: float = 0.5,
    flip: float = 0.2,
    age: Knowledge = "known",
    mean_age: float = 20.0,
    burn_in: int = 150,
    progress: bool = False,
) -> dict[str, Values]:
    """[trial, age] for each decoder: error of recalling the pattern of each age from a network of bounded synapses.

    ``age``: known to the decoder, known by its geometric prior of mean ``mean_age`` only, or estimated from the
    familiarity of the cue under that prior. A trial is one network with ``burn_in`` random patterns before.
    Raises ``ValueError`` for unknown decoders, ages below 0, a rule that leaves all synapses at one strength or other
    bad arguments.
    """
    ages = _check(decoders, ages, trials, coding * neurons)
    if not 0 < mean_age < LONGEST:
        raise ValueError(f"the mean age of a recalled memory must lie above 0 and below {LONGEST:g}, got {mean_age}.")
    if age not in get_args(Knowledge):
        raise ValueError(f"what is known of the age is one of {', '.join(get_args(Knowledge))}, got {age!r}.")
    law, last = PairLaw(syn, rule, coding), max(max(ages), int(np.ceil(5 * mean_age)))
    base = chain_memory(syn, rule, coding, 0)
    means, prior = law.means(np.arange(last + 1)), geometric(mean_age, last)
    model = explained.Model(syn, rule, coding) if EXPLAIN in decoders else None
    errors = {name: np.empty((trials, len(ages))) for name in decoders}
    for trial in tqdm(range(trials), disable=not progress or None, desc=f"{syn.name}, {rule.name}", unit="network"):
        rng = generator("network of bounded synapses that recalls", seed, trial)
        patterns = random_patterns(max(ages) + 1, neurons, coding, rng)
        w = weights(syn, store(syn, blank(syn, rule, neurons, coding, burn_in, rng), patterns, rule, rng))
        newer = None if model is None else explained.explain(w, model)
        for k, t in enumerate(ages):
            x = patterns[-1 - t]
            cue = noisy_cue(x, flip, rng)
            chance = np.eye(last + 1)[t] if age == "known" else prior
            if age == "familiarity":
                chance = age_posterior(w, cue, flip, law, base.pairs, prior)
            memory = replace(base, mean=np.einsum("t,tab->ab", chance, means))
            question = Question(w, cue, flip, evidence(cue, flip, coding), memory)
            for name in decoders:
                if name == EXPLAIN and newer is not None:
                    answer = explained.recall(newer, cue, flip, question.field, chance)
                else:
                    answer = DECODERS[name](question, generator(f"decoder {name}", seed, trial, t))
                errors[name][trial, k] = rmse(answer, x)
    return errors


def additive_errors(
    rule: Rule,
    neurons: int,
    patterns: int,
    trials: int,
    seed: int,
    decoders: Sequence[str] = (*DECODERS, EXPLAIN),
    coding: float = 0.5,
    flip: float = 0.2,
    noise: float = 0.02,
    progress: bool = False,
) -> dict[str, Values]:
    """[trial] for each decoder: error of recalling one of ``patterns`` patterns added up by ``rule``.

    ``noise``: of each weight, in units of its standard deviation. Raises ``ValueError`` as ``chain_errors``.
    """
    _check(decoders, [0], trials, coding * neurons)
    scale = noise * np.sqrt(additive_pairs(rule, coding, patterns).variance)
    memory = additive_memory(rule, coding, patterns, scale)
    errors = {name: np.empty(trials) for name in decoders}
    for trial in tqdm(range(trials), disable=not progress or None, desc=f"additive, {rule.name}", unit="network"):
        rng = generator("network of additive synapses that recalls", seed, trial)
        x = random_patterns(patterns, neurons, coding, rng)
        w = additive_weights(x, rule, scale, rng)
        cue = noisy_cue(x[0], flip, rng)
        question = Question(w, cue, flip, evidence(cue, flip, coding), memory)
        for name in decoders:
            if name == EXPLAIN:
                answer = spanned.recall(spanned.span(w, rule, coding, patterns), rule, coding, scale, question.field)
            else:
                answer = DECODERS[name](question, generator(f"decoder {name}", seed, trial))
            errors[name][trial] = rmse(answer, x[0])
    return errors


def _check(decoders: Sequence[str], ages: Sequence[int], trials: int, active: float) -> list[int]:
    """The ages as whole numbers."""
    known = (*DECODERS, EXPLAIN)
    unknown = [name for name in decoders if name not in known]
    if unknown or not decoders:
        raise ValueError(f"a decoder here is one of {', '.join(known)}, got {', '.join(unknown) or 'none'}.")
    if not len(ages) or min(ages) < 0 or trials < 1:
        raise ValueError(f"give at least one age of 0 or more and at least one trial, got {list(ages)} and {trials}.")
    whole("trials", trials, most=MOST_COUNT)
    if max(ages) > LONGEST:
        raise ValueError(f"ages may be up to {LONGEST:g}, got {max(ages)}.")
    if 0 < active < 1:
        raise ValueError(f"a pattern would activate {active:g} neurons: give more neurons or a higher coding level.")
    return [whole("an age", age) for age in ages]
