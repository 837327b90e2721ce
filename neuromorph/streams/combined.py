"""Streams made of streams: replicas side by side, and all tasks at once."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from neuromorph.data import Pair
from neuromorph.streams.stream import Stream, Task, check_stream, each, text_digest


def parallel(streams: Sequence[Stream]) -> Stream:
    """Replicas side by side: x [n, replica, ...], y [n, replica]. All replicas need tasks of equal size.

    Raises ``ValueError`` for streams of different length, and when a part of a task is built whose size differs.
    """
    if not isinstance(streams, Sequence) or isinstance(streams, Stream):
        raise ValueError(f"streams must be a list of streams, got {type(streams).__name__}.")
    for stream in streams:
        check_stream(stream, "each of streams")
    if not streams:
        raise ValueError("parallel needs at least 1 stream, got 0.")
    first = streams[0]
    if len({len(stream) for stream in streams}) > 1:
        raise ValueError(f"the replicas of {first.name} have {[len(s) for s in streams]} tasks: give equal numbers.")

    def stacked(pairs: list[Pair], k: int) -> Pair:
        if len({x.shape for x, _ in pairs}) > 1:
            raise ValueError(
                f"task {k + 1} has another size in each replica: run the seeds of {first.name} one by one."
            )
        return np.stack([x for x, _ in pairs], 1), np.stack([y for _, y in pairs], 1)

    def build(k: int) -> Task:
        tasks = [stream[k] for stream in streams]
        return Task.lazy(
            tasks[0].name,
            lambda: stacked([task.train for task in tasks], k),
            lambda: stacked([task.test for task in tasks], k),
            tasks[0].classes,
            lambda: text_digest("parallel", *(task.digest for task in tasks)),
        )

    return replace(first, builders=each(build, len(first)))


def joint(stream: Stream) -> Stream:
    """All tasks at once as one task: the upper reference that sees no sequence."""
    check_stream(stream)

    def together(pairs: list[Pair]) -> Pair:
        return np.concatenate([x for x, _ in pairs]), np.concatenate([y for _, y in pairs])

    def build() -> Task:
        return Task.lazy(
            "all tasks",
            lambda: together([task.train for task in stream]),
            lambda: together([task.test for task in stream]),
            stream.outputs,
            lambda: text_digest("joint", stream.digest),
        )

    return replace(stream, name=f"joint-{stream.name}", builders=(build,))
