"""How a command, or a page of experiments, ends: a mistake, Ctrl-C and SIGTERM are one sentence, at any moment.

A page loads its packages before it can ask for that: until its bar or its help is there, Ctrl-C is Python's own.
While packages are still loaded nothing has been begun, and an exception may be swallowed by whoever loads them, so the
process ends at once. Later the exception travels: Lava's processes are ended and Brian2's settings given back on its
way; while a package is loaded then, it waits until that is done (torch, whose library calls Python, would abort). An
exception that somebody swallows (destructors do, and code in C) is raised again, and a process that has not ended in
half a minute is ended. Once the end is being told, further signals are ignored. Imports nothing that takes time.
"""

import errno
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # no room for the file
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
AGAIN, LOADED = 0.02, 20.0  # seconds until a signal that came while a package is loaded comes again; how long it does
NARROWEST = 40  # columns of help
REPEATED, ENDED = 10.0, 30.0  # seconds from the exception until it is raised again, and until the process is ended


class Terminated(KeyboardInterrupt):
    """SIGTERM; whoever cleans up after Ctrl-C does so here, too."""


class Signals:
    """Both signals while a command runs; ``with`` gives back what was there before.

    A process that ignores Ctrl-C (one of a shell's background) goes on ignoring it. In another thread than the main
    one there are no handlers to set, and nothing is done.
    """

    def __init__(self) -> None:
        self.phase = "loading"
        self.number = 0  # of the signal that an exception has been raised for
        self._since = 0.0  # when a signal came first
        self._before: dict[int, Any] = {}
        self._timers: list[threading.Timer] = []
        self._unraisable = sys.unraisablehook
        self._process = os.getpid()

    def __enter__(self) -> "Signals":
        if threading.current_thread() is threading.main_thread():
            for number in CODES:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._told)
            self._unraisable, sys.unraisablehook = sys.unraisablehook, self._swallowed
        return self

    def __exit__(self, *error: object) -> None:
        for timer in self._timers:
            timer.cancel()
        if sys.unraisablehook == self._swallowed:
            sys.unraisablehook = self._unraisable
        for number, handler in self._before.items():
            if signal.getsignal(number) == self._told:  # else a package has put its own, which is called in its turn
                signal.signal(number, handler)

    def running(self) -> None:
        """From here on an exception is raised."""
        self.phase = "running"

    def ending(self) -> None:
        """From here on signals are ignored."""
        self.phase = "ending"

    @property
    def exception(self) -> type[KeyboardInterrupt]:
        """What says so on its way out."""
        return Terminated if self.number == signal.SIGTERM else KeyboardInterrupt

    def _told(self, number: int, frame: Any) -> None:
        if os.getpid() != self._process:  # a forked child: whoever forked it says what is to be done there
            if number == signal.SIGTERM:
                os._exit(CODES[signal.SIGTERM])
            return
        if self.phase == "loading":
            os.write(2, b"\nneuromorph: stopped before anything was begun.\n")
            os._exit(CODES[signal.Signals(number)])
        if self.phase == "running":
            self._since = self._since or time.monotonic()
            if _loading(frame) and time.monotonic() - self._since < LOADED:
                self._later(AGAIN, os.kill, self._process, number)
                return
            if not self.number:
                self._later(REPEATED, os.kill, self._process, number)
                self._later(ENDED, self._end, number)
            self.number = number
            raise self.exception

    def _swallowed(self, found: Any) -> None:
        """Of an exception in a destructor or a callback, which Python can only print: a signal's comes again."""
        if self.number and isinstance(found.exc_value, KeyboardInterrupt):
            if self.phase == "running":
                self._later(AGAIN, os.kill, self._process, self.number)
            return
        self._unraisable(found)

    def _later(self, seconds: float, call: Callable[..., None], *given: int) -> None:
        timer = threading.Timer(seconds, call, given)
        timer.daemon = True
        timer.start()
        self._timers.append(timer)

    def _end(self, number: int) -> None:
        """From a thread: the main one waits for something that never comes."""
        if self.phase == "running":
            os.write(2, b"\nneuromorph: stopped in the middle of something that did not end.\n")
            os._exit(CODES[signal.Signals(number)])


def _loading(frame: Any) -> bool:
    """Whether a module is being imported there, or further out."""
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None


def open_closed() -> None:
    """A stream that the shell has closed leads nowhere: bars fail on none, and the next file opened is taken for it."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            if os.open(os.devnull, os.O_RDWR) != number:  # the lowest that is free
                continue
        if vars(sys).get(name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def wide_enough() -> None:
    """Help is set for at least ``NARROWEST`` columns: below ten its formatter never ends."""
    if shutil.get_terminal_size().columns < NARROWEST:
        os.environ["COLUMNS"] = str(NARROWEST)


def quiet_end() -> None:
    """What is still to be written is; a reader that has gone, or a full disk, is no error any more."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextmanager
def told(signals: Signals, kept: Callable[[], str]) -> Iterator[None]:
    """Exit code 2 for a user's mistake, 130 for Ctrl-C, 143 for SIGTERM, 141 where nobody reads; one sentence.

    ``kept``: what is kept, in words, asked where it was stopped.
    """
    try:
        try:
            yield
        except Exception as error:
            if signals.number:  # a package has made another error of it: matplotlib, "Invalid affine transformation"
                raise signals.exception from error
            raise
        if sys.stdout is not None:
            sys.stdout.flush()
        signals.ending()
    except KeyboardInterrupt as stopped:
        signals.ending()
        say(f"stopped. {kept()}", "\n")
        sys.exit(143 if isinstance(stopped, Terminated) else 130)
    except BrokenPipeError:  # the reader of the output has gone: | head
        quiet_end()
        sys.exit(141)
    except MemoryError as error:
        say(f"not enough memory ({error}): ask for fewer synapses, samples or trials.")
        sys.exit(2)
    except RuntimeError as error:
        if "allocate" not in str(error):  # torch's way to say that memory is short
            raise
        say(f"not enough memory ({_first(error)}): ask for narrower layers, fewer steps, fewer samples.")
        sys.exit(2)
    except (ValueError, OSError, ImportError) as error:
        quiet_end()
        say(_sentence(error))
        sys.exit(2)


def run_page(main: Callable[[Any], None], arguments: type) -> None:
    """``main(tyro.cli(arguments))`` of a page of experiments, which ends as a command does."""
    open_closed()
    with Signals() as signals, told(signals, lambda: "Finished cells of a study are kept."):
        import tyro

        wide_enough()
        args: Any = tyro.cli(arguments)
        signals.running()
        for field in fields(args):
            if field.default and getattr(args, field.name) == ():
                raise ValueError(f"--{field.name.replace('_', '-')} must name at least one, got none.")
        main(args)


def say(sentence: str, before: str = "") -> None:
    """On stderr, if there is one."""
    if sys.stderr is not None:  # closed by the shell
        print(f"{before}neuromorph: {sentence}", file=sys.stderr)


def _first(error: Exception) -> str:
    """The line that says how much, without where in torch it was noticed."""
    return str(error).splitlines()[0].rpartition("] ")[2]


def _sentence(error: Exception) -> str:
    """The error's words; the system's own ('[Errno 2] ...') as path and reason."""
    if isinstance(error, OSError) and error.errno and error.filename:
        advice = "make room there, or choose another --out" if error.errno in FULL else "check the path"
        return f"{error.filename}: {error.strerror}; {advice}."
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: the output cannot be written."
    return " ".join(str(error).split())
