"""The kernel in blocks of eight vectors, for many worlds: the same source, compiled once more.

While one vector waits for its own arithmetic, seven others go on.
"""

from pathlib import Path

LANES = 128
exec(compile(Path(__file__).with_name("kernel.py").read_bytes(), __file__, "exec"))
