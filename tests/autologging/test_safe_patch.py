"""A patch cannot break what it patches."""

import asyncio
import copy
import inspect
import logging
import os
import pickle
import threading
import warnings

import pytest

import mlflow
from mlflow.utils import autologging_utils
from mlflow.utils.autologging_utils import (
    autologging_integration,
    disable_autologging,
    picklable_exception_safe_function,
    revert_patches,
    safe_patch,
    with_managed_run,
)
from mlflow.utils.autologging_utils.sessions import _AutologgingSessionManager
from tests.optional import optional


class Trainer:
    """What is patched."""

    def __init__(self):
        self.calls = []

    def train(self, x, y=2):
        """Train it."""
        self.calls.append((x, y))
        return ("trained", x, y)

    def fail(self):
        self.calls.append("fail")
        raise ValueError("no data")

    def warn(self):
        warnings.warn("from the trainer", UserWarning, stacklevel=1)

    @property
    def hook(self):
        return lambda x: ("hook", x)

    @classmethod
    def make(cls):
        return cls()

    @staticmethod
    def help():
        return "help"

    async def train_async(self, x):
        self.calls.append(x)
        return ("trained", x)


class Better(Trainer):
    """Inherits `train`."""


def passing(original, self, *args, **kwargs):
    seen.append(("patch", args))
    return original(self, *args, **kwargs)


seen = []


@pytest.fixture(autouse=True)
def autolog():
    """The `autolog()` of an integration "toy" that is on."""
    seen.clear()

    @autologging_integration("toy")
    def autolog(disable=False, exclusive=False, silent=False):
        pass

    autolog()
    yield autolog
    revert_patches("toy")
    autologging_utils.AUTOLOGGING_INTEGRATIONS.pop("toy", None)


@pytest.fixture
def log(caplog):
    """What the integrations log."""
    logger = logging.getLogger("mlflow")
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


def patch(function, name="train", **options):
    safe_patch("toy", Trainer, name, function, **options)


def test_patch_and_original_run_and_looks_stay():
    before = Trainer.train
    patch(passing)
    assert Trainer().train(1) == ("trained", 1, 2)
    assert seen == [("patch", (1,))]
    assert Trainer.train.__name__ == "train"
    assert Trainer.train.__doc__ == "Train it."
    assert Trainer.train.__module__ == before.__module__
    assert inspect.signature(Trainer.train) == inspect.signature(before)
    revert_patches("toy")
    assert Trainer.train is before


def before_the_call(original, self, *args):
    raise KeyError("patch")


def after_the_call(original, self, *args):
    original(self, *args)
    raise KeyError("patch")


def without_a_call(original, self, *args):
    return "something else"


def other_result(original, self, *args):
    original(self, *args)
    return "something else"


@pytest.mark.parametrize(
    "function", [before_the_call, after_the_call, without_a_call, other_result]
)
def test_the_user_gets_what_the_original_gives_once(function, log):
    patch(function)
    trainer = Trainer()
    assert trainer.train(1) == ("trained", 1, 2)
    assert trainer.calls == [(1, 2)]
    failed = function in (before_the_call, after_the_call)
    messages = [record.getMessage() for record in log.records]
    assert any("error during toy autologging: 'patch'" in text for text in messages) == failed


def hiding(original, self):
    try:
        original(self)
    except ValueError:
        return "fine"


def renaming(original, self):
    try:
        original(self)
    except ValueError as error:
        raise RuntimeError("something else") from error


@pytest.mark.parametrize("function", [passing, hiding, renaming])
def test_errors_of_the_original_are_the_users(function):
    patch(function, "fail")
    trainer = Trainer()
    with pytest.raises(ValueError, match="no data"):
        trainer.fail()
    assert trainer.calls == ["fail"]


def test_an_interrupt_in_the_original_ends_the_run_and_goes_on():
    def interrupted(self):
        raise KeyboardInterrupt

    original, Trainer.fail = Trainer.fail, interrupted
    try:
        patch(passing, "fail", manage_run=True)
        with pytest.raises(KeyboardInterrupt):
            Trainer().fail()
        assert mlflow.last_active_run().info.status == "FAILED"
        revert_patches("toy")
    finally:
        Trainer.fail = original


def test_errors_of_patches_are_raised_in_tests_of_them(monkeypatch):
    monkeypatch.setenv("MLFLOW_AUTOLOGGING_TESTING", "true")
    patch(after_the_call)
    with pytest.raises(KeyError, match="patch"):
        Trainer().train(1)


@pytest.mark.parametrize(
    ("function", "fine"),
    [
        (lambda original, self, x: original(self, x), True),
        (lambda original, self, x: original(self, 100), False),
        (lambda original, self, x: original(self, [*x, len]), False),
        (lambda original, self, x: original(self, x, y=print), False),
        (
            lambda original, self, x: original(self, x, y=picklable_exception_safe_function(print)),
            True,
        ),
    ],
)
def test_in_tests_originals_may_only_get_what_cannot_raise_besides(function, fine, monkeypatch):
    monkeypatch.setenv("MLFLOW_AUTOLOGGING_TESTING", "true")
    patch(function)
    if fine:
        Trainer().train([1])
    else:
        with pytest.raises(AssertionError, match="toy autologging"):
            Trainer().train([1])


def test_properties_and_descriptors_give_patched_functions():
    patch(passing, "hook")
    assert Trainer().hook(3) == ("hook", 3)
    assert seen == [("patch", (3,))]
    assert isinstance(inspect.getattr_static(Trainer, "hook"), property)


def test_a_method_that_is_there_only_sometimes_stays_so():
    optional("sklearn")
    from sklearn.utils.metaestimators import available_if

    class Sometimes:
        ready = False

        @available_if(lambda self: self.ready)
        def predict(self, x):
            """Predict it."""
            return x

    safe_patch("toy", Sometimes, "predict", passing)
    thing = Sometimes()
    assert not hasattr(thing, "predict")
    thing.ready = True
    assert thing.predict(1) == 1
    assert thing.predict.__doc__ == "Predict it."
    assert list(inspect.signature(thing.predict).parameters) == ["x"]
    assert seen == [("patch", (1,))]


@pytest.mark.parametrize(
    ("name", "error"), [("make", RuntimeError), ("help", RuntimeError), ("nope", AttributeError)]
)
def test_what_cannot_be_patched_is_refused_and_left_alone(name, error):
    with pytest.raises(error):
        patch(passing, name)
    assert isinstance(Trainer.make(), Trainer)
    assert Trainer.help() == "help"


def test_an_inherited_method_is_patched_on_its_class_only():
    safe_patch("toy", Better, "train", passing)
    Trainer().train(1)
    assert seen == []
    Better().train(1)
    assert seen == [("patch", (1,))]
    revert_patches("toy")
    assert "train" not in vars(Better)


def test_coroutines():
    async def passing_on(original, self, x):
        seen.append(mlflow.active_run().data.tags["mlflow.autologging"])
        return await original(self, x)

    async def failing(original, self, x):
        raise KeyError("patch")

    patch(passing_on, "train_async", manage_run=True)
    assert inspect.iscoroutinefunction(Trainer.train_async)
    assert asyncio.run(Trainer().train_async(1)) == ("trained", 1)
    assert seen == ["toy"]
    revert_patches("toy")
    patch(failing, "train_async")
    trainer = Trainer()
    assert asyncio.run(trainer.train_async(1)) == ("trained", 1)
    assert trainer.calls == [1]


def test_taking_off_a_patch_leaves_what_others_put_on_top():
    original = Trainer.train
    try:
        patch(passing)
        below = Trainer.train

        def on_top(self, *args):
            return ("on top", below(self, *args))

        Trainer.train = on_top
        revert_patches("toy")
        assert Trainer().train(1) == ("on top", ("trained", 1, 2))
        assert seen == []
    finally:
        Trainer.train = original


def test_nothing_happens_while_it_is_off(autolog):
    patch(passing)
    with disable_autologging():
        with disable_autologging():
            pass
        Trainer().train(1)
    assert seen == []
    before = Trainer.train
    autolog(disable=True)
    assert Trainer.train is not before
    Trainer().train(1)
    before(Trainer(), 1)  # somebody kept the patched function
    assert seen == []


def test_an_exclusive_integration_leaves_the_users_run_alone(autolog):
    autolog(exclusive=True)
    patch(passing, manage_run=True)
    with mlflow.start_run():
        Trainer().train(1)
    assert seen == []
    Trainer().train(1)
    assert seen == [("patch", (1,))]


# Runs


def test_a_managed_run_begins_and_ends_with_the_call():
    tags = {"team": "x", "mlflow.autologging": "forged"}
    patch(passing, manage_run=True, extra_tags=tags)
    Trainer().train(1)
    assert mlflow.active_run() is None
    run = mlflow.last_active_run()
    assert run.info.status == "FINISHED"
    assert run.data.tags["mlflow.autologging"] == "toy"
    assert run.data.tags["team"] == "x"


def test_the_users_run_is_used_and_stays():
    patch(passing, manage_run=True)
    with mlflow.start_run() as run:
        Trainer().train(1)
        assert mlflow.active_run().info.run_id == run.info.run_id
    assert "mlflow.autologging" not in mlflow.get_run(run.info.run_id).data.tags
    assert len(mlflow.search_runs(output_format="list")) == 1


@pytest.mark.parametrize("function", [passing, after_the_call])
def test_a_managed_run_has_failed_if_the_original_or_the_patch_has(function):
    name = "fail" if function is passing else "train"
    patch(function, name, manage_run=True)
    if function is passing:
        with pytest.raises(ValueError):
            Trainer().fail()
    else:
        assert Trainer().train(1) == ("trained", 1, 2)
    assert mlflow.active_run() is None
    assert mlflow.last_active_run().info.status == "FAILED"


def test_training_goes_on_where_no_run_can_be_made(tmp_path, log):
    (tmp_path / "file").touch()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/file/store.db")
    patch(passing, manage_run=True)
    assert Trainer().train(1) == ("trained", 1, 2)
    assert "error during toy autologging" in log.text


def test_a_run_that_the_patch_ended_itself_is_not_ended_twice():
    def ending(original, self, x):
        original(self, x)
        mlflow.end_run()
        mlflow.start_run(run_name="of the user")

    patch(ending, manage_run=True)
    Trainer().train(1)
    assert mlflow.active_run().info.run_name == "of the user"


def test_with_managed_run_wraps_a_patch_function():
    managed = with_managed_run("toy", passing, {"a": "b"})
    assert managed(Trainer.train, Trainer(), 1) == ("trained", 1, 2)
    assert mlflow.last_active_run().data.tags["a"] == "b"


# Sessions


def test_calls_within_calls_are_one_session():
    ids = []

    def noting(original, self, *args):
        ids.append(_AutologgingSessionManager.active_session().id)
        return original(self, *args)

    patch(noting)
    Better.outer = lambda self: (self.train(1), self.train(2))
    try:
        safe_patch("toy", Better, "outer", noting)
        Better().outer()
        Better().train(1)
        revert_patches("toy")
    finally:
        del Better.outer
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert _AutologgingSessionManager.active_session() is None


def test_threads_have_sessions_of_their_own_but_those_of_a_pool_that_a_call_makes():
    from multiprocessing.pool import ThreadPool

    ids = []

    def note(_=None):
        session = _AutologgingSessionManager.active_session()
        ids.append(session and session.id)

    with _AutologgingSessionManager.start_session("toy") as session:
        thread = threading.Thread(target=note)
        thread.start()
        thread.join()
        with ThreadPool(2) as pool:
            pool.map(note, range(2))
    assert ids == [None, session.id, session.id]


# Pickles and copies


def pickled(thing, library=pickle):
    """What comes out of a pickle."""
    return pickle.loads(library.dumps(thing))  # noqa: S301  (made here)


def test_patched_classes_and_functions_pickle():
    patch(passing)
    assert pickled(Trainer) is Trainer
    trainer = copy.deepcopy(Trainer())
    trainer.train(1)
    again = pickled(trainer)
    assert again.calls == [(1, 2)]
    assert pickled(again.train)(3) == ("trained", 3, 2)


def test_a_patched_function_of_a_module_pickles_where_it_is_patched():
    import posixpath as module

    safe_patch("toy", module, "basename", lambda original, path: original(path))
    assert pickled(module.basename) is module.basename
    assert module.basename("a/b") == "b"


def test_a_patched_class_pickles_by_value():
    cloudpickle = optional("cloudpickle")

    class Local:
        def train(self, x):
            return x + 1

    safe_patch("toy", Local, "train", passing)
    again = pickled(Local(), cloudpickle)
    assert again.train(1) == 2


# Warnings


def test_warnings_of_patches_go_to_the_log_and_those_of_training_are_shown(log):
    def warning(original, self):
        warnings.warn("from the patch", UserWarning, stacklevel=1)
        return original(self)

    patch(warning, "warn")
    with pytest.warns(UserWarning) as shown:
        Trainer().warn()
    assert [str(each.message) for each in shown] == ["from the trainer"]
    assert "from the patch" in log.text
    assert "from the trainer" not in log.text


def test_a_silent_integration_says_nothing(autolog, capsys):
    autolog(silent=True)

    def noisy(original, self):
        warnings.warn("from the patch", UserWarning, stacklevel=1)
        logging.getLogger("mlflow.toy").warning("from the log")
        original(self)
        raise KeyError("patch")

    patch(noisy, "warn")
    with pytest.warns(UserWarning) as shown:
        Trainer().warn()
    assert [str(each.message) for each in shown] == ["from the trainer"]
    assert "from the" not in capsys.readouterr().err
    logging.getLogger("mlflow.toy").warning("loud again")
    assert "loud again" in capsys.readouterr().err


def test_showwarning_is_put_back():
    before = warnings.showwarning
    patch(passing, "warn")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Trainer().warn()
    assert warnings.showwarning is before


def test_many_threads_at_once():
    patch(passing)
    results = []

    def work():
        for i in range(50):
            results.append(Trainer().train(i))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted(("trained", i, 2) for i in range(50) for _ in range(4))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_trains_on():
    patch(passing, manage_run=True)
    child = os.fork()
    if child == 0:
        os._exit(0 if Trainer().train(1) == ("trained", 1, 2) else 1)
    assert os.waitpid(child, 0)[1] == 0
