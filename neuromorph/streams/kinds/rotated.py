"""Turned images (Lopez-Paz & Ranzato 2017, rotated MNIST): neighbouring tasks are alike."""

import numpy as np

from fusi_models.checks import finite
from fusi_models.seeds import generator
from neuromorph.data import Data, Pair
from neuromorph.streams.kind import Kind, check_set, number
from neuromorph.streams.stream import Stream, Task, each, flat, text_digest


def rotated(data: Data, tasks: int, seed: int, degrees: float | None = None, start: float | None = None) -> Stream:
    """Task k turns the images by ``start`` + k * ``degrees``, counter-clockwise; domain-incremental.

    ``degrees``: by default 180 / ``tasks``. ``start``: degrees of the first task, by default drawn by ``seed``.
    Raises ``ValueError`` for samples that are no images, and angles that are no numbers.
    """
    check_set(data)
    for name, angle in (("degrees", degrees), ("start", start)):
        if angle is not None:
            finite(name, angle, unit="degrees")
    if min(data.shape[-2:]) < 2:
        raise ValueError(f"{data.name} has samples of shape {data.shape}, no images to rotate: choose another stream.")
    offset = generator("first angle of a rotated stream", seed).uniform(0, 360) if start is None else start

    def build(k: int) -> Task:
        angle = offset + k * (180 / tasks if degrees is None else degrees)
        return Task.lazy(
            f"rotated by {angle:.0f} degrees",
            lambda: turned(data.train, angle),
            lambda: turned(data.test, angle),
            data.classes,
            lambda: text_digest("rotated", data.digest, angle),
        )

    return Stream(f"rotated-{data.name}", "domain", data.classes, data.shape, each(build, tasks))


def turned(pair: Pair, angle: float) -> Pair:
    """Images [n, ..., height, width] turned by ``angle`` degrees, linear interpolation, as vectors; the same labels."""
    from scipy.ndimage import rotate

    x, y = pair
    return flat((np.clip(rotate(x, angle, axes=(-2, -1), reshape=False, order=1), 0, 1), y))


KINDS = {"rotated": Kind(rotated, {"degrees": number, "start": number})}
