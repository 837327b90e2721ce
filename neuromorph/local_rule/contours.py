"""Which contours an image has, as yes or no: an input code for synapses of one bit.

    b = x > 1/2;   e_d(p) = b(p) and not b(p + d),   d one of the eight neighbours;
    c_d(p) = max of e_d over the 3 x 3 pixels around p,   at every second p of every second row.

Contours by orientation, spread over their neighbourhood, are the input of Amit & Mascaro 2001 (Neural Comput. 13:1415);
this form of them is ours. Beyond the image all pixels are off.
"""

import numpy as np

from fusi_models.checks import Values

NEIGHBOURS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))


def side(inputs: int) -> int:
    """Pixels in a row of a square image. Raises ``ValueError`` where ``inputs`` is not a square."""
    found = int(np.sqrt(inputs) + 0.5)
    if found**2 != inputs:
        raise ValueError(f"contours need square images, got {inputs} pixels: give a square number of them.")
    return found


def count(inputs: int) -> int:
    """How many there are in an image of ``inputs`` pixels. Raises as ``side``."""
    return len(NEIGHBOURS) * len(range(0, side(inputs), 2)) ** 2


def contours(x: Values) -> Values:
    """bool [image, contour] of images [image, pixel] with values 0 to 1, row after row. Raises as ``side``."""
    n = side(x.shape[1])
    on = np.pad(x.reshape(-1, n, n) > 0.5, ((0, 0), (2, 2), (2, 2)))
    found = []
    for dy, dx in NEIGHBOURS:
        ends = on[:, 1:-1, 1:-1] & ~on[:, 1 + dy : n + 3 + dy, 1 + dx : n + 3 + dx]
        windows = np.lib.stride_tricks.sliding_window_view(ends, (3, 3), (1, 2))  # type: ignore[call-overload]
        found.append(windows[:, ::2, ::2].any((-2, -1)).reshape(len(x), -1))
    return np.concatenate(found, 1)
