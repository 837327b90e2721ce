"""Synapse models by name, for command lines: ``cascade``, ``cascade:depth=8,rate=0.2``, ``hidden:m=3``..."""

from collections.abc import Callable
from dataclasses import replace

from fusi_models.synapse import HiddenWeight, SynapseModel, cascade, plain


def _plain(q: float = 0.03) -> SynapseModel:
    return plain(q)


def _cascade(depth: float = 5, x: float = 0.5, rate: float = 0.1) -> SynapseModel:
    return replace(cascade(int(depth), x).slowed(rate), name=f"cascade(n={depth:g}, x={x:g}, rate={rate:g})")


def _hidden(m: float = 2.0, step: float = 0.02, bound: float = 1.0, width: float = 0.2) -> SynapseModel:
    return HiddenWeight(m, step, bound, width)


LEARNERS: dict[str, Callable[..., SynapseModel]] = {"plain": _plain, "cascade": _cascade, "hidden": _hidden}
"""Synapses as the local rule uses them: accepting only a part (``q``, ``rate``, ``step``) of the candidate events."""


def learning_synapse(text: str) -> SynapseModel:
    """The model that ``NAME`` or ``NAME:KEY=VALUE,...`` names.

    Raises ``ValueError`` naming the known models, or the known keys of one.
    """
    name, _, rest = text.partition(":")
    if name not in LEARNERS:
        raise ValueError(f"There is no synapse '{name}': choose one of {', '.join(LEARNERS)}.")
    builder = LEARNERS[name]
    known = builder.__code__.co_varnames[: builder.__code__.co_argcount]
    options = {}
    for part in filter(None, rest.split(",")):
        key, _, value = part.partition("=")
        if key not in known:
            raise ValueError(f"The synapse '{name}' has no parameter '{key}': it has {', '.join(known)}.")
        try:
            options[key] = float(value)
        except ValueError:
            raise ValueError(f"The parameter {key} of '{name}' must be a number, got '{value}'.") from None
    return builder(**options)
