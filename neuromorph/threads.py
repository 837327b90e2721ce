"""How many threads torch computes with.

On products of narrow layers several threads wait for each other, and beside another busy process for that one too:
measured here (torch 2.13, two cores, 64-200-200-10, batch 50), a training step took 13 ms on one thread and 36 to 47 on
two; beside four busy processes 34 against 128 to 751. Sums over several threads may also differ in their last bit from
those on one, and training makes that grow.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

SHARED_WIDTH = 500  # products of narrower layers are slower on several threads than on one


def for_widths(widths: Sequence[int]) -> int:
    """Threads for layers of so many neurons: 1 where all are narrow, else 0, as many as torch takes by itself.

    >>> for_widths((200, 10)), for_widths((1024, 10))
    (1, 0)
    """
    return 1 if max(widths, default=0) < SHARED_WIDTH else 0


def check(threads: int) -> None:
    """Raise ``ValueError`` for a number below 0 and for what is no whole number."""
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 0:
        raise ValueError(f"threads must be at least 1, or 0 to let the network's width decide, got {threads!r:.80}.")


@contextmanager
def at_most(threads: int) -> Iterator[None]:
    """At most so many threads of torch for a while; 0: no other number. torch is loaded only for a number.

    A process of several has its share of the cores already, and never more.
    """
    if not threads:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(min(before, threads))
    try:
        yield
    finally:
        torch.set_num_threads(before)
