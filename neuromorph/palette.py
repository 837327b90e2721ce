"""Colours of figures and pages: a pair a colour, on white paper and on dark, both told apart by colour-blind eyes.

The hues are Okabe & Ito's (2008, Color Universal Design), darkened where they were too faint on white: lines and
points have a contrast of 3 or more with their paper and text 4.5 or more (WCAG 2.1, 1.4.11 and 1.4.3).
"""

from collections.abc import Sequence
from functools import lru_cache

PAPER = ("#ffffff", "#14171a")
INK = "#1b1b1b"
QUIET = "#5f6368"
RULE = "#d5d8dc"
_PAIRS = {
    "#0072b2": "#4aa3df",
    "#d55e00": "#f2823a",
    "#009e73": "#2fc79b",
    "#c56c9f": "#d98cb6",
    "#b07800": "#e6b03c",
    "#3f97cf": "#9ad2f4",
    INK: "#e8eaed",
    "#808080": "#9aa0a6",
}
DARK = {**_PAIRS, QUIET: "#a8adb4", RULE: "#3a3f45"}
"""Colour on white -> colour on dark paper, of everything that is no task's own."""
COLOURS = tuple(_PAIRS)
MARKERS = ("o", "s", "^", "D", "v")
SUBSTRATES = {
    "brian2": ("#0072b2", "o"),
    "snntorch": ("#d55e00", "s"),
    "lava": ("#009e73", "^"),
    "lava-float": ("#c56c9f", "D"),
}
"""Substrate -> its colour and marker, in every figure."""
MAP = "viridis"
"""Of heat maps: its light end is the good one, also where little is good."""
TASKS = "plasma"
"""Of tasks, where there are more of them than colours."""


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb", 0 to 1 (WCAG 2.1).

    >>> luminance("#ffffff")
    1.0
    """
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return round(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2], 12)


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2.1).

    >>> contrast("#ffffff", "#000000")
    21.0
    """
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def on(colour: str) -> str:
    """Black or white, what is read better on this colour."""
    return max(("#000000", "#ffffff"), key=lambda text: contrast(text, colour))


def task_colours(tasks: int) -> list[str]:
    """A colour a task, none twice: the palette, or for more tasks steps of one map, early tasks dark."""
    return list(COLOURS[:tasks]) if tasks <= len(COLOURS) else [light for light, _ in _steps(tasks)]


def dark(colours: Sequence[str], tasks: int = 0) -> dict[str, str]:
    """Those of ``colours`` that have a partner on dark paper, with it; ``tasks``: how many a figure shows."""
    known = DARK | dict(_steps(tasks) if tasks > len(COLOURS) else ())
    return {colour: known[colour] for colour in colours if colour in known}


@lru_cache(maxsize=32)
def _steps(tasks: int) -> list[tuple[str, str]]:
    """The part of the map that is seen on white, and the part that is seen on dark paper."""
    import matplotlib as mpl
    from matplotlib.colors import to_hex

    whole = [to_hex(mpl.colormaps[TASKS](k / 999)) for k in range(1000)]
    parts = [[colour for colour in whole if contrast(colour, paper) >= 3] for paper in PAPER]
    found = [[part[round(k * (len(part) - 1) / (tasks - 1))] for k in range(tasks)] for part in parts]
    return list(zip(*found, strict=True))
