"""From columns of lanes to rows of observations, sixteen by sixteen numbers at a time.

A plain loop moves one number after the other. Here a tile is sixteen vectors, and four rounds of
interleaving the first eight with the last eight transpose it: each round turns the address of every
number, four bits of row and four of column, by one bit.
"""

from typing import Any

from llvmlite import ir
from numba import config, types
from numba.core.extending import _Intrinsic
from numba.extending import intrinsic

SIDE = 16


def _turned(builder: Any, vectors: list[Any]) -> list[Any]:
    first = [side + k for k in range(SIDE // 2) for side in (0, SIDE)]
    masks = [
        ir.Constant(ir.VectorType(ir.IntType(32), SIDE), [k + half for k in first]) for half in (0, SIDE // 2)
    ]
    for _ in range(SIDE.bit_length() - 1):
        pairs = zip(vectors[: SIDE // 2], vectors[SIDE // 2 :], strict=True)
        vectors = [builder.shuffle_vector(a, b, mask) for a, b in pairs for mask in masks]
    return vectors


def _compiled(_: Any, source: Any, place: Any, step: Any, goal: Any, start: Any, width: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(ir.FloatType(), SIDE)

        def rows(k: int) -> list[Any]:
            """Where the vectors of argument ``k`` begin: an array, its first place and the distance."""
            data = context.make_array(signature.args[k])(context, builder, arguments[k]).data
            distance = arguments[k + 2]
            places = [builder.mul(distance, ir.Constant(distance.type, row)) for row in range(SIDE)]
            return [
                builder.bitcast(builder.gep(data, [builder.add(arguments[k + 1], far)]), vector.as_pointer())
                for far in places
            ]

        vectors = [builder.load(place, align=4) for place in rows(0)]
        for value, place in zip(_turned(builder, vectors), rows(3), strict=True):
            builder.store(value, place, align=4)
        return context.get_dummy_value()

    return types.void(source, types.intp, types.intp, goal, types.intp, types.intp), generate


def _interpreted(source: Any, place: int, step: int, goal: Any, start: int, width: int) -> None:
    for column in range(SIDE):
        for row in range(SIDE):
            goal[start + row * width + column] = source[place + column * step + row]


_compiled.__doc__ = _interpreted.__doc__ = """Transpose a tile of SIDE by SIDE numbers.

    Args:
        source: flat float32; number ``row`` of a column lies at ``place + column * step + row``.
        goal: flat float32; it goes to ``start + row * width + column``. Neither is checked.
    """
transpose: Any = _interpreted if config.DISABLE_JIT else intrinsic(_compiled)  # type: ignore[attr-defined]


_Base: Any = _Intrinsic


class _Transpose(_Base):
    """Called from Python it is interpreted."""

    def __call__(self, *arguments: Any) -> None:
        _interpreted(*arguments)


if transpose is not _interpreted:
    transpose.__class__ = _Transpose
