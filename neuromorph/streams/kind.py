"""What a kind of stream says about itself, so that it can be named in words."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from neuromorph.data import Data
from neuromorph.streams.stream import Stream


@dataclass(frozen=True)
class Kind:
    """``build(data, tasks, seed, **options)``, or with a list of data sets where the kind takes ``several``.

    ``options``: the name of each parameter in words, and what reads its value from text; that raises ``ValueError``
    with the words that would have done.
    """

    build: Callable[..., Stream]
    options: Mapping[str, Callable[[str], Any]] = field(default_factory=dict)
    several: bool = False


def check_set(data: Any) -> None:
    """Raise ``ValueError`` for what is no data set."""
    if not isinstance(data, Data):
        raise ValueError(
            f"data must be a neuromorph.data.Data, got {data!r:.80}: load one with neuromorph.data.load, or make one "
            "of arrays, tensors or a Dataset with neuromorph.data.from_dataset (docs/your_data_as_a_stream.md)."
        )


def number(text: str) -> float:
    """A finite number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError("a number")
    return value


def choice(*words: str) -> Callable[[str], str]:
    """One of ``words``."""

    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return text

    return read
