import importlib.metadata
import inspect
import subprocess
import sys
import tempfile

import pytest

import neuromorph
from fusi_models.catalogue import names
from neuromorph.commands.compare import CompareArgs
from neuromorph.commands.main import main
from neuromorph.commands.memory_curve import MemoryCurveArgs


def test_the_package_runs_as_a_module():
    run = subprocess.run([sys.executable, "-m", "neuromorph", "--help"], capture_output=True, text=True)
    assert run.returncode == 0 and "compare" in run.stdout


def test_the_command_tells_its_version(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert (end.value.code, capsys.readouterr().out) == (0, f"neuromorph {neuromorph.__version__}\n")


def test_the_package_names_its_parts_and_version():
    assert {"data", "streams", "learners", "__version__"} <= set(dir(neuromorph))
    assert neuromorph.__version__ == importlib.metadata.version("neuromorph")
    assert {"DeepLearner", "LavaLearner"} <= set(dir(neuromorph.learners))


@pytest.mark.parametrize(("arguments", "regime"), [(CompareArgs, "local"), (MemoryCurveArgs, "theory")])
def test_the_help_names_every_synapse_of_its_regime(arguments, regime):
    text = " ".join(inspect.getsource(arguments).split())
    assert [name for name in names(regime) if f"{name} (" not in text] == []


def test_a_reader_that_has_gone_is_no_error():
    command = f"{sys.executable} -m neuromorph memory-curve --models plain --points 3 --out {{}} | head -c 1"
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(command.format(f"{folder}/m"), shell=True, capture_output=True, text=True)
    assert "Errno" not in run.stderr and "Traceback" not in run.stderr


def test_help_ends_in_a_terminal_of_one_column(monkeypatch, capsys):
    """Below ten columns its formatter never ended."""
    monkeypatch.setenv("COLUMNS", "1")
    with pytest.raises(SystemExit, match="0"):
        main(["report", "--help"])
    assert "--folder" in capsys.readouterr().out
