import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from neuromorph.stopping import Signals, Terminated, told

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
DIES = "import os, signal\nfrom neuromorph.stopping import Signals\nwith Signals() as s:\n"


@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_while_packages_are_loaded_the_process_ends_with_a_sentence(number, code):
    program = f"{DIES}    os.kill(os.getpid(), signal.{number})\n    print('goes on')"
    ready = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # also in a job that ignores it
    done = subprocess.run([sys.executable, "-c", ready + program], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.strip() == "neuromorph: stopped before anything was begun."


def test_running_it_raises_ending_it_is_ignored_and_handlers_come_back():
    before = signal.signal(signal.SIGINT, signal.default_int_handler), signal.getsignal(signal.SIGTERM)
    try:
        with Signals() as signals:
            signals.running()
            with pytest.raises(Terminated):
                os.kill(os.getpid(), signal.SIGTERM)
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
            signals.ending()
            os.kill(os.getpid(), signal.SIGTERM)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert signal.getsignal(signal.SIGTERM) == before[1]
    finally:
        signal.signal(signal.SIGINT, before[0])


STUCK = """
import ctypes, os, signal, time
from neuromorph import stopping
stopping.REPEATED, stopping.ENDED = SECONDS
class Destroyed:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)
def swallowed():
    Destroyed()
    time.sleep(30)
def caught():
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(30)
    except BaseException:
        time.sleep(30)
def in_c():
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(30)
    except BaseException:
        ctypes.CDLL(None).pause()
with stopping.Signals() as signals, stopping.told(signals, lambda: "Nothing is kept."):
    signals.running()
    WHERE()
"""


@pytest.mark.skipif(os.name != "posix", reason="pause() is a function of the C library there")
@pytest.mark.parametrize(
    ("where", "seconds", "words"),
    [
        ("swallowed", "99, 99", "stopped. Nothing is kept."),
        ("caught", "0.2, 99", "stopped. Nothing is kept."),
        ("in_c", "99, 0.3", "stopped in the middle of something that did not end."),
    ],
)
def test_a_process_that_does_not_end_is_told_again_and_then_ended(where, seconds, words):
    """Earlier a destructor in which a signal fell printed a traceback, and the run went on."""
    program = STUCK.replace("SECONDS", seconds).replace("WHERE", where)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=25)
    assert (done.returncode, done.stderr) == (143, f"\nneuromorph: {words}\n")


def test_a_package_that_is_being_loaded_is_loaded_first(tmp_path, monkeypatch):
    """Earlier the exception left in the middle, and torch, whose library calls Python there, aborted."""
    (tmp_path / "package_stopped.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\nDONE = True\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with Signals() as signals:
        signals.running()
        with pytest.raises(Terminated):
            import package_stopped

            assert package_stopped.DONE
            time.sleep(5)
    assert "package_stopped" in sys.modules and signals.number == signal.SIGTERM


@pytest.mark.parametrize(
    "words",
    [
        "[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9.",
        "CUDA out of memory. Tried to allocate 20.00 MiB.\nMore.",
    ],
)
def test_memory_that_torch_lacks_is_one_sentence(words, capsys):
    """Earlier a traceback: torch says it with a RuntimeError."""
    with pytest.raises(SystemExit) as ended, told(Signals(), str):
        raise RuntimeError(words)
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.startswith("neuromorph: not enough memory (") and said.count("\n") == 1
    with pytest.raises(RuntimeError, match="another"), told(Signals(), str):
        raise RuntimeError("another")


def test_a_full_disk_is_told_with_what_to_do(capsys):
    """Earlier "check the path", which is right."""
    with pytest.raises(SystemExit) as ended, told(Signals(), str):
        raise OSError(errno.ENOSPC, "No space left on device", "runs/net.pt")
    said = "neuromorph: runs/net.pt: No space left on device; make room there, or choose another --out.\n"
    assert ended.value.code == 2 and capsys.readouterr().err == said


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stop_of_which_a_package_makes_another_error_is_a_stop(number, code, capsys):
    """Earlier code 2 and "Invalid affine transformation matrix", of a SIGTERM while matplotlib drew."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(SystemExit) as ended, Signals() as signals, told(signals, lambda: "Kept."):
            signals.running()
            try:
                os.kill(os.getpid(), number)
            except KeyboardInterrupt:
                raise ValueError("Invalid affine transformation matrix") from None
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.value.code == code and capsys.readouterr().err == "\nneuromorph: stopped. Kept.\n"


def test_no_page_of_experiments_ends_without_the_guard():
    pages = [path for path in EXPERIMENTS.rglob("*.py") if "__main__" in path.read_text(encoding="utf-8")]
    assert len(pages) > 40
    assert [path.name for path in pages if "tyro.cli(" in path.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize(("options", "code"), [("--help", 141), ("--nothing", 2)])
def test_a_page_whose_reader_has_gone_says_nothing(options, code):
    """Earlier a BrokenPipeError with its traceback."""
    page = EXPERIMENTS / "gallery/Lahiri_Ganguli_2013.py"
    reads, writes = os.pipe()
    os.close(reads)
    done = subprocess.run([sys.executable, page, options], stdout=writes, stderr=subprocess.PIPE, text=True)
    os.close(writes)
    assert done.returncode == code and "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr


def test_letters_that_the_terminal_lacks_are_replaced():
    program = "from neuromorph.commands.main import _any_locale; _any_locale(); print('1 \u00b1 2 \u2212 \u03bc')"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert done.stdout == "1 +- 2 - ?\n", done.stderr


@pytest.mark.skipif(os.name != "posix", reason="closes streams as a shell does")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-"])
def test_a_stream_that_the_shell_has_closed_leads_nowhere(closed, tmp_path):
    """Earlier every command with a bar ended with code 1 and no word, as tqdm wrote to None."""
    words = f"{sys.executable} -m neuromorph recall --neurons 5 --trials 1 --ages 0 --decoders cue --out r {closed}"
    done = subprocess.run(["sh", "-c", words], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0 and "Traceback" not in done.stderr.decode()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.csv", "r.json", "r.svg"]
