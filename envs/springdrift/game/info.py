"""What ``info`` holds and how it is laid out: nested by kind, flat, or nothing."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

FORMS = ("nested", "flat", "none")


class Info:
    """Lays out cost terms, hidden truth and the version in service as the option ``info`` of an env says.

    "nested": ``info["terms"]["swing"]``, ``info["truth"]["tilt"]``, and ``info["version"]["number"]`` where
    a world has versions to go back to. "flat": ``info["term_swing"]``, ``info["truth_tilt"]``,
    ``info["version_number"]``, for libraries that read numbers only. "none": an empty dict.

    Raises:
        ValueError: an unknown form.

    >>> Info("flat", ("swing",), ("tilt",)).of([0.5], [0.2])
    {'term_swing': 0.5, 'truth_tilt': 0.2}
    >>> Info("nested", ("swing",), ("tilt",)).of([0.5], [0.2])
    {'terms': {'swing': 0.5}, 'truth': {'tilt': 0.2}}
    >>> Info("nested", ("swing",), ("tilt", "number"), ("number",)).of([0.5], [0.2, 3.0])
    {'terms': {'swing': 0.5}, 'truth': {'tilt': 0.2}, 'version': {'number': 3.0}}
    """

    def __init__(
        self, form: Any, terms: tuple[str, ...], truth: tuple[str, ...], versions: tuple[str, ...] = ()
    ) -> None:
        if not isinstance(form, str) or form not in FORMS:
            raise ValueError(f"unknown info {form!r}; allowed: {', '.join(FORMS)}")
        self._hidden = len(truth) - len(versions)  # quantities before those of the version
        self.form, self._terms, self._truth, self._versions = form, terms, truth[: self._hidden], versions
        if form == "flat":
            self._terms = tuple(f"term_{name}" for name in terms)
            self._truth = tuple(f"truth_{name}" for name in self._truth)
            self._versions = tuple(f"version_{name}" for name in versions)
        entries: tuple[str, ...] = (*self._terms, *self._truth, *self._versions)
        if form == "nested":
            entries = ("terms", "truth", "version") if versions else ("terms", "truth")
        self._masks = () if form == "none" else tuple(f"_{name}" for name in entries)

    def of(self, costs: Any, truth: Any) -> dict[str, Any]:
        """The info of costs by term and truth by quantity, each a number or an array of many envs'.

        The quantities of the version in service are the last ones of ``truth``.
        """
        if self.form == "none":
            return {}
        # zip's own ``strict`` would cost more than both dicts
        terms, hidden = dict(zip(self._terms, costs)), dict(zip(self._truth, truth))  # noqa: B905
        found = {**terms, **hidden} if self.form == "flat" else {"terms": terms, "truth": hidden}
        if self._versions:
            version = dict(zip(self._versions, truth[self._hidden :]))  # noqa: B905
            found.update(version if self.form == "flat" else {"version": version})
        return found

    def masks(self, here: NDArray[np.bool_]) -> dict[str, Any]:
        """Which envs of a batch the info is of, (n,), as Gymnasium puts it beside each entry."""
        return {name: here.copy() for name in self._masks}
