"""The kernel in blocks of one vector, for a few worlds: the rooms of ``kernel``, loaded once more.

A block costs what its lanes cost, idle or not.
"""

from springdrift.incline import kernel

LANES = 16
__path__ = kernel.__path__
