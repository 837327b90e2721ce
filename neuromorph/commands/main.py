"""The command ``neuromorph``: one sentence for a user's mistake, never a traceback."""

import ast
import os
import pkgutil
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import tyro

from neuromorph import commands

HEAD = "One synapse model, three substrates, the same task streams."


def names() -> list[str]:
    """The commands: the files of this folder but this one."""
    files = (module.name for module in pkgutil.iter_modules(commands.__path__))
    return sorted(name.replace("_", "-") for name in files if name != "main")


def main(argv: list[str] | None = None) -> None:
    """Run a command; exit code 2 for a user's mistake, 130 for Ctrl-C.

    A command is one file with a function of its name and the function's arguments, ``NameArgs``; only the file of the
    command that runs is loaded.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    if not words or words[0] in ("-h", "--help"):
        print(_help())
        sys.exit(0 if words else 2)
    if words[0] not in names():
        print(f"neuromorph: there is no command '{words[0]}': choose one of {', '.join(names())}.", file=sys.stderr)
        sys.exit(2)
    function = words[0].replace("-", "_")
    module = import_module(f"{commands.__name__}.{function}")
    kind: Any = vars(module)[words[0].replace("-", " ").title().replace(" ", "") + "Args"]
    args = tyro.cli(kind, prog=f"neuromorph {words[0]}", args=words[1:])
    try:
        vars(module)[function](args)
    except KeyboardInterrupt:
        print("\nneuromorph: stopped. What was finished is kept; the same command goes on from there.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # the reader of the output has gone: | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except MemoryError as error:
        print(f"neuromorph: not enough memory ({error}): ask for fewer synapses, samples or trials.", file=sys.stderr)
        sys.exit(2)
    except (ValueError, OSError, ImportError) as error:
        print(f"neuromorph: {_sentence(error)}", file=sys.stderr)
        sys.exit(2)


def _help() -> str:
    """Every command with the first line of its file."""
    width = max(map(len, names()))
    lines = [f"  {name:{width}}  {_purpose(name)}" for name in names()]
    return "\n".join(["usage: neuromorph COMMAND [options]", "", HEAD, "", *lines, "", "neuromorph COMMAND --help"])


def _purpose(name: str) -> str:
    source = Path(commands.__path__[0], name.replace("-", "_") + ".py").read_text(encoding="utf-8")
    first = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
    return first.partition(": ")[2] or first


def _sentence(error: Exception) -> str:
    """The error's words; the system's own ('[Errno 2] ...') as path and reason."""
    if isinstance(error, OSError) and error.errno and error.filename:
        return f"{error.filename}: {error.strerror}; check the path."
    return str(error)


if __name__ == "__main__":
    main()
