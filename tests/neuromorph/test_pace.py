import re
from itertools import count

import pytest

from fusi_models import plain
from neuromorph import pace, streams
from neuromorph.learners import TorchLearner
from neuromorph.run import learn_stream


@pytest.fixture
def clock(monkeypatch):
    """A second passes whenever the time is asked for."""
    ticks = count()
    monkeypatch.setattr(pace.time, "monotonic", lambda: float(next(ticks)))


def spoken(epochs):
    told = pace.Pace("run", epochs)
    told.goes_on(0)
    for k in range(epochs):
        told.epoch(f"epoch {k + 1}")


def test_lines_come_after_a_minute_and_then_fewer_and_fewer(clock, capsys):
    spoken(pace.MANY + 1000)
    first, *lines = capsys.readouterr().err.splitlines()
    assert first == "run: 2000 epochs in all; a line now and then says how far it is"
    assert lines[0] == "run: epoch 60, 3.0% in 01:00, about 32:20 to go"
    at = [int(re.findall(r"epoch (\d+)", line)[0]) for line in lines]
    assert at[:3] == [60, 120, 180] and at[-1] - at[-2] > 120 and len(at) < 25


def test_a_terminal_and_whoever_wants_no_progress_get_none(clock, capsys, terminal):
    pace.Pace("run", 10**6, silent=True)
    terminal()
    spoken(2000)
    assert capsys.readouterr().err == ""


def test_a_run_that_goes_on_counts_its_own_time(clock, capsys):
    told = pace.Pace("run", 1000)
    told.goes_on(900)
    for _ in range(60):
        told.epoch("here")
    assert capsys.readouterr().err == "run: here, 96.0% in 01:00, about 00:40 to go\n"


def test_a_long_run_speaks_in_a_log(monkeypatch, capsys):
    """Earlier hours of silence: train --tasks 100000 --epochs 1000."""
    monkeypatch.setattr(pace, "FIRST", 0.0)
    monkeypatch.setattr(pace, "SHARE", 0.0)
    stream = streams.by_name("permuted-digits", 2, 0, 20, 10)
    learn_stream(TorchLearner(plain(0.1), 64, 10), stream, epochs=2)
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(",")[0] for line in lines] == 2 * ["permuted-digits: task 1/2"] + 2 * [
        "permuted-digits: task 2/2"
    ]
    assert "epoch 2/2, 100.0% in 00:00, about 00:00 to go" in lines[-1]
