"""What a hurried user types, and what is printed: the table of docs/robustness.md, made by running every line of it.

``python tests/robustness/wrong_uses.py`` prints the table; a test compares it with the page.
"""

import contextlib
import io
import os
import re
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness import small_network

from neuromorph.commands.main import main

LINES = (
    "comapre",
    "train --seed -1",
    "train --seed 99999999999999999999999",
    "train --hidden 0",
    "train --hidden 9999999 9999999",
    "train --tasks 99999999999999999999",
    "train --samples -1",
    "train --epochs 0",
    "train --epochs 99999999999999",
    "train --num-steps 99999999999999",
    "train --lr 1e20",
    "train --weight-decay 1e300",
    "train --init 1e30",
    "train --gains 1e30 1 1",
    "train --m -1",
    "train --lr nan",
    "train --logit-scale -1",
    "train --device meta",
    "train --stream permuted-nothing",
    "train --stream features:x.npy",
    "train --stream file:/dev/null",
    "train --stream split-task-digits",
    "train --parts ewc:strength=1e400",
    "train --stream rotated-digits:degrees=15,degrees=30",
    "train --synapse hidden:m=2,m=3",
    "train --parts nothing",
    "train --parts ewc:strength=1,strength=2",
    "train --parts ewc ewc",
    "train --parts heads:tasks=5",
    "train --stream split-task-digits --parts heads:tasks=2",
    "train --out ''",
    "train --out folder",
    "train --out letter.txt",
    "train --out /dev/null",
    "train --out letter.txt/net.pt",
    "compare --epochs 99999999999999",
    "compare --deep-epochs 99999999999999",
    "compare --seeds 0",
    "compare --seeds 1000000000",
    "compare --deep-hidden 0",
    "compare --deep-m -1",
    "compare --jobs 99999999999999999999",
    "compare --substrates nest",
    "compare --synapses serial:states=4.5",
    "compare --synapses benna_fusi",
    "compare --stream split-task-digits",
    "compare --out letter.txt",
    "compare --out stale",
    "benchmark --epochs 99999999999999",
    "benchmark --hidden 0",
    "benchmark --hidden 9999999999999999999999999",
    "benchmark --jobs 0",
    "benchmark --learners nothing",
    "benchmark --learners deep+heads:tasks=5",
    "benchmark --learners deep+ewc+ewc",
    "benchmark --learners deep:lr=1e20",
    "benchmark --learners real:batch=0",
    "benchmark --learners memristor:drift=1000",
    "memory-curve --threshold nan",
    "memory-curve --threshold -1",
    "memory-curve --threshold 1e300",
    "memory-curve --burn-in -1",
    "memory-curve --burn-in 99999999999999",
    "memory-curve --trials 99999999999999",
    "memory-curve --seed -1",
    "memory-curve --synapses 1e400",
    "memory-curve --points 1000000000",
    "memory-curve --x nan",
    "memory-curve --models cascade:depth=600",
    "memory-curve --models nothing",
    "memory-curve --models cascade:depth=3,depth=4",
    "memory-curve --lifetimes 0 nan",
    "memory-curve --coding 1",
    "memory-curve --coding 0.1 --f-pot 0.3",
    "memory-curve --rule coincidence",
    "memory-curve --states 5",
    "memory-curve --engine lumped --synapses 2.5",
    "memory-curve --out ''",
    "recall --age prior --mean-age nan",
    "recall --age prior --mean-age -1",
    "recall --neurons 0",
    "recall --neurons 99999999",
    "recall --trials 99999999999999",
    "recall --seed -1",
    "recall --neurons 20 --coding 0.0001",
    "recall --synapse additive --rule hebb --decoders guess",
    "deploy nowhere.pt",
    "deploy folder",
    "deploy letter.txt",
    "deploy cut.pt",
    "deploy letter.nir",
    "deploy net.pt --samples -1",
    "deploy net.pt --timeout nan",
    "deploy net.pt --weight-bits 3 --steps -1",
    "deploy net.pt --out letter.txt",
    "report nowhere",
    "report stale",
)
ONE_OF = re.compile(r"((?:choose|take|with KIND) (?:any|one) of) .*?(;|\.$|\. )")
"""What there is grows, and is not for this table."""


def lie_about() -> None:
    """What the lines name: a folder, somebody's letter, a network, half of one, and a folder of damaged results."""
    Path("folder").mkdir()
    for name in ("letter.txt", "letter.nir"):
        Path(name).write_text("Dear reader", encoding="utf-8")
    whole = small_network()
    Path("net.pt").write_bytes(whole)
    Path("cut.pt").write_bytes(whole[: len(whole) // 2])
    (Path("stale") / "cells").mkdir(parents=True)
    for name in ("config.json", "results.json", "cells/a.npz"):
        Path("stale", name).write_text("{", encoding="utf-8")


def printed(line: str) -> tuple[int, str]:
    """The exit code and what stands on stderr, in one line."""
    errors = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
        try:
            main(shlex.split(line))
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    return code, " ".join(errors.getvalue().split())


def rows() -> Iterator[str]:
    """The table in Markdown."""
    yield "| `neuromorph` | exit code | stderr |"
    yield "|---|---|---|"
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            lie_about()
            for line in LINES:
                code, said = printed(line)
                said = ONE_OF.sub(r"\1 ... \2", said.removeprefix("neuromorph: "))
                yield f"| `{line}` | {code} | {said.replace('|', '&#124;')} |"
        finally:
            os.chdir(here)


if __name__ == "__main__":
    print("\n".join(rows()))
