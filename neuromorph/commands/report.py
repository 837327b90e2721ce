"""``neuromorph report``: the figures and the page of a finished comparison or benchmark, from its files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from jinja2 import UndefinedError

from neuromorph.atomic import read_json, write_json, write_text
from neuromorph.data.store import read_npz
from neuromorph.metrics import AccuracyMatrix
from neuromorph.page.comparison import comparison, heading, long, memory_table, numbers, summary
from neuromorph.page.content import write_page
from neuromorph.page.suite import long as accuracies
from neuromorph.page.suite import suite
from neuromorph.page.training import training
from neuromorph.study import columns

USUAL = Path("runs/compare")
AGAIN = "run the command that wrote it again; what was finished is kept."


@dataclass(frozen=True)
class ReportArgs:
    """Draw the figures and write report.html again from the files of a finished comparison, benchmark or training."""

    folder: Annotated[Path, tyro.conf.Positional] = USUAL
    """The folder that ``neuromorph compare`` or ``benchmark`` wrote, or FILE-report of ``neuromorph train``."""
    option: Annotated[Path | None, tyro.conf.arg(name="folder")] = None
    """The same as an option."""

    @property
    def chosen(self) -> Path:
        """Raises ``ValueError`` for two folders."""
        if self.option is None:
            return self.folder
        if self.folder not in (USUAL, self.option):
            raise ValueError(f"report draws one folder, got {self.folder} and {self.option}: leave one out.")
        return self.option


def report(args: ReportArgs) -> None:
    """Raises ``FileNotFoundError`` where there is no finished comparison."""
    folder = args.chosen
    if not (folder / "results.json").exists():
        raise FileNotFoundError(f"{folder} holds no results.json: run 'neuromorph compare --out {folder}' first.")
    results = read_json(folder / "results.json", ["schema"], AGAIN)
    try:
        if "rows" in results:
            from neuromorph.commands.benchmark import lines, write_tables

            write_tables(folder, results)
            print(columns(lines(results)))
            return
        if "matrix" in results:
            matrix = AccuracyMatrix.load(folder / results["matrix"])
            config = read_json(folder / "config.json", ["arguments"], AGAIN)
            write_training(folder, results, matrix, config)
            print(folder / "report.html")
            return
        write_report(folder)
        print(table(results))
    except (KeyError, TypeError, IndexError, AttributeError, UndefinedError) as error:
        raise ValueError(
            f"The files of {folder} are damaged, or of another version ({type(error).__name__}: "
            f"{' '.join(str(error).split())}): {AGAIN}"
        ) from error


def table(results: Mapping[str, Any]) -> str:
    """What was run, and the table, as text."""
    return "\n".join([heading(results), "", summary(results).text()])


def write_report(folder: Path) -> None:
    """Tables as CSV, figures as SVG, and report.html with all of them inside."""
    results = read_json(folder / "results.json", ["cells", "stream", "seeds", "chance", "memory"], AGAIN)
    names = [cell["matrix"] for cell in results["cells"]]
    wanted = [f"{name}/{part}" for name in names for part in ("accuracy", "baseline")]
    arrays = iter(read_npz(folder / "matrices.npz", wanted, AGAIN))
    matrices = {name: AccuracyMatrix(next(arrays), next(arrays)) for name in names}
    config = read_json(folder / "config.json", ["arguments"], AGAIN)
    tables = {
        "results": numbers(results),
        "matrices": long(results, matrices),
        "memory": memory_table(results["memory"]),
    }
    for name, one in tables.items():
        write_text(folder / f"{name}.csv", one.csv())
    files = [*(f"{name}.csv" for name in tables), "results.json", "config.json", "matrices.npz"]
    write_page(comparison(results, matrices, config), folder / "report.html", [folder / name for name in files])


def write_training(folder: Path, results: Mapping[str, Any], matrix: AccuracyMatrix, config: Mapping[str, Any]) -> None:
    """The folder of a trained network's results: JSON, the matrix as npz and CSV, figures and the page."""
    write_json(folder / "results.json", results)
    write_json(folder / "config.json", config)
    matrix.save(folder / "matrix.npz")
    write_text(folder / "accuracies.csv", matrix.csv())
    files = ("accuracies.csv", "results.json", "config.json", "matrix.npz")
    write_page(training(results, matrix, config), folder / "report.html", [folder / name for name in files])


def write_benchmark(
    folder: Path, content: Mapping[str, Any], heading: str, table: Sequence[Sequence[str]], config: Any
) -> None:
    """Accuracies as CSV, the figures as SVG, and report.html with all of them inside."""
    write_text(folder / "matrices.csv", accuracies(content).csv())
    files = ("benchmark.csv", "matrices.csv", "benchmark.md", "benchmark.tex", "results.json", "config.json")
    write_page(suite(content, heading, table, config), folder / "report.html", [folder / name for name in files])
