"""Tables of results: as text for a terminal, CSV for a spreadsheet, a pandas frame, and rows of a page."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

NUMBER = re.compile(r"(>= )?-?[0-9.]+(e[+-]?[0-9]+)?( \u00b1 [0-9.]+)?")


@dataclass(frozen=True)
class Table:
    """``head``: names of the columns. ``rows``: their cells, as text or numbers. ``heads``: so many first cells name
    the row."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    heads: int = 1

    @property
    def numbers(self) -> tuple[bool, ...]:
        """Of each column, whether all that is written there are numbers, with or without a spread.

        >>> Table("", ("a", "b", "c"), (("x", "1.0 \u00b1 0.2", -2), ("", "", 3e-9))).numbers
        (False, True, True)
        """
        columns = zip(*self.rows, strict=True) if self.rows else ([] for _ in self.head)
        cells = [[str(cell) for cell in column if str(cell)] for column in columns]
        return tuple(bool(some) and all(map(NUMBER.fullmatch, some)) for some in cells)

    def csv(self) -> str:
        """As CSV with a head line.

        >>> Table("", ("a", "b"), ((1, "x, y"),)).csv()
        'a,b\\n1,"x, y"\\n'
        """
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([self.head, *self.rows])
        return out.getvalue()

    def text(self) -> str:
        """Columns aligned, for a terminal."""
        return columns([tuple(map(str, line)) for line in (self.head, *self.rows)])

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame``; raises ``ImportError`` with one sentence where pandas is not installed."""
        return frame(self.rows, self.head)


def tenth(number: Any) -> str:
    """A number with one decimal, the same however it came about: the mean of 37.5 and 10 per cent is 23.75, a hundred
    times the mean of .375 and .1 a last bit less, and without care one is written 23.8, the other 23.7.

    Nor has zero a sign: a mean of -.04 is none of the losses that "-0.0" looks like.

    >>> tenth(100 * ((0.375 + 0.1) / 2)), tenth((100 * 0.375 + 100 * 0.1) / 2), tenth(-0.04)
    ('23.8', '23.8', '0.0')
    """
    text = f"{round(float(number), 9):.1f}"
    return text.removeprefix("-") if text == "-0.0" else text


def deviation(values: Any, axis: int | None = 0) -> Any:
    """Standard deviation of a sample, over n - 1, along ``axis``; of one value 0.

    >>> round(float(deviation([1.0, 2.0])), 3), float(deviation([1.0]))
    (0.707, 0.0)
    """
    values = np.asarray(values, float)
    many = values.size if axis is None else values.shape[axis]
    return values.std(axis, ddof=int(many > 1))


def columns(lines: Sequence[Sequence[str]]) -> str:
    """A table as text: the cells of each line, columns aligned."""
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def frame(rows: Any, columns: Sequence[str]) -> Any:
    """``pandas.DataFrame(rows, columns)``, or one sentence where pandas is not installed."""
    try:
        from pandas import DataFrame
    except ImportError as error:
        raise ImportError("to_pandas needs pandas: pip install pandas, or write the CSV.") from error
    return DataFrame(list(rows), columns=list(columns))
