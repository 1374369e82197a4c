"""The kernel in blocks of eight vectors, for many worlds: the rooms of ``kernel``, loaded once more.

While one vector waits for its own arithmetic, seven others go on.
"""

from springdrift.incline import kernel

LANES = 128
__path__ = kernel.__path__
