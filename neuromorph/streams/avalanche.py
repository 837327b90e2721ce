"""Streams and Avalanche's benchmarks (Lomonaco et al. 2021, CVPR-W; avalanche-lib 0.6), in both directions.

A task is an experience. Avalanche is loaded only by ``to_avalanche``, and is not among this project's requirements: it
needs a torchvision that fits torch, which torch's CPU builds from a package index have not.
"""

from collections.abc import Sequence
from typing import Any

from neuromorph.data import Pair
from neuromorph.streams.kinds.own import from_datasets
from neuromorph.streams.stream import Stream


def from_avalanche(
    benchmark: Any, *, scenario: str | None = None, outputs: int | None = None, name: str = "avalanche"
) -> Stream:
    """The tasks of ``benchmark.train_stream`` and ``benchmark.test_stream``, experience by experience.

    ``scenario``, ``outputs``: as for ``from_datasets``; task labels are left out, so say "task" where the benchmark is
    task-incremental. Its transforms must be fixed ones with values in [0, 1]. Raises ``ValueError`` as
    ``from_datasets``, also where both streams have not the same length.
    """
    train, test = ([one.dataset for one in part] for part in (benchmark.train_stream, benchmark.test_stream))
    return from_datasets(train, test, scenario=scenario, outputs=outputs, name=name)


def to_avalanche(stream: Stream) -> Any:
    """A benchmark with an experience a task, samples [n, *stream.shape] and labels as they are; all tasks are built.

    The task label is the number of the task where the stream is task-incremental, else 0. Raises ``ImportError``
    where avalanche-lib is not installed.
    """
    try:
        from avalanche.benchmarks import tensors_benchmark
    except ImportError as error:
        raise ImportError(
            "avalanche-lib is not installed, or its torchvision does not fit torch: pip install avalanche-lib into an "
            "environment of its own."
        ) from error
    import torch

    def tensors(pairs: Sequence[Pair]) -> list[tuple[Any, Any]]:
        return [(torch.from_numpy(x.reshape(len(x), *stream.shape)), torch.from_numpy(y)) for x, y in pairs]

    tasks = list(stream)
    return tensors_benchmark(
        train_tensors=tensors([task.train for task in tasks]),
        test_tensors=tensors([task.test for task in tasks]),
        task_labels=[k if stream.scenario == "task" else 0 for k in range(len(tasks))],
    )
