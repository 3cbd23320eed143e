"""Score rows over HTTP with a detector that linewatch saved.

::

    LINEWATCH_MODEL=model.lw uvicorn app:app --host 127.0.0.1 --port 8000
    curl -s localhost:8000/score -H 'content-type: application/json' \\
        -d '{"rows": [{"prb": 43.1, "mbit_per_s": 88.0}], "reasons": 2}'

The model is loaded once, when the server starts, and must know the names of its columns (fit it on
a frame). ``null`` is a missing value. What is wrong with a request is said with status 422, by row
and column. There is no log-in here: put the server behind one that has it and limits the size of
requests.
"""

import math
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import polars as pl
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sklearn.utils import get_tags

import linewatch as lw

MOST_ROWS = 10_000


class Rows(BaseModel):
    """Rows to score, each an object of column names and values."""

    model_config = ConfigDict(extra="forbid")

    rows: list[dict[str, Any]] = Field(min_length=1, max_length=MOST_ROWS)
    reasons: int = Field(default=0, ge=0, le=20, description="reasons for each row, at most")


class Scores(BaseModel):
    """One entry a row, in their order."""

    scores: list[float] = Field(description="higher = more normal")
    labels: list[int] = Field(description="1 for a normal row, -1 for an anomaly")
    reasons: list[list[str]] | None = Field(description="the strongest first")


class Health(BaseModel):
    """What answers here."""

    status: str
    detector: str
    features: list[str]
    offset: float
    linewatch: str


class Service:
    """A detector and what its columns may hold."""

    def __init__(self, path: str) -> None:
        self.detector = lw.load(path)
        names = getattr(self.detector, "feature_names_in_", None)
        if names is None:
            raise ValueError(f"{path} knows no column names; fit the detector on a frame")
        self.names = [str(name) for name in names]
        inner = self.detector
        while hasattr(inner, "detector_"):
            inner = inner.detector_
        known = getattr(inner, "categories_", {})
        self.takes_text = {
            self.names[column]
            for column, values in known.items()
            if any(isinstance(value, str) for value in values)
        }
        self.takes_missing = get_tags(self.detector).input_tags.allow_nan
        if hasattr(inner, "n_jobs"):
            inner.n_jobs = 1  # the server answers requests side by side already

    def table(self, rows: list[dict[str, Any]]) -> pl.DataFrame:
        """The rows as a frame; status 422 for what does not fit the model."""
        wrong = []
        for number, row in enumerate(rows):
            missing = [name for name in self.names if name not in row]
            unknown = [name for name in row if name not in self.names]
            wrong += [problem(number, name, "this column is missing") for name in missing]
            wrong += [problem(number, name, "the model has no such column") for name in unknown]
            for name in self.names:
                if name in row and (text := self.objection(name, row[name])):
                    wrong.append(problem(number, name, text))
            if len(wrong) > 20:
                break
        if wrong:
            raise HTTPException(422, detail=wrong)
        return pl.DataFrame(
            {
                name: pl.Series([row[name] for row in rows], dtype=self.kind(name), strict=False)
                for name in self.names
            }
        )

    def kind(self, name: str) -> type[pl.DataType]:
        return pl.String if name in self.takes_text else pl.Float64

    def objection(self, name: str, value: Any) -> str | None:
        """What is wrong with a value, if anything is."""
        if value is None:
            kind = type(self.detector).__name__
            return None if self.takes_missing else f"{kind} has no rule for missing values"
        if name in self.takes_text:
            return None if isinstance(value, str) else f"expected text or null, got {value!r}"
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"expected a number or null, got {value!r:.80}"
        try:
            is_finite = math.isfinite(value)
        except OverflowError:
            is_finite = False
        return None if is_finite else "expected a finite number"

    def score(self, asked: Rows) -> Scores:
        table = self.table(asked.rows)
        scores = self.detector.score_samples(table)
        labels = [-1 if score < self.detector.offset_ else 1 for score in scores.tolist()]
        reasons = None
        if asked.reasons:
            if not hasattr(self.detector, "reasons"):
                kind = type(self.detector).__name__
                text = f"{kind} gives no reasons; ask for 0"
                raise HTTPException(422, detail=[{"loc": ["body", "reasons"], "msg": text}])
            found = self.detector.reasons(table, top=asked.reasons)
            reasons = [[text for text in row if text] for row in found.iter_rows()]
        return Scores(scores=scores.tolist(), labels=labels, reasons=reasons)


def problem(row: int, column: str, text: str) -> dict[str, Any]:
    """As FastAPI tells of what it finds itself."""
    return {"loc": ["body", "rows", row, column], "msg": text}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    path = os.environ.get("LINEWATCH_MODEL")
    if not path:
        raise RuntimeError("LINEWATCH_MODEL must name a file that save() wrote")
    app.state.service = Service(path)
    yield


app = FastAPI(title="linewatch", lifespan=lifespan)


@app.exception_handler(RequestValidationError)
def refused(request: Request, error: RequestValidationError) -> JSONResponse:
    """Without the input, which may be large, or hold a NaN that JSON cannot say."""
    told = [{"loc": one["loc"], "msg": one["msg"]} for one in error.errors()]
    return JSONResponse({"detail": told}, status_code=422)


@app.post("/score")
def score(asked: Rows, request: Request) -> Scores:
    """Score rows. Not async: it runs in a thread of its own, and the kernels release the lock."""
    return request.app.state.service.score(asked)


@app.get("/health")
def health(request: Request) -> Health:
    """Whether the model is loaded, and which."""
    service = request.app.state.service
    return Health(
        status="ok",
        detector=type(service.detector).__name__,
        features=service.names,
        offset=service.detector.offset_,
        linewatch=lw.__version__,
    )
