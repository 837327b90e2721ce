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
from neuromorph.metrics import AccuracyMatrix
from neuromorph.run import learn_stream
from neuromorph.snn.device import checked_device
from neuromorph.snn.network import SpikingBNN


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
        ({"epochs": 1.5}, "epochs must be a whole number, got 1.5"),
        ({"epochs": "2"}, "epochs must be a whole number, got '"),
        ({"epochs": True}, "epochs must be a whole number, got True"),
        ({"every": 1.5}, "every must be a whole number"),
        ({"seed": 1.5}, "a seed must be a whole number, .*got 1.5"),
        (
            {"stream": []},
            "got list: make one of a list of tasks with streams.from_datasets",
        ),
        ({"checkpoint": 3}, "checkpoint must be the path of a file, or None to keep none, got 3"),
        ({"epochs": 10**14}, "epochs must be at most 1000000, got 100000000000000"),
        ({"watch": "loud"}, "watch must be a function of task, epoch and accuracies, got 'loud'"),
        ({"threads": "2"}, "threads must be at least 1, or 0 .*got '2'"),
        ({"seed": "one"}, "a seed must be a whole number, or one a replica, got 'one'"),
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
    with pytest.raises(ValueError, match="logit_scale must be a finite number above 0"):
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
        (lambda: DeepLearner(DeepConfig((4, 3, 2))).load_state_dict(None), "a state is what state_dict.* got NoneType"),
        (lambda: DeepLearner(DeepConfig((4, 3, 2))).load_state_dict({}), "saved by something else"),
        (lambda: DeepConfig((64, 8, 10), parts="ewc"), r"parts must be a list .*got 'ewc': write \('ewc',\)"),
        (lambda: DeepLearner(DeepConfig((4, 3, 2), lr=1e20)), "lr must be at most 1000, got 1e.20"),
        (lambda: DeepLearner(DeepConfig((4, 3, 2), weight_decay=1e300)), "weight_decay must be at most 1e.06"),
        (lambda: DeepConfig((4, 3, 2), gains=(1e30, 1)), "gains must be at most 1e.06"),
        (lambda: fm.plain("a"), "q must be a number, got 'a'"),
        (lambda: fm.cascade(10**30), "depth must be at most 5000"),
        (lambda: fm.lifetime(fm.plain(), 100, events="Poisson"), "events must be one of discrete, poisson"),
        (lambda: fm.simulate(fm.plain(), [1], 10, 1, 0), "rng must be a numpy.random.Generator, got 0"),
        (lambda: streams.joint("digits"), "stream must be a neuromorph.streams.Stream, got str"),
        (lambda: streams.parallel("ab"), "each of streams must be a neuromorph.streams.Stream, got str"),
        (lambda: streams.Task("a", None, None, 2), "train must be two arrays, samples x and labels y, got None"),
        (lambda: data.load("digits").limited("a"), "samples must be a whole number, got 'a'"),
        (lambda: AccuracyMatrix(None, None), "accuracy must be real numbers"),
    ],
)
def test_the_library_says_what_it_was_given(call, words):
    """Half of them were accepted: sizes of 6 and 4, a permutation for a wrong word, samples turned by NaN degrees."""
    with pytest.raises(ValueError, match=words):
        call()


def test_a_task_that_a_stream_does_not_have_is_named(stream):
    for k in (2, 9, -3):
        with pytest.raises(IndexError, match=f"permuted-digits has 2 tasks: ask for 0 to 1, got {k}"):
            stream[k]
    for k in ("a", None, 1.0, True):
        with pytest.raises(TypeError, match="a task is asked for by its number, from 0 to 1, got"):
            stream[k]
    assert stream[-1].name == stream[np.int64(1)].name and len(stream[:1]) == 1


def test_a_network_wants_a_tensor():
    with pytest.raises(TypeError, match="x must be a torch tensor, got ndarray: convert it with torch.as_tensor"):
        SpikingBNN((4, 3, 2))(np.zeros((1, 4)))
