"""Synapse models by name, for command lines: ``cascade``, ``cascade:depth=8,rate=0.2``, ``hidden@gradient:m=3``...

A name has one meaning, a function with parameters; a regime says which numbers they have where the user gives none:

    theory    the model of its paper: every candidate event is accepted
    local     as the local rule uses it: only a part of the candidate events (q, rate, step) is accepted
    gradient  as an optimiser's step may drive it (``snn.Consolidated``): steps of any size, no bound

A command has a regime; NAME@REGIME takes that of another one. The label of a model (``SynapseModel.name``) prints every
number in which two regimes differ. ``table()`` lists everything.

The models are found in the folder ``models``: a file that has a ``CATALOGUE`` of ``Entry`` is in.
"""

import inspect
import math
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from typing import Literal, get_args

import numpy as np

from fusi_models.checks import pairs
from fusi_models.files import load_synapse
from fusi_models.seeds import generator
from fusi_models.synapse import SynapseModel

Regime = Literal["theory", "local", "gradient"]
REGIMES: tuple[Regime, ...] = get_args(Regime)
LEARNERS: Regime = "local"
DEEP: Regime = "gradient"


@dataclass(frozen=True)
class Entry:
    """A name of the catalogue.

    name: the word.
    build: makes the model from numbers; its parameters are the user's.
    regimes: regime -> the defaults in which it differs from those of ``build``; a regime that is left out is refused.
    aliases: earlier parameter -> parameter.
    """

    name: str
    build: Callable[..., SynapseModel]
    regimes: Mapping[Regime, Mapping[str, float]]
    aliases: Mapping[str, str] = field(default_factory=dict)

    def defaults(self, regime: Regime) -> dict[str, float | None]:
        """Parameter -> its value in ``regime``; ``None`` where the user must give one."""
        parameters = inspect.signature(self.build).parameters.values()
        built = {p.name: None if p.default is p.empty else p.default for p in parameters}
        return built | dict(self.regimes[regime])


@lru_cache(maxsize=1)
def entries() -> dict[str, Entry]:
    """Name -> entry, of every file of ``fusi_models.models``, in the order of the alphabet."""
    package = import_module("fusi_models.models")
    modules = [import_module(f"{package.__name__}.{m.name}") for m in pkgutil.iter_modules(package.__path__)]
    found = [entry for module in modules for entry in vars(module).get("CATALOGUE", ())]
    return {entry.name: entry for entry in sorted(found, key=lambda entry: entry.name)}


def names(regime: Regime) -> tuple[str, ...]:
    """The synapses that have numbers for ``regime``."""
    return tuple(name for name, entry in entries().items() if regime in entry.regimes)


def table(regime: Regime | None = None) -> str:
    """One line a name and regime, such as ``cascade@local  depth=5, x=0.5, rate=0.1, f_pot=0.5``."""
    lines = []
    for name, entry in entries().items():
        for each in (r for r in REGIMES if r in entry.regimes and regime in (None, r)):
            numbers = (f"{k}={'?' if v is None else format(v, 'g')}" for k, v in entry.defaults(each).items())
            lines.append(f"{f'{name}@{each}':22}{', '.join(numbers)}")
    return "\n".join(lines)


def learning_synapse(text: str) -> SynapseModel:
    """The model of the regime "local" that ``NAME`` or ``NAME:KEY=VALUE,...`` names.

    Raises as ``parse``, and ``ValueError`` for one whose efficacies are not -1 and +1, as the local rules need them.
    """
    model = parse(text, "local")
    seen = model.efficacy(model.init(1000, generator("efficacies", 0)))
    if not np.isin(seen, (-1, 1)).all():
        raise ValueError(
            f"The local rules have binary weights, but the efficacies of '{text}' go from {np.min(seen):.3g} to "
            f"{np.max(seen):.3g}: take memory-curve for it, or make them -1 and +1 (benna-fusi: binary=1)."
        )
    return model


def parse(text: str, regime: Regime, **usual: float) -> SynapseModel:
    """The model that ``NAME``, ``NAME:KEY=VALUE,...`` or ``NAME@REGIME:KEY=VALUE,...`` names; or ``file:PATH`` of an
    .npz with the arrays of a chain (``files.load_synapse``).

    ``usual``: values of parameters for the models that have them, where the words give none.
    Raises ``ValueError`` naming the known models and regimes, or the known keys of one; ``OSError`` for a file that
    cannot be read.

    >>> parse("cascade", "local").name, parse("cascade@theory:depth=10", "local").name
    ('cascade(n=5, x=0.5, rate=0.1)', 'cascade(n=10, x=0.5)')
    """
    words, _, rest = text.partition(":")
    if words == "file":
        return load_synapse(rest, **{key: value for key, value in usual.items() if key == "f_pot"})
    name, at, other = words.partition("@")
    chosen = next((r for r in REGIMES if r == other), None) if at else regime
    if chosen is None:
        raise ValueError(f"There is no regime '{other}': choose one of {', '.join(REGIMES)}.")
    if name not in names(chosen):
        elsewhere = f" with numbers for the regime {chosen}" if name in entries() else ""
        known = ", ".join(names(chosen))
        raise ValueError(f"There is no synapse '{name}'{elsewhere}: choose one of {known}, or file:PATH.")
    entry = entries()[name]
    values = entry.defaults(chosen)
    values |= {key: value for key, value in usual.items() if key in values} | _options(entry, rest, list(values))
    missing = [key for key, value in values.items() if value is None]
    if missing:
        raise ValueError(f"The synapse '{name}' needs {', '.join(missing)}: write {name}:{missing[0]}=NUMBER.")
    return entry.build(**values)


def _options(entry: Entry, text: str, keys: list[str]) -> dict[str, float]:
    options: dict[str, float] = {}
    for key, value in pairs(f"synapse '{entry.name}'", text, lambda word: entry.aliases.get(word, word)).items():
        if key not in keys:
            raise ValueError(f"The synapse '{entry.name}' has no parameter '{key}': it has {', '.join(keys)}.")
        try:
            options[key] = int(value) if value.lstrip("-").isdigit() else float(value)
        except ValueError:
            options[key] = math.nan
        if not math.isfinite(options[key]):
            raise ValueError(f"The parameter {key} of '{entry.name}' must be a number, got '{value}'.")
    return options
