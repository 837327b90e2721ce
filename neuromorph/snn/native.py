"""The time loops of ``neuron.py`` in C: the same operations in the same order on each number, so the same bits.

A loop over time in torch walks through memory a dozen times a step; here a block of neurons stays in registers and
cache for all steps, ten times as fast. The C is compiled once a machine by its own compiler (half a second) and kept in
the user's cache; where there is no compiler, or on another device than a CPU, nothing is lost but time.
"""

from __future__ import annotations

import atexit
import ctypes
import hashlib
import logging
import os
import platform
import shlex
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor

SOURCE = r"""
#include <math.h>
#define WIDTH 64  /* neurons at a time */

/* Rows first to last - 1 (samples) of [step, row, neuron]; bias, theta and slope are [neuron]; shown: steps given. */
void forward(const float *restrict activation, const float *restrict bias, const float *restrict theta,
             float *restrict spk, float *restrict mem, long first, long last, long rows, long neurons, long steps,
             long shown, double beta, float units, double limit)
{
    for (long row = first; row < last; row++)
        for (long start = 0; start < neurons; start += WIDTH) {
            const long width = neurons - start < WIDTH ? neurons - start : WIDTH;
            const float *restrict b = bias + start, *restrict th = theta + start;
            double v[WIDTH] = {0}, x[WIDTH], wide[WIDTH];  /* in short loops, which a compiler turns into vectors */
            for (long j = 0; j < width; j++)
                wide[j] = th[j];
            for (long t = 0; t < steps; t++) {
                const float *restrict a = activation + ((t % shown) * rows + row) * neurons + start;
                float *restrict s = spk + (t * rows + row) * neurons + start;
                float *restrict m = mem + (t * rows + row) * neurons + start;
                for (long j = 0; j < width; j++) {
                    const float current = a[j] * units + b[j];
                    x[j] = current;
                }
                for (long j = 0; j < width; j++) {
                    const double y = trunc(v[j] * beta) + x[j], z = y > limit ? limit : y;
                    x[j] = z < -limit ? -limit : z;
                }
                for (long j = 0; j < width; j++)
                    v[j] = x[j] > wide[j] ? 0.0 : x[j];
                for (long j = 0; j < width; j++)
                    m[j] = (float)x[j];
                for (long j = 0; j < width; j++)
                    s[j] = m[j] > th[j] ? 1.0f : 0.0f;
            }
        }
}

/* grad_spk or grad_mem may be missing; constant: the sum over time is wanted, [1, row, neuron]. */
void backward(const float *restrict mem, const float *restrict grad_spk, const float *restrict grad_mem,
              const float *restrict theta, const float *restrict slope, float *restrict out, long first, long last,
              long rows, long neurons, long steps, long constant, float beta, float units)
{
    for (long row = first; row < last; row++)
        for (long start = 0; start < neurons; start += WIDTH) {
            const long width = neurons - start < WIDTH ? neurons - start : WIDTH;
            const float *restrict th = theta + start, *restrict sl = slope + start;
            float grad[WIDTH] = {0}, total[WIDTH] = {0};
            for (long t = steps - 1; t >= 0; t--) {
                const long place = (t * rows + row) * neurons + start;
                const float *restrict m = mem + place;
                for (long j = 0; j < width; j++)
                    grad[j] = m[j] > th[j] ? 0.0f : grad[j] * beta;
                if (grad_mem)
                    for (long j = 0; j < width; j++)
                        grad[j] += grad_mem[place + j];
                if (grad_spk)
                    for (long j = 0; j < width; j++) {
                        const float d = (m[j] - th[j]) * sl[j];
                        grad[j] += grad_spk[place + j] / (d * d * th[j] + th[j]);
                    }
                for (long j = 0; j < width; j++)
                    total[j] += grad[j];
                if (!constant)
                    for (long j = 0; j < width; j++)
                        out[place + j] = grad[j] * units;
            }
            if (constant)
                for (long j = 0; j < width; j++)
                    out[row * neurons + start + j] = total[j] * units;
        }
}
"""
FLAGS = [
    "-O3",
    "-march=native",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fPIC",
    "-shared",
    "-lm",
]
PAYS = 2**20  # numbers times steps, a hundredth of a second in torch, before a compiler is started unasked
CHUNK = 2**16  # numbers that one thread takes at least

_log = logging.getLogger("neuromorph")


def _command() -> list[str] | None:
    """The C compiler of this machine."""
    for words in (os.environ.get("CC"), sysconfig.get_config_var("CC"), "cc", "gcc", "clang"):
        parts = shlex.split(words or "")
        if parts and (path := shutil.which(parts[0])):
            return [path, *parts[1:]]
    return None


def _home(command: list[str]) -> Path:
    """Where the library is kept: by source, compiler and processor, since a home may be shared by several machines."""
    try:
        processor = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags"))
    except (OSError, StopIteration):
        processor = platform.processor() + platform.node()
    text = "\n".join([SOURCE, *FLAGS, *command, platform.machine(), processor])
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "neuromorph" / f"loops-{hashlib.sha256(text.encode()).hexdigest()[:20]}.so"


@final
class Builder:
    """Compiles ``SOURCE`` in a process of its own, once, and loads it when it is there.

    ``library(wait)`` is None while it is being compiled, and where that fails.
    """

    def __init__(self) -> None:
        self.loaded: ctypes.CDLL | None = None
        self.failure = ""
        self.seen = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = self._kept = Path()

    def library(self, work: int, wait: bool) -> ctypes.CDLL | None:
        """The library, for a loop over ``work`` numbers times steps; ``wait``: compile it now, if need be."""
        if self.loaded or self.failure:
            return self.loaded
        if not self._process:
            first, self.seen = not self.seen, self.seen + work
            if first or wait or self.seen > PAYS:
                self._start(only_look=not wait and self.seen <= PAYS)
        if self._process and (wait or self._process.poll() is not None):
            self._finish(self._process)
        return self.loaded

    def _start(self, only_look: bool) -> None:
        command = _command()
        if command is None:
            return self._give_up("there is no C compiler")
        self._kept = _home(command)
        if self._kept.exists():
            return self._load(self._kept)
        if only_look:
            return
        self._folder = Path(tempfile.mkdtemp(prefix="neuromorph-"))
        atexit.register(self._clean)
        (self._folder / "loops.c").write_text(SOURCE)
        words = [*command, "loops.c", "-o", "loops.so", *FLAGS]
        try:
            self._process = subprocess.Popen(
                words, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            self._give_up(str(error))

    def _finish(self, process: subprocess.Popen[bytes]) -> None:
        self._process = None
        if process.wait():
            return self._give_up(f"the C compiler ended with status {process.returncode}")
        self._load(self._folder / "loops.so")
        try:
            self._kept.parent.mkdir(parents=True, exist_ok=True)
            part = self._kept.with_suffix(f".{os.getpid()}")
            shutil.copyfile(self._folder / "loops.so", part)
            os.replace(part, self._kept)  # never half a file, whoever else writes it
        except OSError:
            pass  # no cache: the next process compiles again
        self._clean()

    def _load(self, path: Path) -> None:
        try:
            library = ctypes.CDLL(str(path))
        except OSError as error:
            return self._give_up(str(error))
        p, n, f, d = ctypes.c_void_p, ctypes.c_long, ctypes.c_float, ctypes.c_double
        library.forward.argtypes = [p] * 5 + [n] * 6 + [d, f, d]
        library.backward.argtypes = [p] * 6 + [n] * 6 + [f, f]
        library.forward.restype = library.backward.restype = None
        self.loaded = library
        _log.info("time loops of spiking layers run compiled from here on; the numbers are the same")

    def _give_up(self, reason: str) -> None:
        self.failure = reason
        _log.info("time loops of spiking layers stay uncompiled (%s): the same numbers, more slowly", reason)

    def _clean(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._folder != Path():
            shutil.rmtree(self._folder, ignore_errors=True)


builder = Builder()


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a fork has no threads


def _in_chunks(run: Callable[[int, int], None], rows: int, row: int) -> None:
    """``run(first, last)`` over all rows of ``row`` numbers each, on as many threads as torch has."""
    threads = min(torch.get_num_threads(), rows, rows * row // CHUNK)
    if threads < 2:
        return run(0, rows)
    edges = [k * rows // threads for k in range(threads + 1)]
    list(_pool(threads).map(run, edges[:-1], edges[1:]))


def _pointer(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def available(activation: Tensor, steps: int, fast: bool | None) -> bool:
    """Whether the loops over ``steps`` of [step or 1, sample, ...] run here now; ``fast``: wait for the compiler.

    None: only from a cache, or once so much has been computed that compiling pays, and then in the background.
    """
    if fast is False or activation.device.type != "cpu" or activation.dtype != torch.float32:
        return False
    return builder.library(activation[0].numel() * steps, bool(fast)) is not None


def _each(values: Tensor, shape: torch.Size) -> Tensor:
    return values.detach().expand(shape).contiguous()


def forward(
    activation: Tensor, bias: Tensor, theta: Tensor, beta: float, units: float, steps: int, limit: float
) -> tuple[Tensor, Tensor]:
    """Spikes and membranes, as ``neuron._forward_steps``; only where ``available``."""
    assert builder.loaded is not None
    library, shown = builder.loaded, activation.detach().contiguous()
    spk_rec, mem_rec = (shown.new_empty((steps, *shown.shape[1:])) for _ in "sm")
    kept = shown, _each(bias, shown.shape[2:]), _each(theta, shown.shape[2:]), spk_rec, mem_rec
    pointers, rows, row = [t.data_ptr() for t in kept], shown.shape[1], shown[0, :1].numel()
    sizes: Any = (rows, row, steps, len(shown), beta, units, limit)
    _in_chunks(lambda first, last: library.forward(*pointers, first, last, *sizes), rows, row * steps)
    return spk_rec, mem_rec


def backward(
    mem_rec: Tensor,
    grad_spk: Tensor | None,
    grad_mem: Tensor | None,
    theta: Tensor,
    slope: Tensor,
    beta: float,
    units: float,
    constant: bool,
) -> Tensor:
    """The gradient of the activation, as ``neuron._backward_steps``; only where ``available``."""
    assert builder.loaded is not None
    library, (steps, rows), shape = builder.loaded, mem_rec.shape[:2], mem_rec.shape[2:]
    grads = mem_rec.new_empty((1 if constant else steps, rows, *shape))
    kept = mem_rec, grad_spk, grad_mem, _each(theta, shape), _each(slope, shape), grads
    pointers, row = [_pointer(t) for t in kept], mem_rec[0, :1].numel()
    sizes: Any = (rows, row, steps, constant, beta, units)
    _in_chunks(lambda first, last: library.backward(*pointers, first, last, *sizes), rows, row * steps)
    return grads
