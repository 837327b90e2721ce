"""Streams from words: ``KIND-DATA``, ``KIND-DATA:KEY=VALUE,...``; the kinds are found by listing ``streams/kinds``."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any
from weakref import WeakValueDictionary

from fusi_models import checks
from fusi_models.checks import count, pairs
from neuromorph.data import Data, load, names
from neuromorph.streams import kinds
from neuromorph.streams.combined import joint
from neuromorph.streams.kind import Kind
from neuromorph.streams.stream import Stream

MOST = 100_000  # tasks: a list of more fills the memory before anything is said


@cache
def known_kinds() -> Mapping[str, Kind]:
    """The kinds by name, of all files of ``streams/kinds``."""
    modules = [import_module(f"{kinds.__name__}.{module.name}") for module in iter_modules(kinds.__path__)]
    return {name: kind for module in modules for name, kind in module.KINDS.items()}


def by_name(name: str, tasks: int, seed: int, samples: int | None = None, test_samples: int | None = None) -> Stream:
    """A stream from words: ``permuted-digits``, ``rotated-mnist:degrees=15``, ``sequence-mnist+usps``...

    ``split-`` is domain-incremental, ``split-task-`` and ``split-class-`` say so; ``tasks`` groups of classes, in their
    natural order or in that of ``split-mnist:order=...``. ``samples``, ``test_samples``: at most so many of each data
    set. Raises ``ValueError`` naming the known kinds, data sets or parameters.
    """
    count("tasks", tasks, MOST)
    for what, most in (("samples", samples), ("test samples", test_samples)):
        if most is not None:
            count(what, most, checks.MOST)
    if not isinstance(name, str):
        raise ValueError(f"A stream is named in words such as 'permuted-digits', got {name!r:.80}.")
    word, sets, options = _parsed(name)
    kind = known_kinds()[word]
    if len(sets) > 1 and not kind.several:
        raise ValueError(f"'{name}' names {len(sets)} data sets; only sequence takes more than one.")
    data = [_limited(part, samples, test_samples) for part in sets]
    return kind.build(data if kind.several else data[0], tasks, seed, **options)


def limits(samples: int, test_samples: int = 0) -> tuple[int | None, int | None]:
    """Both as ``by_name`` takes them, None for 0, which takes all; raises ``ValueError`` for fewer.

    >>> limits(20, 0)
    (20, None)
    """
    for name, most in (("samples", samples), ("test samples", test_samples)):
        if most < 0:
            raise ValueError(f"{name} must be 0 (all of them) or more, got {most}.")
    return samples or None, test_samples or None


def images_of(data: str, samples: int = 0) -> int:
    """Training images of a data set when at most ``samples`` are asked for, 0 for all.

    >>> images_of("digits", 60_000), images_of("digits", 20)
    (1437, 20)
    """
    most, _ = limits(samples)
    there = len(load(data).train[0])
    return there if most is None else min(most, there)


def task_count(name: str, tasks: int) -> int:
    """How many tasks ``by_name(name, tasks, ...)`` has, known before any data set is loaded or downloaded.

    >>> task_count("split-digits", 5), task_count("sequence-mnist+usps", 5)
    (5, 2)
    """
    word, sets, _ = _parsed(name)
    return len(sets) if known_kinds()[word].several else tasks


@dataclass(frozen=True)
class StreamWords:
    """The arguments of ``by_name`` but the seed: a stream as a function of it, which can be sent to other processes.

    ``joint``: all tasks at once.
    """

    name: str
    tasks: int
    samples: int | None = None
    test_samples: int | None = None
    joint: bool = False

    def __call__(self, seed: int) -> Stream:
        stream = by_name(self.name, self.tasks, seed, self.samples, self.test_samples)
        return joint(stream) if self.joint else stream


_IN_USE: WeakValueDictionary[tuple[Any, ...], Data] = WeakValueDictionary()


def _limited(name: str, samples: int | None, test_samples: int | None) -> Data:
    """The data set; while a stream somewhere uses the same one, no second copy of it."""
    file = name.removeprefix("features:")
    stamp = os.stat(file).st_mtime_ns if name != file and os.path.exists(file) else 0
    key = (name, samples, test_samples, os.environ.get("NEUROMORPH_DATA"), stamp)
    data = _IN_USE.get(key)
    if data is None:
        data = _IN_USE[key] = load(name).limited(samples, test_samples)
    return data


def _parsed(name: str) -> tuple[str, list[str], dict[str, Any]]:
    """Kind, data sets, parameters."""
    word = next((k for k in sorted(known_kinds(), key=len, reverse=True) if name.startswith(k + "-")), None)
    if word is None:
        raise ValueError(
            f"There is no stream '{name}': say KIND-DATA, with KIND one of {', '.join(known_kinds())} and DATA one of "
            f"{', '.join(names())}; sequence takes several, joined by '+'."
        )
    sets, rest = [], "+" + name[len(word) + 1 :]
    while rest.startswith("+"):
        # A path may hold '+' and ':': it ends at its .npz. Elsewhere '+' ends a name, and ':' before KEY=VALUE.
        found = re.match(r"\+(features:.*?\.npz(?=[+:]|$)|features:.*|(?:(?!:[A-Za-z_]\w*=)[^+])*)", rest)
        assert found  # the last alternative takes anything
        sets.append(found[1])
        rest = rest[found.end() :]
    return word, sets, _options(word, rest.removeprefix(":"))


def _options(word: str, text: str) -> dict[str, Any]:
    known, options = known_kinds()[word].options, {}
    for key, value in pairs(f"stream '{word}'", text).items():
        if key not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise ValueError(f"The stream '{word}' has no parameter '{key}': {has}.")
        try:
            options[key] = known[key](value)
        except ValueError as error:
            raise ValueError(f"The parameter {key} of '{word}' must be {error}, got '{value}'.") from error
    return options
