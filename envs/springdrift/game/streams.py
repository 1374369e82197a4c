"""Named random streams: every draw is a pure function of (seed, episode, stream, cycle).

The generator is Threefry-2x32 with 13 rounds (Salmon et al., "Parallel random numbers: as easy as
1, 2, 3", SC 2011; 13 rounds pass BigCrush). It has
no state, so nothing an agent does can shift what the world draws, and a batch draws what each of its
members would draw alone.
"""

from typing import Any

import numpy as np

from springdrift.game.jit import inlined

# The second word of the counter is STREAM + index; streams are far enough apart never to meet.
EPISODE, BIRTH, WALK, CHANGE, SHOCK, FAULT, NOISE, COMMISSIONING, RELEASE = (k << 16 for k in range(9))

_PARITY = np.uint32(0x1BD11BDA)
_TICK = np.float32(2.0**-24)
_BYTES_MEAN = np.float32(510.0)  # of the sum of four bytes
_BYTES_SCALE = np.float32(1.0 / np.sqrt(4.0 * (256.0**2 - 1.0) / 12.0))


@inlined
def _mix(a: Any, b: Any, turn: Any) -> Any:
    a = np.uint32(a + b)
    b = np.uint32((b << np.uint32(turn)) | (b >> np.uint32(32 - turn)))
    return a, np.uint32(a ^ b)


@inlined
def threefry(key0: Any, key1: Any, counter0: Any, counter1: Any) -> Any:
    """Two uint32 words from a key and a counter of two uint32 words each."""
    key2 = np.uint32(_PARITY ^ key0 ^ key1)
    a, b = np.uint32(counter0 + key0), np.uint32(counter1 + key1)
    a, b = _mix(a, b, 13)
    a, b = _mix(a, b, 15)
    a, b = _mix(a, b, 26)
    a, b = _mix(a, b, 6)
    a, b = np.uint32(a + key1), np.uint32(b + key2 + np.uint32(1))
    a, b = _mix(a, b, 17)
    a, b = _mix(a, b, 29)
    a, b = _mix(a, b, 16)
    a, b = _mix(a, b, 24)
    a, b = np.uint32(a + key2), np.uint32(b + key0 + np.uint32(2))
    a, b = _mix(a, b, 13)
    a, b = _mix(a, b, 15)
    a, b = _mix(a, b, 26)
    a, b = _mix(a, b, 6)
    a, b = np.uint32(a + key0), np.uint32(b + key1 + np.uint32(3))
    return _mix(a, b, 17)


@inlined
def uniform(word: Any) -> Any:
    """A float32 in [0, 1) from the upper 24 bits of a uint32 word."""
    return np.float32(np.int32(word >> np.uint32(8))) * _TICK


@inlined
def normal(word: Any) -> Any:
    """Nearly standard normal float32 from a uint32 word: the standardised sum of its four bytes.

    An Irwin-Hall variate has no logarithm to compute and never exceeds 3.46 in size, so measurement
    noise stays bounded; its excess kurtosis is -0.3.
    """
    total = (
        np.int32(word & np.uint32(255))
        + np.int32((word >> np.uint32(8)) & np.uint32(255))
        + np.int32((word >> np.uint32(16)) & np.uint32(255))
        + np.int32(word >> np.uint32(24))
    )
    return (np.float32(np.int32(total)) - _BYTES_MEAN) * _BYTES_SCALE
