"""Call detail records with labelled anomalies, made up but lifelike.

`generate` describes a data set; nothing is made until it is asked for, and any part can be made
alone: the same seed gives the same rows on every machine, for any number of threads, for the whole
or day by day.

>>> from linewatch import cdr
>>> data = cdr.generate(users=100, days=2, seed=7)
>>> data.rows
1775
>>> next(iter(data.calls())).columns[:4]
['call_id', 'caller_id', 'callee_id', 'call_start_ts']
"""

from linewatch.cdr.benchmark import benchmark
from linewatch.cdr.config import Config
from linewatch.cdr.dataset import Calls, Dataset, generate
from linewatch.cdr.features import FEATURES, USER_FEATURES, features, user_features
from linewatch.cdr.presets import COLUMNS, TABLES
from linewatch.cdr.realism import realism
from linewatch.cdr.scenarios import register, unregister
from linewatch.cdr.study import study

__all__ = [
    "COLUMNS",
    "FEATURES",
    "TABLES",
    "USER_FEATURES",
    "Calls",
    "Config",
    "Dataset",
    "benchmark",
    "features",
    "generate",
    "realism",
    "register",
    "study",
    "unregister",
    "user_features",
]
