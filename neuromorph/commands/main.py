"""The command ``neuromorph``: one sentence for a user's mistake, never a traceback."""

import sys
from typing import Any

import tyro

from neuromorph.commands.compare import CompareArgs, compare
from neuromorph.commands.deploy import DeployArgs, deploy
from neuromorph.commands.memory_curve import MemoryCurveArgs, memory_curve
from neuromorph.commands.recall import RecallArgs, recall
from neuromorph.commands.report import ReportArgs, report
from neuromorph.commands.train import TrainArgs, train

COMMANDS: dict[type, tuple[str, Any]] = {
    CompareArgs: ("compare", compare),
    MemoryCurveArgs: ("memory-curve", memory_curve),
    DeployArgs: ("deploy", deploy),
    RecallArgs: ("recall", recall),
    ReportArgs: ("report", report),
    TrainArgs: ("train", train),
}


def main(argv: list[str] | None = None) -> None:
    """Run a command; exit code 2 for a user's mistake, 130 for Ctrl-C."""
    subcommands: dict[str, Any] = {name: kind for kind, (name, _) in COMMANDS.items()}
    args: Any = tyro.extras.subcommand_cli_from_dict(
        subcommands,
        prog="neuromorph",
        description="One synapse model, three substrates, the same task streams.",
        args=argv,
    )
    try:
        COMMANDS[type(args)][1](args)
    except KeyboardInterrupt:
        print("\nneuromorph: stopped. What was finished is kept; the same command goes on from there.", file=sys.stderr)
        sys.exit(130)
    except MemoryError as error:
        print(f"neuromorph: not enough memory ({error}): ask for fewer synapses, samples or trials.", file=sys.stderr)
        sys.exit(2)
    except (ValueError, OSError, ImportError) as error:
        print(f"neuromorph: {_sentence(error)}", file=sys.stderr)
        sys.exit(2)


def _sentence(error: Exception) -> str:
    """The error's words; the system's own ('[Errno 2] ...') as path and reason."""
    if isinstance(error, OSError) and error.errno and error.filename:
        return f"{error.filename}: {error.strerror}; check the path."
    return str(error)


if __name__ == "__main__":
    main()
