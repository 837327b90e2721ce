import subprocess
import sys

CODE = """
import sys
import neuromorph
neuromorph.streams, neuromorph.metrics, neuromorph.local_rule, neuromorph.protocols, neuromorph.run, neuromorph.learners
import neuromorph.commands.main
print(*sorted({'torch', 'snntorch', 'lava', 'brian2'} & set(sys.modules)))
"""


def test_import_loads_no_substrate():
    run = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
