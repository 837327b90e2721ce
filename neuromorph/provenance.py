"""Where numbers come from: the command, the date, the sources' commit, the machine, the versions."""

import os
import platform
import re
import shlex
import subprocess
from collections.abc import Collection, Iterator
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("neuromorph", "numpy", "torch", "snntorch", "brian2", "lava-nc")


def provenance(args: Any, ways: Collection[str] = ()) -> dict[str, Any]:
    """Of a run with this dataclass of arguments, for a JSON file; ``ways``: arguments that change no number."""
    return {
        "command": command_line(args, ways),
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "machine": _machine(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def command_line(args: Any, ways: Collection[str] = ()) -> str:
    """``neuromorph COMMAND`` with every argument that is not at its default, as a shell takes it.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class MemoryCurveArgs:
    ...     models: tuple[str, ...] = ()
    ...     burn_in: int = 0
    ...     deep: bool = True
    >>> command_line(MemoryCurveArgs(("a b", "c"), 3, False))
    "neuromorph memory-curve --models 'a b' c --burn-in 3 --no-deep"
    """
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(args).__name__.removesuffix("Args")).lower()
    return " ".join(["neuromorph", name, *(shlex.quote(word) for word in _words(args, ways))])


def _words(args: Any, ways: Collection[str]) -> Iterator[str]:
    for field in fields(args):
        value = getattr(args, field.name)
        default = field.default if field.default_factory is MISSING else field.default_factory()
        option = field.name.replace("_", "-")
        if field.name in ways or value == default:
            continue
        if is_dataclass(value):
            yield from _words(value, ways)
        elif default is MISSING:
            yield str(value)
        elif isinstance(value, bool):
            yield f"--{option}" if value else f"--no-{option}"
        else:
            yield f"--{option}"
            yield from map(str, value if isinstance(value, (tuple, list)) else [value])


def _commit() -> str:
    """Of the checkout that this package lies in; "+" where files of it are changed."""
    root = Path(__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return "not a checkout"
    asked = ["git", "-C", str(root), "describe", "--always", "--exclude=*", "--dirty=+", "--abbrev=12"]
    try:
        return subprocess.run(asked, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "not known"


def _machine() -> str:
    """System, processor and cores; not the machine's name, which is its owner's."""
    model = platform.processor() or platform.machine()
    try:
        listed = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        listed = ""
    named = re.search(r"^model name\s*:\s*(.+)$", listed, re.MULTILINE)
    return f"{platform.system()} {platform.machine()}, {named[1] if named else model}, {os.cpu_count()} cores"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
