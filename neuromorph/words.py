"""Configurations in words: NAME or NAME:KEY=VALUE,..., with ``-`` for ``_``, as the command line takes them."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any, TypeVar, get_type_hints

from fusi_models.checks import pairs

T = TypeVar("T")
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_WANTED = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}


def configured(kind: type[T], what: str, options: str) -> T:
    """The dataclass ``kind`` with the options KEY=VALUE,...; its fields are numbers, words and booleans.

    ``what`` names it in messages. Raises ``ValueError`` for an unknown key, naming the known ones, for
    a key given twice, and for a value.

    >>> from neuromorph.learners.parts.ewc import EWC
    >>> configured(EWC, "part 'ewc'", "strength=7,shuffled=yes")
    EWC(strength=7.0, samples=5000, shuffled=True)
    """
    named = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    kinds = {key: one for key, one in get_type_hints(kind).items() if key in named}
    found: dict[str, Any] = {}
    for key, value in pairs(what, options, lambda word: word.replace("-", "_")).items():
        if key not in kinds:
            raise ValueError(f"The {what} has no option '{key}': it has {', '.join(kinds) or 'none'}.")
        found[key] = _value(what, key, value, kinds[key])
    return kind(**found)


def in_words(config: Any) -> str:
    """The options of ``configured`` that give this configuration."""
    return ",".join(f"{f.name}={_word(getattr(config, f.name))}" for f in fields(config))


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(what: str, key: str, value: str, kind: type) -> Any:
    try:
        found = _TRUTH[value.lower()] if kind is bool else kind(value)
        if kind is float and not math.isfinite(found):
            raise ValueError(value)
        return found
    except (ValueError, KeyError) as error:
        raise ValueError(f"The option {key} of the {what} must be {_WANTED[kind]}, got '{value}'.") from error
