"""Parts that may be added to a learner, one file each, found by their file's name.

In words: ``ewc:strength=5000,samples=1000``, NAME or NAME:KEY=VALUE,... with ``-`` for ``_``. A part's file names its
configuration ``CONFIG``; nothing else has to be told of a new one.
"""

from __future__ import annotations

import pkgutil
from dataclasses import fields
from importlib import import_module
from typing import Any, get_type_hints

from neuromorph.snn.parts import PartConfig


def names() -> list[str]:
    """The parts that there are."""
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__))


def by_words(text: str) -> PartConfig:
    """The part's configuration in words. Raises ``ValueError`` naming the known parts, or the keys of one."""
    name, _, rest = text.partition(":")
    if name not in names():
        raise ValueError(f"There is no part '{name}': choose one of {', '.join(names())}.")
    config = import_module(f"{__name__}.{name.replace('-', '_')}").CONFIG
    kinds = {key: kind for key, kind in get_type_hints(config).items() if key in {f.name for f in fields(config)}}
    options: dict[str, Any] = {}
    for word in filter(None, rest.split(",")):
        key, _, value = word.partition("=")
        key = key.replace("-", "_")
        if key not in kinds:
            raise ValueError(f"The part '{name}' has no option '{key}': it has {', '.join(kinds) or 'none'}.")
        options[key] = _value(name, key, value, kinds[key])
    return config(**options)


def words(config: PartConfig) -> str | None:
    """The words that give this configuration; None for a part that is not in this folder."""
    for name in names():
        if import_module(f"{__name__}.{name.replace('-', '_')}").CONFIG is type(config):
            chosen = [f"{f.name}={_word(getattr(config, f.name))}" for f in fields(config)]  # type: ignore[arg-type]
            return ":".join([name, ",".join(chosen)] if chosen else [name])
    return None


def settled(parts: tuple[PartConfig | str, ...]) -> tuple[PartConfig, ...]:
    """Configurations for words."""
    return tuple(by_words(part) if isinstance(part, str) else part for part in parts)


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _value(name: str, key: str, value: str, kind: type) -> Any:
    try:
        return _TRUTH[value.lower()] if kind is bool else kind(value)
    except (ValueError, KeyError) as error:
        wanted = {bool: "true or false", int: "a whole number", float: "a number"}[kind]
        raise ValueError(f"The option {key} of the part '{name}' must be {wanted}, got '{value}'.") from error
