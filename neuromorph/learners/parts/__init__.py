"""Parts that may be added to a learner, one file each, found by their file's name.

In words: ``ewc:strength=5000,samples=1000``, NAME or NAME:KEY=VALUE,... with ``-`` for ``_``. A part's file names its
configuration ``CONFIG``; nothing else has to be told of a new one.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from neuromorph.snn.parts import PartConfig
from neuromorph.words import configured, in_words


def names() -> list[str]:
    """The parts that there are."""
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__))


def by_words(text: str) -> PartConfig:
    """The part's configuration in words. Raises ``ValueError`` naming the known parts, or the keys of one."""
    name, _, options = text.partition(":")
    if name not in names():
        raise ValueError(f"There is no part '{name}': choose one of {', '.join(names())}.")
    return configured(_config(name), f"part '{name}'", options)


def words(config: PartConfig) -> str | None:
    """The words that give this configuration; None for a part that is not in this folder."""
    for name in names():
        if _config(name) is type(config):
            options = in_words(config)
            return f"{name}:{options}" if options else name
    return None


def settled(parts: tuple[PartConfig | str, ...]) -> tuple[PartConfig, ...]:
    """Configurations for words. Raises ``ValueError`` for two parts of a kind, which would count twice."""
    if isinstance(parts, str) or not isinstance(parts, Sequence):
        raise ValueError(f"parts must be a list of words or configurations, got {parts!r:.80}: write ('ewc',).")
    found = tuple(by_words(part) if isinstance(part, str) else part for part in parts)
    for n, part in enumerate(found):
        if not isinstance(part, PartConfig):
            raise ValueError(f"A part is words or a configuration, such as 'ewc:strength=1', got {part!r}.")
        if type(part) in map(type, found[:n]):
            raise ValueError(f"The part {type(part).__name__} is given twice: give it once.")
    return found


def _config(name: str) -> Any:
    return import_module(f"{__name__}.{name.replace('-', '_')}").CONFIG
