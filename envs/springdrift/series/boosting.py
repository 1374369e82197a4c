"""Gradient boosting as the forecast model: the example of a model of one's own."""

from typing import Any

INSTALL = 'pip install "springdrift[advise]"'


def gradient_boosting() -> Any:
    """A fresh gradient-boosting regressor of scikit-learn: pass the function itself as ``model``.

    It is small and always the same: 60 trees of depth 4, seed 0.

    Raises:
        ImportError: scikit-learn is missing; says what to install.

    >>> import gymnasium as gym, springdrift
    >>> env = gym.make("springdrift/TimeSeries-v0", scenario="co2", model=gradient_boosting)  # doctest: +SKIP
    """
    try:
        from sklearn.ensemble import HistGradientBoostingRegressor
    except ImportError as missing:
        raise ImportError(f"gradient boosting needs scikit-learn: {INSTALL}") from missing
    return HistGradientBoostingRegressor(max_iter=60, max_depth=4, random_state=0)
