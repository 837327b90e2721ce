import importlib.metadata
import subprocess
import sys

import neuromorph


def test_the_package_runs_as_a_module():
    run = subprocess.run([sys.executable, "-m", "neuromorph", "--help"], capture_output=True, text=True)
    assert run.returncode == 0 and "compare" in run.stdout


def test_the_package_names_its_parts_and_version():
    assert {"data", "streams", "learners", "__version__"} <= set(dir(neuromorph))
    assert neuromorph.__version__ == importlib.metadata.version("neuromorph")
    assert {"DeepLearner", "LavaLearner"} <= set(dir(neuromorph.learners))
