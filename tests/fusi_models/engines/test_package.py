import subprocess
import sys

OLD = "import numpy; del numpy.ptp; numpy.__all__.remove('ptp')\n"


def run(code):
    return subprocess.run([sys.executable, "-c", OLD + code], capture_output=True, text=True, timeout=120)


def test_a_numpy_that_does_not_fit_is_named_by_every_way_in():
    """Without numpy.ptp, as numpy 2 is, Brian2 raises AttributeError: a traceback from the command line."""
    done = run("import fusi_models.engines.brian")
    assert done.stderr.splitlines()[-1].startswith("ImportError: Brian2 cannot be loaded with numpy ")
    assert "has no attribute 'ptp'" in done.stderr and "pip install 'numpy<2'" in done.stderr


def test_a_command_says_it_in_one_sentence(tmp_path):
    argv = ["memory-curve", "--engine", "brian2", "--models", "plain:q=0.5", "--out", str(tmp_path / "curve")]
    done = run(f"from neuromorph.commands.main import main\nmain({argv})")
    (line,) = done.stderr.strip().splitlines()
    assert done.returncode == 2 and line.startswith("neuromorph: Brian2 cannot be loaded with numpy ")
