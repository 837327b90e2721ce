import subprocess
import sys


def test_import_loads_no_heavy_package():
    code = "import sys, fusi_models; print(*{'torch', 'lava', 'brian2', 'matplotlib'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


def test_earlier_addresses_still_answer():
    """In a process of its own: an import binds a module's name in its package for good."""
    code = """
import fusi_models as fm
import fusi_models.simulate, fusi_models.engines.populations
from fusi_models.markov import MarkovSynapse, cascade, coding, multistate, plain, serial
from fusi_models.models.markov import cascade as again
from fusi_models.hidden import BinaryUncertainty, HiddenWeight
from fusi_models.simulate import check_reading, monte_carlo, simulate, trial_curve, whole_count
from fusi_models.synapse import check_fraction
from fusi_models.theory.curve import Events, Propagator, check_times
assert again is cascade is fm.cascade and BinaryUncertainty is fm.BinaryUncertainty
assert callable(fm.simulate) and fm.simulate is simulate
"""
    subprocess.run([sys.executable, "-c", code], check=True)
