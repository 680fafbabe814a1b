import os
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from mlflow.utils import plugins
from mlflow.utils.plugins import ProviderRegistry, get_entry_points

GROUP = "mlflow.test_group"


def install(folder, name, text, kind="dist-info"):
    """A distribution of that name, as an installer leaves it."""
    info = folder / f"{name}-1.0.{kind}"
    info.mkdir(parents=True)
    file = "METADATA" if kind == "dist-info" else "PKG-INFO"
    (info / file).write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(text)


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind", ["dist-info", "egg-info"])
def test_plugin_is_found(site, kind):
    install(site, "other", "[console_scripts]\nx = y:z\n", kind)
    install(site, "plug", f"[{GROUP}]\none = os.path:join\n", kind)
    (found,) = get_entry_points(GROUP)
    assert found.name == "one"
    assert found.value == "os.path:join"


def test_plugin_that_comes_later_is_found(site, tmp_path, monkeypatch):
    assert get_entry_points(GROUP) == []
    install(tmp_path / "later", "plug", f"[{GROUP}]\none = os.path:join\n")
    monkeypatch.syspath_prepend(tmp_path / "later")
    assert [one.name for one in get_entry_points(GROUP)] == ["one"]


def test_plugin_in_an_archive_is_found(tmp_path, monkeypatch):
    archive = tmp_path / "plug.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("plug-1.0.dist-info/METADATA", "Name: plug\nVersion: 1.0\n")
        file.writestr("plug-1.0.dist-info/entry_points.txt", f"[{GROUP}]\none = os:sep\n")
    monkeypatch.syspath_prepend(archive)
    assert [one.name for one in get_entry_points(GROUP)] == ["one"]


def test_finder_of_others_is_heard(monkeypatch):
    class Distribution(metadata.Distribution):
        def read_text(self, filename):
            return {
                "METADATA": "Name: plug\nVersion: 1.0\n",
                "entry_points.txt": f"[{GROUP}]\none = os:sep\n",
            }.get(filename)

        def locate_file(self, path):
            return path

    class Finder(metadata.DistributionFinder):
        def find_distributions(self, context=None):
            return [Distribution()]

        def find_spec(self, *arguments):
            return None

    monkeypatch.setattr(plugins, "_declared_on", {})
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])
    assert [one.name for one in get_entry_points(GROUP)] == ["one"]


def test_groups_of_others_are_answered_too():
    assert get_entry_points("console_scripts") == list(
        metadata.entry_points(group="console_scripts")
    )


def test_without_plugins_the_general_machinery_is_not_loaded():
    code = (
        "import sys\nfrom mlflow.utils.plugins import get_entry_points\n"
        f"print(get_entry_points('{GROUP}'), 'importlib.metadata' in sys.modules)"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(plugins.__file__).parents[2])}
    told = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, env=env
    )
    assert told.stdout.strip() == "[] False", told.stderr


class Good:
    pass


class Broken:
    def __init__(self):
        raise RuntimeError("out of order")


class Registry(ProviderRegistry):
    group = GROUP
    kind = "test provider"


def test_registry_leaves_out_what_fails(site):
    install(
        site,
        "plug",
        f"[{GROUP}]\nabsent = nowhere:X\nbroken = {__name__}:Broken\ngood = {__name__}:Good\n",
    )
    registry = Registry()
    assert list(registry) == []
    with pytest.warns(UserWarning) as told:
        providers = list(registry.with_plugins())
    assert [type(one) for one in providers] == [Good]
    assert [str(one.message) for one in told] == [
        "Failure attempting to register test provider \"absent\": No module named 'nowhere'",
        'Failure attempting to register test provider "broken": out of order',
    ]


def test_registry_looks_for_plugins_once(site):
    install(site, "plug", f"[{GROUP}]\ngood = {__name__}:Good\n")
    registry = Registry()
    assert len(list(registry.with_plugins())) == 1
    assert len(list(registry.with_plugins())) == 1
