"""What a hurried user gives: each of these was a traceback, a hang, a silent acceptance or a riddle.

Command lines are in tests/robustness/wrong_uses.py.
"""

import gzip
import json
import struct

import numpy as np
import pytest

import fusi_models as fm
from neuromorph import data, streams
from neuromorph.commands.main import main
from neuromorph.learners import TorchLearner
from neuromorph.learners.deep import DeepConfig, DeepLearner
from neuromorph.learners.parts.ewc import EWC
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


@pytest.mark.parametrize(
    "given",
    [
        lambda: streams.by_name("rotated-digits:degrees=15,degrees=30", 2, 0),
        lambda: DeepConfig(synapse="hidden:m=2,m=3"),
        lambda: DeepConfig(parts=("ewc:strength=1,strength=2",)),
        lambda: DeepConfig(parts=("ewc", EWC(3.0))),
    ],
)
def test_nothing_is_given_twice_of_which_one_would_not_count(given):
    with pytest.raises(ValueError, match="is given .*twice.*: give it once"):
        DeepLearner(given())


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_scores_are_scaled_by_a_positive_number(scale):
    """A negative one learned the opposite, and said nothing."""
    with pytest.raises(ValueError, match="logit_scale must be finite and above 0"):
        DeepConfig(logit_scale=scale)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: streams.permuted("digits", 2, 0), "data must be a neuromorph.data.Data, got 'digits': load one"),
        (lambda: streams.rotated(None, 2, 0), "data must be a neuromorph.data.Data, got None"),
        (lambda: streams.by_name(None, 2, 0), "A stream is named in words such as 'permuted-digits', got None"),
        (lambda: data.load(3), "A data set is named by a word, one of digits, .*got 3"),
        (lambda: streams.permuted(data.load("digits"), 2, 0, first="orignal"), "first must be one of permuted, orig"),
        (lambda: streams.rotated(data.load("digits"), 2, 0, degrees=float("nan")), "degrees must be a finite number"),
        (lambda: streams.subsets(data.load("digits"), "3", 0), "parts must be a whole number"),
        (lambda: learn_stream(object(), streams.by_name("permuted-digits", 2, 0)), "learner must be a neuromorph.lea"),
        (lambda: learn_stream(DeepLearner, streams.by_name("permuted-digits", 2, 0)), "learner must be a neuromorph"),
        (lambda: DeepConfig("64"), "each of sizes must be a whole number"),
        (lambda: DeepConfig((64, 8.5, 10)), "each of sizes must be a whole number of at least 0, got 8.5"),
        (lambda: DeepConfig((64, 8, 10), num_steps=2.5), "num_steps must be a whole number"),
        (lambda: DeepLearner(DeepConfig((64, 8, 10), batch=2.5)), "batch must be a whole number"),
        (lambda: DeepConfig((64, 8, 10), parts=(3,)), "A part is words or a configuration, .*got 3"),
        (lambda: TorchLearner(fm.plain(0.1), 64, 10).load_state_dict(None), "a state is what state_dict"),
    ],
)
def test_the_library_says_what_it_was_given(call, words):
    """Half of them were accepted: sizes of 6 and 4, a permutation for a wrong word, samples turned by NaN degrees."""
    with pytest.raises(ValueError, match=words):
        call()
