import subprocess
import sys

import pytest

CODE = """
import importlib
import fusi_models, neuromorph
from fusi_models.moved import _Moved
import sys
for finder in sys.meta_path:
    if isinstance(finder, _Moved):
        for old, new in finder.addresses.items():
            module = importlib.import_module(new)
            earlier = importlib.import_module(old)
            for name in vars(module):
                assert name.startswith("__") or getattr(earlier, name) is getattr(module, name), (old, name)
from fusi_models.simulate import monte_carlo
assert fusi_models.simulate is not monte_carlo and callable(fusi_models.simulate)
"""


def test_every_earlier_module_name_answers():
    subprocess.run([sys.executable, "-c", CODE], check=True)


def test_a_wrong_name_is_said_as_usual():
    import fusi_models.markov

    with pytest.raises(AttributeError):
        _ = fusi_models.markov.nothing
    with pytest.raises(ImportError):
        from fusi_models.markov import nothing  # noqa: F401
