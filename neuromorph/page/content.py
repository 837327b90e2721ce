"""What a page of results holds, and its writing: one HTML file that loads nothing from elsewhere."""

import base64
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from neuromorph.atomic import write_text
from neuromorph.page.svg import Key, Panel, collage, properties, swatch
from neuromorph.tables import Table

TYPES = {".csv": "text/csv", ".json": "application/json", ".npz": "application/octet-stream", ".svg": "image/svg+xml"}
TYPES |= {".md": "text/markdown", ".tex": "application/x-tex", ".zip": "application/zip"}
ROOM, LARGE = 1_000_000, 30_000
"""Bytes of all files to download; where there are more, texts of more than the second are packed, ten times smaller."""
ABOUT = {
    "results.csv": "the metrics of every row and seed, as fractions",
    "matrices.csv": "every accuracy of every row and seed, as fractions",
    "memory.csv": "the memory curves: theory, measured signal, standard error",
    "accuracies.csv": "every accuracy, as fractions",
    "benchmark.csv": "the tables of this page",
    "benchmark.md": "the tables of this page, in Markdown",
    "benchmark.tex": "the tables of this page, in LaTeX",
    "results.json": "all results, for programs",
    "config.json": "what was asked for, machine and versions",
    "matrices.npz": "the accuracy matrices, for numpy.load",
    "matrix.npz": "the accuracy matrix, for AccuracyMatrix.load",
}
"""What each file to download holds; figures say it themselves."""
BIBTEX = """@software{{neuromorph,
  title   = {{neuromorph: one synapse model, three substrates}},
  author  = {{{{The neuromorph authors}}}},
  version = {{{version}}},
  license = {{MIT}}
}}"""


@dataclass(frozen=True)
class Picture:
    """A figure of several panels. ``name``: of the file to download, NAME.svg."""

    name: str
    title: str
    caption: str
    panels: tuple[Panel, ...]
    legend: tuple[Key, ...] = ()

    @property
    def keys(self) -> list[tuple[str, str]]:
        """Drawing and label of each entry of the legend."""
        return [(swatch(key), key.label) for key in self.legend]

    def file(self) -> str:
        """All panels in one SVG."""
        return collage(self.title, self.panels, self.legend)


@dataclass(frozen=True)
class Section:
    """A heading with what stands under it; ``folded``: tables that are shown when asked for."""

    title: str
    text: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    folded: tuple[Table, ...] = ()

    @property
    def id(self) -> str:
        """For links to it."""
        return "s-" + re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


@dataclass(frozen=True)
class Page:
    """``config``: what was asked for, as ``config.json`` has it. ``tasks``: how many colours of tasks are needed."""

    title: str
    lead: str
    sections: tuple[Section, ...]
    config: Mapping[str, Any] = field(default_factory=dict)
    tasks: int = 0

    @property
    def pictures(self) -> list[Picture]:
        """Of all sections."""
        return [picture for section in self.sections for picture in section.pictures]


def write_page(page: Page, path: Path, downloads: Sequence[Path] = ()) -> None:
    """``path`` with the page, and NAME.svg of every figure beside it; ``downloads`` are files to put inside."""
    from jinja2 import Environment, PackageLoader, select_autoescape

    for picture in page.pictures:
        write_text(path.with_name(f"{picture.name}.svg"), picture.file())
    drawn = {
        f"{picture.name}.svg": f"figure, {picture.title}, {section.title}"
        for section in page.sections
        for picture in section.pictures
    }
    inside = [file for file in [*downloads, *map(path.with_name, drawn)] if file.exists()]
    packed = sum(file.stat().st_size for file in inside) > ROOM
    pages = Environment(
        loader=PackageLoader("neuromorph.page", ""),
        autoescape=select_autoescape(),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = pages.get_template("page.html").render(
        page=page,
        config=page.config,
        asked=_asked(page.config),
        colours=[properties(page.tasks, partners) for partners in (False, True)],
        downloads=[(*_offered(f, packed), _size(f), {**ABOUT, **drawn}[f.name]) for f in inside],
        bibtex=_bibtex(page.config.get("packages", {}).get("neuromorph", "")),
    )
    write_text(path, text)


def _bibtex(version: str) -> str:
    papers = (files("neuromorph.page") / "papers.bib").read_text(encoding="utf-8")
    return f"{BIBTEX.format(version=version)}\n{papers}"


def _asked(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Arguments as words."""
    shown = {name: value for name, value in config.get("arguments", {}).items() if name not in ("out", "scheduler")}
    return [(name.replace("_", "-"), _words(value)) for name, value in shown.items()]


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return "not set" if value is None or value == "" else str(value)


def _offered(file: Path, packed: bool) -> tuple[str, str]:
    """Name and data of a file to download; ``packed``: of a large text a zip with it."""
    content = file.read_bytes()
    if not packed or len(content) <= LARGE or file.suffix == ".npz":
        return file.name, _uri(file.suffix, content)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr(zipfile.ZipInfo(file.name), content, zipfile.ZIP_DEFLATED)  # the same at each call
    return f"{file.name}.zip", _uri(".zip", whole.getvalue())


def _uri(suffix: str, content: bytes) -> str:
    return f"data:{TYPES[suffix]};base64,{base64.b64encode(content).decode()}"


def _size(file: Path) -> str:
    size = file.stat().st_size
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1000:.0f} kB" if size < 1_000_000 else f"{size / 1e6:.1f} MB"
