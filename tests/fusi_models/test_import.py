import subprocess
import sys


def test_import_loads_no_heavy_package():
    code = "import sys, fusi_models; print(*{'torch', 'lava', 'brian2', 'matplotlib'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
