"""One good file of each kind that is read, how it is read, and calls of the library with arrays of any kind."""

import gzip
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from harness import Choose, a_nir_file

import fusi_models as fm
from fusi_models.files import load_synapse
from neuromorph import atomic, data, study
from neuromorph.checkpoint import load_checkpoint, save_checkpoint
from neuromorph.data.labelled import digest_of
from neuromorph.folder import claim
from neuromorph.importers import seal
from neuromorph.lava.saved import load_network, save_network
from neuromorph.lava.spec import LayerSpec, NetworkSpec


@dataclass(frozen=True)
class Arguments:
    """Of a command that has a folder."""

    seeds: int = 3
    name: str = "x"


Reader = tuple[Path, Callable[[], Any]]


def readers(folder: Path) -> dict[str, Reader]:
    """Kind -> a file in ``folder``, written here, and a function that reads it and gives its content."""
    rng = np.random.default_rng(0)
    found: dict[str, Reader] = {}

    def kind(name: str, file: str, read: Callable[[Path], Any]) -> Path:
        path = folder / file
        found[name] = path, lambda: read(path)
        return path

    save_checkpoint(
        kind("checkpoint", "run.pt", lambda p: load_checkpoint(p)["rows"].tolist()),
        {"rows": rng.random((3, 4)), "learner": {"w": rng.random((20, 20))}},
        {"seed": 1},
    )
    chain = fm.cascade(3)
    synapse = kind("synapse.npz", "synapse.npz", lambda p: digest_of(*vars(load_synapse(p))["potentiation"]))
    np.savez(synapse, potentiation=chain.potentiation, depression=chain.depression, strength=chain.strength)
    features = kind("features.npz", "features.npz", lambda p: data.load(f"features:{p}").digest)
    x, y = rng.random((12, 5)), np.arange(12) % 3
    np.savez(features, train_x=x, train_y=y, test_x=x[:6], test_y=y[:6])
    idx = kind("idx.gz", "idx.gz", lambda p: data.read_idx(p).tolist())
    head = b"\0\0\x08\x03" + struct.pack(">3I", 4, 5, 6)
    idx.write_bytes(gzip.compress(head + rng.integers(256, size=120).astype(np.uint8).tobytes()))
    cell = kind("finished cell", "cell.npz", lambda p: _cell(p))
    study._keep(cell, study.Result({"accuracy": rng.random((3, 3)), "baseline": rng.random(3)}, 1.5), {"learner": "x"})
    config = kind("config.json", "run/config.json", lambda p: claim(p.parent, Arguments(), (), "run"))
    atomic.write_json(config, {"arguments": {"seeds": 3, "name": "x"}, "python": "3.11"})
    (folder / "run/cells").mkdir()
    (folder / "run/cells/a.npz").touch()
    weights = np.sign(rng.standard_normal((3, 5))).astype(np.int8)
    save_network(NetworkSpec((LayerSpec(weights, 2, 0),), 4, 0), folder / "deployed")
    kind("network.npz", "deployed/network.npz", lambda p: load_network(p.parent).layers[0].weights.tolist())
    a_nir_file(folder)
    kind("network.nir", "net.nir", lambda p: [layer.weights.tolist() for layer in _imported(p)])
    kind("somebody's .nir", "theirs.nir", lambda p: _imported(p) and None).write_bytes(
        (folder / "net.nir").read_bytes()[: -seal.LENGTH]
    )
    return found


def _imported(path: Path) -> tuple[LayerSpec, ...]:
    """As ``deploy`` reads it. Without a seal a changed weight cannot be seen, only what makes no network."""
    from neuromorph.importers.translate import Settings, own, translate

    return (own(path) or translate(path, Settings(3, "raster")).spec).layers


def _cell(path: Path) -> Any:
    found = study._kept(path, {"learner": "x"})
    if found is None:
        raise ValueError("computed again")
    return found.matrix.accuracy.tolist()


ARRAYS: tuple[Callable[[], Any], ...] = (
    lambda: np.array(["a", "b"]),
    lambda: np.array([[None, 1]], object),
    lambda: [[1], [1, 2]],
    lambda: np.full((2, 64), np.nan),
    lambda: np.full((2, 64), np.inf),
    lambda: np.full((2, 64), -0.5),
    lambda: np.full((2, 64), 2),
    lambda: np.zeros((0, 64)),
    lambda: np.zeros((2, 63)),
    lambda: np.zeros((2, 64), complex),
    lambda: np.zeros(64),
    lambda: np.float64(3),
    lambda: np.array([0, 1]),
    lambda: np.array([0.0, 1.0]),
    lambda: np.array([-1, 99]),
    lambda: np.array([True, False]),
    lambda: None,
    lambda: "x",
    lambda: np.zeros((2, 8, 8)),
    lambda: {"x": 1},
)


def array_call(choose: Choose) -> Callable[[], Any]:
    """A call of the library with two arrays; it must refuse them in words, or give finite numbers."""
    from neuromorph.learners import TorchLearner
    from neuromorph.streams import Task

    a, b = choose(ARRAYS), choose(ARRAYS)
    learner = TorchLearner(fm.plain(0.1), 64, 10)
    calls: dict[str, Callable[[], Any]] = {
        "partial_fit": lambda: learner.partial_fit(a(), b()),
        "predict": lambda: learner.predict(a()),
        "MarkovSynapse": lambda: fm.MarkovSynapse(a(), b(), a()),
        "memory_curve": lambda: fm.memory_curve(fm.plain(0.1), a(), 100).snr,
        "frames": lambda: data.frames(a(), b(), a(), b(), 2, 8),
        "Data": lambda: data.Data("x", (a(), b()), (a(), b()), 10).digest and None,
        "Task": lambda: Task("x", (a(), b()), (a(), b()), 10) and None,
        "envelope": lambda: fm.envelope(a(), 4),
    }
    return calls[choose(tuple(calls))]


def finite(found: Any) -> bool:
    """Whether what a call gave has no NaN and no infinity; a class and None have none."""
    if found is None or isinstance(found, fm.MarkovSynapse):
        return True
    values = np.asarray(found)
    return values.dtype.kind not in "fc" or bool(np.isfinite(values).all())
