"""How far a long run is, for a log: there a bar is not shown, and hours of silence tell nobody how many are to come."""

import sys
import time

from tqdm import tqdm

FIRST, SHARE = 60.0, 0.1  # seconds of silence before a line, and at least this share of the time that has passed
MANY = 1000  # epochs in all: a run of more says so at once, as all its tasks are tested before the first


class Pace:
    """Lines on stderr where that is no terminal: the first after a minute, then fewer and fewer.

    ``what`` names the run, of ``total`` epochs in all.
    """

    def __init__(self, what: str, total: int, silent: bool = False):
        self.what, self.total, self.done, self.before = what, total, 0, 0
        self.silent = silent or sys.stderr is None or sys.stderr.isatty()
        self.begun = self.said = time.monotonic()
        if total > MANY:
            self._say(f"{total} epochs in all; a line now and then says how far it is")

    def goes_on(self, done: int) -> None:
        """Now the first epoch begins, or the one after ``done`` of an earlier process."""
        self.done = self.before = done
        self.begun = self.said = time.monotonic()

    def epoch(self, where: str) -> None:
        """One is done, which ``where`` names."""
        self.done += 1
        now = time.monotonic()
        passed = now - self.begun
        if now - self.said < max(FIRST, SHARE * passed):
            return
        self.said = now
        left = passed / (self.done - self.before) * (self.total - self.done)
        times = (tqdm.format_interval(seconds) for seconds in (passed, left))
        self._say("{}, {:.1%} in {}, about {} to go".format(where, self.done / self.total, *times))

    def _say(self, words: str) -> None:
        if not self.silent:
            print(f"{self.what}: {words}", file=sys.stderr, flush=True)
