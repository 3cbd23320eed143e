"""The usual models, to compare with: encoded, scaled and balanced on the training rows alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import StandardScaler

from linewatch._sklearn import BaseEstimator, OutlierMixin, TransformerMixin
from linewatch.iforest import IsolationForest
from linewatch.intrusion._columns import NUMERIC, raw_columns
from linewatch.intrusion._report import _labels

if TYPE_CHECKING:
    from typing import Any, Literal, Self

    from linewatch._typing import AnyFrame, Column, Float64, Int64, Texts


MODELS = ("isolation_forest", "random_forest", "xgboost")


class Encoder(TransformerMixin, BaseEstimator):
    """The 41 raw columns as numbers: counts and rates as they are, categories one column each.

    Attributes
    ----------
    categories_ : dict of str to list of str
        Those of the rows fitted on, in alphabetical order. Another category is 0 in every column.

    Examples
    --------
    >>> from linewatch import intrusion
    >>> core = intrusion.simulate_core(100, seed=0)
    >>> encoder = intrusion.Encoder().fit(core)
    >>> encoder.transform(core).shape, list(encoder.get_feature_names_out()[-2:])
    ((100, 52), ['flag=S0', 'flag=SF'])
    """

    categories_: dict[str, list[str]]

    def fit(self, X: AnyFrame, y: object = None) -> Self:
        """Learn the categories.

        Parameters
        ----------
        X : DataFrame (pandas, Polars, pyarrow)
            With the 41 columns.
        y : ignored

        Returns
        -------
        self
        """
        _, texts = raw_columns(X)
        self.categories_ = {name: sorted(set(column)) for name, column in texts.items()}
        return self

    def transform(self, X: AnyFrame) -> Float64:
        """The numbers.

        Parameters
        ----------
        X : DataFrame (pandas, Polars, pyarrow)

        Returns
        -------
        ndarray of float64, shape (n, n_columns)
        """
        if not hasattr(self, "categories_"):
            raise NotFittedError("this Encoder is not fitted; call fit(X) first")
        numbers, texts = raw_columns(X)
        marks = [
            (texts[name][:, None] == np.array(known, dtype=object)[None, :]).astype(np.float64)
            for name, known in self.categories_.items()
        ]
        return np.hstack([numbers, *marks])

    def get_feature_names_out(self, input_features: object = None) -> Texts:
        """Names of the columns that :meth:`transform` gives.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of str, shape (n_columns,)
        """
        marks = [f"{name}={value}" for name, known in self.categories_.items() for value in known]
        return np.array([*NUMERIC, *marks], dtype=object)


class BaselineDetector(OutlierMixin, BaseEstimator):
    """A usual model on encoded and scaled columns, with the conventions of an outlier detector.

    Parameters
    ----------
    model : {"isolation_forest", "random_forest", "xgboost"}, default="random_forest"
        Isolation forest: 200 trees, on the normal rows only, `predict` at 5 % contamination.
        Random forest: 150 trees of depth 12. XGBoost: 200 trees of depth 8, learning rate 0.1
        (``pip install "linewatch[xgboost]"``). The latter two are the sizes of the original
        notebook and decide at a probability of 0.5.
    random_state : int, optional
    n_jobs : int, optional
        As scikit-learn means it.

    Attributes
    ----------
    encoder_, scaler_, model_ : fitted parts
        From the rows given to `fit` and no others; so are the class weights, which make normal
        rows and attacks count the same.

    Notes
    -----
    To keep one, use joblib; such a file runs code when it is loaded, so load only your own.
    :meth:`IntrusionDetector.save` writes files without that danger.

    Examples
    --------
    >>> from linewatch import intrusion
    >>> core = intrusion.simulate_core(500, seed=0)
    >>> forest = intrusion.BaselineDetector("random_forest", random_state=0)
    >>> (forest.fit(core, core["attack"]).predict(core) == -1).sum()
    np.int64(50)
    """

    model: Literal["isolation_forest", "random_forest", "xgboost"]
    random_state: int | None
    n_jobs: int | None
    encoder_: Encoder
    scaler_: Any
    model_: Any

    def __init__(
        self,
        model: Literal["isolation_forest", "random_forest", "xgboost"] = "random_forest",
        *,
        random_state: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.model = model
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: AnyFrame, y: Column) -> Self:
        """Fit encoder, scaler and model.

        Parameters
        ----------
        X : DataFrame (pandas, Polars, pyarrow)
            With the 41 columns.
        y : array-like of int, shape (n,)
            0 is normal, 1 an attack.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the model is not known, or a class has no row.
        ModuleNotFoundError
            If XGBoost is asked for and not installed.
        """
        if self.model not in MODELS:
            names = ", ".join(f'"{name}"' for name in MODELS)
            raise ValueError(f"model must be one of {names}, got {self.model!r}")
        y = _labels(y)
        counts = np.bincount(y, minlength=2)
        if not counts.all():
            kind = "normal row" if not counts[0] else "attack"
            raise ValueError(f"y has no {kind}; expected both classes")
        model = self._new()
        self.encoder_ = Encoder().fit(X)
        columns = self.encoder_.transform(X)
        if len(columns) != len(y):
            raise ValueError(f"y has {len(y)} values, X has {len(columns)} rows")
        self.scaler_ = StandardScaler().fit(columns)
        columns = self.scaler_.transform(columns)
        if self.model == "isolation_forest":
            self.model_ = model.fit(columns[y == 0])
        else:
            weight = (len(y) / (2 * counts))[y]
            self.model_ = model.fit(columns, y, sample_weight=weight)
        return self

    def score_samples(self, X: AnyFrame) -> Float64:
        """How normal each record is; higher = more normal.

        Parameters
        ----------
        X : DataFrame (pandas, Polars, pyarrow)

        Returns
        -------
        ndarray of float64, shape (n,)
            The isolation forest's score, or minus the probability of an attack.
        """
        if not hasattr(self, "model_"):
            raise NotFittedError("this BaselineDetector is not fitted; call fit(X, y) first")
        columns = self.scaler_.transform(self.encoder_.transform(X))
        if self.model == "isolation_forest":
            return self.model_.score_samples(columns)
        return -self.model_.predict_proba(columns)[:, 1].astype(np.float64)

    def predict(self, X: AnyFrame) -> Int64:
        """-1 for an attack, 1 for a normal record.

        Parameters
        ----------
        X : DataFrame (pandas, Polars, pyarrow)

        Returns
        -------
        ndarray of int, shape (n,)
        """
        scores = self.score_samples(X)
        offset = self.model_.offset_ if self.model == "isolation_forest" else -0.5
        return np.where(scores < offset, -1, 1)

    def _new(self):
        if self.model == "isolation_forest":
            return IsolationForest(
                n_estimators=200,
                contamination=0.05,
                random_state=self.random_state,
                n_jobs=self.n_jobs,
            )
        if self.model == "random_forest":
            return RandomForestClassifier(
                150, max_depth=12, random_state=self.random_state, n_jobs=self.n_jobs
            )
        try:
            from xgboost import XGBClassifier
        except ModuleNotFoundError:
            raise ModuleNotFoundError(
                'xgboost is not installed; try pip install "linewatch[xgboost]"'
            ) from None
        return XGBClassifier(
            n_estimators=200,
            max_depth=8,
            learning_rate=0.1,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        )
