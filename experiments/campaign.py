"""The attack on the commands: kills, signals, damaged files, command lines, arrays, and a soak; one table.

What is promised is in docs/robustness.md; ``tests/robustness`` tries a small slice of this at every change. A part of
the campaign (a command's kills, 100 command lines...) is a cell of a study, so a stopped campaign goes on.

``--quick``: a minute or two.
"""

import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from neuromorph.atomic import write_json
from neuromorph.stopping import run_page
from neuromorph.study import Job, Result, columns, run_study

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/robustness"))
import files  # noqa: E402
import harness  # noqa: E402

BLOCK, CHAINED = 50, 12  # attacks of a part; kills come in chains of three
MOST = ("slowest",)  # of what is counted, the most and not the sum


@dataclass(frozen=True)
class Args:
    """How many attacks of each kind."""

    commands: tuple[str, ...] = tuple(harness.COMMANDS)
    """Which commands are killed and interrupted."""
    kills: int = 100
    """Kills a command, three in a chain of which each must end with the result of a run that was left alone."""
    signals: int = 100
    """SIGINT and SIGTERM a command, at random moments."""
    lines: int = 1000
    """Command lines."""
    damages: int = 5000
    """Damaged files, over all kinds."""
    arrays: int = 5000
    """Calls of the library with odd arrays."""
    graphs: int = 1000
    """Lava graphs in one process, and as many Brian2 sessions; memory and open files are watched."""
    seed: int = 0
    """Of everything that is drawn."""
    quick: bool = False
    """A small one."""
    out: Path = Path("runs/campaign")
    """Folder of the table and of finished parts."""


QUICK: dict[str, Any] = {"kills": 6, "signals": 6, "lines": 40, "damages": 300, "arrays": 500, "graphs": 6}


@dataclass(frozen=True)
class Attack(Job):
    """``count`` attacks of a ``kind`` on a ``target``; its result is counts by name, and faults in words."""

    name: str
    kind: str
    target: str
    count: int
    seed: int

    def fingerprint(self) -> Mapping[str, Any]:
        return {"kind": self.kind, "target": self.target, "count": self.count, "seed": self.seed}

    def compute(self, unfinished: Path | None, label: str, progress: bool) -> Result:
        begun, choose = time.perf_counter(), random.Random(f"{self.kind} {self.target} {self.seed}").choice
        with tempfile.TemporaryDirectory() as folder:
            found = KINDS[self.kind](self.target, self.count, choose, Path(folder))
        faults = found.pop("faults", [])
        arrays = {name: np.array(float(value)) for name, value in found.items()}
        return Result(arrays | {"faults": np.array(faults, str)}, time.perf_counter() - begun)


@cache
def alone(target: str) -> tuple[harness.Spans, Any]:
    """The seconds of a command that is left alone, in this warmed process and as a new one, and its result."""
    command, ends, found = harness.COMMANDS[target], [], []
    harness.warm(target)
    for cold in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            ends.append(harness.run(command, Path(folder), cold=cold))
            assert ends[-1].code == 0, ends[-1]
            found.append(command.result(Path(folder)))
    assert found[0] == found[1], "a warmed process has another result than a new one"
    return harness.Spans(*(end.seconds for end in ends)), found[0]


def kills(target: str, count: int, choose: harness.Choose, folder: Path) -> dict[str, Any]:
    command, faults, landed, chains = harness.COMMANDS[target], [], 0, 0
    spans, expected = alone(target)
    for chain in range(-(-count // 3)):
        here = folder / str(chain)
        try:
            landed += harness.killed_until_done(command, here, spans, min(3, count - 3 * chain), choose)
            if command.result(here) != expected:
                faults.append("another result")
        except AssertionError as error:
            faults.append(str(error)[:300])
        faults += harness.left_over(here)
        chains += 1
    return {"attacks": count, "in time": landed, "chains": chains, "faults": faults}


def signals(target: str, count: int, choose: harness.Choose, folder: Path) -> dict[str, Any]:
    command, faults, landed, colds, early = harness.COMMANDS[target], [], 0, 0, 0
    spans, _ = alone(target)
    for k in range(count):
        number, cold = choose((signal.SIGINT, signal.SIGTERM)), choose(harness.ONE_IN_TEN)
        end = harness.run(command, folder / str(k), number, spans.moment(cold, choose), cold=cold)
        landed, colds, early = landed + (end.code != 0), colds + cold, early + end.early
        if not end.answers(number):
            faults.append(f"{number.name}: code {end.code}, {end.orphans} orphans, {end.errors[-2000:]}")
    return {"attacks": count, "in time": landed, "new processes": colds, "before it starts": early, "faults": faults}


def lines(target: str, count: int, choose: harness.Choose, folder: Path) -> dict[str, Any]:
    faults, refused, slowest = [], 0, 0.0
    for name in harness.OPTIONS:
        harness.warm(name)
    for k in range(count):
        command = harness.command_line(choose)
        end = harness.run(command, folder / str(k))
        refused, slowest = refused + (end.code == 2), max(slowest, end.seconds)
        if harness.fault(end):
            faults.append(f"{harness.fault(end)}: {' '.join(command.words)}: {end.errors[-2000:]}")
    return {"attacks": count, "refused": refused, "slowest": slowest, "faults": faults}


def damages(target: str, count: int, choose: harness.Choose, folder: Path) -> dict[str, Any]:
    (path, read), faults, refused = files.readers(folder)[target], [], 0
    whole, expected = path.read_bytes(), read()
    bad = [harness.damaged(whole, choose) for _ in range(count)]
    for found in harness.outcomes_apart(path, read, bad, expected):
        refused += found == "refused"
        if found not in ("refused", "same"):
            faults.append(found)
    return {"attacks": count, "refused": refused, "faults": faults}


def arrays(target: str, count: int, choose: harness.Choose, folder: Path) -> dict[str, Any]:
    faults, refused = [], 0
    for _ in range(count):
        call = files.array_call(choose)
        try:
            if not files.finite(call()):
                faults.append("NaN")
        except (ValueError, TypeError):
            refused += 1
        except Exception as error:
            faults.append(f"{type(error).__name__}: {error}")
    return {"attacks": count, "refused": refused, "faults": faults}


def soak(target: str, count: int, choose: harness.Choose, folder: Path) -> dict[str, Any]:
    """Growth from a quarter of the runs to the end: what comes before is the packages' own."""
    from fusi_models import plain
    from neuromorph import streams
    from neuromorph.learners import BrianLearner, LavaLearner

    task, kind = streams.by_name("permuted-digits", 1, 0, 20, 5)[0], {"lava": LavaLearner, "brian2": BrianLearner}
    watch, begun = harness.resources(), (0.0, 0)
    for k in range(count):
        kind[target](plain(0.1), 64, 10).partial_fit(*task.train)
        if k == count // 4:
            begun = next(watch)
    grown = [b - a for a, b in zip(begun, next(watch), strict=True)]
    faults = [f"{grown[0]:.0f} MiB, {grown[1]} files more"] if grown[0] > 20 or grown[1] > 3 else []
    return {"attacks": count, "MiB more": grown[0], "files more": grown[1], "faults": faults}


KINDS: dict[str, Callable[[str, int, harness.Choose, Path], dict[str, Any]]] = {
    "kills": kills,
    "signals": signals,
    "command lines": lines,
    "damaged files": damages,
    "arrays": arrays,
    "soak": soak,
}


def attacks(args: Args) -> list[Attack]:
    """All parts of the campaign, in the order in which they are run."""
    with tempfile.TemporaryDirectory() as folder:
        kinds = list(files.readers(Path(folder)))
    totals: list[tuple[str, str, int, int]] = []
    for name in args.commands:
        totals += [("kills", name, args.kills, CHAINED), ("signals", name, args.signals, CHAINED)]
    totals += [("damaged files", name, -(-args.damages // len(kinds)), args.damages) for name in kinds]
    totals += [("arrays", "library", args.arrays, 10 * BLOCK)]
    totals += [("command lines", "all", args.lines, 2 * BLOCK)]
    totals += [("soak", name, args.graphs, args.graphs) for name in ("brian2", "lava")]
    parts = [
        (start // block, Attack(f"{kind} {target} {start}", kind, target, min(block, total - start), args.seed + start))
        for kind, target, total, block in totals
        for start in range(0, total, max(1, block))
    ]
    return [part for _, part in sorted(parts, key=lambda one: one[0])]  # something of everything first


def merged(parts: Sequence[Attack], found: Sequence[Result]) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """A row of the table for each kind and target, and its faults."""
    for kind, target in dict.fromkeys((part.kind, part.target) for part in parts):
        some = [result for part, result in zip(parts, found, strict=True) if (part.kind, part.target) == (kind, target)]
        counts = {name: [float(one.arrays[name]) for one in some] for name in some[0].arrays if name != "faults"}
        number = sum(counts.pop("attacks"))
        said = (f"{name} {(max if name in MOST else sum)(values):.4g}" for name, values in counts.items())
        faults = [str(fault) for one in some for fault in one.arrays["faults"]]
        yield (kind, target, f"{number:.0f}", ", ".join(said), str(len(faults))), faults


def main(args: Args) -> None:
    args = replace(args, **QUICK) if args.quick else args
    parts = attacks(args)
    found = run_study(parts, args.out, title="campaign")
    table, faults = [("attack", "on", "number", "what was counted", "faults")], {}
    for row, some in merged(parts, found):
        table.append(row)
        faults[" ".join(row[:2])] = some
    print(columns(table))
    for name, said in faults.items():
        for one in sorted(set(said)):
            print(f"{name}: {one}")
    write_json(args.out / "campaign.json", {"table": table, "faults": faults})


if __name__ == "__main__":
    run_page(main, Args)
