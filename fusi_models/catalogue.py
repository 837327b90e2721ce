"""Synapse models by name, for command lines: ``cascade``, ``cascade:depth=8,rate=0.2``, ``hidden:m=3``..."""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from fusi_models.models.benna_fusi import BennaFusi
from fusi_models.models.hidden import BinaryUncertainty, HiddenWeight
from fusi_models.models.markov import cascade, plain
from fusi_models.synapse import SynapseModel


def _plain(q: float = 0.03) -> SynapseModel:
    return plain(q)


def _cascade(depth: int = 5, x: float = 0.5, rate: float = 0.1) -> SynapseModel:
    return replace(cascade(depth, x).slowed(rate), name=f"cascade(n={depth:g}, x={x:g}, rate={rate:g})")


def _hidden(
    m: float = 2.0, step: float = 0.02, bound: float = 1.0, width: float = 0.2, leak: float = 0.0
) -> SynapseModel:
    return HiddenWeight(m, step, bound, width, leak)


def _uncertain(
    window: float = 20.0, lr: float = 0.08, kl: float = 1.0, bound: float = 4.0, width: float = 0.2
) -> SynapseModel:
    return BinaryUncertainty(window, lr, kl=kl, bound=bound, width=width)


LEARNERS: dict[str, Callable[..., SynapseModel]] = {
    "plain": _plain,
    "cascade": _cascade,
    "hidden": _hidden,
    "uncertain": _uncertain,
}
"""Synapses as the local rule uses them: accepting only a part (``q``, ``rate``, ``step``) of the candidate events."""


def _deep_hidden(m: float = 4.0, bound: float = math.inf, leak: float = 0.0, step: float = 1.0) -> SynapseModel:
    return HiddenWeight(m, step, bound, min(bound, 0.05), leak)


def _deep_chain(levels: int = 4, base: float = 2.0, alpha: float = 0.25) -> SynapseModel:
    return BennaFusi(levels, base, alpha, binary=True)


DEEP: dict[str, Callable[..., SynapseModel]] = {
    "hidden": _deep_hidden,
    "uncertain": BinaryUncertainty,
    "benna-fusi": _deep_chain,
}
"""Synapses that an optimiser's step may drive (``snn.Consolidated``)."""


def learning_synapse(text: str) -> SynapseModel:
    """The model of ``LEARNERS`` that ``NAME`` or ``NAME:KEY=VALUE,...`` names; raises as ``parse``."""
    return parse(text, LEARNERS)


def parse(text: str, builders: Mapping[str, Callable[..., SynapseModel]]) -> SynapseModel:
    """The model that ``NAME`` or ``NAME:KEY=VALUE,...`` builds.

    Raises ``ValueError`` naming the known models, or the known keys of one.
    """
    name, _, rest = text.partition(":")
    if name not in builders:
        raise ValueError(f"There is no synapse '{name}': choose one of {', '.join(builders)}.")
    keys = inspect.signature(builders[name]).parameters
    options: dict[str, float] = {}
    for part in filter(None, rest.split(",")):
        key, _, value = part.partition("=")
        if key not in keys:
            raise ValueError(f"The synapse '{name}' has no parameter '{key}': it has {', '.join(keys)}.")
        try:
            options[key] = int(value) if value.lstrip("-").isdigit() else float(value)
        except ValueError:
            options[key] = math.nan
        if not math.isfinite(options[key]):
            raise ValueError(f"The parameter {key} of '{name}' must be a number, got '{value}'.")
    missing = [key for key, p in keys.items() if p.default is p.empty and key not in options]
    if missing:
        raise ValueError(f"The synapse '{name}' needs {', '.join(missing)}: write {name}:{missing[0]}=NUMBER.")
    return builders[name](**options)
