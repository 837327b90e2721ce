import subprocess
import sys

import pytest

CODE = """
import sys
import neuromorph.snn
from neuromorph.lava import Deployment, LayerSpec, NetworkSpec
from neuromorph.lava.reference import simulate
import numpy as np
weights = np.array([[1, -1], [1, 1]], np.int8)
spec = NetworkSpec((LayerSpec(weights, 1, 0),), num_steps=3, input_bits=1)
assert Deployment(spec).reference([[1.0, 0.0]]).sum() == 2
heavy = {"torch", "snntorch", "lava", "brian2"} & set(sys.modules)
assert not heavy, heavy
"""


def test_integer_network_and_reference_need_numpy_only():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_unknown_names_list_the_known():
    import neuromorph.lava
    import neuromorph.snn

    with pytest.raises(AttributeError, match="it offers .*deploy"):
        _ = neuromorph.lava.deply
    with pytest.raises(AttributeError, match="it offers .*BinaryLinear"):
        _ = neuromorph.snn.Binary
