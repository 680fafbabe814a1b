import pytest

from mlflow.tracking.context import registry as module
from mlflow.tracking.context.abstract_context import RunContextProvider
from mlflow.tracking.context.default_context import DefaultRunContext
from mlflow.tracking.context.git_context import GitRunContext
from mlflow.tracking.context.registry import RunContextProviderRegistry, resolve_tags


class Fixed(RunContextProvider):
    def in_context(self):
        return True

    def tags(self):
        return {"mlflow.user": "plug", "a": "1"}


class Absent(Fixed):
    def in_context(self):
        return False


class Broken(Fixed):
    def tags(self):
        raise ValueError("out of order")


@pytest.fixture(autouse=True)
def _environment(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("MLFLOW_RUN_CONTEXT", raising=False)


@pytest.fixture
def registry(monkeypatch):
    made = RunContextProviderRegistry()
    monkeypatch.setattr(module, "_run_context_provider_registry", made)
    return made


def test_later_providers_and_the_user_win(registry):
    registry.register(DefaultRunContext)
    registry.register(Fixed)
    registry.register(Absent)
    tags = resolve_tags({"a": "mine", "none": None})
    assert tags["mlflow.user"] == "plug"
    assert tags["a"] == "mine"
    assert tags["none"] is None
    assert "mlflow.source.name" in tags


def test_providers_can_be_ignored(registry):
    registry.register(DefaultRunContext)
    registry.register(Fixed)
    assert resolve_tags(ignore=[DefaultRunContext]) == Fixed().tags()


def test_broken_provider_is_told_and_left_out(registry, capsys):
    registry.register(Broken)
    registry.register(Fixed)
    assert resolve_tags() == Fixed().tags()
    assert (
        "WARNING mlflow.tracking.context.registry: Encountered unexpected error during "
        "resolving tags: out of order" in capsys.readouterr().err
    )


def test_built_in_providers(monkeypatch):
    monkeypatch.setenv("MLFLOW_RUN_CONTEXT", '{"mlflow.source.type": "JOB"}')
    tags = resolve_tags(ignore=[GitRunContext])
    assert set(tags) == {"mlflow.user", "mlflow.source.name", "mlflow.source.type"}
    assert tags["mlflow.source.type"] == "JOB"


def test_plugin_is_asked(registry, tmp_path, monkeypatch):
    info = tmp_path / "plug-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: plug\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[mlflow.run_context_provider]\nfixed = {__name__}:Fixed\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert resolve_tags() == Fixed().tags()
