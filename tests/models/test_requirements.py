"""What a model requires, found without loading it."""

import pickle
import subprocess
import sys
import time
import zipfile

import pytest

from mlflow.utils.requirements_utils import (
    _in_pickle,
    modules_in,
    modules_of,
    package_of,
    packages_of,
    pinned,
    required_by,
)
from tests.optional import optional

cloudpickle = optional("cloudpickle")


def in_pickle(tmp_path, content):
    path = tmp_path / "model.pkl"
    path.write_bytes(content)
    return _in_pickle(str(path))


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('this pickle was loaded')",))


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_are_read_and_never_loaded(tmp_path, protocol):
    found = in_pickle(tmp_path, pickle.dumps([Bomb(), Exception()], protocol))
    assert found <= {"builtins", "__builtin__", "exceptions"}
    assert found


@pytest.mark.parametrize("protocol", range(2, 6))
def test_modules_of_classes_in_a_pickle(tmp_path, protocol):
    import decimal
    import fractions

    content = pickle.dumps(
        [decimal.Decimal(1), fractions.Fraction(1, 2), decimal.Decimal(2)], protocol
    )
    assert {"decimal", "fractions"} <= in_pickle(tmp_path, content)


def test_texts_that_look_like_modules_are_no_modules(tmp_path):
    assert in_pickle(tmp_path, pickle.dumps(["numpy", "pandas.core", {"requests": "yaml"}])) == (
        set()
    )


def by_value(code, name):
    """The pickle of what `code` makes, in a process where it is the main program."""
    script = f"import sys, cloudpickle\n{code}\nsys.stdout.buffer.write(cloudpickle.dumps({name}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    return done.stdout


def test_modules_that_a_function_pickled_by_value_uses(tmp_path):
    code = "import yaml, json as j\ndef f(x):\n    return yaml.dump(x) + j.dumps(x)"
    assert {"yaml", "json"} <= in_pickle(tmp_path, by_value(code, "f"))


def test_what_joblib_writes_is_read(tmp_path):
    joblib = optional("joblib")
    np = optional("numpy")
    path = tmp_path / "model.joblib"
    joblib.dump({"a": np.arange(1000.0)}, path)
    assert "numpy" in {name.partition(".")[0] for name in _in_pickle(str(path))}


def test_a_broken_pickle_says_nothing(tmp_path):
    assert in_pickle(tmp_path, b"") == set()
    assert in_pickle(tmp_path, b"\x80\x04garbage") == set()


def test_imports_of_code(tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "mine.py").write_text(
        "import yaml\nfrom typing import TYPE_CHECKING\nfrom . import sibling\n"
        "if TYPE_CHECKING:\n    import polars\n"
        "try:\n    import orjson\nexcept ImportError:\n    import json\n"
        "def f():\n    from urllib3 import util\n"
    )
    (tmp_path / "code" / "broken.py").write_text("import (")
    assert modules_in(str(tmp_path)) == {"yaml", "typing", "orjson", "json", "urllib3"}


def test_types_in_a_skops_file(tmp_path):
    with zipfile.ZipFile(tmp_path / "model.skops", "w") as file:
        file.writestr(
            "schema.json",
            '{"__module__": "sklearn.linear_model", "content": [{"__module__": "numpy"}]}',
        )
    (tmp_path / "broken.skops").write_text("x")
    assert modules_in(str(tmp_path)) == {"sklearn.linear_model", "numpy"}


def test_modules_of_objects():
    import decimal

    class Holder:
        def __init__(self):
            self.inner = [decimal.Decimal(1)]

    assert {"decimal", __name__} <= modules_of([Holder()])


def test_modules_that_functions_of_the_main_program_import(monkeypatch):
    import yaml

    def f(x):
        import urllib3

        return urllib3, yaml

    # As if it had been written in a notebook.
    monkeypatch.setattr(f, "__module__", "__main__")
    assert {"urllib3", "yaml"} <= modules_of([f])


@pytest.mark.parametrize(
    ("modules", "packages"),
    [
        (["yaml"], {"pyyaml"}),
        (["json", "os.path"], set()),
        (["mlflow.pyfunc", "pip", "setuptools"], set()),
        (["nothing_of_this_name"], set()),
        (["databricks.automl"], {"databricks-automl-runtime"}),
    ],
)
def test_packages_of_modules(modules, packages):
    assert packages_of(modules) == packages


def test_what_another_package_brings_is_left_out_but_numeric_libraries():
    optional("sklearn")
    found = packages_of(["sklearn", "joblib", "numpy", "scipy"])
    assert {"scikit-learn", "numpy", "scipy"} <= found
    assert "joblib" not in found


@pytest.mark.parametrize(
    ("requirement", "name"),
    [
        ("Foo_Bar[x]>=1", "foo-bar"),
        ("foo @ https://x/y.whl", "foo"),
        ("https://x/y.whl", None),
        ("git+https://x/y.git", None),
        ("-r x.txt", None),
        ("./local", None),
    ],
)
def test_name_of_a_requirement(requirement, name):
    assert package_of(requirement) == name


def test_versions_are_those_installed():
    import yaml

    assert pinned(["pyyaml", "no-such-package"]) == [
        "no-such-package",
        f"pyyaml=={yaml.__version__}",
    ]


def test_a_big_model_takes_less_than_a_second(tmp_path):
    np = optional("numpy")
    content = {"weights": [np.zeros(1_000_000) for _ in range(20)], "names": list(range(100_000))}
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(content))
    required_by(str(tmp_path))
    start = time.process_time()
    assert [package_of(one) for one in required_by(str(tmp_path))] == ["numpy"]
    assert time.process_time() - start < 1
