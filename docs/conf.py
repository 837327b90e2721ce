"""The documentation site: ``make docs`` writes docs/_build/html."""

import os
import sys
from importlib import metadata
from pathlib import Path
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import docstrings  # noqa: E402
import pages  # noqa: E402

project = "neuromorph"
author = "The neuromorph authors"
release = version = metadata.version("neuromorph")
project_copyright = "The neuromorph authors, MIT licence"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.intersphinx"]
exclude_patterns = ["_build", "_ext", "_figures"]
# Docstrings are plain text with equations, without sections of parameters: _ext/docstrings.py in the place of napoleon.
html_theme = "furo"
html_title = "neuromorph"
html_static_path = ["_static"]
html_css_files = ["site.css"]

myst_heading_anchors = 3
highlight_language = "none"

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True  # a default is printed as it is written
autodoc_typehints = "signature"
autodoc_inherit_docstrings = False  # torch's words about its own methods are not ours
suppress_warnings = ["ref.python"]  # a bare name in an annotation that two modules define

OTHERS = {
    "python": "https://docs.python.org/3",
    "numpy": "https://numpy.org/doc/stable",
    "brian2": "https://brian2.readthedocs.io/en/stable",
    "torch": "https://docs.pytorch.org/docs/stable",
    "snntorch": "https://snntorch.readthedocs.io/en/latest",
    "nir": "https://neuroir.org/docs",
}


def _answers(address: str) -> bool:
    try:
        with urlopen(f"{address}/objects.inv", timeout=3) as answer:
            return bool(answer.read(10).startswith(b"# Sphinx"))
    except (OSError, ValueError):
        return False


# Links into other projects' pages where those can be reached; without a network the site is built without them.
# NEUROMORPH_DOCS_OFFLINE=1 does not even ask.
_offline = bool(os.environ.get("NEUROMORPH_DOCS_OFFLINE"))
intersphinx_mapping = {name: (to, None) for name, to in OTHERS.items() if not _offline and _answers(to)}


def setup(app: object) -> None:
    import neuromorph.lava.compat  # noqa: F401  before any module of Lava

    app.connect("autodoc-process-docstring", docstrings.process)  # type: ignore[attr-defined]
    pages.write_reference()
    pages.write_gallery()
