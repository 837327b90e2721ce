"""Ctrl-C and SIGTERM of a command: one sentence and exit code 130 or 143, at any moment.

While packages are still loaded nothing has been begun, and an exception may be swallowed by whoever loads them, so the
process ends at once. Later the exception travels: Lava's processes are ended and Brian2's settings given back on its
way. Once the end is being told, further signals are ignored. Imports nothing that takes time.
"""

import os
import signal
import sys
import threading
from typing import Any

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


class Terminated(KeyboardInterrupt):
    """SIGTERM; whoever cleans up after Ctrl-C does so here, too."""


class Signals:
    """Both signals while a command runs; ``with`` gives back what was there before.

    A process that ignores Ctrl-C (one of a shell's background) goes on ignoring it. In another thread than the main
    one there are no handlers to set, and nothing is done.
    """

    def __init__(self) -> None:
        self.phase = "loading"
        self._before: dict[int, Any] = {}
        self._process = os.getpid()

    def __enter__(self) -> "Signals":
        if threading.current_thread() is threading.main_thread():
            for number in CODES:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._told)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            if signal.getsignal(number) == self._told:  # else a package has put its own, which is called in its turn
                signal.signal(number, handler)

    def running(self) -> None:
        """From here on an exception is raised."""
        self.phase = "running"

    def ending(self) -> None:
        """From here on signals are ignored."""
        self.phase = "ending"

    def _told(self, number: int, frame: Any) -> None:
        if os.getpid() != self._process:  # a forked child: whoever forked it says what is to be done there
            if number == signal.SIGTERM:
                os._exit(CODES[signal.SIGTERM])
            return
        if self.phase == "loading":
            os.write(2, b"\nneuromorph: stopped before anything was begun.\n")
            os._exit(CODES[signal.Signals(number)])
        if self.phase == "running":
            raise Terminated if number == signal.SIGTERM else KeyboardInterrupt


def quiet_end() -> None:
    """What is still to be written is; a reader that has gone, or a full disk, is no error any more."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
