"""What is MariaDB's and MySQL's own."""

from __future__ import annotations

import math
import random
import re
import ssl
import struct
import threading
import uuid
from collections.abc import Sequence

import pytest
from tests import databases
from tests.optional import optional

from mlflow.entities import Dataset, DatasetInput, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.search.evaluate import number_in
from mlflow.store.db.database import Database
from mlflow.store.db.dialects import DatabaseUrl, dialect_of
from mlflow.store.db.tables import statements
from mlflow.store.tracking.sql.store import SqlStore

pymysql = optional("pymysql")

from mlflow.store.db.dialects import mysql  # noqa: E402  (it needs pymysql)


@pytest.fixture
def store(mysql_uri):
    store = SqlStore(mysql_uri, "/artifacts")
    yield store
    store.dispose()


@pytest.fixture
def run_id(store) -> str:
    experiment = store.create_experiment(uuid.uuid4().hex, None, [])
    return store.create_run(experiment, "u", 0, [], None).info.run_id


@pytest.fixture
def empty(tmp_path):
    """The URL of a database without tables."""
    with databases.new_database("mysql", tmp_path) as uri:
        yield uri


@pytest.fixture
def database(empty):
    """A database with a table `t`: an integer, a text, a double, bytes."""
    database = Database(empty)
    columns = "id {int} primary key, v {text}, r {real}, b {blob}".format(**database.dialect.types)
    write(database, f"create table t ({columns})")
    yield database
    database.close()


def write(database: Database, sql: str, params: Sequence = ()) -> int:
    """Run one statement in a transaction; how many rows it changed."""
    return database.write(lambda tx: tx.execute(sql, params).rowcount)


def fill(database: Database, column: str, values: Sequence) -> None:
    """Rows of `t` with ids from 0 on."""
    sql = f"insert into t (id, {column}) values (?, ?)"
    database.write(lambda tx: tx.executemany(sql, list(enumerate(values))))


def read(database: Database, sql: str, params: Sequence = ()) -> list[tuple]:
    with database.read() as tx:
        return tx.execute(sql, params).fetchall()


# -- URLs -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scheme",
    [
        "mysql",
        "mysql+pymysql",
        "mysql+mysqldb",
        "mysql+mysqlconnector",
        "mariadb",
        "mariadb+pymysql",
    ],
)
def test_every_scheme_goes_to_the_same_database(scheme, store, mysql_uri):
    other = SqlStore(mysql_uri.replace("mysql", scheme, 1), "/artifacts")
    name = uuid.uuid4().hex
    experiment = other.create_experiment(name, None, [])
    assert store.get_experiment(experiment).name == name
    other.dispose()


def options(query: str) -> dict:
    return mysql._driver_options(DatabaseUrl.parse(f"mysql://u:secret@h/d?{query}"))


def test_options_are_those_of_other_drivers_of_python():
    assert options("") == {}
    assert options("charset=utf8mb4&use_unicode=1&collation=utf8mb4_bin") == {}
    assert options("connect_timeout=3&read_timeout=4&unix_socket=%2Ftmp%2Fs") == {
        "connect_timeout": 3,
        "read_timeout": 4,
        "unix_socket": "/tmp/s",
    }
    assert options("ssl_mode=DISABLED") == options("ssl_disabled=true") == {"ssl_disabled": True}
    assert options("ssl_mode=PREFERRED") == {}


@pytest.mark.parametrize(
    ("query", "verified", "named"),
    [
        ("ssl_mode=REQUIRED", False, False),
        ("ssl_mode=VERIFY_CA", True, False),
        ("ssl_mode=verify_identity", True, True),
        ("ssl_verify_cert=true", True, False),
        ("ssl_verify_identity=true", True, True),
        ("ssl_capath=/tmp", True, True),
        ("ssl_capath=/tmp&ssl_check_hostname=false", True, False),
        ("ssl_capath=/tmp&ssl_verify_cert=false&ssl_verify_identity=false", False, False),
    ],
)
def test_tls_verifies_what_it_is_asked_to(query, verified, named):
    context = options(query)["ssl"]
    assert isinstance(context, ssl.SSLContext)
    assert (context.verify_mode == ssl.CERT_REQUIRED, context.check_hostname) == (verified, named)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("pool_size=3", "option 'pool_size'; these are known: binary_prefix"),
        ("connect_timeout=soon", "connect_timeout=soon; a number is needed"),
        ("ssl_verify_cert=maybe", "true or false"),
        ("ssl_mode=SOME", "DISABLED, PREFERRED"),
        ("ssl_ca=/no/such/file", "TLS files"),
    ],
)
def test_bad_options_are_refused(query, words):
    with pytest.raises(MlflowException, match=words) as e:
        options(query)
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"
    assert "secret" not in e.value.message


def test_url_without_a_database_is_refused():
    with pytest.raises(MlflowException, match="names no database"):
        SqlStore("mysql://u@127.0.0.1", "/artifacts")


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:sec@ret@h:x/d",
        "mysql://u:sec@ret@h/d?ssl_key_password=sec@ret",
        "postgresql://h/d?password=sec@ret",
    ],
)
def test_passwords_are_not_shown(url):
    try:
        shown = repr(DatabaseUrl.parse(url))
    except MlflowException as e:
        shown = e.message
    assert "sec" not in shown and "ret" not in shown and "h" in shown


def test_server_that_is_not_there_is_a_clear_error():
    with pytest.raises(MlflowException, match="cannot be reached") as e:
        SqlStore("mysql://nobody:secret@127.0.0.1:1/none", "/artifacts")
    assert e.value.error_code == "TEMPORARILY_UNAVAILABLE"
    assert "secret" not in e.value.message


# -- connections and transactions -----------------------------------------------------------


def test_connections_that_were_lost_are_replaced(store, run_id, mysql_uri):
    for tag in ("read", "write"):
        databases.end_mysql_connections(mysql_uri)
        if tag == "read":
            assert store.get_run(run_id).data.tags.get("write") is None
        store.set_tag(run_id, RunTag(tag, "1"))
    assert store.get_run(run_id).data.tags["write"] == "1"


def test_connection_that_is_lost_in_the_middle_is_an_error_and_then_replaced(store, run_id):
    def lose(tx) -> None:
        (own,) = tx.execute("select connection_id()").fetchone()
        databases.run_mysql(store.db_uri, f"kill connection {own}")
        tx.execute("select 1")

    with pytest.raises(MlflowException) as e:
        store.db.write(lose)
    assert e.value.error_code == "TEMPORARILY_UNAVAILABLE"
    store.set_tag(run_id, RunTag("a", "b"))


def test_deadlocks_are_tried_again(database):
    fill(database, "r", [0.0, 0.0])
    both = threading.Barrier(2)
    attempts: list[int] = []
    failures: list[Exception] = []

    def cross(first: int, second: int) -> None:
        mine: list[int] = []

        def work(tx) -> None:
            mine.append(first)
            tx.execute("update t set r = r + 1 where id = ?", (first,))
            if len(mine) == 1:
                both.wait(20)  # each has what the other needs
            tx.execute("update t set r = r + 1 where id = ?", (second,))

        try:
            database.write(work)
        except Exception as e:
            failures.append(e)
        attempts.extend(mine)

    threads = [threading.Thread(target=cross, args=pair) for pair in ((0, 1), (1, 0))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(attempts) > 2
    assert read(database, "select r from t order by id") == [(2.0,), (2.0,)]


def test_a_read_sees_one_moment(database):
    with database.read() as tx:
        assert tx.execute("select count(*) from t").fetchone() == (0,)
        write(database, "insert into t (id) values (1)")
        assert tx.execute("select count(*) from t").fetchone() == (0,)
    assert read(database, "select count(*) from t") == [(1,)]


def test_a_write_sees_what_others_have_committed_meanwhile(database):
    def work(tx) -> int:
        tx.execute("select count(*) from t").fetchone()
        write(database, "insert into t (id) values (1)")
        return tx.execute("select count(*) from t").fetchone()[0]

    assert database.write(work) == 1


def test_full_disk_is_named(database):
    # the one table that can be filled without filling a disk
    database.write(lambda tx: tx.execute("set session max_heap_table_size = 16384").rowcount)
    write(database, "create table small (v varchar(4000)) engine = memory")
    with pytest.raises(MlflowException, match="no room to store more") as e:
        for _ in range(100):
            write(database, "insert into small values (?)", ("x" * 4000,))
    assert e.value.error_code == "RESOURCE_EXHAUSTED"
    assert len(read(database, "select * from small")) > 0


@pytest.mark.parametrize(
    ("number", "text", "code"),
    [
        (1030, 'Got error 28 "No space left on device" from storage engine', "RESOURCE_EXHAUSTED"),
        (1026, "Error writing file 'x' (Errcode: 28 \"No space left\")", "RESOURCE_EXHAUSTED"),
        (1290, "running with the --read-only option", "TEMPORARILY_UNAVAILABLE"),
        (1836, "Running in read-only mode", "TEMPORARILY_UNAVAILABLE"),
        (1290, "running with the --secure-file-priv option", "INTERNAL_ERROR"),
    ],
)
def test_errors_that_a_server_may_answer(database, number, text, code):
    """The server says them by command, since a test cannot fill its disk."""
    with pytest.raises(MlflowException) as e:
        write(
            database, f"signal sqlstate 'HY000' set mysql_errno={number}, message_text=?", (text,)
        )
    assert e.value.error_code == code
    assert text in e.value.message


# -- the schema -----------------------------------------------------------------------------


def test_replicas_may_start_together(empty):
    together = threading.Barrier(4)
    failures: list[Exception] = []

    def start() -> None:
        together.wait()
        try:
            store = SqlStore(empty, "/artifacts")
            store.create_experiment(uuid.uuid4().hex, None, [])
            store.dispose()
        except Exception as e:
            failures.append(e)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    store = SqlStore(empty, "/artifacts")
    assert len(store.search_experiments()) == 5
    store.dispose()


@pytest.mark.parametrize("share", [0.05, 0.5, 1])
def test_schema_that_was_cut_short_is_finished(empty, share):
    database = Database(empty)
    todo = statements(database.dialect.types)
    for statement in todo[: math.ceil(len(todo) * share)]:
        write(database, statement)
    database.close()
    store = SqlStore(empty, "/artifacts")
    assert [x.name for x in store.search_experiments()] == ["Default"]
    store.dispose()


def test_tables_of_another_program_are_left_alone(empty):
    databases.run_mysql(empty, "create table tag (x int)")
    for _ in range(2):
        with pytest.raises(MlflowException, match="named as ours: tag") as e:
            SqlStore(empty, "/artifacts")
        assert e.value.error_code == "INVALID_STATE"
    assert databases.run_mysql(empty, "show tables") == [("tag",)]


def test_default_experiment_has_the_id_0(store):
    assert store.get_experiment_by_name("Default").experiment_id == "0"


# -- values ---------------------------------------------------------------------------------

TEXTS = [
    "a",
    "A",
    "a ",
    " a",
    "a\t",
    "a\n",
    "á",
    "a\u0301",  # the same to a reader, in two code points
    "ａ",
    "ß",
    "ss",
    "\U0001f600",
    "\U0001f601",
    "a\0",
    "'\"\\%_?`",
    "\\",
    "%s",
    "?",
    "",
]


def test_texts_are_told_apart_and_ordered_by_code_point(database):
    fill(database, "v", TEXTS)
    for i, text in enumerate(TEXTS):
        assert read(database, "select id, v from t where v = ?", (text,)) == [(i, text)]
    assert [v for (v,) in read(database, "select v from t order by v")] == sorted(TEXTS)


def test_names_that_look_alike_are_different(store):
    prefix = uuid.uuid4().hex
    names = [prefix + text for text in TEXTS]
    ids = store._write_with_keys(names, lambda tx, ids: dict(ids))
    assert len({ids[name] for name in names}) == len(names)
    made = {store.create_experiment(name, None, []) for name in names if "\0" not in name}
    assert len(made) == len(names) - 1


def test_longest_names_and_values(store):
    name = "\U0001f600" * 468 + uuid.uuid4().hex
    experiment = store.create_experiment(name, None, [])
    assert store.get_experiment_by_name(name).experiment_id == experiment
    assert store.get_experiment_by_name(name[:-1] + "x") is None
    run_id = store.create_run(experiment, "u", 0, [], None).info.run_id
    key, value, tag = "k" * 250, "\U0001f600" * 6000, "é" * 8000
    store.log_batch(run_id, [], [Param(key, value)], [RunTag(key, tag)])
    dataset = Dataset("\U0001f600" * 500, "d" * 36, "local", "s" * 60_000, "{}", "p" * 10_000_000)
    store.log_inputs(run_id, [DatasetInput(dataset, [])])
    run = store.get_run(run_id)
    assert (run.data.params[key], run.data.tags[key]) == (value, tag)
    assert run.inputs.dataset_inputs[0].dataset == dataset


def test_statement_that_the_server_would_not_take_is_a_clear_error(database):
    ((limit,),) = read(database, "select @@max_allowed_packet")
    with pytest.raises(MlflowException, match="max_allowed_packet") as e:
        write(database, "insert into t (id, v) values (1, ?)", ("x" * limit,))
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"
    assert write(database, "insert into t (id, v) values (1, ?)", ("x",)) == 1


@pytest.mark.parametrize("text", ["\ud800", "a\udcff", "\udcc3\udca9"])
def test_half_a_surrogate_pair_is_refused(store, run_id, text):
    with pytest.raises(MlflowException, match="cannot be stored") as e:
        store.set_tag(run_id, RunTag("t", text))
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


def test_text_that_is_too_long_for_its_column_is_refused(store, run_id):
    from mlflow.entities import LoggedModelInput

    with pytest.raises(MlflowException, match="cannot be stored") as e:
        store.log_inputs(run_id, models=[LoggedModelInput("m" * 300)])
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


def test_doubles_come_back_bit_by_bit(database):
    numbers = [0.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1, 1 / 3, 1e22, 1e23]
    chance = random.Random(7)
    while len(numbers) < 2000:
        (number,) = struct.unpack("d", chance.randbytes(8))
        if math.isfinite(number):
            numbers.append(number)
    fill(database, "r", numbers)
    assert read(database, "select r from t order by id") == [(n,) for n in numbers]


def test_bytes_come_back(database):
    content = bytes(range(256)) * 3
    fill(database, "b", [content])
    assert read(database, "select b from t") == [(content,)]


def test_sums_of_integers_are_integers(database):
    fill(database, "v", ["", "", ""])
    ((total,),) = read(database, "select sum(id) from t")
    assert (total, type(total)) == (3, int)


NUMBERS = [
    *re.split(
        " ",
        "1 -1 +1 .5 5. 1.e5 1E5 1e+5 1e-5 0x10 inf nan 1e999 -1e999 1e-999 1e1000 5e-324 2e-324 "
        "1.7976931348623157e308 -1.7976931348623157e+308 1.8e308 17976931348623157e292 "
        "17976931348623157e293 0.17976931348623157e309 9e307 2e308 1e400 1e-400 -0 - . e5 1e",
    ),
    *("", " 1", "1 ", "1\n", "１", "٣", "1_000", "1d5"),
    *("0" * 5000 + "7", "1" * 400 + "e-390", "1." + "3" * 5000, "1" + "0" * 308, "1" + "0" * 309),
]


def test_numbers_in_texts_are_those_of_the_other_databases(database):
    fill(database, "v", NUMBERS)
    found = read(database, f"select {database.dialect.number('v')} from t order by id")
    assert [number for (number,) in found] == [number_in(text) for text in NUMBERS]


# -- statements -----------------------------------------------------------------------------


def test_insert_if_absent_says_whether_it_did(database):
    put = "insert into t (id, v) values (?, ?) on conflict (id) do nothing"
    rows = [(1, "a"), (1, "b"), (1, "a"), (2, "a")]
    assert [write(database, put, row) for row in rows] == [1, 0, 0, 1]
    assert read(database, "select id, v from t order by id") == [(1, "a"), (2, "a")]


def test_many_rows_are_put_by_one_statement(database):
    put = "insert into t (id, v) values (?, ?) on conflict (id) do update set v = excluded.v"
    fill(database, "v", ["a", "b"])
    rows = [(i, f"%s?{i}") for i in range(1000)]

    def work(tx) -> int:
        count = "show session status like 'Com_insert'"
        before = tx.execute(count).fetchone()[1]
        tx.executemany(put, rows)
        return int(tx.execute(count).fetchone()[1]) - int(before)

    assert database.write(work) == 1
    assert read(database, "select id, v from t order by id") == rows


def test_upsert_in_a_form_that_is_not_known_is_an_error(database):
    with pytest.raises(ValueError, match="not in the common form"):
        write(database, "insert into t (id) values (1) on conflict do nothing")


def test_latest_value_is_the_greatest_by_step_time_and_value(store, run_id):
    chance = random.Random(3)
    points = [
        (chance.randrange(3), chance.randrange(3), chance.choice([math.nan, -1.0, 0.0, 1.0]))
        for _ in range(150)
    ]
    best = None
    for step, timestamp, value in points:
        store.log_metric(run_id, Metric("m", value, timestamp, step))
        here = (step, timestamp, value == value, value if value == value else 0.0)
        best = here if best is None else max(best, here)
        found = store.get_run(run_id).data._metric_objs[0]
        latest = found.value
        assert (
            found.step,
            found.timestamp,
            latest == latest,
            latest if latest == latest else 0.0,
        ) == best


def test_unknown_dialect_is_named():
    with pytest.raises(MlflowException, match="mysql, postgresql, sqlite"):
        dialect_of(DatabaseUrl.parse("oracle://u@h/d"))
