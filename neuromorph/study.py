"""Studies: cells, each a learner on a stream from a seed, run side by side and kept on disk under what they were.

A cell is a function of its settings alone, so it has the same numbers in this process, in one of several, and on
another machine: ``run_study(cells, folder, jobs=4)``, the same call inside ``joblib.parallel_config(backend="dask")``,
or with ``scheduler="tcp://HOST:PORT"`` (docs/cluster.md). Only sums over several threads may differ in the last bit:
a cell with ``threads=1`` leaves no doubt.
"""

import json
import re
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs, parallel_config
from tqdm.auto import tqdm

from fusi_models.checks import Values, count
from neuromorph.atomic import write_arrays
from neuromorph.checkpoint import unfinished
from neuromorph.learner import Learner
from neuromorph.metrics import AccuracyMatrix
from neuromorph.run import fingerprint, learn_stream
from neuromorph.streams import Stream, joint, parallel
from neuromorph.streams.stream import text_digest
from neuromorph.tables import columns as columns
from neuromorph.tables import tenth
from neuromorph.threads import at_most

Arrays = dict[str, Values]
JOINT = "joint"
MOST_JOBS = 1024  # each is a process
MOST_SEEDS = 10_000  # the cells of more fill the memory before anything is said
OWN = ("fingerprint", "seconds")
_ALONE = threading.Lock()  # Brian2's and torch's settings are of a process, and a Dask worker may have several threads


class Job(ABC):
    """What a study computes: a frozen dataclass that can be sent to other processes.

    ``name``: for files and the progress bar. ``threads``: at most so many of torch's in one job; 0: what its learner
    is worth, and never more than its share of the cores.
    """

    name: str
    threads: int = 0

    @abstractmethod
    def fingerprint(self) -> Mapping[str, Any]:
        """What two jobs must agree in to have the same result, as numbers and texts."""

    @abstractmethod
    def compute(self, unfinished: Path | None, label: str, progress: bool) -> "Result":
        """The result. ``unfinished``: where to keep what is there already, and to go on from."""


@dataclass(frozen=True)
class Result:
    """The arrays of a job, the seconds it took, and whether it was finished in an earlier call."""

    arrays: Arrays
    seconds: float
    earlier: bool = False

    @property
    def matrix(self) -> AccuracyMatrix:
        """That of a ``Cell``."""
        return AccuracyMatrix(self.arrays["accuracy"], self.arrays["baseline"])


@dataclass(frozen=True)
class Cell(Job):
    """A learner that goes through a stream.

    ``learner`` and ``stream``: functions of a seed (``StreamWords`` is one). ``seeds``: one, or several that run side
    by side inside one learner, which then is a function of the tuple. ``role``: "joint" has all tasks at once; any
    other word is for the table.
    """

    name: str
    learner: Callable[[Any], Learner]
    stream: Callable[[int], Stream]
    seeds: int | tuple[int, ...] = 0
    epochs: int | tuple[int, ...] = 1
    role: str = ""
    threads: int = 0

    def built(self) -> Stream:
        """The stream of the cell's seeds, in its role."""
        if isinstance(self.seeds, int):
            return _stream(self.stream, self.seeds, self.role == JOINT)
        return parallel([_stream(self.stream, seed, self.role == JOINT) for seed in self.seeds])

    def fingerprint(self) -> Mapping[str, Any]:
        return fingerprint(self.learner(self.seeds), self.built(), self.epochs, self.seeds)

    def compute(self, unfinished: Path | None, label: str, progress: bool) -> Result:
        learner, stream = self.learner(self.seeds), self.built()
        begun = time.perf_counter()  # after packages are loaded
        how: dict[str, Any] = {"progress": progress, "label": label, "threads": self.threads or None}
        matrix = learn_stream(learner, stream, self.epochs, self.seeds, unfinished, **how)
        arrays = {"accuracy": matrix.accuracy, "baseline": matrix.baseline, **self.measured(learner, stream)}
        return Result(arrays, time.perf_counter() - begun)

    def measured(self, learner: Learner, stream: Stream) -> Arrays:
        """What a cell keeps beside the accuracies, of the learner that has gone through the stream."""
        return {}


def run_study(
    cells: Sequence[Job],
    folder: Path,
    jobs: int | None = None,
    scheduler: str = "",
    progress: bool = True,
    title: str = "cells",
) -> list[Result]:
    """The result of each cell, in their order; what is in ``folder`` already is read, and is written there when new.

    ``jobs``: so many at a time, -1 as many as there are cores; None is what joblib's ``parallel_config`` says, or 1.
    ``scheduler``: the address of a Dask scheduler whose workers compute. A cell that was stopped goes on from its last
    epoch. Raises ``ValueError`` for other ``jobs``, ``ImportError`` and ``OSError`` where Dask is not there, and what
    the first cell that fails raises.
    """
    if jobs is not None:
        check_jobs(jobs)
    (folder / "cells").mkdir(parents=True, exist_ok=True)
    with _on(scheduler):
        alone = effective_n_jobs(jobs) == 1
        paths: list[Path] = []
        found: dict[Path, Result] = {}
        sent: list[tuple[Path, Mapping[str, Any]]] = []
        calls = _calls(cells, folder.absolute() / "cells", progress, alone, paths, found, sent)
        with tqdm(total=len(cells), desc=title, disable=not progress or alone or None) as bar:
            results = _Shown(bar, found, n_jobs=jobs, batch_size=1)(calls)
        for (path, mark), result in zip(sent, results, strict=True):
            found[path] = result
            if not path.exists():  # a worker elsewhere does not see this folder
                _keep(path, result, mark)
    _stream.cache_clear()
    return [found[path] for path in paths]


def check_jobs(jobs: int) -> None:
    """Raise ``ValueError`` for a number of jobs that ``run_study`` does not take."""
    if jobs < 1 and jobs != -1:
        raise ValueError(f"jobs must be at least 1, or -1 for as many as there are cores, got {jobs}.")
    if jobs != -1:
        count("jobs", jobs, MOST_JOBS)


def check_seeds(seeds: int) -> None:
    """Raise ``ValueError`` for a number of seeds that no study has."""
    count("seeds", seeds, MOST_SEEDS)


def several(seeds: int) -> str:
    """How many seeds, for a sentence.

    >>> several(1), several(3)
    ('1 seed', '3 seeds')
    """
    return "1 seed" if seeds == 1 else f"{seeds} seeds"


def ahead(call: Callable[[], None], jobs: int | None) -> None:
    """Make ``call`` in each process of a coming study with so many ``jobs``, or here where this is the only one.

    It finds mistakes before hours of work, and what it has to load, for seconds, is loaded once. Raises what it does.
    """
    if jobs is None or effective_n_jobs(jobs) == 1:
        call()
    else:
        Parallel(n_jobs=jobs)(delayed(call)() for _ in range(effective_n_jobs(jobs)))


def stacked(results: Sequence[Result]) -> AccuracyMatrix:
    """The matrices of several seeds as one, with a last axis of seeds."""
    parts = ([r.arrays[name] for r in results] for name in ("accuracy", "baseline"))
    return AccuracyMatrix(*(np.stack(values, -1) for values in parts))


def spread(values: Any, sign: str = "\u00b1") -> str:
    """Mean and standard deviation over seeds, in percent; of one seed its number."""
    percent = 100 * np.atleast_1d(values)
    return tenth(percent.mean()) + (f" {sign} {tenth(percent.std(ddof=1))}" if len(percent) > 1 else "")


def _calls(
    cells: Sequence[Job],
    folder: Path,
    progress: bool,
    alone: bool,
    paths: list[Path],
    found: dict[Path, Result],
    sent: list[tuple[Path, Mapping[str, Any]]],
) -> Iterator[Any]:
    """The calls that are still to be made; ``paths`` and ``found`` are filled on the way."""
    for k, cell in enumerate(cells, 1):
        mark = json.loads(json.dumps(cell.fingerprint()))
        path = folder / f"{_slug(cell.name)}-{text_digest(*mark, *map(json.dumps, mark.values()))[:12]}.npz"
        again = path in paths
        paths.append(path)
        label = f"[{k}/{len(cells)}] {cell.name}"
        if again:  # the same cell in two rows
            continue
        kept = _kept(path, mark)
        if kept:
            found[path] = kept
            if alone and progress:
                print(f"{label}: finished earlier", file=sys.stderr)
        else:
            sent.append((path, mark))
            yield delayed(_work)(cell, path, mark, label, progress and alone)


def _work(cell: Job, path: Path, mark: Mapping[str, Any], label: str, progress: bool) -> Result:
    """In the process that computes. Where the folder is not to be seen, nothing is written."""
    shared = _seen(path.parent)
    rest = unfinished(path)
    with _ALONE, at_most(cell.threads):
        result = cell.compute(rest if shared else None, label, progress)
    if shared:
        _keep(path, result, mark)
        rest.unlink(missing_ok=True)
    return result


def _seen(folder: Path) -> bool:
    return folder.is_dir()


def _keep(path: Path, result: Result, mark: Mapping[str, Any]) -> None:
    own = {"fingerprint": np.array(json.dumps(mark)), "seconds": np.array(result.seconds)}
    write_arrays(path, {**own, **result.arrays})


def _kept(path: Path, mark: Mapping[str, Any]) -> Result | None:
    """A finished cell; None where there is none, or it is damaged or of other settings."""
    try:
        with np.load(path) as stored:
            arrays = {name: stored[name] for name in stored.files}
        if json.loads(str(arrays["fingerprint"])) != mark:
            return None
        seconds = float(arrays["seconds"])
    except Exception:  # numpy and zipfile raise a dozen kinds for a damaged file; it is computed again
        return None
    return Result({name: value for name, value in arrays.items() if name not in OWN}, seconds, earlier=True)


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.=-]+", "_", name)[:80]


@lru_cache(maxsize=8)
def _stream(build: Callable[[int], Stream], seed: int, together: bool) -> Stream:
    """Kept for the next cell: loading a data set takes longer than a small cell."""
    return joint(build(seed)) if together else build(seed)


@contextmanager
def _on(scheduler: str) -> Iterator[None]:
    """On the workers of a Dask scheduler for a while, or where joblib says."""
    if not scheduler:
        yield
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise ImportError("--scheduler needs Dask: pip install 'neuromorph[cluster]'.") from error
    try:
        client = Client(scheduler, timeout=20, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise OSError(
            f"No Dask scheduler answers at {scheduler} ({type(error).__name__}): start one with 'dask scheduler' and "
            "give the address that it prints, tcp://HOST:PORT."
        ) from error
    with client, parallel_config(backend="dask", client=client):
        yield


class _Shown(Parallel):  # type: ignore[misc]
    """joblib's calls, with a bar of the cells that are finished."""

    def __init__(self, bar: tqdm, found: Mapping[Path, Result], **options: Any):
        super().__init__(**options)
        self.bar, self.found = bar, found

    def print_progress(self) -> None:
        """Called by joblib at each end of a call."""
        self.bar.n = len(self.found) + self.n_completed_tasks
        self.bar.refresh()
