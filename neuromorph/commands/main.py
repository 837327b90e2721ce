"""The command ``neuromorph``: one sentence for a user's mistake, never a traceback."""

import ast
import codecs
import io
import pkgutil
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import neuromorph
from neuromorph import commands
from neuromorph.stopping import Signals, open_closed, say, told, wide_enough

HEAD = "One synapse model, three substrates, the same task streams."


def names() -> list[str]:
    """The commands: the files of this folder but this one."""
    files = (module.name for module in pkgutil.iter_modules(commands.__path__))
    return sorted(name.replace("_", "-") for name in files if name != "main")


def main(argv: list[str] | None = None) -> None:
    """Run a command; exit code 2 for a user's mistake, 130 for Ctrl-C, 143 for SIGTERM, 141 where nobody reads.

    A command is one file with a function of its name and the function's arguments, ``NameArgs``; only the file of the
    command that runs is loaded. Where a later call goes on from what is there, ``kept(args)`` says whether there is
    something.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    with Signals() as signals:
        open_closed()
        _any_locale()
        if not words or words[0] in ("-h", "--help"):
            print(_help())
            sys.exit(0 if words else 2)
        if words[0] == "--version":
            print(f"neuromorph {neuromorph.__version__}")
            sys.exit(0)
        if words[0] not in names():
            say(f"there is no command '{words[0]}': choose one of {', '.join(names())}.")
            sys.exit(2)
        _run(words, signals)


def _run(words: list[str], signals: Signals) -> None:
    module: Any = None
    args: Any = None

    def kept() -> str:
        goes_on = module is not None and vars(module).get("kept", _nothing)(args)
        return "What was finished is kept; the same command goes on from there." if goes_on else "Nothing is kept."

    with told(signals, kept):
        import tyro  # takes a while, in which Ctrl-C is one sentence, too

        function = words[0].replace("-", "_")
        module = import_module(f"{commands.__name__}.{function}")
        kind: Any = vars(module)[words[0].replace("-", " ").title().replace(" ", "") + "Args"]
        wide_enough()
        args = tyro.cli(kind, prog=f"neuromorph {words[0]}", args=words[1:])
        signals.running()
        vars(module)[function](args)


def _nothing(args: Any) -> bool:
    """What is kept of a command that begins anew each time."""
    return False


def _any_locale() -> None:
    """Where the terminal has no \u00b1 (the C locale), it is +-; hours of work do not end on a letter."""
    codecs.register_error("neuromorph", _plain_letters)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not what tests and notebooks put in its place
            stream.reconfigure(errors="neuromorph")


def _plain_letters(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end]
    return "".join({"\u00b1": "+-", "\u2212": "-"}.get(letter, "?") for letter in found), error.end


def _help() -> str:
    """Every command with the first line of its file."""
    width = max(map(len, names()))
    lines = [f"  {name:{width}}  {_purpose(name)}" for name in names()]
    first, last = "usage: neuromorph COMMAND [options]", "neuromorph COMMAND --help, neuromorph --version"
    return "\n".join([first, "", HEAD, "", *lines, "", last])


def _purpose(name: str) -> str:
    source = Path(commands.__path__[0], name.replace("-", "_") + ".py").read_text(encoding="utf-8")
    first = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
    return first.partition(": ")[2] or first


if __name__ == "__main__":
    main()
