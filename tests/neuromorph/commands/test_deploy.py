"""``neuromorph train`` then ``neuromorph deploy`` on the embedded digits, and the folder used without this project."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from neuromorph import lava
from neuromorph.checkpoint import load_checkpoint, save_checkpoint
from neuromorph.commands import deploy as module
from neuromorph.commands.main import main
from neuromorph.lava.reference import simulate
from neuromorph.lava.saved import load_network
from neuromorph.page.deployed import Verdict

needs_lava = pytest.mark.skipif(importlib.util.find_spec("lava") is None, reason="lava-nc is not installed")
TRAIN = ["--tasks", "2", "--samples", "400", "--test-samples", "60", "--epochs", "2", "--hidden", "40"]
TRAIN += ["--num-steps", "4", "--input-bits", "1", "--m", "0"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("deploy") / "network.pt"
    main(["train", *TRAIN, "--out", str(path)])
    return path


@needs_lava
def test_deploy_finds_no_differing_spike_and_its_folder_runs_on_lava_alone(checkpoint, tmp_path, capsys):
    folder = tmp_path / "deployed"
    main(["deploy", str(checkpoint), "--samples", "50", "--out", str(folder)])
    printed = capsys.readouterr().out
    for way in ("training network", "Lava, stock graph", "Lava, batched graph"):
        line = next(line for line in printed.splitlines() if line.startswith(way + ", spike counts"))
        assert line.split()[-2:] == ["0", "0"], line
    assert f"compared: {50 * 4 * 50} neuron steps" in printed
    assert "Loihi 1" in printed and "Loihi 2" in printed and "PRE-SILICON LOWER BOUND" in printed
    assert printed.splitlines()[1:4] == [
        "verdict: every spike is equal on Lava", "verdict: fits Loihi 1", "verdict: fits Loihi 2",
    ]  # fmt: skip
    record = json.loads((folder / "deployment.json").read_text())
    assert record["equal"] and record["fits"] == {"loihi1": True, "loihi2": True} and record["samples"] == 50
    assert record["differing_spikes"]["Lava, stock graph"] == [0, 0] and record["differing_drive"] == [0, 0]
    assert f"{record['accuracy']['Lava, stock graph, spike counts']:.4f}" in printed
    assert record["command"].startswith("neuromorph deploy ") and record["packages"]["lava-nc"]
    for name in ("raster.svg", "membranes.svg"):
        assert re.search(r"test sample 0, label \d, predicted \d by spike counts", (folder / name).read_text())
    assert re.search(r">neuron \d+<", (folder / "membranes.svg").read_text())
    assert re.search(r">threshold \d+<", (folder / "membranes.svg").read_text())

    # Elsewhere, without this project on the path: Lava and numpy only.
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    for name in ("run_on_lava.py", "network.npz", "network.json", "samples.npz"):
        shutil.copy(folder / name, copy)
    command = [sys.executable, "-I", "run_on_lava.py"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "differing counts 0" in done.stdout, done.stdout + done.stderr
    assert "neuromorph" not in done.stderr
    samples = dict(np.load(copy / "samples.npz"))
    samples["counts"][2, 3] += 1
    np.savez(copy / "samples.npz", **samples)
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "differing counts 1" in done.stdout

    spec = load_network(folder)
    x = np.random.default_rng(0).random((3, 64))
    settings = json.loads((folder / "network.json").read_text())
    assert tuple(settings["sizes"]) == spec.sizes == (64, 40, 10)
    assert simulate(spec, x)[-1].spikes.shape == (4, 3, 10)


@needs_lava
def test_a_wrong_mapping_is_reported_and_fails(checkpoint, tmp_path, capsys, monkeypatch):
    """The thresholds of the integer network are raised behind the command's back: torch and reference differ."""
    from neuromorph.lava import deployment
    from neuromorph.lava.spec import LayerSpec, NetworkSpec, integer_network

    def wrong(network):
        spec = integer_network(network)
        layers = tuple(LayerSpec(one.weights, one.threshold + 3, one.dv) for one in spec.layers)
        return NetworkSpec(layers, spec.num_steps, spec.input_bits)

    monkeypatch.setattr(deployment, "integer_network", wrong)
    with pytest.raises(SystemExit) as stopped:
        main(["deploy", str(checkpoint), "--samples", "10", "--out", str(tmp_path)])
    assert stopped.value.code == 1
    assert "spikes differ" in capsys.readouterr().err


@needs_lava
def test_what_does_not_fit_is_the_verdict_and_the_exit_code(tmp_path, capsys):
    """Graded input is Loihi 2's."""
    main(
        [
            "train",
            *TRAIN[:-6],
            "--hidden",
            "10",
            "--num-steps",
            "2",
            "--input-bits",
            "4",
            "--out",
            str(tmp_path / "n.pt"),
        ]
    )
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        main(["deploy", str(tmp_path / "n.pt"), "--samples", "4", "--chip", "loihi1"])
    printed = capsys.readouterr()
    assert stopped.value.code == 3 and "does not fit Loihi 1" in printed.err
    assert printed.out.splitlines()[2].startswith("verdict: DOES NOT FIT Loihi 1: ")
    record = json.loads((tmp_path / "n/deployment.json").read_text())
    assert record["equal"] and record["fits"] == {"loihi1": False} and record["problems"]["loihi1"]
    assert not Verdict(True, {"loihi1": ("input",), "loihi2": ("size",)}).fits
    assert Verdict(True, {"loihi1": ("input",), "loihi2": ()}).fits  # of both, one is enough


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "does not exist: train a network"), (b"rubbish", "is no checkpoint of 'neuromorph train'")],
)
def test_a_wrong_checkpoint_is_one_sentence(tmp_path, capsys, content, sentence):
    path = tmp_path / "other.pt"
    if content:
        path.write_bytes(content)
    with pytest.raises(SystemExit) as stopped:
        main(["deploy", str(path)])
    errors = capsys.readouterr().err
    assert stopped.value.code == 2 and sentence in errors and errors.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:5000]), "is no checkpoint of 'neuromorph train'.* cut off"),
        (lambda path: (path.unlink(), path.mkdir()), "is a folder: give the file"),
    ],
    ids=["truncated", "folder"],
)
def test_a_damaged_checkpoint_is_one_sentence(checkpoint, tmp_path, capsys, change, sentence):
    path = tmp_path / "network.pt"
    shutil.copy(checkpoint, path)
    change(path)
    with pytest.raises(SystemExit) as stopped:
        main(["deploy", str(path)])
    errors = capsys.readouterr().err
    assert stopped.value.code == 2 and re.search(sentence, errors) and errors.count("\n") == 1


def test_a_negative_number_of_samples_is_refused(checkpoint, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["deploy", str(checkpoint), "--samples", "-3"])
    assert stopped.value.code == 2 and "samples must be 0" in capsys.readouterr().err


def save_learner(learner, path):
    from neuromorph.checkpoint import save_checkpoint

    arguments = {"stream": "permuted-digits", "tasks": 1, "seed": 0, "samples": 300, "test_samples": 60}
    save_checkpoint(path, {"arguments": arguments, "learner": learner.state_dict()}, {})


@needs_lava
@pytest.mark.parametrize("norm", ["none", "batch-running"])
def test_a_convolutional_network_is_deployed_and_a_batch_norm_folded(norm, tmp_path, capsys):
    from neuromorph import streams
    from neuromorph.learners.deep import DeepConfig, DeepLearner
    from neuromorph.snn import Convolution

    config = DeepConfig(
        sizes=(64, 10), image=(1, 8, 8), convolutions=(Convolution(4, 3, 2, 1),), num_steps=4, norm=norm, input_bits=1
    )
    learner = DeepLearner(config)
    learner.partial_fit(*streams.by_name("permuted-digits", 1, 0, 300, 60)[0].train)
    save_learner(learner, tmp_path / "conv.pt")
    main(["deploy", str(tmp_path / "conv.pt"), "--samples", "20"])
    printed = capsys.readouterr().out
    assert "1x8x8-4x4x4-10, 4 steps, 20 test samples" in printed
    assert ("before its batch norm was folded" in printed) == (norm != "none")
    lines = [line.split()[-2:] for line in printed.splitlines() if line.startswith("Lava,") and "counts" in line]
    assert lines == [["0", "0"]] * 2
    line = next(line for line in printed.splitlines() if "outputs only integrate" in line)
    assert "0 of 200 numbers differ; stock graph, 20 samples: 0" in line


def test_a_checkpoint_holds_what_made_it(checkpoint):
    import torch

    content = torch.load(checkpoint, weights_only=True)
    assert content["arguments"]["stream"] == "permuted-digits" and content["arguments"]["hidden"] == [40]
    assert content["accuracy"].shape == (2, 2) and content["accuracy"][1, 1] > 0.2  # chance is 0.1


def test_a_flipped_bit_is_one_sentence(checkpoint, tmp_path, capsys):
    path = tmp_path / "network.pt"
    content = bytearray(checkpoint.read_bytes())
    weights = next(iter(load_checkpoint(checkpoint)["learner"]["network"].values())).numpy().tobytes()
    content[content.index(weights) + 100] ^= 1
    path.write_bytes(content)
    with pytest.raises(SystemExit) as stopped:
        main(["deploy", str(path)])
    errors = capsys.readouterr().err
    assert stopped.value.code == 2 and "no checkpoint of 'neuromorph train'" in errors and errors.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["network.pt"]


def test_a_state_of_another_learner_is_one_sentence(tmp_path, capsys):
    save_checkpoint(tmp_path / "run.pt", {"arguments": {}, "learner": {"states": np.zeros(3)}}, {})
    with pytest.raises(SystemExit) as stopped:
        main(["deploy", str(tmp_path / "run.pt")])
    errors = capsys.readouterr().err
    assert stopped.value.code == 2 and "saved by another learner" in errors and errors.count("\n") == 1


@pytest.mark.parametrize("name", ["network", "m=2.5", "network.pt", "a.b.pt"])
def test_a_checkpoint_of_any_name_has_a_folder_of_its_own(name, tmp_path):
    (tmp_path / name).write_text("a checkpoint")
    found = module.folder(module.DeployArgs(tmp_path / name))
    assert found.is_dir() and found.parent == tmp_path
    expected = {"network": "network-deployed", "m=2.5": "m=2.5-deployed", "network.pt": "network", "a.b.pt": "a.b"}
    assert found.name == expected[name]


def test_a_folder_that_cannot_be_is_refused_before_anything_is_computed(checkpoint, tmp_path, capsys, monkeypatch):
    (tmp_path / "file").write_text("a file")
    monkeypatch.setattr(lava, "deploy", None)
    for out in (tmp_path / "file", tmp_path / "file/deeper"):
        with pytest.raises(SystemExit) as stopped:
            main(["deploy", str(checkpoint), "--out", str(out)])
        errors = capsys.readouterr().err
        assert stopped.value.code == 2 and "cannot be a folder" in errors and errors.count("\n") == 1


@needs_lava
def test_a_state_of_a_users_own_class_is_deployed_and_its_folder_runs(tmp_path, capsys, monkeypatch):
    import torch

    (tmp_path / "nets.py").write_text(
        "import snntorch, torch\n"
        "class Net(torch.nn.Sequential):\n"
        "    def __init__(self):\n"
        "        zero = {'reset_mechanism': 'zero', 'threshold': 0.1}\n"
        "        out = snntorch.Synaptic(alpha=0.5, beta=0.75, reset_delay=False, **zero)\n"
        "        first = snntorch.Leaky(beta=0.9, **zero)\n"
        "        super().__init__(torch.nn.Linear(12, 9), first, torch.nn.Linear(9, 4), out)\n"
    )
    monkeypatch.chdir(tmp_path)
    sys.modules.pop("nets", None)
    import importlib

    sys.path.insert(0, "")
    net = importlib.import_module("nets").Net()
    sys.path.remove("")
    torch.save(net.state_dict(), "net.pt")
    torch.save({"model": net.state_dict(), "epoch": 3}, "more.pt")
    rng = np.random.default_rng(0)
    np.savez("data.npz", x=(rng.random((30, 6, 12)) < 0.3).astype(np.float32), y=rng.integers(0, 4, 30))
    main(["deploy", "net.pt", "--model", "nets:Net", "--data", "data.npz", "--steps", "6", "--calibration", "10"])
    printed = capsys.readouterr().out
    assert "12-9-4, 6 steps, 20 test samples" in printed and "quantised to 8 bits on 10 samples" in printed
    lines = [line.split()[-2:] for line in printed.splitlines() if line.startswith("Lava,") and "counts" in line]
    assert lines == [["0", "0"]] * 2
    done = subprocess.run(
        [sys.executable, "-I", "net/run_on_lava.py"], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert done.returncode == 0 and "differing counts 0" in done.stdout, done.stdout + done.stderr
    main(["deploy", "net.pt", "--model", "nets:Net", "--steps", "6", "--samples", "3", "--out", "drawn"])
    assert "12-9-4, 6 steps, 3 test samples" in capsys.readouterr().out  # earlier 20
    for words, sentence in (
        (["net.pt", "--model", "nets", "--steps", "6"], "say module:Class"),
        (["net.pt", "--model", "nets:Other", "--steps", "6"], "cannot be made"),
        (["net.pt", "--model", "nets:Net"], "Say for how many steps a sample is shown, for example --steps 25, got 0"),
        (["data.npz", "--model", "nets:Net", "--steps", "6"], "holds no state of Net"),
        (["net.pt", "--model", "nets:Net", "--steps", "7", "--data", "data.npz"], "data.npz: x is [30, 6, 12]"),
        (["more.pt", "--model", "nets:Net", "--steps", "6"], "it holds model, epoch; save what is in 'model' alone"),
    ):
        with pytest.raises(SystemExit) as stopped:
            main(["deploy", *words])
        errors = capsys.readouterr().err
        assert stopped.value.code == 2 and sentence in errors and errors.count("\n") == 1


def test_a_nir_file_of_this_project_keeps_its_number_of_steps(tmp_path, capsys):
    pytest.importorskip("nir", reason="nir is not installed")
    from neuromorph.nir import write

    layer = lava.LayerSpec(np.ones((3, 4), np.int8), 1, 410)
    write(lava.NetworkSpec((layer,), 6, 0), tmp_path / "small.nir")
    with pytest.raises(SystemExit) as stopped:
        main(["deploy", str(tmp_path / "small.nir"), "--steps", "7"])
    assert stopped.value.code == 2 and "was trained for 6 steps, got --steps 7" in capsys.readouterr().err
    for words in (["--steps", "6", "--weight-bits", "4"], ["--dt", "1"]):
        with pytest.raises(SystemExit) as stopped:
            main(["deploy", str(tmp_path / "small.nir"), *words])
        assert stopped.value.code == 2 and f"leave out {words[-2]}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "labels", "said"),
    [
        (["--calibration", "0"], range(4), "calibration must be a whole number of at least 1, got 0."),
        (["--calibration", "-1"], range(4), "calibration must be a whole number of at least 1, got -1."),
        (["--calibration", "1"], range(90, 94), "The labels y go from 90 to 92, but the network has 3 outputs: give"),
    ],
)
def test_samples_that_say_nothing_of_the_network_are_refused(words, labels, said, tmp_path, capsys):
    """Earlier -1 left out all samples but one, and labels without an output had an accuracy of 0."""
    pytest.importorskip("nir", reason="nir is not installed")
    from neuromorph.nir import write

    write(lava.NetworkSpec((lava.LayerSpec(np.ones((3, 6), np.int8), 2, 400),), 2, 0), tmp_path / "net.nir")
    np.savez(tmp_path / "some.npz", x=np.zeros((4, 2, 6)), y=np.array(labels))
    with pytest.raises(SystemExit) as end:
        main(["deploy", str(tmp_path / "net.nir"), "--data", str(tmp_path / "some.npz"), *words])
    assert end.value.code == 2 and said in capsys.readouterr().err
