import shlex
from pathlib import Path

import pytest
import tyro

from neuromorph.commands.benchmark import BenchmarkArgs
from neuromorph.commands.compare import CompareArgs
from neuromorph.commands.memory_curve import MemoryCurveArgs
from neuromorph.commands.train import TrainArgs, Training
from neuromorph.provenance import command_line, provenance


@pytest.mark.parametrize(
    "args",
    [
        CompareArgs(),
        CompareArgs(synapses=("hidden:m=3", "a b"), deep=False, tasks=9, out=Path("my folder")),
        BenchmarkArgs(streams=("split-digits@2",), joint=False),
        MemoryCurveArgs(models=("plain",), optimise=(3.0, 5.5), x=0.3),
        TrainArgs(hidden=(30,), training=Training(seed=3, parts=("mas",))),
    ],
)
def test_the_command_gives_the_same_arguments(args):
    program, name, *words = shlex.split(command_line(args))
    assert program == "neuromorph" and name.replace("-", "") == type(args).__name__.removesuffix("Args").lower()
    assert tyro.cli(type(args), args=words) == args


def test_what_changes_no_number_is_left_out():
    assert command_line(CompareArgs(out=Path("x"), jobs=3, seeds=5), ("out", "jobs")) == "neuromorph compare --seeds 5"


def test_where_numbers_come_from():
    found = provenance(CompareArgs())
    assert found["command"] == "neuromorph compare" and found["date"].endswith("UTC") and found["machine"]
    assert found["commit"] and found["packages"]["numpy"] and found["python"].startswith("3.")
