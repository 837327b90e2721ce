"""Every learner that torch computes, on a GPU where there is one: it learns there, and its state goes on on the CPU."""

import numpy as np
import pytest
import torch

from neuromorph import streams
from neuromorph.checkpoint import load_checkpoint, save_checkpoint
from neuromorph.learners.methods import LearnerWords
from neuromorph.run import learn_stream

SIZES = (64, 30, 10)
WORDS = (
    "deep",
    "deep:m=0,synapse=benna-fusi:levels=4",
    "deep:m=0+ewc:strength=10",
    "real",
    "real+ewc:strength=100",
    "real+online-ewc:strength=100",
    "real+si:strength=1",
    "real+mas:strength=1",
    "real+lwf:strength=1",
    "real+replay:capacity=50",
    "real+engrams:p=0.5",
    "binary:m=1.35",
    "memristor:levels=4,m=4,spread=0.1,read_noise=0.05,up_failed=0.1",
    "mesu",
    "bgd",
    "bimu",
    "plain",
    "tacos:substrate=torch",
    "discriminant",
    "snntorch/cascade",
    "snntorch/hidden",
    "snntorch/prototypes/plain:q=0.01",
)

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


def taught(words, device, **options):
    many = (5, 10) if words.startswith("tacos") else (200, 100)
    stream = streams.by_name("permuted-digits", 2, 0, *many)
    learner = LearnerWords(words, SIZES, device=device)(0)
    return learner, learn_stream(learner, stream, 2, 0, **options), stream


@pytest.mark.parametrize("words", WORDS)
def test_learns_there_and_goes_on_here_and_there(words, tmp_path):
    learned, found, stream = taught(words, "cuda")
    assert np.isfinite(found.accuracy).all()
    save_checkpoint(tmp_path / "state", learned.state_dict(), {})
    x, y = stream[1].test
    for device in ("cpu", "cuda"):
        resumed = LearnerWords(words, SIZES, device=device)(0)
        resumed.load_state_dict(load_checkpoint(tmp_path / "state"))
        drawn = "read_noise" in words or words in ("mesu", "bgd", "bimu")
        assert drawn or (resumed.predict(x) == learned.predict(x)).mean() > 0.95
        resumed.partial_fit(x[:20], y[:20])


@pytest.mark.parametrize("words", ["deep", "real", "binary:m=1.35", "snntorch/hidden", "discriminant"])
def test_learns_what_the_processor_learns(words):
    gpu, cpu = (taught(words, device)[1].average_accuracy for device in ("cuda", "cpu"))
    assert abs(gpu - cpu) < 0.1
