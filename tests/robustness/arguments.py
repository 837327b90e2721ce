"""Public calls of the library with one odd argument at a time: each is refused in words of our own, or means something.

A fault is an error that Python, numpy or torch raised in our place, or of a type that users do not expect.
``python tests/robustness/arguments.py [NAME...]`` tries every odd thing; the test beside this file one an argument.
"""

import math
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch

import fusi_models as fm
from fusi_models.models.staircase import Staircase
from neuromorph import data, learners, snn, streams
from neuromorph.learners.catalogue import build
from neuromorph.local_rule.rule import LocalRule
from neuromorph.metrics import AccuracyMatrix
from neuromorph.run import learn_stream

ODD: tuple[Any, ...] = (None, "a", math.nan, -1, 2.5, 10**30, math.inf, np.zeros((2, 3)), [], [[1], [1, 2]], object())
EXPECTED = (ValueError, TypeError, IndexError, OSError, ImportError)
SECONDS = 20  # of computing


def digits() -> data.Data:
    return data.load("digits").limited(30, 20)


def calls() -> Iterator[tuple[str, Callable[..., Any], Mapping[str, Any]]]:
    """Name, function, and arguments that are right."""
    yield "plain", fm.plain, {"q": 0.5}
    yield "cascade", fm.cascade, {"depth": 3, "x": 0.5, "f_pot": 0.5}
    yield "multistate", fm.multistate, {"states": 4, "q": 0.5}
    yield "serial", fm.serial, {"states": 4, "eps": 0.1}
    yield "HiddenWeight", fm.HiddenWeight, {"m": 2.0, "step_size": 0.02, "bound": 1.0, "width": 0.2, "leak": 0.0}
    yield "BennaFusi", fm.BennaFusi, {"levels": 3, "base": 2.0, "alpha": 0.25}
    yield "BinaryUncertainty", fm.BinaryUncertainty, {"window": 20.0, "lr": 0.1, "bound": 4.0, "f_pot": 0.5}
    yield "Staircase", Staircase, {"steps": (16, 8), "thresholds": (16,), "width": 126}
    chain = fm.cascade(2)
    shift = np.array([[0.5, 0.5], [0.0, 1.0]])
    yield "MarkovSynapse", fm.MarkovSynapse, {"potentiation": shift, "depression": shift[::-1, ::-1],
                                             "strength": np.array([-1.0, 1.0]), "name": "two"}  # fmt: skip
    times, drawn = np.array([0.0, 1.0, 3.0]), np.random.default_rng
    yield "memory_curve", fm.memory_curve, {"syn": chain, "times": times, "synapses": 100, "events": "discrete"}
    yield "lifetime", fm.lifetime, {"syn": chain, "synapses": 100, "threshold": 1.0, "events": "discrete"}
    yield "coding", fm.coding, {"f": 0.1, "rule": "pre"}
    yield "first_passage", fm.first_passage, {"syn": chain}
    yield "area", fm.area, {"syn": chain, "f_pot": 0.5}
    yield "laplace", fm.laplace, {"syn": chain, "s": np.array([0.1])}
    yield "spectrum", fm.spectrum, {"syn": fm.cascade(3)}
    yield "equilibrium", fm.equilibrium, {"syn": chain}
    yield "initial_snr", fm.initial_snr, {"syn": chain, "synapses": 100}
    yield "envelope", fm.envelope, {"times": times, "states": 4}
    yield "envelope_lifetime", fm.envelope_lifetime, {"synapses": 100, "states": 4, "threshold": 1.0}
    yield "envelope_share", fm.envelope_share, {"syn": chain, "times": times}
    yield "optimal_depth", fm.optimal_depth, {"synapses": 1e4, "x": 0.5}
    few = {"syn": chain, "times": times, "synapses": 20, "trials": 2, "rng": drawn(0)}
    yield "simulate", fm.simulate, few
    yield "monte_carlo", fm.monte_carlo, few
    some = digits()
    yield "data.load", data.load, {"name": "digits"}
    yield "Data.limited", some.limited, {"train": 5, "test": 5, "seed": 0}
    yield "by_name", streams.by_name, {"name": "permuted-digits", "tasks": 2, "seed": 0, "samples": 20}
    yield "permuted", streams.permuted, {"data": some, "tasks": 2, "seed": 0}
    yield "rotated", streams.rotated, {"data": some, "tasks": 2, "seed": 0, "degrees": 10.0}
    yield "split", streams.split, {"data": some, "per_task": 2, "scenario": "domain", "seed": 0, "order": None}
    yield "subsets", streams.subsets, {"data": some, "parts": 2, "seed": 0}
    yield "sequence", streams.sequence, {"sets": [some]}
    yield "patterns", streams.patterns, {"count": 2, "size": 3, "seed": 0}
    stream = streams.permuted(some, 2, 0)
    yield "parallel", streams.parallel, {"streams": [stream]}
    yield "joint", streams.joint, {"stream": stream}
    yield "stream[k]", stream.__getitem__, {"k": 1}
    yield "Stream", streams.Stream, {"name": "a", "scenario": "domain", "outputs": 10, "shape": (8, 8),
                                     "builders": stream.builders}  # fmt: skip
    x, y = some.train
    flat = x.reshape(len(x), -1)
    yield "Task", streams.Task, {"name": "a", "train": (x, y), "test": (x, y), "classes": 10}
    pairs = {"train": [(x, y)], "test": [(x, y)]}
    yield "from_datasets", streams.from_datasets, {**pairs, "scenario": "domain", "outputs": 10}
    matrix = np.full((2, 2), 0.5)
    yield "AccuracyMatrix", AccuracyMatrix, {"accuracy": matrix, "baseline": matrix[0]}
    yield "learn_stream", learn_stream, {
        "learner": build("torch", 64, 10), "stream": stream, "epochs": 1, "seed": 0, "checkpoint": None, "every": None,
        "watch": None, "threads": 1,
    }  # fmt: skip
    yield "DeepConfig", learners.DeepConfig, {
        "sizes": (64, 5, 10), "m": 1.0, "lr": 0.01, "batch": 5, "num_steps": 2, "betas": (0.9, 0.99), "eps": 1e-8,
        "weight_decay": 0.0, "variance": "layer", "logit_scale": 1.0, "synapse": "", "seed": 0, "device": "cpu",
        "parts": (), "beta": 0.5, "gains": (1.0, 1.0), "input_bits": 4, "init": 0.05, "encoding": "current",
        "image": (), "convolutions": (), "readout": "count", "norm": "none",
    }  # fmt: skip
    yield "DeepLearner", learners.DeepLearner, {"config": learners.DeepConfig((64, 5, 10), num_steps=2)}
    for name in ("torch", "deep", "control", "ewc"):
        one = build(name, 64, 10)
        yield f"{name}.partial_fit", one.partial_fit, {"x": flat[:8], "y": y[:8]}
        yield f"{name}.predict", one.predict, {"x": flat[:8]}
        yield f"{name}.load_state_dict", one.load_state_dict, {"state": one.state_dict()}
    yield "TorchLearner", learners.TorchLearner, {"synapse": chain, "inputs": 64, "classes": 10, "rule": LocalRule(),
                                                   "seeds": 0}  # fmt: skip
    yield "BrianLearner", learners.BrianLearner, {"synapse": chain, "inputs": 64, "classes": 10, "seeds": 0}
    yield "BinaryLinear", snn.BinaryLinear, {"in_features": 4, "out_features": 3, "init": 0.05}
    yield "BinaryConv2d", snn.BinaryConv2d, {"in_channels": 1, "out_channels": 2, "kernel_size": 3}
    net = snn.SpikingBNN((6, 5, 4), num_steps=2)
    yield "SpikingBNN", snn.SpikingBNN, {"sizes": (6, 5, 4)}
    yield "SpikingBNN(x)", net.__call__, {"x": torch.zeros(2, 6)}
    yield "Metaplastic", partial(snn.Metaplastic, list(net.parameters())), {"lr": 0.01, "m": 1.0, "eps": 1e-8}
    yield "Consolidated", partial(snn.Consolidated, list(net.parameters())), {"synapse": fm.HiddenWeight(2.0)}
    yield "Ensemble", snn.Ensemble, {"networks": [net]}
    yield "Convolution", snn.Convolution, {"channels": 2, "kernel": 3, "stride": 1, "padding": 0}


def faults(some: Callable[[Sequence[Any]], Sequence[Any]], names: Sequence[str] = ()) -> Iterator[str]:
    """``some``: which of the odd things are tried for an argument; ``names``: of the calls, by default all."""
    for name, function, right in calls():
        if names and name not in names:
            continue
        if found := fault(function, right, may_refuse=False):
            yield f"{name} with right arguments: {found}"
        for key, odd in ((key, odd) for key in right for odd in some(ODD)):
            if found := fault(function, {**right, key: odd}):
                yield f"{name}({key}={str(odd)[:20]!r}): {found}"


def fault(function: Callable[..., Any], given: Mapping[str, Any], may_refuse: bool = True) -> str:
    """What is wrong about how a call ends; nothing where it returns, or is refused by a ``raise`` of this project."""
    try:
        with warnings.catch_warnings(), limited(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            if isinstance(function, partial) or not function.__name__.startswith("_"):
                function(**given)
            else:
                function(*given.values())
    except TimeoutError:
        return "hangs"
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        ours = "fusi_models" in last.filename or "neuromorph" in last.filename
        said = (last.line or "").startswith("raise")
        if not (may_refuse and ours and isinstance(error, EXPECTED) and said):
            return f"{type(error).__name__}: {str(error)[:150]} ({last.filename[-40:]}:{last.lineno})"
    return ""


@contextmanager
def limited() -> Iterator[None]:
    def late(number: int, frame: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


if __name__ == "__main__":
    lines = []
    for line in faults(list, sys.argv[1:]):
        print(line, flush=True)
        lines.append(line)
    print(f"faults: {len(lines)}")
