"""The folder of a deployment: where it lies, and the files in it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from neuromorph import lava
from neuromorph.atomic import replacing, write_arrays, write_text
from neuromorph.deployed.check import Check
from neuromorph.lava.mapping import core_table
from neuromorph.lava.saved import save_network
from neuromorph.outputs import check_folder, check_foreign
from neuromorph.page.deployed import sample_figures

SCRIPT = "run_on_lava.py"  # lies in neuromorph/lava/handout, needs nothing of it


def made(file: Path, out: Path | None) -> Path:
    """``out``, or a folder beside ``file``, there before hours of work. Raises ``OSError`` where that is no folder."""
    name = file.name
    # "m=2.5" has no suffix: without .pt the whole name counts.
    short = name.removesuffix(".pt").removesuffix(".nir")
    out = out or file.with_name(short if short != name else f"{name}-deployed")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"{out} cannot be a folder ({error.strerror}): choose another --out.") from error
    check_folder(out)
    check_foreign(out, "network.json", ("schema", "layers"), ("network.json", "network.npz", "network.nir", SCRIPT))
    return out


def write(out: Path, found: Check, sheets: dict[str, Any]) -> None:
    """The network, the first samples, the script that runs it on Lava, NIR, figures, and each chip's sheet."""
    case, spec, reference = found.case, found.case.deployment.spec, found.reference
    for chip, sheet in sheets.items():
        write_text(out / f"{chip}.txt", f"{sheet}\n\n" + "\n".join(core_table(sheet.cores)) + "\n")
    save_network(spec, out)
    messages = spec.encode(case.x)
    few = messages[:5]
    labels = np.full(len(few), -1) if case.y is None else case.y[:5]
    counts = reference[-1].spikes[:, :5].sum(0)
    write_arrays(out / "samples.npz", {"messages": few, "counts": counts, "labels": labels})
    if spec.stock:
        with replacing(out / SCRIPT) as unfinished:
            shutil.copyfile(Path(lava.__file__).parent / "handout" / SCRIPT, unfinished)
    else:
        print(f"no {SCRIPT}: a reset of this network is not in stock Lava; run it with neuromorph.lava")
    _write_nir(spec, out / "network.nir")
    label = "" if case.y is None else f", label {case.y[0]}"
    answer = int(case.answers(*reference[-1])[0].argmax())
    words = f"test sample 0{label}, predicted {answer} by {case.way}"
    for name, figure in sample_figures(spec, case.records, messages[:1], case.source, words).items():
        write_text(out / name, figure)


def _write_nir(network: Any, path: Path) -> None:
    """NIR is an extra, and cannot say everything that the chip can."""
    try:
        from neuromorph.nir import write

        write(network, path)
    except (ImportError, ValueError) as error:
        print(f"no NIR file: {error}")
