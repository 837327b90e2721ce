"""Row vectors carried through time by the linear system of a model, S(t) = start @ step^t @ readout.

Discrete: one step an event. Poisson: exp(t (step - 1)), t in mean intervals. Any t costs log2(t) products.

Precision: the rate of a mode is known to some 1e-16 an event, so what remains in modes that outlast t has a relative
error of up to 1e-15 t: 4e-7 at t = 1e9, 3e-4 at 1e12 (a cascade of depth 40 against 50 digits).
"""

from typing import Literal

import numpy as np
from scipy.linalg import expm

from fusi_models.checks import numbers, one_of
from fusi_models.synapse import Response, Values

Events = Literal["discrete", "poisson"]
EVENTS = ("discrete", "poisson")


class Propagator:
    """Binary powers of one step; the fractional part of a Poisson time is a Taylor series.

    ``events``, ``active``: see ``curve.memory_curve``.
    """

    def __init__(self, response: Response, events: Events, active: float = 1.0) -> None:
        self.response = response
        one = np.eye(len(response.step))
        self.generator = active * (response.step - one)
        self.continuous = one_of("events", events, EVENTS) == "poisson"
        self.ladder = [expm(self.generator) if self.continuous else one + self.generator]

    def rows(self, times: Values, start: Values | None = None) -> Values:
        """[time, mode]: ``start`` (default: the stored memory) after each of ``times``, a flat array."""
        whole = np.floor(times).astype(np.int64)
        rows = np.tile(self.response.start if start is None else start, (len(times), 1))
        for bit in range(int(whole.max(initial=0)).bit_length()):
            if bit == len(self.ladder):
                self.ladder.append(self.ladder[-1] @ self.ladder[-1])
            taken = (whole >> bit & 1).astype(bool)
            rows[taken] = rows[taken] @ self.ladder[bit]
        if self.continuous:
            rest, term = (times - whole)[:, None], rows
            for k in range(1, 31):  # |generator| <= 2, so 30 terms reach machine precision
                term = term @ self.generator * (rest / k)
                rows = rows + term
        return rows

    def signal(self, times: Values) -> Values:
        """S at ``times``, any shape."""
        values: Values = self.rows(np.ravel(times)) @ self.response.readout
        return values.reshape(np.shape(times))

    def bound(self, time: float) -> float:
        """A number, never increasing in time, that S stays below from ``time`` on."""
        return self.response.bound(self.rows(np.array([time]))[0])


def check_times(times: Values, events: Events) -> Values:
    """``times`` as floats. Raises ``ValueError`` for negative ones, fractions of a step or an unknown ``events``."""
    one_of("events", events, EVENTS)
    times = numbers("times", times)
    if not np.all(times >= 0):
        raise ValueError("times must be 0 or later and finite.")
    if not np.all(times < 2.0**62):
        raise ValueError("times must stay below 2^62 events.")
    if events == "discrete" and np.any(times != np.floor(times)):
        raise ValueError("discrete events need whole numbers as times: round them or use events='poisson'.")
    return times
