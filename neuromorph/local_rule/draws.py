"""Random numbers that are a function of what names them: no generator is carried along, in torch or in compiled loops.

number i of draw n with key k = h(h(i xor h(n xor h(k))) + h(k xor h(n)))     h: 32 bits, a bijection that looks random

The bijection is Wellons' (hash prospector, 2018: two multiplications, bias 0.17). A state that names its draws by a
count goes on bit for bit; 2^32 numbers a draw and as many draws a key. This module loads numba.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# numba finds the types of its functions' arguments when it compiles them

import math
from collections.abc import Sequence

import numba
import numpy as np
from numpy.typing import NDArray

compiled = numba.njit(cache=True, error_model="numpy")
U32 = np.uint32


@compiled
def mix(z):
    """A bijection of 32 bits."""
    z = U32(z ^ (z >> U32(16)))
    z = U32(z * U32(0x7FEB352D))
    z = U32(z ^ (z >> U32(15)))
    z = U32(z * U32(0x846CA68B))
    return U32(z ^ (z >> U32(16)))


@compiled
def salts(key, count):
    """What the numbers of a draw share."""
    k, n = mix(U32(key)), mix(U32(count))
    return mix(U32(n ^ k)), mix(U32(U32(key) ^ n))


@compiled
def signed(salt, i):
    """Number i of a draw, uniform in (-1, 1), float32; neither end is ever met."""
    z = mix(U32(mix(U32(U32(i) ^ salt[0])) + salt[1]))
    return np.float32(np.int32(z >> U32(8))) * np.float32(2.0**-23) + np.float32(2.0**-24 - 1)


@compiled
def normal(salt, i):
    """Number i of a draw, standard normal, float32 (Box & Muller 1958)."""
    radius = math.sqrt(-2.0 * math.log(0.5 * (1.0 + signed(salt, 2 * i))))
    return np.float32(radius * math.cos(math.pi * signed(salt, 2 * i + 1)))


@compiled
def _fill(out, key, count, gaussian):
    salt = salts(key, count)
    for i in range(out.size):
        out[i] = normal(salt, i) if gaussian else signed(salt, i)


def drawn(key: int, count: int, shape: Sequence[int], gaussian: bool) -> NDArray[np.float32]:
    """Draw number ``count`` of ``key``: standard normal, or uniform in (-1, 1), float32 of that shape.

    >>> bool((drawn(1, 2, (3,), True) == drawn(1, 2, (5,), True)[:3]).all())
    True
    """
    out = np.empty(math.prod(shape), np.float32)
    _fill(out, U32(key), U32(count), gaussian)
    return out.reshape(tuple(shape))
