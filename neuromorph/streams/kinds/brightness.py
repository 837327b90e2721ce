"""The same images in less and less light: new instances of known classes, a stand-in for CORe50-NI (Lomonaco 2017)."""

from neuromorph.data import Data, Pair
from neuromorph.streams.kind import Kind, check_set, number
from neuromorph.streams.stream import Stream, Task, each, flat, text_digest


def brightness(data: Data, tasks: int, seed: int, lowest: float = 0.2) -> Stream:
    """Task k multiplies the pixels by a factor that falls evenly from 1 to ``lowest``; domain-incremental.

    Nothing is drawn by ``seed``. Raises ``ValueError`` for a ``lowest`` outside (0, 1].
    """
    check_set(data)
    if not 0 < lowest <= 1:
        raise ValueError(f"lowest must lie above 0 and at most be 1, got {lowest}: the last task must show something.")

    def build(k: int) -> Task:
        factor = 1 - k * (1 - lowest) / max(1, tasks - 1)

        def dimmed(pair: Pair) -> Pair:
            x, y = flat(pair)
            return (x * factor).astype(x.dtype), y

        return Task.lazy(
            f"brightness {factor:.2f}",
            lambda: dimmed(data.train),
            lambda: dimmed(data.test),
            data.classes,
            lambda: text_digest("brightness", data.digest, factor),
        )

    return Stream(f"brightness-{data.name}", "domain", data.classes, data.shape, each(build, tasks))


KINDS = {"brightness": Kind(brightness, {"lowest": number})}
