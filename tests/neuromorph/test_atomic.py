import json
import os
import subprocess
import sys
import threading

import pytest

from neuromorph.atomic import replacing, write_json, write_text


def test_a_file_is_whole_or_as_it_was(tmp_path):
    path = tmp_path / "new" / "a.txt"
    write_text(path, "one \u00b1")
    assert path.read_text(encoding="utf-8") == "one \u00b1"
    with pytest.raises(KeyboardInterrupt), replacing(path) as unfinished:
        unfinished.write_text("ha")
        assert unfinished.suffix == ".txt" and unfinished.parent == path.parent
        raise KeyboardInterrupt
    assert path.read_text(encoding="utf-8") == "one \u00b1"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_json_refuses_nan_and_keeps_the_old_file(tmp_path):
    write_json(tmp_path / "a.json", {"a": [1, 2.5]})
    for wrong in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="[Oo]ut of range"):
            write_json(tmp_path / "a.json", {"a": wrong})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": [1, 2.5]}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_arrays_on_a_full_disk_are_one_sentence(tmp_path):
    """numpy's writer left a ZipFile that printed a traceback when it was collected."""
    script = """
import resource, signal, sys
import numpy as np
from neuromorph.atomic import write_arrays
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
try:
    write_arrays(sys.argv[1], {"noise": np.random.default_rng(0).random(9999)})
except OSError as error:
    print(error)
"""
    path = tmp_path / "cell.npz"
    end = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert end.stderr == "" and str(path) in end.stdout and len(end.stdout.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named_and_not_the_temporary_file(tmp_path):
    """pathlib's errors hold a Path where others hold a text."""
    path = tmp_path / "gone/results.csv"
    with pytest.raises(FileNotFoundError) as told, replacing(path) as unfinished:
        path.parent.rmdir()
        unfinished.write_text("")
    assert told.value.filename == str(path)


def test_two_writers_of_one_file_do_not_disturb_each_other(tmp_path):
    """One process, two writers at once: the inner one ends while the outer one still writes."""
    path = tmp_path / "m=2.5.pt"
    with replacing(path) as outer:
        outer.write_text("outer")
        with replacing(path) as inner:
            assert inner != outer
            inner.write_text("inner")
        assert path.read_text() == "inner" and outer.read_text() == "outer"
    assert path.read_text() == "outer"
    assert list(tmp_path.iterdir()) == [path]


def test_many_threads_leave_one_whole_file(tmp_path):
    path = tmp_path / "a.txt"
    texts = [str(k) * 10_000 for k in range(8)]
    threads = [threading.Thread(target=write_text, args=(path, text)) for text in texts for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in texts and list(tmp_path.iterdir()) == [path]


KILLED = """
import os, signal, sys
from neuromorph.atomic import replacing
with replacing(sys.argv[1]) as unfinished:
    unfinished.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name != "posix", reason="no SIGKILL on this system")
def test_what_a_killed_process_left_is_cleaned_and_what_a_living_one_writes_is_not(tmp_path):
    path = tmp_path / "a[1].txt"
    assert subprocess.run([sys.executable, "-c", KILLED, str(path)], timeout=60).returncode < 0
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".a[1].") and left.read_text() == "half"
    with replacing(tmp_path / "a[1].json") as other:  # another file's
        other.write_text("1")
        assert left.exists()
    with replacing(path) as mine:
        assert not left.exists()
        mine.write_text("mine")
        write_text(path, "first")
        assert mine.exists()
    assert path.read_text() == "mine"
