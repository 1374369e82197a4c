"""How much arithmetic a cycle is: counted in the kernel's own source, lane by lane."""

import ast
import inspect
import textwrap
from typing import Any

ONE_INSTRUCTION = ("abs", "sqrt", "lesser", "greater")
COSTS_ONE = (ast.BinOp, ast.AugAssign, ast.Compare, ast.IfExp)


def operations(function: Any, **bound: int) -> float:
    """Arithmetic operations of a compiled function, each of a vector's lanes counted.

    Counts additions, multiplications, comparisons, selections and roots, follows calls, and multiplies
    by the length of loops; ``bound`` gives arguments that lengths depend on. Address arithmetic is
    not counted, nor is what stands under an ``if``: rare events.

    Raises:
        ValueError: a loop whose length cannot be told.

    >>> from springdrift.incline.dynamics import clamp
    >>> operations(clamp)  # a minimum and a maximum
    2.0
    """
    plain = inspect.unwrap(getattr(function, "py_func", function))
    tree = ast.parse(textwrap.dedent(inspect.getsource(plain))).body[0]
    assert isinstance(tree, ast.FunctionDef)
    return sum(_count(node, plain.__globals__, bound) for node in tree.body)


def _count(node: ast.AST, names: dict[str, Any], bound: dict[str, int]) -> float:
    def inside(*parts: ast.AST) -> float:
        return sum(_count(part, names, bound) for part in parts)

    if isinstance(node, ast.For):
        variable = node.target.id if isinstance(node.target, ast.Name) else ""
        each = sum(_count(part, names, {**bound, variable: 0}) for part in node.body)
        return _length(node, names, bound) * each if each else 0.0
    if isinstance(node, (ast.If, ast.Subscript)):
        return 0.0
    if isinstance(node, ast.Call):
        called = _value(node.func, names)
        own = 1.0 if getattr(called, "__name__", "") in ONE_INSTRUCTION else 0.0
        if not own and hasattr(called, "py_func"):
            arguments = inspect.signature(called.py_func).parameters
            values = {
                name: _evaluate(argument, names, bound)
                for name, argument in zip(arguments, node.args, strict=True)
            }
            own = operations(called, **{name: value for name, value in values.items() if value is not None})
        return own + inside(*node.args)
    own = float(isinstance(node, COSTS_ONE))
    return own + inside(*ast.iter_child_nodes(node))


def _value(node: ast.AST, names: dict[str, Any]) -> Any:
    try:
        return eval(ast.unparse(node), names)
    except (NameError, AttributeError):
        return None


def _evaluate(node: ast.AST, names: dict[str, Any], bound: dict[str, int]) -> int | None:
    try:
        value = eval(ast.unparse(node), names, dict(bound))
    except (NameError, AttributeError, TypeError, IndexError):
        return None
    return value if isinstance(value, int) else None


def _length(loop: ast.For, names: dict[str, Any], bound: dict[str, int]) -> int:
    called = loop.iter
    assert isinstance(called, ast.Call)
    ends = [_evaluate(argument, names, bound) for argument in called.args]
    if None in ends:
        raise ValueError(f"cannot tell the length of: for ... in {ast.unparse(loop.iter)}")
    return len(range(*ends))  # type: ignore[arg-type]
