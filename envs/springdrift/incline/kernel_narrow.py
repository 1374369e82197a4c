"""The kernel in blocks of one vector, for a few worlds: the same source, compiled once more.

A block costs what its lanes cost, idle or not.
"""

from pathlib import Path

LANES = 16
exec(compile(Path(__file__).with_name("kernel.py").read_bytes(), __file__, "exec"))
