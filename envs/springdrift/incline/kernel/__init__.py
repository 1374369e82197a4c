"""One cycle of a whole batch, compiled. The scalar env is a batch of one over this same code.

A block of ``LANES`` envs goes through each phase of a cycle together: every inner loop runs over
neighbouring lanes with a fixed count and no branch or library call, so it compiles to vector
instructions, and each lane computes exactly what it would compute alone. Rare events (a fit, an
abrupt change, the start of an episode) are handled lane by lane. What is computed is the same for any
number of lanes.

Read :mod:`~springdrift.incline.kernel.entry` first: it names the phases of a cycle, and each has a room of
its own here. In all of them ``s`` is the state of a block, ``w`` its keys (words of random numbers), ``t``
its scratch, ``o`` its observation and ``c`` its costs: flat arrays in which a number of all lanes takes as
many neighbouring places. So ``s[L.SWING + i]`` is the swing of lane ``i``, and ``p * LANES`` further on
stands the next parameter, measurement or coefficient. ``L`` (layout), ``T`` (scratch), ``O`` (columns) and
``P`` (plan) know where each begins.

``kernel_narrow`` and ``kernel_wide`` are these same rooms, loaded as packages of their own with other LANES.
"""

LANES = 64  # of a block: four vectors
