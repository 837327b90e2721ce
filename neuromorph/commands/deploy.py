"""``neuromorph deploy``: a trained network on the chip's rules, verified spike for spike on its own test samples."""

import math
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Literal

import tyro

from fusi_models.checks import count
from neuromorph.atomic import write_json
from neuromorph.deployed.case import Case, imported, load_checkpoint, trained, written
from neuromorph.deployed.check import checked
from neuromorph.deployed.files import made, write
from neuromorph.page.deployed import Verdict, chip_names
from neuromorph.provenance import provenance
from neuromorph.streams.words import limits

IMPORTED = ("data", "steps", "encoding", "input_bits", "weight_bits", "calibration", "input_shape", "dt")
"""Options of a network that was made elsewhere."""


@dataclass(frozen=True)
class DeployArgs:
    """Map a trained network onto Loihi's rules, verify every spike on Lava, and write everything a chip needs.

    The exit code is 1 where a spike differs, 3 where the network fits no chip that was asked for.
    """

    file: Annotated[Path, tyro.conf.Positional]
    """A checkpoint of ``neuromorph train``, a .nir file, or with --model a state saved by torch."""
    samples: int = 1000
    """Test samples to verify, spread over the tasks of a checkpoint's stream; 0 takes all. Without data, at most 20."""
    chip: Literal["loihi1", "loihi2", "both"] = "both"
    """Whose resources to print."""
    learning: bool = False
    """Reserve 8-bit weights and 8-bit tags, for learning on the chip."""
    out: Path | None = None
    """Folder for the network, the script, NIR and the figures; by default the file's name without .pt or .nir, or with
    -deployed."""
    timeout: float = 1800.0
    """Seconds that one run on Lava may take."""
    model: str = ""
    """module:Class of the snnTorch network whose state the file holds; the class is made without arguments."""
    data: str = ""
    """Of a .nir file or a state: mnist, nmnist and so on, or an .npz file with x and y; without, random spikes."""
    steps: int = 0
    """Of a .nir file or a state: for how many steps a sample is shown."""
    encoding: Literal["raster", "current", "rate", "latency"] = "raster"
    """Of a .nir file or a state: spikes as they are; the same value at every step; or spikes made of a value."""
    input_bits: int = 0
    """Of the values of --encoding current, graded spikes of Loihi 2."""
    weight_bits: int = 8
    """Of an imported network: 16 (two synapses of 8 bits), 8, 4, 2 or 1."""
    calibration: int = 20
    """Training samples on which the quantisation is chosen."""
    input_shape: tuple[int, ...] = ()
    """Of one sample at one step, where the first layer of --model is not Linear."""
    dt: float = 1e-4
    """Seconds of a step of a NIR network."""


def deploy(args: DeployArgs) -> None:
    """Exits with 1 where a spike differs, 3 where the network fits no chip that was asked for.

    Raises ``ValueError`` or ``OSError`` with one sentence for a mistake.
    """
    out, case = _case(args)
    found = checked(case, args.timeout)
    chips = ("loihi1", "loihi2") if args.chip == "both" else (args.chip,)
    sheets = {chip: case.deployment.resources(chip, case.x, args.learning) for chip in chips}
    verdict = Verdict(found.equal, {chip: tuple(sheet.problems) for chip, sheet in sheets.items()})

    spec = case.deployment.spec
    print(f"{args.file}: {spec.title}, {spec.num_steps} steps, {found.samples} test samples")
    print(verdict, end="\n\n")
    print(*found.lines(), "", sep="\n")
    for sheet in sheets.values():
        print(f"{sheet}\n")
    write(out, found, sheets)
    content = {"schema": 1, **verdict.content(), **found.content(), **provenance(args, ("out", "timeout"))}
    write_json(out / "deployment.json", content)
    print(f"{out} holds {', '.join(sorted(path.name for path in out.iterdir()))}")
    if not verdict.equal:
        print("neuromorph: spikes differ; do not trust this network on the chip.", file=sys.stderr)
        sys.exit(1)
    if not verdict.fits:
        print(f"neuromorph: the network does not fit {' or '.join(chip_names(chips))}.", file=sys.stderr)
        sys.exit(3)


def _case(args: DeployArgs) -> tuple[Path, Case]:
    limits(args.samples)
    if not 0 < args.timeout < math.inf:
        raise ValueError(f"--timeout must be a number of seconds above 0, got {args.timeout:g}.")
    if not args.file.exists():
        raise FileNotFoundError(
            f"{args.file} does not exist: train a network with 'neuromorph train --out {args.file}', or give a .nir."
        )
    if args.file.is_dir():
        raise ValueError(f"{args.file} is a folder: give the file that 'neuromorph train --out FILE' wrote.")
    if args.model or args.file.suffix == ".nir":
        return folder(args), _imported(args)
    _check_own(args)
    content = load_checkpoint(args.file, args.samples)
    return folder(args), trained(*content)


def _check_own(args: DeployArgs, used: tuple[str, ...] = ()) -> None:
    """What ``train`` or ``deploy`` wrote says all this itself: nothing but ``used`` is taken, and not used."""
    chosen = {f.name: f.default for f in fields(args) if f.name in IMPORTED and f.name not in used}
    asked = [f"--{name.replace('_', '-')}" for name, usual in chosen.items() if getattr(args, name) != usual]
    if asked:
        raise ValueError(
            f"{args.file} is of this project and has settings of its own: leave out {', '.join(asked)}, which is for "
            "networks made elsewhere."
        )


def _imported(args: DeployArgs) -> Case:
    from neuromorph.importers.translate import Settings, load_module, own

    shown = args.data, args.calibration, args.samples
    known = own(args.file) if args.file.suffix == ".nir" and not args.model else None
    if known is not None:
        if args.steps not in (0, known.num_steps):
            raise ValueError(
                f"{args.file} was trained for {known.num_steps} steps, got --steps {args.steps}: leave it out."
            )
        _check_own(args, ("data", "calibration", "steps"))
        return written(known, *shown)
    if args.steps < 1:
        raise ValueError(f"Say for how many steps a sample is shown, for example --steps 25, got {args.steps}.")
    count("steps", args.steps)
    how = args.steps, args.encoding, args.input_bits, args.weight_bits
    settings = Settings(*how, input_shape=args.input_shape or None, dt=args.dt)
    return imported(load_module(args.file, args.model) if args.model else args.file, settings, *shown)


def folder(args: DeployArgs) -> Path:
    """Where everything goes, made here, before hours of work. Raises ``OSError`` where that is no folder."""
    return made(args.file, args.out)
