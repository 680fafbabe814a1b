"""Which of scikit-learn's classes train models, and what they are given."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

#: Packages of estimators that prepare data. On their own they are no models.
_PREPARATION = (
    "sklearn.preprocessing",
    "sklearn.impute",
    "sklearn.feature_extraction",
    "sklearn.feature_selection",
    "sklearn.compose._column_transformer",
)
_SAMPLE_WEIGHT = "sample_weight"


def estimators_in(module: ModuleType) -> Iterator[type]:
    """The classes defined in a module of scikit-learn that train models."""
    from sklearn.base import BaseEstimator

    name = module.__name__
    if name.startswith(_PREPARATION) or ".tests" in name:
        return
    for each in list(vars(module).values()):
        if (
            inspect.isclass(each)
            and each.__module__ == name
            and issubclass(each, BaseEstimator)
            and not each.__name__.startswith(("_", "Base"))
            and not inspect.isabstract(each)
            and hasattr(each, "fit")
        ):
            yield each


def class_name(estimator: Any) -> str:
    """Module and name of its class."""
    kind = type(estimator)
    return f"{kind.__module__}.{kind.__name__}"


def estimator_tags(estimator: Any) -> dict[str, str]:
    """What its runs are tagged with."""
    return {"estimator_name": type(estimator).__name__, "estimator_class": class_name(estimator)}


def is_search(estimator: Any) -> bool:
    """Whether it looks for the best params of another estimator."""
    from sklearn.model_selection._search import BaseSearchCV

    return isinstance(estimator, BaseSearchCV)


def params_of(estimator: Any) -> dict[str, Any]:
    """Its params with those of estimators in it; a grid's would be those of one candidate."""
    from sklearn.model_selection import GridSearchCV, RandomizedSearchCV

    return estimator.get_params(deep=not isinstance(estimator, (GridSearchCV, RandomizedSearchCV)))


def training_data(fit: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, Any]:
    """X, y and the sample weights that a call of `fit` was given; None for what was not.

    Args:
        fit: The bound method.
    """
    names = list(inspect.signature(fit).parameters)
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    # Positions, because some call them otherwise (Y, X_train).
    first = given.get(names[0]) if names else None
    second = None
    if len(names) > 1 and names[1] in ("y", "Y"):
        second = given.get(names[1])
    return first, second, given.get(_SAMPLE_WEIGHT)


def takes_sample_weight(function: Any) -> bool:
    """Whether it can be called with `sample_weight=`."""
    try:
        return _SAMPLE_WEIGHT in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
