"""Draws and ids that depend on a key and an index alone, never on how many were drawn before them."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from simulator.arrays import Floats, Ints

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
HEX = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), dtype="S2")


def keys_of(seed: np.random.SeedSequence, count: int) -> list[int]:
    """Keys that a seed stands for, each below 2**62, so that small numbers can be added to them."""
    keys: list[int] = (seed.generate_state(count, np.uint64) >> np.uint64(2)).tolist()
    return keys


def mix(key: int, index: Ints | NDArray[np.uint64]) -> NDArray[np.uint64]:
    """64 well mixed bits per index, no two alike for one key (splitmix64, Steele et al. 2014), shape (n,)."""
    bits = (index.astype(np.uint64) + np.uint64(1)) * GOLDEN + np.uint64(key)
    bits = (bits ^ (bits >> np.uint64(30))) * FIRST
    bits = (bits ^ (bits >> np.uint64(27))) * SECOND
    mixed: NDArray[np.uint64] = bits ^ (bits >> np.uint64(31))
    return mixed


def fold(*parts: Ints) -> NDArray[np.uint64]:
    """One index for each row of numbers, shape (n,)."""
    index = np.zeros(len(parts[0]), dtype=np.uint64)
    for part in parts:
        index = mix(0, index) + part.astype(np.uint64)
    return index


def uniforms(key: int, index: Ints | NDArray[np.uint64]) -> Floats:
    """Numbers between 0 and 1, shape (n,)."""
    return (mix(key, index) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def hex_ids(key: int, index: Ints | NDArray[np.uint64], words: int = 2) -> list[str]:
    """Ids of 16 hexadecimal digits a word, shape (n,)."""
    length = 16 * words
    pool = _bytes(key, index, words).tobytes().hex()
    return [pool[place : place + length] for place in range(0, len(index) * length, length)]


def hex_array(key: int, index: Ints) -> pa.Array:
    """Ids of 16 hexadecimal digits as Arrow strings, the same as `hex_ids` of one word."""
    digits = HEX[_bytes(key, index, 1)]
    offsets = np.arange(len(index) + 1, dtype=np.int32) * 16
    return pa.StringArray.from_buffers(len(index), pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(digits)))


def _bytes(key: int, index: Ints | NDArray[np.uint64], words: int) -> NDArray[np.uint8]:
    mixed = np.stack([mix(key + word, index) for word in range(words)], axis=1)
    return mixed.astype(">u8").view(np.uint8)
