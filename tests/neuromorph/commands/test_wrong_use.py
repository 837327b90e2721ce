"""What a hurried user gives: each of these was a traceback, a hang, a silent acceptance or a riddle.

Command lines are in tests/robustness/wrong_uses.py.
"""

import gzip
import json
import struct

import numpy as np
import pytest

from neuromorph import data, streams
from neuromorph.commands.main import main
from neuromorph.learners import TorchLearner
from neuromorph.learners.deep import DeepConfig, DeepLearner
from neuromorph.run import learn_stream
from neuromorph.snn.device import checked_device


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"schema": 1}', '{"schema": 1, "rows": [{}]}'])
def test_damaged_results_are_not_drawn(text, tmp_path, capsys):
    (tmp_path / "results.json").write_text(text)
    (tmp_path / "config.json").write_text(json.dumps({"arguments": {}}))
    with pytest.raises(SystemExit) as end:
        main(["report", "--folder", str(tmp_path)])
    (line,) = capsys.readouterr().err.splitlines()
    assert end.value.code == 2 and "damaged" in line and "run the command that wrote it again" in line


@pytest.fixture(scope="module")
def stream():
    return streams.by_name("permuted-digits", 2, 0, 20, 10)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"epochs": 1.5}, "epochs must be a whole number, .*got 1.5"),
        ({"epochs": "2"}, "epochs must be a whole number, .*got '"),
        ({"epochs": True}, "epochs must be a whole number, .*got True"),
        ({"every": 1.5}, "every must be a whole number"),
        ({"seed": 1.5}, "a seed must be a whole number, .*got 1.5"),
        ({"stream": []}, "stream must be a neuromorph.streams.Stream, got list"),
    ],
)
def test_a_run_wants_whole_numbers_and_a_stream(arguments, words, stream):
    import fusi_models as fm

    with pytest.raises(ValueError, match=words):
        learn_stream(TorchLearner(fm.plain(0.1), 64, 10), **{"stream": stream, "progress": False, **arguments})


@pytest.mark.parametrize("tasks", ["3", 2.0, True])
def test_tasks_are_a_whole_number(tasks):
    with pytest.raises(ValueError, match="tasks must be a whole number"):
        streams.by_name("permuted-digits", tasks, 0)


def test_seeds_of_numpy_are_seeds_and_no_tensors_without_numbers():
    assert DeepLearner(DeepConfig(sizes=(4, 2), seed=np.int64(3))).config.seed == 3
    with pytest.raises(ValueError, match="cannot compute on the device 'meta'"):
        checked_device("meta")


def test_a_small_file_that_unpacks_to_much_is_not_unpacked(tmp_path, monkeypatch):
    read, asked = gzip.GzipFile.read, []
    monkeypatch.setattr(gzip.GzipFile, "read", lambda self, n=-1: (asked.append(n), read(self, n))[1])
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"\0\0\x08\x03" + struct.pack(">3I", 2, 2, 2) + bytes(10**6)))
    with pytest.raises(ValueError, match="no whole IDX file"):
        data.read_idx(path)
    assert max(asked) <= 16 and min(asked) >= 0


def test_a_folder_without_the_set_is_named(tmp_path, monkeypatch, no_network):
    monkeypatch.setenv("NEUROMORPH_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=f"Looked for: {tmp_path}/MNIST/raw/train-images"):
        data.load("mnist")
