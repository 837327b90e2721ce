"""A quick, seeded slice of ``experiments/campaign.py``: kills, signals, damaged files, command lines, arrays."""

import importlib.util
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))  # as the campaign does; the tests are no package
import files  # noqa: E402
import harness  # noqa: E402

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="counts processes as Linux shows them")
QUICK = ["train", "memory-curve", "recall"]


def test_the_campaign_shares_this_harness():
    source = (Path(__file__).parents[2] / "experiments/campaign.py").read_text()
    assert "import harness" in source and importlib.util.find_spec("harness") is not None


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Command -> the result and the seconds of a run that was left alone."""
    found = {}
    for name in QUICK:
        folder = tmp_path_factory.mktemp(name)
        harness.warm(name)
        end = harness.run(harness.COMMANDS[name], folder)
        assert end.code == 0 and not end.errors, end
        found[name] = harness.COMMANDS[name].result(folder), end.seconds
    return found


@pytest.mark.parametrize("name", QUICK)
def test_killed_runs_end_with_the_same_result(name, alone, tmp_path):
    expected, seconds = alone[name]
    spans = harness.Spans(seconds, seconds)
    harness.killed_until_done(harness.COMMANDS[name], tmp_path, spans, 2, random.Random(name).choice, cold=False)
    assert harness.COMMANDS[name].result(tmp_path) == expected
    assert harness.left_over(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", QUICK)
def test_a_signal_is_one_sentence(name, number, alone, tmp_path):
    """Early in the run; a machine that is busy may let it end first."""
    end = harness.run(harness.COMMANDS[name], tmp_path, number, alone[name][1] / 3)
    assert end.code in (0, 128 + number) and not end.orphans
    assert end.sentence or end.code == 0, end.errors


def test_a_signal_while_packages_are_loaded_is_one_sentence(tmp_path):
    command = [sys.executable, "-m", "neuromorph", "memory-curve", "--out", str(tmp_path / "m")]
    for wait, number in ((0.15, signal.SIGINT), (0.4, signal.SIGTERM)):
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        time.sleep(wait + 0.1)  # the interpreter itself takes a twentieth of a second, in which nobody can answer
        process.send_signal(number)
        errors = process.communicate(timeout=60)[1]
        assert process.returncode == 128 + number and errors.strip().count("\n") == 0, errors


def test_damaged_files_are_refused_or_the_same(tmp_path):
    chance = random.Random(1).choice
    for name, (path, read) in files.readers(tmp_path).items():
        whole, expected = path.read_bytes(), read()
        for _ in range(40):
            bad = harness.damaged(whole, chance)
            path.write_bytes(bad)
            assert harness.outcome(read, expected) in ("same", "refused"), (name, bad[:80])
        path.write_bytes(whole)
        assert harness.outcome(read, expected) == "same"


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_command_lines_end_in_words(tmp_path, data):
    command = harness.command_line(lambda some: data.draw(st.sampled_from(list(some))), QUICK)
    end = harness.run(command, tmp_path / str(abs(hash(command.words))))
    assert harness.fault(end) == "", (command.words, end)


@settings(max_examples=150)
@given(st.data())
def test_arrays_are_refused_in_words_or_give_finite_numbers(data):
    call = files.array_call(lambda some: data.draw(st.sampled_from(list(some))))
    try:
        found = call()
    except (ValueError, TypeError) as error:
        assert str(error)
    else:
        assert files.finite(found)
