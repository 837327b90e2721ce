"""No module needs another one to be imported before it, and no two import each other."""

import ast
import os
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import neuromorph

ROOT = Path(neuromorph.__file__).parent
MODULES = {
    ".".join(("neuromorph", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
    if "handout" not in path.parts and path.name != "__main__.py"
}
OURS = [
    name
    for name in MODULES
    if name in ("neuromorph.lava", "neuromorph.local_rule.rule", "neuromorph.chip", "neuromorph.importers")
    or name.removeprefix("neuromorph.learners.") in ("brian", "feedback", "lava", "lava_stock", "local", "torch")
]
EACH = """
import importlib, os, sys
import brian2, numpy, scipy.sparse, snntorch, torch  # what others made comes in any order; not lava, which we mend
for name in sys.argv[1:]:  # one fresh process a module
    child = os.fork()
    if not child:
        try:
            importlib.import_module(name)
        except BaseException as error:
            print(name, repr(error), flush=True)
            os._exit(1)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.timeout(600)
def test_every_module_can_be_imported_first():
    pytest.importorskip("lava.magma", reason="lava-nc is not installed")
    run = subprocess.run([sys.executable, "-c", EACH, *OURS], capture_output=True, text=True, check=True)
    assert run.stdout == "", run.stdout


def imports(tree):
    """Modules that the top level of a file imports, not under TYPE_CHECKING and not inside a function."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from names & set(MODULES)
            if names - set(MODULES):  # something that the package itself defines or shows
                yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_no_two_modules_import_each_other():
    graph = {name: set(imports(ast.parse(path.read_text()))) & set(MODULES) - {name} for name, path in MODULES.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError
    leaf = {found for name in graph if name.startswith("neuromorph.lava.processes") for found in graph[name]}
    allowed = ("neuromorph.lava.processes", "neuromorph.local_rule", "neuromorph.lava.compat")
    assert all(name.startswith(allowed) or name == "neuromorph.lava" for name in leaf), leaf
