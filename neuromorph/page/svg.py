"""Figures as SVG: text stays text, ids are the page's own, colours follow the page's style, points say their number.

A figure of a page is a group of panels that stack on a narrow screen; the file to download is all of them in one.
"""

import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any
from xml.etree import ElementTree

from matplotlib import rc_context
from matplotlib.figure import Figure

from neuromorph.palette import DARK, INK, PAPER, QUIET, RULE, dark

SVG, LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
STYLE: Any = {
    "axes.edgecolor": QUIET, "axes.facecolor": "none", "axes.grid": True, "axes.grid.axis": "y", "axes.labelcolor": INK,
    "axes.labelsize": 9, "axes.spines.right": False, "axes.spines.top": False, "axes.titlesize": 10,
    "axes.axisbelow": True, "figure.facecolor": "none", "font.size": 9, "grid.color": RULE, "grid.linewidth": 0.6,
    "svg.fonttype": "none", "svg.hashsalt": "neuromorph", "text.color": INK, "text.parse_math": False,
    "xtick.color": QUIET, "xtick.labelcolor": INK, "xtick.labelsize": 8.5, "ytick.color": QUIET,
    "ytick.labelcolor": INK, "ytick.labelsize": 8.5,
}  # fmt: skip
FONTS = re.compile(r"font-family: [^;]*(; |$)")
URL = re.compile(r"url\(#([^)]+)\)")
TURN = re.compile(r"rotate\(-?0(\.0)?( [^)]*)?\)")
DECIMALS = re.compile(r"-?\d+\.\d+")
BLANKS = {"d": re.compile(r" *([a-zA-Z]) *"), "style": re.compile(r"([:;]) +")}
NUMBERED = {"d", "x", "y", "style", "transform"}
GAP, HEAD, LINE = 12.0, 22.0, 15.0
MARKS = {
    "o": '<circle cx="12" cy="6" r="3.5" fill="{c}"/>',
    "s": '<rect x="8.8" y="2.8" width="6.4" height="6.4" fill="{c}"/>',
    "^": '<path d="M12 2 16 9.5 8 9.5Z" fill="{c}"/>',
    "v": '<path d="M12 10 16 2.5 8 2.5Z" fill="{c}"/>',
    "w": '<path d="M12 10 16 2.5 8 2.5Z" fill="none" stroke="{c}"/>',
    "D": '<path d="M12 1.5 16.5 6 12 10.5 7.5 6Z" fill="{c}"/>',
    "d": '<path d="M12 1.5 16.5 6 12 10.5 7.5 6Z" fill="none" stroke="{c}" stroke-width="1.3"/>',
    "x": '<path d="M8.5 2.5 15.5 9.5M15.5 2.5 8.5 9.5" stroke="{c}" stroke-width="1.5"/>',
    "|": '<path d="M12 1V11" stroke="{c}" stroke-width="1.5"/>',
    "": "",
}


@dataclass(frozen=True)
class Key:
    """An entry of a legend: a line (``dashes`` as of SVG, "none" for no line) and a marker in one colour."""

    label: str
    colour: str
    marker: str = "o"
    dashes: str = ""


@dataclass(frozen=True)
class Panel:
    """``svg``: the drawing, for a page. ``alt``: what it shows, in words. ``size``: in points."""

    title: str
    svg: str
    alt: str
    size: tuple[float, float]

    @property
    def html(self) -> str:
        """The drawing with its name."""
        return self.svg.replace("<svg ", f'<svg aria-label="{escape(self.alt)}" ', 1)


@contextmanager
def style() -> Iterator[None]:
    """How figures of a page are drawn and written."""
    with rc_context(STYLE):
        yield


def panel(figure: Figure, name: str, title: str, alt: str, tasks: int = 0) -> Panel:
    """A matplotlib figure as a panel; ``name`` begins its ids; ``tasks``: how many have a colour of their own."""
    root = _tree(figure, name)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    text = ElementTree.tostring(root, encoding="unicode")
    found = dark(sorted(set(re.findall(r"#[0-9a-f]{6}\b", text))), tasks)
    text = re.sub("|".join(found) or "$^", lambda match: variable(match[0]), text)
    return Panel(title, text, alt, (width, height))


def drawing(figure: Figure) -> str:
    """A figure of its own as a file's SVG, the same at each call, with text as text."""
    file = io.StringIO()
    with rc_context({name: STYLE[name] for name in ("svg.hashsalt", "svg.fonttype")}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def variable(colour: str) -> str:
    """The custom property of CSS that has this colour, or its partner on dark paper."""
    return f"var(--c{colour.removeprefix('#')},{colour})"


def properties(tasks: int, partners: bool) -> str:
    """All colours of a page as custom properties; ``partners``: as on dark paper."""
    from neuromorph.palette import task_colours

    known = dark([*DARK, *task_colours(tasks)], tasks)
    return "".join(f"--c{light[1:]}:{partner if partners else light};" for light, partner in known.items())


def swatch(key: Key) -> str:
    """The drawing of a legend's entry, 24 x 12; decoration for a reader who cannot see it."""
    colour = variable(key.colour)
    dashes = f' stroke-dasharray="{key.dashes}"' if key.dashes else ""
    line = "" if key.dashes == "none" else f'<path d="M0 6H24" stroke="{colour}" stroke-width="1.6"{dashes}/>'
    mark = MARKS[key.marker].format(c=colour)
    return f'<svg class="key" width="24" height="12" viewBox="0 0 24 12" aria-hidden="true">{line}{mark}</svg>'


def collage(title: str, panels: Sequence[Panel], legend: Sequence[Key], columns: int = 3) -> str:
    """All panels in one SVG file, on white, with their titles and the legend."""
    columns = min(columns, len(panels))
    width = columns * (max(p.size[0] for p in panels) + GAP) + GAP
    entries, top = _legend(legend, width)
    parts, y = [*entries], top + LINE
    for start in range(0, len(panels), columns):
        row = panels[start : start + columns]
        for k, one in enumerate(row):
            x = GAP + k * (width - GAP) / columns
            parts.append(f'<text x="{x:g}" y="{y + 14:g}" font-size="10" font-weight="bold">{escape(one.title)}</text>')
            placed = f'<svg x="{x:g}" y="{y + HEAD:g}" width="{one.size[0]:g}" height="{one.size[1]:g}" '
            parts.append(one.svg.replace("<svg ", placed, 1))
        y += HEAD + max(one.size[1] for one in row) + GAP
    body = re.sub(r"var\(--c[0-9a-f]{6},(#[0-9a-f]{6})\)", r"\1", "".join(parts))
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="0 0 {width:g} {y:g}" width="{width:g}pt" height="{y:g}pt" font-family="sans-serif">'
        f'<title>{escape(title)}</title><rect width="{width:g}" height="{y:g}" fill="{PAPER[0]}"/>{body}</svg>\n'
    )


def _legend(legend: Sequence[Key], width: float) -> tuple[list[str], float]:
    parts, x, y = [], GAP, GAP
    for key in legend:
        room = 34 + 5.6 * len(key.label)
        if x + room > width and x > GAP:
            x, y = GAP, y + LINE
        parts.append(swatch(key).replace("<svg ", f'<svg x="{x:g}" y="{y:g}" ', 1))
        parts.append(f'<text x="{x + 28:g}" y="{y + 9:g}" font-size="9">{escape(key.label)}</text>')
        x += room + GAP
    return parts, y if legend else 0


def _tree(figure: Figure, name: str) -> ElementTree.Element:
    """The figure's SVG without a style of its own, its ids under ``name``, its tips as titles."""
    told = {f"tip-{k}": vars(one)["tips"] for k, one in enumerate(figure.findobj()) if "tips" in vars(one)}
    for k, one in enumerate(figure.findobj()):
        if f"tip-{k}" in told:
            one.set_gid(f"tip-{k}")
    file = io.BytesIO()
    with style():
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    root = ElementTree.fromstring(file.getvalue())
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith(("metadata", "style")) or (child.tag == f"{SVG}defs" and _only_style(child)):
                parent.remove(child)
    _tell(root, told)
    _rename(root, name)
    _shorten(root)
    _share(root, name)
    root.attrib = {
        "viewBox": root.attrib["viewBox"], "role": "img", "style": "stroke-linejoin:round;stroke-linecap:butt"
    }  # fmt: skip
    return root


def _only_style(element: ElementTree.Element) -> bool:
    return all(child.tag.endswith("style") for child in element)


def _tell(root: ElementTree.Element, told: dict[str, list[str]]) -> None:
    """A <title> in each marker of a group, where there are as many as texts; else one in the group."""
    for group in list(root.iter(f"{SVG}g")):
        texts = told.get(group.attrib.get("id", ""), [])
        marks = list(group.iter(f"{SVG}use"))
        places = marks if len(marks) == len(texts) else [group] if len(texts) == 1 else []
        for place, text in zip(places, texts, strict=False):
            title = ElementTree.Element(f"{SVG}title")
            title.text = text
            place.insert(0, title)


def _rename(root: ElementTree.Element, name: str) -> None:
    """Only ids that are referred to stay, under ``name``; tags lose their namespace."""
    linked = {one.attrib[LINK].removeprefix("#") for one in root.iter() if LINK in one.attrib}
    urls = {found for one in root.iter() for value in one.attrib.values() for found in URL.findall(value)}
    used = {found: f"{name}-{k}" for k, found in enumerate(sorted(linked | urls))}
    for element in root.iter():
        element.tag = element.tag.removeprefix(SVG)
        own, link = element.attrib.pop("id", ""), element.attrib.pop(LINK, "")
        if own in used:
            element.attrib["id"] = used[own]
        if link:
            element.attrib["href"] = link if link.startswith("data:") else f"#{used[link.removeprefix('#')]}"
        for key, value in element.attrib.items():
            if key == "style":  # without matplotlib's list of fonts at every text: page and file name theirs once
                value = FONTS.sub("", value)
            element.attrib[key] = URL.sub(lambda match: f"url(#{used[match[1]]})", value)


def _shorten(parent: ElementTree.Element) -> None:
    """The same drawing in a third of the letters: a page has hundreds of panels, each with its ticks and cells.

    Without what is not drawn, groups of nothing in common, blanks, turns by 0 degrees, and more than two decimals.
    """
    kept: list[ElementTree.Element] = []
    for child in parent:
        _shorten(child)
        if child.tag == "g" and not child.attrib and [one.tag for one in child] == ["title", "path"]:
            told, child = child
            child.insert(0, told)
        alone = child.tag == "g" and not child.attrib and not any(one.tag == "title" for one in child)
        unseen = child.tag == "path" and child.attrib.get("style") == "fill:none" and "id" not in child.attrib
        kept += list(child) if alone else [] if unseen else [child]
    parent[:] = kept
    for one in kept:
        one.tail = None
    if parent.tag not in ("text", "title"):
        parent.text = None
    if TURN.fullmatch(parent.attrib.get("transform", "")):
        del parent.attrib["transform"]
    for key in NUMBERED & parent.attrib.keys():
        short = DECIMALS.sub(lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), parent.attrib[key])
        parent.attrib[key] = BLANKS[key].sub(r"\1", short).strip() if key in BLANKS else short


def _share(root: ElementTree.Element, name: str) -> None:
    """Styles that several elements have, once, as classes under ``name``."""
    styled = [one for one in root.iter() if "style" in one.attrib]
    counts = Counter(one.attrib["style"] for one in styled)
    classes = {look: f"{name}-{k}" for k, look in enumerate(look for look, many in counts.items() if many > 2)}
    for one in styled:
        if one.attrib["style"] in classes:
            one.attrib["class"] = classes[one.attrib.pop("style")]
    if classes:
        sheet = ElementTree.Element("style")
        sheet.text = "".join(f".{label}{{{look}}}" for look, label in classes.items())
        root.insert(0, sheet)
