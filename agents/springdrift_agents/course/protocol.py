"""Messages between a judge and the process that runs a student's code.

Requests to the student's process are pickled: it has nothing to lose. Answers are JSON, so that reading one
runs none of the student's code, and its size is known before it is read. A value that is not plain (a
function, an object) stays where it is, and a reference to it is sent.

>>> back = decode(encode({"period": 2.0, "swing": np.arange(3)}))
>>> back["period"], back["swing"]
(2.0, array([0, 1, 2]))
>>> decode(encode((1, [None, ...], {"a"}, Action.RETRAIN)))
(1, [None, Ellipsis], {'a'}, <Action.RETRAIN: 2>)
"""

import base64
import dataclasses
import json
import struct
from collections import namedtuple
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from importlib import import_module
from typing import Any, Protocol

import numpy as np

from springdrift import Action as Action  # for the doctest above

HEAD = struct.Struct("<I")  # bytes of the message that follows
MOST_BYTES = 2**24  # in a message
MOST_ARRAY = MOST_BYTES // 2  # bytes of an array, which base64 makes longer
MOST_VALUES = 200_000  # in a message: a byte of JSON can become a hundred in Python
DEEPEST = 60  # nesting of a value
LONGEST = 4000  # digits of a whole number, just less than what Python turns into text
DIGITS = 60  # of a decimal number, its exponent included
NUMERIC = "biufcSUmM"  # kinds of arrays that are plain values
OURS = ("springdrift", "springdrift_agents")  # packages whose records are sent as values


class ProtocolError(ValueError):
    """A value that cannot be sent, or a message that is malformed."""


Hold = Callable[[Any], int]


def encode(value: Any, hold: Hold | None = None) -> Any:
    """A value as a JSON tree.

    Args:
        value: numbers, texts, containers, arrays, records and enumerations of springdrift; with ``hold``
            anything.
        hold: keeps an object and gives it a number, by which the other side can name it: what is not
            plain, and what can change, so that a copy that comes back is known to stand for it.

    Raises:
        ProtocolError: a value that is not plain, without ``hold``; one that is too large or too deep.
    """
    return _encode(value, hold, 0)


def _encode(value: Any, hold: Hold | None, depth: int) -> Any:
    tree = _plain(value, hold, depth)
    if hold is not None and isinstance(value, CHANGING) and tree["k"] != "ref":
        tree["held"] = hold(value)
    return tree


def _plain(value: Any, hold: Hold | None, depth: int) -> Any:
    if depth > DEEPEST:
        raise ProtocolError(f"a value nested more than {DEEPEST} deep")

    def each(values: Any) -> list[Any]:
        return [_encode(one, hold, depth + 1) for one in values]

    if value is None or isinstance(value, bool):
        return value
    record = _record(value)
    if record is not None:
        return {"k": "record", "class": record[0], "of": each(record[1])}
    if isinstance(value, np.ma.MaskedArray):  # what is masked is missing
        value = np.ma.filled(value.astype(float), np.nan) if value.dtype.kind in "biuf" else value.data
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in NUMERIC:
        _affordable(value.nbytes, MOST_ARRAY)
        array = np.ascontiguousarray(value)  # of at least one dimension
        shape = None if isinstance(value, np.generic) else list(value.shape)
        return {"k": "array", "type": array.dtype.str, "shape": shape, "data": _text_of(array.tobytes())}
    if isinstance(value, str):
        _affordable(str.__len__(value), MOST_BYTES)
        return str.__str__(value)
    if isinstance(value, int):
        if int.bit_length(value) > 3 * LONGEST:
            raise ProtocolError(f"a whole number of more than {LONGEST} digits")
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if value is ...:
        return {"k": "..."}
    if isinstance(value, (bytes, bytearray)):
        _affordable(len(value), MOST_ARRAY)
        return {"k": "bytes", "data": _text_of(value)}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {"k": "named", "class": type(value).__name__, "fields": each(value._fields), "of": each(value)}
    for kind, (known, parts, _) in PLAIN.items():
        if isinstance(value, known):
            return {"k": kind, "of": each(parts(value))}
    if hasattr(type(value), "__array__") and not isinstance(value, np.ndarray):
        try:
            return _encode(np.asarray(value), hold, depth + 1)
        except Exception:
            pass  # its class promises an array, and it fails to make one
    if hold is None:
        raise ProtocolError(f"{type(value).__name__} is no plain value")
    return {"k": "ref", "at": hold(value), "type": type(value).__name__, "callable": callable(value)}


# by kind: the class, the parts of a value, and how to make one of its parts
PLAIN: dict[str, tuple[type, Callable[[Any], Any], Callable[[list[Any]], Any]]] = {
    "complex": (complex, lambda value: (value.real, value.imag), lambda of: complex(*of)),
    "fraction": (Fraction, lambda value: (value.numerator, value.denominator), lambda of: Fraction(*of)),
    "decimal": (Decimal, lambda value: (str(value)[:DIGITS],), lambda of: Decimal(str(of[0])[:DIGITS])),
    "range": (range, lambda value: (value.start, value.stop, value.step), lambda of: range(*of)),
    "list": (list, iter, list),
    "tuple": (tuple, iter, tuple),
    "set": (set, iter, set),
    "frozenset": (frozenset, iter, frozenset),
    "dict": (dict, lambda value: value.items(), dict),
}
CHANGING = (np.ndarray, list, set, dict)


def _text_of(data: bytes | bytearray) -> str:
    return base64.b64encode(data).decode("ascii")


def _record(value: Any) -> tuple[str, Sequence[Any]] | None:
    """Class and fields of a record or enumeration of springdrift; None for everything else."""
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
        raise ProtocolError(f"a value of {size / 1e6:.0f} MB is too large to hand over")


class Keeper(Protocol):
    """Knows what the numbers of held objects stand for, on the side that has not got them."""

    def refer(self, tree: dict[str, Any]) -> Any:
        """What stands here for an object that stays there."""
        ...

    def note(self, value: Any, number: int) -> None:
        """A value here is the copy of an object there."""
        ...


def decode(tree: Any, keeper: Keeper | None = None) -> Any:
    """The value of a tree.

    Raises:
        ProtocolError: no tree that :func:`encode` would write.
    """
    try:
        return _decode(tree, keeper, 0)
    except ProtocolError:
        raise
    except Exception as wrong:  # the tree may be a forgery, so anything may be wrong with it
        raise ProtocolError(f"a value that makes no sense: {type(wrong).__name__}: {wrong}") from None


def _decode(tree: Any, keeper: Keeper | None, depth: int) -> Any:
    value = _read(tree, keeper, depth)
    if keeper is not None and isinstance(tree, dict) and "held" in tree and isinstance(value, CHANGING):
        keeper.note(value, int(tree["held"]))
    return value


def _read(tree: Any, keeper: Keeper | None, depth: int) -> Any:
    if depth > DEEPEST + 2:
        raise ProtocolError("nested too deep")
    if not isinstance(tree, dict):
        if isinstance(tree, list):
            raise ProtocolError("a value of no kind")
        return tree
    kind = tree["k"]
    if kind == "...":
        return ...
    if kind == "array":
        return _array(tree)
    if kind == "bytes":
        return base64.b64decode(tree["data"], validate=True)
    if kind == "ref":
        if keeper is None:
            raise ProtocolError("a reference where none is allowed")
        return keeper.refer(tree)
    inside = [_decode(one, keeper, depth + 1) for one in tree["of"]]
    if kind in PLAIN:
        return PLAIN[kind][2](inside)
    if kind == "named":
        fields = [str(name) for name in tree["fields"]]
        named: Any = namedtuple(identifier(tree["class"]), fields, rename=True)  # type: ignore[misc]
        return named._make(inside)
    if kind == "record":
        return _recorded(tree["class"], inside)
    raise ProtocolError(f"an unknown kind of value {kind!r:.40}")


def _array(tree: dict[str, Any]) -> Any:
    dtype = np.dtype(str(tree["type"]))
    if dtype.kind not in NUMERIC:
        raise ProtocolError(f"an array of type {dtype}")
    flat = np.frombuffer(base64.b64decode(tree["data"], validate=True), dtype).copy()
    return flat[0] if tree["shape"] is None else flat.reshape(tree["shape"])


def identifier(name: Any) -> str:
    """A name for a class: the one given, if Python would take it."""
    return name if isinstance(name, str) and name.isidentifier() and len(name) < 80 else "Thing"


def _recorded(name: str, values: list[Any]) -> Any:
    module, _, qualname = name.partition(":")
    if module.partition(".")[0] not in OURS:
        raise ProtocolError(f"a record of {module!r:.60}")
    found = getattr(import_module(module), qualname, None)
    if not isinstance(found, type) or found.__module__ != module:
        raise ProtocolError(f"no class {name!r:.80}")
    if issubclass(found, Enum):
        return found[values[0]]
    if dataclasses.is_dataclass(found):
        names = [field.name for field in dataclasses.fields(found) if field.init]
        return found(**dict(zip(names, values, strict=True)))
    if issubclass(found, tuple):
        return found(*values)
    raise ProtocolError(f"{name!r:.80} is no record")


def pack(tree: Any) -> bytes:
    """A message as bytes, its length first.

    Raises:
        ProtocolError: it is longer than any message may be.
    """
    body = json.dumps(tree).encode()
    if len(body) > MOST_BYTES:
        raise ProtocolError(f"a value of {len(body) / 1e6:.0f} MB is too large to hand over")
    if _values_in(body) > MOST_VALUES:
        raise ProtocolError(f"more than {MOST_VALUES} values are too many to hand over")
    return HEAD.pack(len(body)) + body


def length_of(head: bytes) -> int:
    """Bytes of the message that follows.

    Raises:
        ProtocolError: longer than any message may be.
    """
    (count,) = HEAD.unpack(head)
    if count > MOST_BYTES:
        raise ProtocolError("a message that is too long")
    return int(count)


def unpack(body: bytes) -> dict[str, Any]:
    """The tree of a message.

    Raises:
        ProtocolError: it is malformed, or holds more values than any message may.
    """
    if _values_in(body) > MOST_VALUES:
        raise ProtocolError("a message of too many values")
    try:
        tree = json.loads(body)
    except (ValueError, RecursionError) as wrong:
        raise ProtocolError(f"a malformed message: {wrong}") from None
    if not isinstance(tree, dict):
        raise ProtocolError("a malformed message")
    return tree


def _values_in(body: bytes) -> int:
    """At least as many as there are values in a JSON text."""
    return 1 + body.count(b",") + body.count(b"[") + body.count(b"{")
