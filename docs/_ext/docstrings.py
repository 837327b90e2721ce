"""Docstrings as reStructuredText: this project writes them as plain text, with indented equations and ``names``.

What is indented becomes a literal block, since spaces carry meaning there (equations, tables, doctests); in running
text the characters that reStructuredText would take for markup (``|h|``, ``w*``, ``x_``) are kept as they are.
"""

import re
from itertools import groupby

_CODE = re.compile(r"(``.+?``|:\w+:`[^`]+`)", re.DOTALL)
_MARKUP = re.compile(r"([|*\\`]|(?<=\w)_(?!\w))")
_ITEM = re.compile(r"[*-] ")


def escaped(text: str) -> str:
    """Running text with markup characters escaped, except in ``code``."""
    parts = _CODE.split(text)
    return "".join(part if k % 2 else _MARKUP.sub(r"\\\1", part) for k, part in enumerate(parts))


def _paragraph(lines: list[str]) -> list[str]:
    """Lines without an empty one among them: text, items whose further lines are indented, what else is indented."""
    if lines[0].startswith(">>> "):
        return ["::", "", *("    " + line for line in lines), ""]
    if _ITEM.match(lines[0]):
        return _items(lines)
    made: list[str] = []
    for indented, run in groupby(lines, lambda line: line.startswith(" ")):
        text = "\n".join(run)
        made += ["::", "", *("    " + line for line in text.split("\n")), ""] if indented else [escaped(text), ""]
    return made


def _items(lines: list[str]) -> list[str]:
    """A list; what is indented deeper than an item's own text is a literal block of it."""
    made: list[str] = []
    for deep, run in groupby(lines, lambda line: line.startswith(" " * 4)):
        kept = list(run)
        if deep:
            made += ["", "  ::", "", *("    " + line for line in kept), ""]
        else:
            text = escaped("\n".join(line[2:] for line in kept)).split("\n")
            made += [line[:2] + rest for line, rest in zip(kept, text, strict=True)]
    return [*made, ""]


def as_rst(lines: list[str]) -> list[str]:
    """The lines of a docstring as reStructuredText: paragraphs, lists of ``*`` or ``-``, and literal blocks."""
    made: list[str] = []
    for filled, run in groupby(lines, lambda line: bool(line.strip())):
        made += _paragraph(list(run)) if filled else []
    return "\n".join(made).split("\n")


def process(app: object, what: str, name: str, of: object, options: object, lines: list[str]) -> None:
    """Handler of ``autodoc-process-docstring``. Of a named tuple's fields Python says only their number."""
    lines[:] = [] if lines and lines[0].startswith("Alias for field number") else as_rst(lines)
