"""scikit-learn's base classes, with the types that it does not declare itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self

    from linewatch._typing import F, Int64, Matrix

    class BaseEstimator:
        def get_params(self, deep: bool = True) -> dict[str, Any]: ...
        def set_params(self, **params: Any) -> Self: ...

    class OutlierMixin:
        def fit_predict(self, X: Matrix, y: Any = None, **kwargs: Any) -> Int64: ...

    class TransformerMixin:
        def fit_transform(self, X: Matrix, y: Any = None, **fit_params: Any) -> Any: ...
        def set_output(self, *, transform: str | None = None) -> Self: ...

    def available_if(check: Callable[[Any], bool]) -> Callable[[F], F]: ...
else:
    from sklearn.base import BaseEstimator, OutlierMixin, TransformerMixin
    from sklearn.utils.metaestimators import available_if

__all__ = ["BaseEstimator", "OutlierMixin", "TransformerMixin", "available_if"]
