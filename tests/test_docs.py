"""What the documents say exists: files, links, commands with their options, and Python that runs."""

import contextlib
import importlib.util
import io
import json
import re
from functools import cache
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from neuromorph.commands.main import main, names

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")]
OWN = sorted(p for p in (ROOT / "docs").rglob("*.md") if not {"_build", "gallery", "reference"} & set(p.parts))
PAGES += OWN
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
MADE = ("gallery/index.md", "reference/index.md")  # written by the build of the site
NOT_RUN = re.compile(r"<!-- not run: .+ -->\n\n?$")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())


def prose(text: str) -> str:
    return FENCE.sub("", text)


@every_page
def test_relative_links_point_to_something(page):
    links = re.findall(r"\]\(([^)\s]+)\)", prose(page.read_text(encoding="utf-8")))
    files = [link.partition("#")[0] for link in links if "://" not in link]
    missing = [f for f in files if f and not (page.parent / f).exists() and not f.endswith(MADE)]
    assert not missing


@every_page
def test_source_files_named_exist(page):
    """``folder/file.py`` from the root or from one of the packages."""
    named = re.findall(r"(?<![\w./-])[\w]+(?:/[\w-]+)+\.(?:py|md)\b", page.read_text(encoding="utf-8"))
    homes = [ROOT, ROOT / "neuromorph", ROOT / "fusi_models", page.parent]
    written = re.compile(r"^(runs|benchmark)/")  # what a command leaves
    assert not [name for name in named if not written.match(name) and not any((h / name).exists() for h in homes)]


@every_page
def test_python_compiles_and_runs(page, tmp_path, monkeypatch):
    """The blocks of a page in one namespace; ``<!-- not run: why -->`` before a block keeps it from running."""
    monkeypatch.chdir(tmp_path)
    text, names_so_far = page.read_text(encoding="utf-8"), {"__name__": "page"}
    for block in FENCE.finditer(text):
        if block[1] == "python":
            line = text[: block.start()].count("\n") + 1
            code = compile("\n" * line + block[2], str(page), "exec")
            if not NOT_RUN.search(text[: block.start()]):
                exec(code, names_so_far)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run(notebook, tmp_path, monkeypatch):
    """Their cells one after another in one namespace; they are kept without outputs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: plt.close("all"))
    cells = [cell for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert cells and not any(cell["outputs"] for cell in cells)
    names_so_far = {"__name__": "notebook"}
    for number, cell in enumerate(cells):
        exec(compile("".join(cell["source"]), f"{notebook.name}, cell {number}", "exec"), names_so_far)


@cache
def help_of(command: str) -> str:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), pytest.raises(SystemExit):
        main([command, "--help"])
    return said.getvalue()


@every_page
def test_options_named_exist(page):
    """``neuromorph COMMAND --option`` in fences and in code, lines that end in a backslash joined."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for command, rest in re.findall(r"neuromorph ([a-z][a-z-]+)((?: [^`\n|;]*)?)", "\n".join(code_of(text))):
        if command in names():
            asked = re.findall(r"(?<!\S)--[a-z][a-z-]*", rest.partition("#")[0])
            assert not [option for option in asked if not re.search(rf"{option}\b", help_of(command))], (command, rest)


def code_of(text: str) -> list[str]:
    fences = [block[2] for block in FENCE.finditer(text) if block[1] in ("", "bash")]
    return [*fences, *re.findall(r"`(neuromorph [^`]+)`", prose(text))]


def test_every_page_is_in_the_site():
    """A page that no table of contents names lets the build of the site fail."""
    listed = (ROOT / "docs" / "index.md").read_text(encoding="utf-8").splitlines()
    names_of_pages = [page.relative_to(ROOT / "docs").with_suffix("").as_posix() for page in OWN]
    assert [name for name in names_of_pages if name not in listed] == ["index"]


def test_commands_named_exist():
    for page in PAGES:
        for block in code_of(page.read_text(encoding="utf-8")):
            for command in re.findall(r"^(?:\$ )?neuromorph ([a-z][\w-]*)", block, re.MULTILINE):
                assert command in names(), (page.name, command)


def test_docstrings_keep_their_signs_and_their_indented_blocks():
    spec = importlib.util.spec_from_file_location("docstrings", ROOT / "docs" / "_ext" / "docstrings.py")
    docstrings = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(docstrings)
    given = ["The mean |h| of w* is ``a|b``:", "    S = w_i * |h|", "", "* one, x_", "  more", "", ">>> g(2)", "3"]
    made = "\n".join(docstrings.as_rst(given))
    assert made.startswith("The mean \\|h\\| of w\\* is ``a|b``:\n\n::\n\n        S = w_i * |h|\n")
    assert "\n* one, x\\_\n  more\n" in made and "::\n\n    >>> g(2)\n    3\n" in made


def test_the_styles_of_the_site_are_there_and_in_a_source_package():
    styles = re.findall(r'html_css_files = \["([^"]+)"\]', (ROOT / "docs/conf.py").read_text())
    assert styles and all((ROOT / "docs/_static" / name).exists() for name in styles)
    assert "recursive-include docs *.css" in (ROOT / "MANIFEST.in").read_text()
