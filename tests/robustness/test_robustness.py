"""A quick, seeded slice of ``experiments/campaign.py``: kills, signals, damaged files, command lines, arrays."""

import importlib.util
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))  # as the campaign does; the tests are no package
import arguments  # noqa: E402
import files  # noqa: E402
import harness  # noqa: E402
import wrong_uses  # noqa: E402

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
    assert end.answers(number), end


@pytest.mark.parametrize(("number", "wait"), [(signal.SIGINT, 0.25), (signal.SIGTERM, 0.5)])
def test_a_signal_while_packages_are_loaded_is_one_sentence(number, wait, tmp_path):
    """Of a new process; in the first moments, longer on a busy machine, the interpreter answers for itself."""
    end = harness.run(harness.COMMANDS["memory-curve"], tmp_path, number, wait, cold=True)
    assert end.answers(number), end


def test_damaged_files_are_refused_or_the_same(tmp_path):
    chance = random.Random(1).choice
    for name, (path, read) in files.readers(tmp_path).items():
        whole, expected = path.read_bytes(), read()
        bad = [harness.damaged(whole, chance) for _ in range(40)]
        assert set(harness.outcomes_apart(path, read, bad, expected)) <= {"same", "refused"}, name


def test_a_library_in_c_that_hangs_or_ends_the_process_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(harness, "PATIENCE", 1)

    def read():
        {b"stop": lambda: time.sleep(9), b"end": lambda: os.kill(os.getpid(), signal.SIGKILL)}.get(
            path.read_bytes(), int
        )()
        return path.read_bytes()

    path = tmp_path / "file"
    found = harness.outcomes_apart(path, read, [b"a", b"stop", b"end", b"b"], b"a")
    assert list(found) == ["same", "hang", f"exit code {-signal.SIGKILL}", "different"]


def test_wrong_uses_print_what_the_page_says():
    """docs/robustness.md has the table of tests/robustness/wrong_uses.py, which runs every line of it."""
    page = (Path(__file__).parents[2] / "docs/robustness.md").read_text(encoding="utf-8")
    table = [line for line in page.splitlines() if line.startswith("| `")]
    assert [row for row in wrong_uses.rows() if row.startswith("| `")] == table


def test_arguments_of_a_wrong_kind_are_refused_in_words():
    """Two odd things an argument, others for each; ``arguments.py`` tries all of them."""
    chance = random.Random(0)
    assert list(arguments.faults(lambda odd: chance.sample(odd, 2))) == []


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
