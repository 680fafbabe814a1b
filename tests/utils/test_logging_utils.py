import logging
import re
import subprocess
import sys
import threading

import pytest

from mlflow.utils import logging_utils
from mlflow.utils.logging_utils import (
    LOGGING_DATETIME_FORMAT,
    LOGGING_LINE_FORMAT,
    MlflowFormatter,
    SensitiveQueryParamFilter,
    eprint,
    get_logger,
    suppress_logs,
    suppress_logs_in_thread,
)

logger = get_logger("mlflow.test_topic")


def record(message, *arguments):
    return logging.LogRecord("mlflow.x", logging.INFO, "file", 1, message, arguments, None)


@pytest.fixture
def written(capsys, monkeypatch):
    return lambda: capsys.readouterr().err


def run(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**environment}
    )
    return done.stdout + done.stderr


@pytest.fixture
def environment(monkeypatch):
    import os

    return {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}


def test_line_has_time_level_and_name(written):
    logger.info("hello %s", "world")
    assert re.fullmatch(
        r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d INFO mlflow.test_topic: hello world\n", written()
    )


@pytest.mark.parametrize(("level", "number"), [("DEBUG", 10), ("warning", 30), ("", 20)])
def test_level_comes_from_the_environment(environment, level, number):
    code = (
        "import logging, mlflow.utils.logging_utils\n"
        "print(logging.getLogger('mlflow').level, logging.getLogger('mlflow').propagate)"
    )
    assert run(code, MLFLOW_LOGGING_LEVEL=level, **environment) == f"{number} False\n"


def test_level_that_the_program_chose_stays(environment):
    code = (
        "import logging; logging.getLogger('mlflow').setLevel('ERROR')\n"
        "import mlflow.utils.logging_utils; print(logging.getLogger('mlflow').level)"
    )
    assert run(code, **environment) == "40\n"


def test_loggers_can_be_left_alone(environment):
    code = (
        "import logging, mlflow.utils.logging_utils\n"
        "print(logging.getLogger('mlflow').level, logging.getLogger('mlflow').handlers)"
    )
    assert run(code, MLFLOW_CONFIGURE_LOGGING="false", **environment) == "0 []\n"


def test_log_and_eprint_can_be_silenced(written):
    logging_utils.disable_logging()
    try:
        logger.warning("no")
        eprint("no")
    finally:
        logging_utils.enable_logging()
    eprint("yes", 1)
    assert written() == "yes 1\n"


def test_silence_holds_for_one_thread(written):
    with suppress_logs_in_thread():
        logger.warning("mine")
        other = threading.Thread(target=logger.warning, args=("other",))
        other.start()
        other.join()
    logger.warning("after")
    assert [line.rsplit(": ")[1] for line in written().splitlines()] == ["other", "after"]


def test_messages_can_be_dropped_by_their_text(written):
    with suppress_logs(logger.name, re.compile("a.*b")):
        logger.warning("xaab")
        logger.warning("kept")
    logger.warning("ab again")
    assert [line.rsplit(": ")[1] for line in written().splitlines()] == ["kept", "ab again"]


def test_color_of_a_record():
    formatter = MlflowFormatter(LOGGING_LINE_FORMAT, LOGGING_DATETIME_FORMAT)
    plain = record("m")
    red = record("m")
    red.color = "red"
    assert formatter.format(plain).endswith("INFO mlflow.x: m")
    assert formatter.format(red).startswith("\033[31m")
    assert formatter.format(red).endswith("m\033[0m")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "https://h/x?a=1&X-Amz-Signature=abc&b=2",
            "https://h/x?a=1&X-Amz-Signature=[REDACTED]&b=2",
        ),
        ('"GET /x?sig=%20q HTTP/1.1" 200', '"GET /x?sig=[REDACTED] HTTP/1.1" 200'),
        ("https://h/x?X-Goog-Credential=abc", "https://h/x?X-Goog-Credential=[REDACTED]"),
        ("https://h/x?se=1&design=2", "https://h/x?se=1&design=2"),
    ],
)
def test_signatures_are_hidden(text, told):
    whole, in_arguments = record(text), record("%s", text)
    for one in (whole, in_arguments):
        assert SensitiveQueryParamFilter().filter(one)
        assert one.getMessage() == told


def test_log_of_the_http_library_goes_through_the_filter():
    filters = logging.getLogger("urllib3.connectionpool").filters
    assert any(isinstance(one, SensitiveQueryParamFilter) for one in filters)
