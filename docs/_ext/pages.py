"""Pages that are made from the sources at each build: the reference, a page a package, and the gallery."""

import ast
import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from docstrings import as_rst

DOCS = Path(__file__).resolve().parents[1]
ROOT = DOCS.parent
SCRIPTS = ("__main__", "run_on_lava")  # what runs when it is imported, or is made to be copied
LONGEST = 100  # characters of a constant's value


def write(folder: Path, pages: dict[str, str]) -> None:
    """File name -> text, written where it has changed, so that a second build reads few pages; other files go."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def packages(name: str) -> Iterator[tuple[str, list[str]]]:
    """(package, its modules) of a package and all below it."""
    package = import_module(name)
    found = [module for module in pkgutil.iter_modules(package.__path__) if module.name not in SCRIPTS]
    yield name, [f"{name}.{module.name}" for module in found if not module.ispkg]
    for module in found:
        if module.ispkg:
            yield from packages(f"{name}.{module.name}")


def constants(module: str) -> dict[str, str]:
    """Name -> value, as written, of the constants of a module that have no docstring, which autodoc leaves out."""
    loaded = import_module(module)
    body = ast.parse(inspect.getsource(loaded)).body
    found = {}
    for line, after in zip(body, [*body[1:], ast.Pass()], strict=True):
        if isinstance(line, (ast.Assign, ast.AnnAssign)) and not isinstance(after, ast.Expr):
            for target in line.targets if isinstance(line, ast.Assign) else [line.target]:
                if isinstance(line.value, ast.Name) and inspect.isclass(vars(loaded).get(line.value.id)):
                    continue  # another name of a class, which autodoc lists
                if isinstance(target, ast.Name) and not target.id.startswith("_") and line.value:
                    value = ast.unparse(line.value)
                    found[target.id] = value if len(value) <= LONGEST else value[:LONGEST] + "..."
    return found


def public_names(package: str, modules: list[str]) -> list[tuple[str, str]]:
    """(name, where it is defined) of what a package offers itself."""
    offered = import_module(package)
    rows = []
    for name in getattr(offered, "__all__", ()):
        thing = getattr(offered, name)
        if inspect.ismodule(thing):
            rows.append((name, thing.__name__))
        elif inspect.isclass(thing) or inspect.isroutine(thing):
            rows.append((name, f"{thing.__module__}.{name}"))
        else:  # a constant or an alias, which does not know its home
            homes = [module for module in (package, *modules) if name in constants(module)]
            rows.append((name, f"{homes[0] if homes else package}.{name}"))
    return rows


def module_lines(module: str, *options: str) -> list[str]:
    """The directives for all names of a module."""
    lines = ["```{eval-rst}", f".. automodule:: {module}", "   :members:", "   :undoc-members:"]
    lines += [f"   :{option}:" for option in options] + [""]
    for name, value in constants(module).items():
        lines += [f".. py:data:: {name}", f"   :module: {module}", f"   :value: {value}", ""]
    return [*lines, "```", ""]


def reference_page(package: str, modules: list[str]) -> str:
    """Markdown: what the package says, its public names with their homes, then every module."""
    lines = [f"# {package}", "", *module_lines(package, "ignore-module-all")]
    names = public_names(package, modules)
    if names:
        lines += ["| name | defined in |", "|---|---|"]
        lines += [f"| {{py:obj}}`{name} <{home}>` | `{home}` |" for name, home in names] + [""]
    for module in modules:
        lines += [f"## {module}", "", *module_lines(module)]
    return "\n".join(lines)


def write_reference() -> None:
    """docs/reference/: an index and a page a package."""
    listed = {
        package: reference_page(package, modules)
        for top in ("fusi_models", "neuromorph")
        for package, modules in packages(top)
        if modules or public_names(package, modules)
    }
    index = ["# Reference", "", "Every public name, from the docstrings: equations, units, shapes and sources.", ""]
    index += ["```{toctree}", ":maxdepth: 1", "", *listed, "```", ""]
    made = {f"{package}.md": text for package, text in listed.items()}
    write(DOCS / "reference", {**made, "index.md": "\n".join(index)})


def gallery_page(script: Path) -> str:
    """reStructuredText: the page's docstring, its command, its figure where ``make gallery`` has drawn it."""
    source = script.read_text(encoding="utf-8")
    title, _, rest = (ast.get_docstring(ast.parse(source)) or script.stem).partition("\n")
    name = script.relative_to(ROOT).as_posix()
    lines = [title, "=" * len(title), "", *as_rst(rest.strip().splitlines()), "", "::", "", f"    python {name}", ""]
    if (DOCS / "_figures" / f"{script.stem}.svg").exists():
        lines += [f".. image:: ../_figures/{script.stem}.svg", f"   :alt: {title}", ""]
    elif "savefig" in source:
        lines += ["(``make gallery`` draws the figure into this page.)", ""]
    return "\n".join([*lines, f".. literalinclude:: ../../{name}", "   :language: python", f"   :caption: {name}", ""])


def write_gallery() -> None:
    """docs/gallery/: an index and a page a script of experiments/gallery."""
    scripts = sorted((ROOT / "experiments" / "gallery").glob("*.py"))
    index = ["# Gallery", "", "One page a paper: what it draws, and what agrees with the paper and what does not.", ""]
    index += ["```{toctree}", ":maxdepth: 1", "", *(script.stem for script in scripts), "```", ""]
    drawn = [script.stem for script in scripts if (DOCS / "_figures" / f"{script.stem}.svg").exists()]
    index += [f"[![{stem.replace('_', ' ')}](../_figures/{stem}.svg)]({stem}.rst)\n" for stem in drawn]
    made = {f"{script.stem}.rst": gallery_page(script) for script in scripts}
    write(DOCS / "gallery", {**made, "index.md": "\n".join(index)})
