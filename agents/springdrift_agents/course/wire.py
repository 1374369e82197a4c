"""Values on their way between a judge and the process that runs a student's code.

Towards the student anything goes, pickled: that side has nothing to lose. From the student only plain
values come, as JSON and the bytes of arrays, so that reading them runs none of the student's code. What
is not plain (a function, an object) stays where it is, and a reference to it travels.

>>> back = decode(*encode({"period": 2.0, "swing": np.arange(3)}))
>>> back["period"], back["swing"]
(2.0, array([0, 1, 2]))
>>> decode(*encode((1, [None, ...], {"a"}, Action.RETRAIN)))
(1, [None, Ellipsis], {'a'}, <Action.RETRAIN: 2>)
"""

import dataclasses
import json
import struct
from collections import namedtuple
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from importlib import import_module
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from springdrift import Action as Action  # for the doctest above

HEAD = struct.Struct("<II")  # bytes of JSON, bytes of arrays
MOST_JSON, MOST_BYTES = 2**24, 2**27  # in one message
DEEPEST = 60  # nesting of a value
LONGEST = 4000  # digits of a whole number, just less than what Python turns into text
DIGITS = 60  # of a decimal number, its exponent included
KINDS = "biufcSUmM"  # of arrays that are plain
OURS = ("springdrift", "springdrift_agents")  # packages whose records travel as values


class Unfit(ValueError):
    """A value that cannot travel, or a message that is none."""


Hold = Callable[[Any], int]


def encode(value: Any, hold: Hold | None = None) -> tuple[Any, list[bytes]]:
    """A value as a JSON tree, and the bytes of its arrays.

    Args:
        value: numbers, texts, containers, arrays, records and enumerations of springdrift; with ``hold``
            anything.
        hold: keeps an object and gives it a number, by which the other side can name it: what is not
            plain, and what can change, so that a copy that comes back is known to stand for it.

    Raises:
        Unfit: what cannot travel.
    """
    blocks: list[bytes] = []
    return _encode(value, blocks, hold, 0), blocks


def _encode(value: Any, blocks: list[bytes], hold: Hold | None, depth: int) -> Any:
    tree = _plain(value, blocks, hold, depth)
    if hold is not None and isinstance(value, CHANGING) and tree["k"] != "ref":
        tree["held"] = hold(value)
    return tree


def _plain(value: Any, blocks: list[bytes], hold: Hold | None, depth: int) -> Any:
    if depth > DEEPEST:
        raise Unfit(f"a value nested more than {DEEPEST} deep")

    def each(values: Any) -> list[Any]:
        return [_encode(one, blocks, hold, depth + 1) for one in values]

    if value is None or isinstance(value, bool):
        return value
    record = _record(value)
    if record is not None:
        return {"k": "record", "class": record[0], "of": each(record[1])}
    if isinstance(value, np.ma.MaskedArray):  # what is masked is missing
        value = np.ma.filled(value.astype(float), np.nan) if value.dtype.kind in "biuf" else value.data
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in KINDS:
        _affordable(value.nbytes, MOST_BYTES)
        array = np.ascontiguousarray(value)  # of at least one dimension
        blocks.append(array.tobytes())
        shape = None if isinstance(value, np.generic) else list(value.shape)
        return {"k": "array", "type": array.dtype.str, "shape": shape, "at": len(blocks) - 1}
    if isinstance(value, str):
        _affordable(str.__len__(value), MOST_JSON)
        return str.__str__(value)
    if isinstance(value, int):
        if int.bit_length(value) > 3 * LONGEST:
            raise Unfit(f"a whole number of more than {LONGEST} digits")
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if value is ...:
        return {"k": "..."}
    if isinstance(value, complex):
        return {"k": "complex", "of": [value.real, value.imag]}
    if isinstance(value, Fraction):
        return {"k": "fraction", "of": each((value.numerator, value.denominator))}
    if isinstance(value, Decimal):
        return {"k": "decimal", "of": [str(value)[:DIGITS]]}
    if isinstance(value, (bytes, bytearray)):
        blocks.append(bytes(value))
        return {"k": "bytes", "at": len(blocks) - 1}
    if isinstance(value, range):
        return {"k": "range", "of": each((value.start, value.stop, value.step))}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {"k": "named", "class": type(value).__name__, "fields": each(value._fields), "of": each(value)}
    for kind, known in PLAIN.items():
        if isinstance(value, known):
            return {"k": kind, "of": each(value)}
    if isinstance(value, dict):
        return {"k": "dict", "of": each(value.items())}
    if hasattr(type(value), "__array__") and not isinstance(value, np.ndarray):
        try:
            return _encode(np.asarray(value), blocks, hold, depth + 1)
        except Exception:
            pass  # it says of itself that it is an array, and is not
    if hold is None:
        raise Unfit(f"{type(value).__name__} is no plain value")
    return {"k": "ref", "at": hold(value), "type": type(value).__name__, "callable": callable(value)}


PLAIN: dict[str, Any] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
CHANGING = (np.ndarray, list, set, dict)


def _record(value: Any) -> tuple[str, Sequence[Any]] | None:
    """Class and fields of a record or enumeration of ours; None for everything else."""
    kind = type(value)
    if kind.__module__.partition(".")[0] not in OURS:
        return None
    name = f"{kind.__module__}:{kind.__qualname__}"
    if isinstance(value, Enum):
        return name, [value.name]
    if dataclasses.is_dataclass(value):
        return name, [getattr(value, field.name) for field in dataclasses.fields(value) if field.init]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return name, list(value)
    return None


def _affordable(size: int, most: int) -> None:
    if size > most:
        raise Unfit(f"a value of {size / 1e6:.0f} MB is too large to hand over")


class Keeper(Protocol):
    """Knows what the numbers of held objects stand for, on the side that has not got them."""

    def refer(self, tree: dict[str, Any]) -> Any:
        """What stands here for an object that stays there."""
        ...

    def note(self, value: Any, number: int) -> None:
        """A value here is the copy of an object there."""
        ...


def decode(tree: Any, blocks: Sequence[bytes], keeper: Keeper | None = None) -> Any:
    """The value of a tree.

    Raises:
        Unfit: no tree that :func:`encode` would write.
    """
    try:
        return _decode(tree, blocks, keeper, 0)
    except Unfit:
        raise
    except Exception as wrong:  # the tree may be a forgery, so anything may be wrong with it
        raise Unfit(f"a value that makes no sense: {type(wrong).__name__}: {wrong}") from None


def _decode(tree: Any, blocks: Sequence[bytes], keeper: Keeper | None, depth: int) -> Any:
    value = _read(tree, blocks, keeper, depth)
    if keeper is not None and isinstance(tree, dict) and "held" in tree and isinstance(value, CHANGING):
        keeper.note(value, int(tree["held"]))
    return value


def _read(tree: Any, blocks: Sequence[bytes], keeper: Keeper | None, depth: int) -> Any:
    if depth > DEEPEST + 2:
        raise Unfit("nested too deep")
    if not isinstance(tree, dict):
        if isinstance(tree, list):
            raise Unfit("a value of no kind")
        return tree
    kind = tree["k"]
    if kind == "...":
        return ...
    if kind == "array":
        return _array(tree, blocks)
    if kind == "bytes":
        return blocks[tree["at"]]
    if kind == "ref":
        if keeper is None:
            raise Unfit("a reference where none is allowed")
        return keeper.refer(tree)
    inside = [_decode(one, blocks, keeper, depth + 1) for one in tree["of"]]
    if kind in PLAIN:
        return PLAIN[kind](inside)
    if kind == "dict":
        return dict(inside)
    if kind == "complex":
        return complex(*inside)
    if kind == "fraction":
        return Fraction(*inside)
    if kind == "decimal":
        return Decimal(str(inside[0])[:DIGITS])
    if kind == "range":
        return range(*inside)
    if kind == "named":
        fields = [str(name) for name in tree["fields"]]
        named: Any = namedtuple(identifier(tree["class"]), fields, rename=True)  # type: ignore[misc]
        return named._make(inside)
    if kind == "record":
        return _recorded(tree["class"], inside)
    raise Unfit(f"an unknown kind of value {kind!r:.40}")


def _array(tree: dict[str, Any], blocks: Sequence[bytes]) -> Any:
    dtype = np.dtype(str(tree["type"]))
    if dtype.kind not in KINDS:
        raise Unfit(f"an array of type {dtype}")
    flat = np.frombuffer(blocks[tree["at"]], dtype).copy()
    return flat[0] if tree["shape"] is None else flat.reshape(tree["shape"])


def identifier(name: Any) -> str:
    return name if isinstance(name, str) and name.isidentifier() and len(name) < 80 else "Thing"


def _recorded(name: str, values: list[Any]) -> Any:
    module, _, qualname = name.partition(":")
    if module.partition(".")[0] not in OURS:
        raise Unfit(f"a record of {module!r:.60}")
    found = getattr(import_module(module), qualname, None)
    if not isinstance(found, type) or found.__module__ != module:
        raise Unfit(f"no class {name!r:.80}")
    if issubclass(found, Enum):
        return found[values[0]]
    if dataclasses.is_dataclass(found):
        names = [field.name for field in dataclasses.fields(found) if field.init]
        return found(**dict(zip(names, values, strict=True)))
    if issubclass(found, tuple):
        return found(*values)
    raise Unfit(f"{name!r:.80} is no record")


def pack(tree: Any, blocks: Sequence[bytes] = ()) -> bytes:
    """A message: its tree and blocks as bytes.

    Raises:
        Unfit: it is too long.
    """
    body = b"".join(blocks)
    head = json.dumps([tree, [len(block) for block in blocks]]).encode()
    if len(head) > MOST_JSON or len(body) > MOST_BYTES:
        raise Unfit(f"a value of {(len(head) + len(body)) / 1e6:.0f} MB is too large to hand over")
    return HEAD.pack(len(head), len(body)) + head + body


def lengths(head: bytes) -> tuple[int, int]:
    """Lengths of the two parts that follow the head of a message.

    Raises:
        Unfit: longer than any message may be.
    """
    text, body = HEAD.unpack(head)
    if text > MOST_JSON or body > MOST_BYTES:
        raise Unfit("a message that is too long")
    return text, body


def unpack(head: bytes, body: bytes) -> tuple[Any, list[bytes]]:
    """Tree and blocks of a message.

    Raises:
        Unfit: it is no message.
    """
    try:
        tree, sizes = json.loads(head)
        ends = np.cumsum([0, *sizes]).tolist()
        if min([0, *sizes]) < 0 or ends[-1] != len(body):
            raise ValueError("lengths do not add up")
        return tree, [body[first:last] for first, last in pairwise(ends)]
    except (ValueError, TypeError, OverflowError, RecursionError) as wrong:
        raise Unfit(f"a message that is none: {wrong}") from None
