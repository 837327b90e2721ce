"""The maker of random generators: stable, and no two purposes or lists of numbers alike."""

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest

from fusi_models.seeds import generator, integer

LISTS = [n for size in range(4) for n in itertools.product((0, 1, 2, 2**32, 2**32 + 1, 2**64), repeat=size)]


def test_no_two_purposes_or_lists_of_numbers_share_a_stream():
    first = [tuple(generator(p, *n).integers(2**63, size=2)) for p in ("a", "b", "a, 0", "a]") for n in LISTS]
    assert len(set(first)) == 4 * len(LISTS)
    assert len({integer("a", *n) for n in LISTS}) == len(LISTS)


def test_numpy_alone_does_confuse_lists():
    assert np.random.default_rng([3, 1]).random() == np.random.default_rng([3, 1, 0]).random()


def test_the_same_in_another_process_and_for_numpy_integers():
    code = "from fusi_models.seeds import generator, integer; print(generator('x', 3, 1).random(), integer('x', 3))"
    environment = os.environ | {"PYTHONHASHSEED": "17"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    first, second = run.stdout.split()
    assert float(first) == generator("x", np.int64(3), np.uint8(1)).random()
    assert int(second) == integer("x", np.int32(3))


def test_seed_numbers_fit_the_libraries():
    numbers = [integer("limits", k) for k in range(200)]
    assert min(numbers) >= 0 and max(numbers) < 2**32 and all(type(n) is int for n in numbers)


@pytest.mark.parametrize("wrong", [-1, np.int64(-1), True, np.True_, 1.0, np.float64(2), "3", None])
def test_what_is_no_seed_is_refused_in_one_sentence(wrong):
    for make in (generator, integer):
        with pytest.raises(ValueError, match=r"must be a whole number of at least 0, got .*\.$"):
            make("x", 0, wrong)
    with pytest.raises(ValueError, match="purpose"):
        generator("", 1)
