"""How the tests start Spark: quick to start, quiet, on loopback, with this Python."""

import os
import shutil
import sys
import warnings

import pytest

NO_JAVA = "PySpark needs Java (Debian: apt-get install default-jre-headless)"
ROCKSDB = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"


def need_java():
    pytest.importorskip("pyspark", reason='pip install "linewatch[spark]"')
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip(NO_JAVA)


def environment():
    """The variables that a driver and its workers need."""
    return os.environ | {
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_AUTH_SOCKET_TIMEOUT": "600",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }


def start(master="local[2]", **options):
    """A session; the options are Spark's, with an underscore for a dot."""
    os.environ.update({k: v for k, v in environment().items() if k != "PYTHONPATH"})
    from pyspark.sql import SparkSession

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        builder = (
            SparkSession.builder.master(master)
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.memory", "1g")
            # A busy machine may take a minute to start a worker.
            .config("spark.python.authenticate.socketTimeout", "600s")
            .config("spark.sql.streaming.stateStore.providerClass", ROCKSDB)
            # Small tables: compiling a query would take longer than running it.
            .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1")
            .config("spark.sql.codegen.wholeStage", "false")
            .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        )
        for name, value in options.items():
            builder = builder.config(name.replace("__", "."), str(value))
        session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    return session
