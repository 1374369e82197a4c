"""What ``info`` holds and how it is laid out: nested by kind, flat, or nothing."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

FORMS = ("nested", "flat", "none")


class Info:
    """Lays out cost terms and hidden truth as the option ``info`` of an env says.

    "nested": ``info["terms"]["swing"]``, ``info["truth"]["tilt"]``. "flat": ``info["term_swing"]``,
    ``info["truth_tilt"]``, for libraries that read numbers only. "none": an empty dict.

    Raises:
        ValueError: an unknown form.

    >>> Info("flat", ("swing",), ("tilt",)).of([0.5], [0.2])
    {'term_swing': 0.5, 'truth_tilt': 0.2}
    >>> Info("nested", ("swing",), ("tilt",)).of([0.5], [0.2])
    {'terms': {'swing': 0.5}, 'truth': {'tilt': 0.2}}
    """

    def __init__(self, form: Any, terms: tuple[str, ...], truth: tuple[str, ...]) -> None:
        if not isinstance(form, str) or form not in FORMS:
            raise ValueError(f"unknown info {form!r}; allowed: {', '.join(FORMS)}")
        self.form, self._terms, self._truth = form, terms, truth
        if form == "flat":
            self._terms = tuple(f"term_{name}" for name in terms)
            self._truth = tuple(f"truth_{name}" for name in truth)

    def of(self, costs: Any, truth: Any) -> dict[str, Any]:
        """The info of costs by term and truth by quantity, each a number or an array of many envs'."""
        if self.form == "none":
            return {}
        # zip's own ``strict`` would cost more than both dicts
        terms, hidden = dict(zip(self._terms, costs)), dict(zip(self._truth, truth))  # noqa: B905
        return {**terms, **hidden} if self.form == "flat" else {"terms": terms, "truth": hidden}

    def masks(self, here: NDArray[np.bool_]) -> dict[str, Any]:
        """Which envs of a batch the info is of, (n,), as Gymnasium puts it beside each entry."""
        if self.form == "none":
            return {}
        names = (*self._terms, *self._truth) if self.form == "flat" else ("terms", "truth")
        return {f"_{name}": here.copy() for name in names}
