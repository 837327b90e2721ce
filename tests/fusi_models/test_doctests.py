"""Every example in a docstring of ``fusi_models`` runs and prints what it says; configurations have one."""

import doctest
import pkgutil
from dataclasses import fields, is_dataclass
from importlib import import_module

import pytest

import fusi_models
from fusi_models import BennaFusi, BinaryUncertainty, HiddenWeight, MarkovSynapse
from fusi_models.models.integer import IntegerHiddenWeight
from fusi_models.models.staircase import Staircase

MODULES = ["fusi_models", *(m.name for m in pkgutil.walk_packages(fusi_models.__path__, "fusi_models."))]


@pytest.mark.parametrize("module", MODULES)
def test_examples_hold(module):
    result = doctest.testmod(import_module(module), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def test_there_are_examples():
    found = sum(bool(test.examples) for m in MODULES for test in doctest.DocTestFinder().find(import_module(m)))
    assert found >= 10


@pytest.mark.parametrize(
    "model", [MarkovSynapse, HiddenWeight, BinaryUncertainty, BennaFusi, Staircase, IntegerHiddenWeight]
)
def test_configurations_say_a_line_a_field(model):
    assert is_dataclass(model)
    for field in fields(model):
        if field.init:
            assert f"\n    {field.name}: " in model.__doc__, field.name
