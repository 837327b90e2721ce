"""What a number given by a user must be; each check is made once, where the number comes in."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

Values = np.ndarray[Any, np.dtype[Any]]
"""An array of any shape and kind of number."""
MOST = 2**40  # weights of a layer: 4 TB of float32
LARGEST = 1e6  # of a constant of a network: products of larger ones leave single precision
MOST_STATES = 10_000  # of a chain, whose matrices are states^2 numbers
MOST_COUNT = 1_000_000  # epochs, steps, trials: more takes years, without a word


def check_fraction(name: str, value: float, below_one: bool = False) -> None:
    """Raise ``ValueError`` unless 0 < value <= 1, or 0 < value < 1 where ``below_one``."""
    value = _number(name, value)
    top = value < 1 if below_one else value <= 1
    if not (value > 0 and top):
        raise ValueError(f"{name} must lie between 0 and 1, got {value}.")


def whole(name: str, value: Any, least: int = 0, most: float = math.inf) -> int:
    """``value`` as an int, for 6, ``numpy.int64(6)`` and 6.0.

    Raises ``ValueError`` for others, below ``least`` and above ``most``.

    >>> whole("states", 6.0)
    6
    """
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool | np.bool_)
    if not number or not math.isfinite(value) or value != int(value) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value}.")
    if value > most:
        raise ValueError(f"{name} must be at most {most}, got {value}.")
    return int(value)


def count(name: str, value: Any, most: int = MOST_COUNT) -> int:
    """``value`` as an int, of how often something is done or how many there are.

    Raises ``ValueError`` for a value that is no whole number, below 1, or above ``most``, which fills the memory or the
    years before anything is said.

    >>> count("epochs", 5)
    5
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise ValueError(f"{name} must be a whole number, got {value!r:.80}.")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}.")
    if value > most:
        raise ValueError(f"{name} must be at most {most}, got {value}.")
    return int(value)


def wholes(name: str, values: Any) -> tuple[int, ...]:
    """Each of ``values`` as by ``whole``; raises ``ValueError`` for what is no list, too."""
    if not isinstance(values, Iterable):
        raise ValueError(f"{name} must be a list of whole numbers, got {values!r:.80}.")
    return tuple(whole(f"each of {name}", value) for value in values)


def check_widths(name: str, widths: Sequence[int]) -> None:
    """Raise ``ValueError`` for a layer without a unit, and for more units or weights than a computer holds."""
    if min(widths, default=1) < 1:
        raise ValueError(f"{name} must be at least 1 each, got {' '.join(map(str, widths))}.")
    if max((a * b for a, b in zip((1, *widths), widths, strict=False)), default=0) > MOST:
        raise ValueError(f"{name} asks for more than {MOST:.0e} units or weights, got {' '.join(map(str, widths))}.")


def pairs(what: str, text: str, rename: Callable[[str], str] = str) -> dict[str, str]:
    """Key -> value of KEY=VALUE,...; raises ``ValueError`` for a key given twice, of which one would not count.

    >>> pairs("synapse 'cascade'", "depth=5,x=0.4")
    {'depth': '5', 'x': '0.4'}
    """
    found: dict[str, str] = {}
    for word in filter(None, text.split(",")):
        key, _, value = word.partition("=")
        key = rename(key)
        if key in found:
            raise ValueError(f"The {what} is given {key} twice, '{found[key]}' and '{value}': give it once.")
        found[key] = value
    return found


def real(name: str, value: Any) -> float:
    """``value`` as a Python float, whose text an equation can hold; raises ``ValueError`` for NaN and for no number."""
    if math.isnan(_number(name, value)):
        raise ValueError(f"{name} must be a number, got {value}.")
    return float(value)


def _number(name: str, value: Any) -> Any:
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise ValueError(f"{name} must be a number, got {value!r:.80}.")
    return value


def make_plain(model: Any, *names: str) -> None:
    """Put the fields ``names`` of a frozen dataclass as Python floats; raises as ``real``."""
    for name in names:
        object.__setattr__(model, name, real(name, getattr(model, name)))


def check_numbers(model: Any, *names: str) -> None:
    """Raise as ``real`` for the fields ``names`` of ``model``, which stay as they are (so does its repr)."""
    for name in names:
        real(name, getattr(model, name))


def array(name: str, values: Any) -> Values:
    """``values`` as an array; raises ``ValueError`` for what is none: ragged lists, tensors on a GPU."""
    try:
        return np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:  # RuntimeError: a tensor with a gradient
        raise ValueError(f"{name} is no array of samples ({str(error).splitlines()[0]}).") from error


def numbers(name: str, values: Any) -> Values:
    """``values`` as an array of floats; raises ``ValueError`` for words, objects and complex numbers, of which numpy
    would silently drop the imaginary part."""
    found = array(name, values)
    if found.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be real numbers, got {found.dtype}.")
    return found.astype(float)


def finites(
    name: str, values: Any, least: float = -math.inf, most: float = math.inf, above: bool = False, unit: str = ""
) -> Values:
    """``values``, of any shape, as floats; raises ``ValueError`` for NaN, infinity, and outside ``least`` to ``most``.

    Raises as ``numbers``, too. ``above``: ``least`` itself is refused, too. ``unit``: for the sentence.

    >>> finites("rates", [5, 10], least=0, unit="Hz")
    array([ 5., 10.])
    """
    found = numbers(name, values)
    if not (np.isfinite(found) & ((found > least) if above else (found >= least))).all():
        asked = "finite numbers" if found.ndim else "a finite number"
        if least > -math.inf:
            asked += f" {'above' if above else 'of at least'} {least:g}" + f" {unit}".rstrip()
        elif unit:
            asked += f" in {unit}"
        shown = found.tolist() if found.size < 20 else f"{found.min():g} to {found.max():g}"
        raise ValueError(f"{name} must be {asked}, got {shown}.")
    if (found > most).any():
        raise ValueError(f"{name} must be at most {most:g}{f' {unit}'.rstrip()}, got {found.max():g}.")
    return found


def finite(
    name: str, value: Any, least: float = -math.inf, most: float = math.inf, above: bool = False, unit: str = ""
) -> float:
    """As ``finites``, for one number; raises ``ValueError`` for an array, too."""
    return float(finites(name, _number(name, value), least, most, above, unit))


def one_of(name: str, value: Any, known: Sequence[str]) -> str:
    """``value``; raises ``ValueError`` naming the ``known`` words where it is none of them."""
    if not isinstance(value, str) or value not in known:
        shown = map(repr, known) if any("," in word for word in known) else known
        raise ValueError(f"{name} must be one of {', '.join(shown)}, got {value!r:.80}.")
    return value


def some_of(name: str, values: Sequence[Any], known: Sequence[str]) -> None:
    """Raise ``ValueError`` as ``one_of`` for the first of ``values`` that is none of the ``known`` words."""
    for value in values:
        one_of(name, value, known)


def check_generator(rng: Any) -> None:
    """Raise ``ValueError`` for anything but a ``numpy.random.Generator``: a seed, None, the module ``random``."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a numpy.random.Generator, got {rng!r:.80}: make one with default_rng(seed).")


def check_constants(values: Mapping[str, float]) -> None:
    """Raise ``ValueError`` for a constant that is not finite, and for a time, ``tau...``, that is not above 0."""
    for name, value in values.items():
        if name.rpartition(".")[2].startswith("tau"):
            finite(name, value, 0, above=True)
        else:
            finite(name, value)
