"""Attacks on the commands, for the quick tests beside this file and for the long ``experiments/campaign.py``.

A command runs in a forked child, in a session and a folder of its own, so that whatever is left of the child can be
counted. The parent has run the same command once (``warm``), so that an attack costs a fraction of a second and falls
on the command's own work, not on loading packages; a ``cold`` attack is a new interpreter. ``choose`` is where chance
comes in: a function that takes one of a list, of a seeded generator or of hypothesis.
"""

import contextlib
import faulthandler
import gc
import importlib
import io
import json
import os
import re
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from neuromorph import atomic, study
from neuromorph.commands import benchmark, compare, deploy, memory_curve, recall, train  # noqa: F401 loaded before forks
from neuromorph.commands.main import main

Choose = Callable[[Sequence[Any]], Any]
PATIENCE = 60.0  # seconds from a signal to the end, or of computing where none comes, of what is said to hang
WAITING = 900.0  # seconds on the clock, where a busy machine lets a command wait
ONE_IN_TEN = (True, *9 * (False,))  # the share of attacks on new interpreters
TINY = ["--tasks", "2", "--samples", "40", "--test-samples", "20"]


def nothing(folder: Path) -> None:
    """What most commands need."""


@dataclass(frozen=True)
class Command:
    """A small run: its words, and what of its files must not depend on when it was stopped.

    ``needs``: writes what it reads. ``warmed_by``: the command that the parent runs in its place, where it is on Lava,
    of which no threads and no shared memory should be in a process that is forked later.
    """

    name: str
    words: tuple[str, ...]
    result: Callable[[Path], Any]
    needs: Callable[[Path], None] = nothing
    warmed_by: str = ""

    def __str__(self) -> str:
        return self.name


def checkpoint(folder: Path) -> Any:
    """The digest of what ``train`` saved."""
    import torch

    return torch.load(folder / "out", weights_only=True)["digest"]


def results(folder: Path) -> Any:
    """results.json and the arrays, without times and seconds."""
    text = (folder / "out/results.json").read_text(encoding="utf-8")
    found: list[Any] = [re.sub(r'"seconds": [-0-9.e+]+', "", text)]
    if (folder / "out/matrices.npz").exists():
        with np.load(folder / "out/matrices.npz") as stored:
            found += [(name, stored[name].tolist()) for name in stored.files]
    return found


def content(folder: Path) -> Any:
    """The JSON of a curve or of recall."""
    return json.loads((folder / "out.json").read_text(encoding="utf-8"))


def deployed(folder: Path) -> Any:
    """The network that ``deploy`` wrote, and what it found, without the date."""
    from neuromorph.lava.saved import load_network

    found = json.loads((folder / "out/deployment.json").read_text(encoding="utf-8"))
    layers = [layer.weights.tolist() for layer in load_network(folder / "out").layers]
    return {key: value for key, value in found.items() if key != "date"}, layers


@cache
def small_network() -> bytes:
    """A checkpoint of ``train``: eight neurons, two steps."""
    with tempfile.TemporaryDirectory() as folder:
        words = ("train", "--tasks", "1", "--samples", "20", "--test-samples", "20", "--epochs", "1", "--hidden", "8")
        _quietly((*words, "--num-steps", "2", "--threads", "1", "--out", "net.pt"), Path(folder))
        return Path(folder, "net.pt").read_bytes()


def a_checkpoint(folder: Path) -> None:
    (folder / "net.pt").write_bytes(small_network())


def a_nir_file(folder: Path) -> None:
    from neuromorph.lava.spec import LayerSpec, NetworkSpec
    from neuromorph.nir import write

    weights = (np.sign(np.random.default_rng(n).standard_normal((4, n))).astype(np.int8) for n in (6, 4))
    layers = tuple(LayerSpec(one, 2, 400) for one in weights)
    write(NetworkSpec(layers, 3, 0), folder / "net.nir")


def _compare(substrate: str, warmed_by: str = "") -> Command:
    words = ("compare", "--substrates", substrate, "--seeds", "1", *TINY, "--synapses", "plain", "--no-deep")
    return Command(f"compare {substrate}", (*words, "--out", "out"), results, warmed_by=warmed_by)


COMMANDS = {
    command.name: command
    for command in (
        Command(
            "train", ("train", *TINY, "--epochs", "4", "--hidden", "10", "--num-steps", "2", "--out", "out"), checkpoint
        ),
        _compare("snntorch"),
        _compare("brian2"),
        _compare("lava", "compare snntorch"),
        Command(
            "benchmark",
            ("benchmark", "--streams", "permuted-digits@2", "--learners", "real", "plain", "--seeds", "2")
            + ("--samples", "40", "--test-samples", "20", "--hidden", "10", "--no-joint", "--out", "out"),
            results,
        ),
        Command(
            "memory-curve",
            ("memory-curve", "--engine", "lumped", "--points", "5", "--last", "50", "--out", "out"),
            content,
        ),
        Command("recall", ("recall", "--neurons", "20", "--trials", "2", "--ages", "0", "1", "--out", "out"), content),
        Command(
            "deploy", ("deploy", "net.pt", "--samples", "2", "--out", "out"), deployed, a_checkpoint, warmed_by="train"
        ),
        Command(
            "deploy nir",
            ("deploy", "net.nir", "--samples", "2", "--out", "out"),
            deployed,
            a_nir_file,
            warmed_by="train",
        ),
    )
}
LAVA = tuple(f"neuromorph.lava.graphs.{name}" for name in ("local_rule", "inference", "wiring"))


@cache
def warm(name: str) -> None:
    """Run a command in this process, so that its forks find packages, data and compiled functions in memory.

    What is there is then left out of the garbage collector's rounds: they would cost a fork more than its work.
    """
    command = COMMANDS[name]
    if command.warmed_by:
        warm(command.warmed_by)
        for module in LAVA:
            importlib.import_module(module)
    else:
        with tempfile.TemporaryDirectory() as folder:
            command.needs(Path(folder))
            _quietly(command.words, Path(folder))
    gc.collect()
    gc.freeze()


def _quietly(words: Sequence[str], folder: Path) -> None:
    here, lock = os.getcwd(), study._ALONE
    study._ALONE = threading.Lock()  # the campaign is a study itself, and holds it
    try:
        os.chdir(folder)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            main(list(words))
    finally:
        study._ALONE = lock
        os.chdir(here)


@dataclass(frozen=True)
class End:
    """How a child ended. ``code``: of a shell, so that -9 is SIGKILL. ``orphans``: processes of its session left.

    ``early``: the signal came before the command was there to answer, the first moments of an interpreter.
    """

    code: int
    errors: str
    seconds: float
    hung: bool
    orphans: int
    early: bool = False

    @property
    def sentence(self) -> bool:
        """Whether it said one line, and no traceback."""
        lines = [line for line in self.errors.splitlines() if line.strip()]
        return len(lines) == 1 and lines[0].startswith("neuromorph: ")

    def answers(self, number: int) -> bool:
        """Whether it is the right end after a signal: in time with one sentence, or too late for it.

        Before a command is there to answer, the interpreter ends in its own way.
        """
        told = self.code == 0 or (self.code == 128 + number and self.sentence)
        return (told or self.early) and not self.hung and not self.orphans


def attacked(
    words: Sequence[str],
    folder: Path,
    number: int = 0,
    after: float = WAITING,
    write: int = 0,
    cold: bool = False,
) -> End:
    """Run a command in ``folder``; signal ``number`` comes ``after`` seconds, or SIGKILL inside its write ``write``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "errors.txt").write_text("")  # a child that dies at once has not made it
    sys.stdout.flush()
    both = {signal.SIGINT, signal.SIGTERM}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, both)  # until the child has left this process's handlers
    begun, child = time.monotonic(), os.fork()
    if not child:
        _child(words, folder, write, cold)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    sent, hung, early = 0.0, False, False
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        now = time.monotonic() - begun
        if number and not sent and now >= after:
            early, sent = not _answers(child), now
            os.kill(child, number)
        if now > WAITING or (sent and now > sent + PATIENCE) or _computed(child) > PATIENCE:
            os.kill(child, signal.SIGKILL if hung else signal.SIGABRT)  # first it says where it hangs
            hung = True
            time.sleep(1.0)
        time.sleep(0.002)
    seconds = time.monotonic() - begun
    time.sleep(0.01)
    left = _session(child)
    if left:
        time.sleep(2.0)  # a killed parent's processes see it within one
        left = _session(child)
    for one in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    errors = (folder / "errors.txt").read_text(encoding="utf-8", errors="replace")
    return End(os.waitstatus_to_exitcode(ended[1]), errors, seconds, hung, len(left), early)


def run(command: Command, folder: Path, number: int = 0, after: float = WAITING, **how: Any) -> End:
    """``attacked`` of a command, beside what it reads."""
    folder.mkdir(parents=True, exist_ok=True)
    command.needs(folder)
    return attacked(command.words, folder, number, after, **how)


def _answers(process: int) -> bool:
    """Whether it catches SIGTERM, which no interpreter does by itself, and does not block it (Linux)."""
    with contextlib.suppress(OSError):
        status = dict(
            re.findall(r"^Sig(Cgt|Blk):\s*([0-9a-f]+)$", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)
        )
        caught, blocked = (int(status[name], 16) >> (signal.SIGTERM - 1) & 1 for name in ("Cgt", "Blk"))
        return bool(caught and not blocked)
    return False


def _computed(process: int) -> float:
    """Seconds of the processor so far (Linux)."""
    with contextlib.suppress(OSError, ValueError):
        spent = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
        return sum(map(int, spent)) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _child(words: Sequence[str], folder: Path, write: int, cold: bool) -> None:
    """Never returns."""
    code = 1
    try:
        os.setsid()
        os.chdir(folder)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
        for number, name in ((1, "output.txt"), (2, "errors.txt")):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        if cold:
            os.execv(sys.executable, [sys.executable, "-X", "faulthandler", "-m", "neuromorph", *words])
        sys.stdout, sys.stderr = (os.fdopen(n, "w", 1, encoding="utf-8", closefd=False) for n in (1, 2))
        faulthandler.enable(2)
        _as_if_new()
        if write:
            _die_in_write(write)
        main(list(words))
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
        os._exit(code)


def _as_if_new() -> None:
    """A forked child has none of the threads that its parent computes with, and the locks that they hold."""
    import torch

    torch.set_num_threads(1)
    study._ALONE = threading.Lock()


def _die_in_write(which: int) -> None:
    """Between the bytes of a file and its name, of the write number ``which``; half of the bytes are lost."""
    to_disk, count = atomic._to_disk, 0

    def dies(path: Path) -> None:
        nonlocal count
        count += 1
        if count == which:
            if path.is_file():
                os.truncate(path, path.stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        to_disk(path)

    atomic._to_disk = dies


def _session(leader: int) -> list[int]:
    """The processes of a session that live, where the system says so (Linux)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            state, _, _, session = entry.read_text().rpartition(")")[2].split()[:4]
            if int(session) == leader and state != "Z":
                found.append(int(entry.parent.name))
    return found


def left_over(folder: Path) -> list[str]:
    """Hidden files: what a killed run has left, and a finished one must not."""
    return [path.name for path in folder.rglob(".*") if path.is_file()]


@dataclass(frozen=True)
class Spans:
    """Seconds that a run takes by itself: warmed, and as a new interpreter."""

    warm: float
    cold: float

    def moment(self, cold: bool, choose: Choose) -> float:
        """Somewhere in a run."""
        return (self.cold if cold else self.warm) * choose(range(100)) / 100


def killed_until_done(
    command: Command, folder: Path, spans: Spans, kills: int, choose: Choose, cold: bool = True
) -> int:
    """Kill a run so often, at random moments or inside writes, and let it end; returns how many kills came in time.

    ``cold``: whether every tenth is a new interpreter.
    """
    landed = 0
    for _ in range(kills):
        new = cold and choose(ONE_IN_TEN)
        if not new and choose((True, False)):
            end = run(command, folder, write=choose(range(1, 12)))
        else:
            end = run(command, folder, signal.SIGKILL, spans.moment(new, choose), cold=new)
        landed += end.code == -signal.SIGKILL
    end = run(command, folder)
    assert end.code == 0, end
    return landed


def damaged(whole: bytes, choose: Choose) -> bytes:
    """A file as a full disk, a bad cable or an editor leaves it."""
    place = choose(range(max(1, len(whole))))
    kinds: dict[str, Callable[[], bytes]] = {
        "cut": lambda: whole[:place],
        "bit": lambda: whole[:place] + bytes([whole[place] ^ 1 << choose(range(8))]) + whole[place + 1 :],
        "zeros": lambda: whole[:place] + bytes(len(whole) - place),
        "hole": lambda: whole[:place] + whole[place + 64 :],
        "twice": lambda: whole + whole[:place],
        "other": lambda: choose(
            (b"", b"\n", b"{}", b"[]", b"null", b"PK\x03\x04", b"\x1f\x8b", b"\xff\xfe", b"\x89HDF")
        ),
    }
    return kinds[choose(tuple(kinds))]()


def outcome(read: Callable[[], Any], expected: Any) -> str:
    """ "refused" with one sentence, "same" content, or what must not be: "different", or the error's name."""
    try:
        return "same" if read() == expected else "different"
    except (ValueError, OSError, ImportError) as error:
        return "refused" if str(error).strip() else "no words"
    except MemoryError:
        return "memory"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def outcomes_apart(path: Path, read: Callable[[], Any], files: Sequence[bytes], expected: Any) -> Iterator[str]:
    """``outcome`` of each content of ``path``, in a forked child, which libraries in C may end or keep for ever.

    Then it is "hang" or an exit code, and the next child goes on with the next file.
    """
    done = 0
    while done < len(files):
        out, into = os.pipe()
        child = os.fork()
        if not child:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)  # a handler of Python's would wait for C to return
            try:
                for content in files[done:]:
                    signal.alarm(int(PATIENCE))
                    path.write_bytes(content)
                    words = outcome(read, expected).encode("utf-8", "replace").replace(b"\n", b" ")
                    os.write(into, words[:2000] + b"\n")
            finally:
                os._exit(0)
        os.close(into)
        with os.fdopen(out, encoding="utf-8", errors="replace") as told:
            for line in told:
                done += 1
                yield line.rstrip("\n")
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code:
            done += 1
            yield "hang" if code == -signal.SIGALRM else f"exit code {code}"


NUMBERS = ("0", "-1", "1", "2", "1.5", "nan", "inf", "-inf", "1e400", "1e-400", "1e23", "", " ", "x", "0x10", "9" * 25)
WORDS = ("", " ", "x", "-", "--", ":", "=", ",", "plain:q", "plain:q=", "file:", "/", "é", "$x_{", "a" * 300, "\t")
STREAMS = (
    "permuted-digits",
    "split-digits",
    "permuted-",
    "permuted-digits:x=1",
    "rotated-digits:degrees=nan",
    "-digits",
)
OPTIONS: dict[str, dict[str, Sequence[str]]] = {
    "train": dict.fromkeys(
        ("--seed", "--m", "--lr", "--batch", "--beta", "--num-steps", "--hidden", "--tasks"), NUMBERS
    )
    | {"--stream": STREAMS, "--encoding": WORDS, "--parts": (*WORDS, "ewc:strength=nan", "si:strength=1")},
    "compare snntorch": dict.fromkeys(
        ("--seeds", "--deep-m", "--tasks", "--jobs", "--epochs", "--deep-hidden"), NUMBERS
    )
    | {"--stream": STREAMS, "--synapses": WORDS, "--substrates": WORDS, "--rule": WORDS},
    "benchmark": dict.fromkeys(("--seeds", "--epochs", "--jobs", "--hidden"), NUMBERS)
    | {"--streams": (*WORDS, "permuted-digits@0", "permuted-digits@x"), "--learners": (*WORDS, "deep:m=nan", "real+")},
    "memory-curve": dict.fromkeys(
        ("--threshold", "--synapses", "--last", "--points", "--x", "--f-pot", "--seed", "--burn-in", "--trials"),
        NUMBERS,
    )
    | {"--models": (*WORDS, "cascade:depth=0", "serial:states=4.5", "hidden:m=nan")},
    "recall": dict.fromkeys(("--neurons", "--coding", "--flip", "--trials", "--seed", "--ages", "--mean-age"), NUMBERS)
    | {"--synapse": WORDS, "--rule": WORDS, "--decoders": WORDS},
    "deploy nir": dict.fromkeys(
        (
            "--samples",
            "--steps",
            "--timeout",
            "--weight-bits",
            "--calibration",
            "--dt",
            "--input-bits",
            "--input-shape",
        ),
        NUMBERS,
    )
    | {"--model": (*WORDS, "os:path", "numpy:ndarray"), "--data": WORDS, "--encoding": WORDS, "--chip": WORDS},
}


def command_line(choose: Choose, names: Sequence[str] = tuple(OPTIONS)) -> Command:
    """A small command with one to three options that a hurried user may type."""
    command = COMMANDS[choose(names)]
    words = list(command.words)
    for _ in range(choose((1, 1, 2, 3))):
        option = choose(tuple(OPTIONS[command.name]))
        words += [option, choose(OPTIONS[command.name][option])]
    return replace(command, words=tuple(words))


def fault(end: End) -> str:
    """What is wrong with the end of a command line: nothing, a traceback, a hang, or an exit code without words."""
    if end.hung:
        return "hang"
    if "Traceback" in end.errors:
        return "traceback"
    if end.code == 2 and end.errors.strip():
        return ""
    return "" if end.code == 0 else f"exit code {end.code}"


def resources() -> Iterator[tuple[float, int]]:
    """Memory in MiB and open files of this process, each time they are asked for (Linux)."""
    while True:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        yield pages * os.sysconf("SC_PAGE_SIZE") / 2**20, len(os.listdir("/proc/self/fd"))
