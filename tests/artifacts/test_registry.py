"""From a URI to a repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import (
    ArtifactRepositoryRegistry,
    get_artifact_repository,
    get_registered_artifact_repositories,
)


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("a/b", "LocalArtifactRepository"),
        (Path("a/b"), "LocalArtifactRepository"),
        ("file:///a", "LocalArtifactRepository"),
        ("s3://b/k", "S3ArtifactRepository"),
        ("S3://b/k", "S3ArtifactRepository"),
        ("http://h/x", "HttpArtifactRepository"),
        ("https://h/x", "HttpArtifactRepository"),
        ("mlflow-artifacts:/x", "MlflowArtifactsRepository"),
    ],
)
def test_scheme_chooses_the_class(uri, kind):
    repository = get_artifact_repository(uri, tracking_uri="http://server")
    assert type(repository).__name__ == kind


def test_registered_classes():
    classes = get_registered_artifact_repositories()
    assert {"", "file", "s3", "runs", "http", "https", "mlflow-artifacts"} <= set(classes)
    assert all(issubclass(cls, ArtifactRepository) for cls in classes.values())


@pytest.mark.parametrize("uri", ["gs://b/k", "wasbs://c@a/x", "abfss://f@a/x", "dbfs:/x",
                                 "hdfs://h/x", "viewfs://h/x", "ftp://h/x", "sftp://h/x",
                                 "r2://b@a/x", "b2://b/x"])  # fmt: skip
def test_scheme_that_is_still_to_come_says_so(uri):
    scheme = uri.partition(":")[0]
    with pytest.raises(
        MlflowException, match=rf"does not support .* \(scheme '{scheme}'\) yet"
    ) as e:
        get_artifact_repository(uri)
    assert e.value.error_code == "NOT_IMPLEMENTED"


def test_unknown_scheme():
    message = "Could not find a registered artifact repository for: xyz://a"
    with pytest.raises(MlflowException, match=message):
        get_artifact_repository("xyz://a")


def test_none_is_not_a_uri():
    with pytest.raises(TypeError):
        get_artifact_repository(None)


def test_registering_a_scheme():
    registry = ArtifactRepositoryRegistry()
    registry.register("memory", ArtifactRepository)
    found = registry.get_artifact_repository("memory://a?b", "http://t", "http://r")
    assert (found.artifact_uri, found.tracking_uri, found.registry_uri) == (
        "memory://a?b",
        "http://t",
        "http://r",
    )


PLUGIN = '''
from pathlib import Path
from urllib.parse import urlsplit
from mlflow.entities import FileInfo
from mlflow.store.artifact.artifact_repo import ArtifactRepository

class Memory(ArtifactRepository):
    """As third parties write them: three methods and `_download_file`."""
    files = {}
    def _key(self, path):
        assert urlsplit(self.artifact_uri).query == "token=x"
        return "/".join(filter(None, [urlsplit(self.artifact_uri).path.strip("/"), path]))
    def log_artifact(self, local_file, artifact_path=None):
        name = "/".join(filter(None, [artifact_path, Path(local_file).name]))
        self.files[self._key(name)] = Path(local_file).read_bytes()
    def log_artifacts(self, local_dir, artifact_path=None):
        for path in Path(local_dir).iterdir():
            self.log_artifact(path, artifact_path)
    def list_artifacts(self, path=None):
        above = f"{self._key(path)}/"
        below = {n[len(above):].split("/")[0] for n in self.files if n.startswith(above)}
        paths = ["/".join(filter(None, [path, name])) for name in sorted(below)]
        return [FileInfo(one, self._key(one) not in self.files, 1) for one in paths]
    def _download_file(self, remote_file_path, local_path):
        Path(local_path).write_bytes(self.files[self._key(remote_file_path)])
'''

USE = """
import mlflow, os, sys
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
r = get_artifact_repository("memory://place/p?token=x")
open("a.txt", "w").write("aaa")
r.log_artifact("a.txt", "d/e")
r.log_artifact("a.txt", "d")
print(type(r).__name__, r.max_workers)
print(sorted(os.path.relpath(os.path.join(f, n), "out") for f, _, ns in os.walk(
    r.download_artifacts("d", (os.mkdir("out"), "out")[1])) for n in ns))
print(mlflow.artifacts.load_text("memory://place/p/d/a.txt?token=x"))
"""


def test_plug_in(tmp_path):
    (tmp_path / "memory_artifacts.py").write_text(PLUGIN)
    info = tmp_path / "memory_artifacts-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: memory-artifacts\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[mlflow.artifact_repository]\nmemory = memory_artifacts:Memory\nbroken = nothing:Nothing\n"
    )
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{USE}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout.splitlines() == ["Memory 8", "['d/a.txt', 'd/e/a.txt']", "aaa"], done.stderr
    assert "plug-in 'broken' (nothing:Nothing) could not be loaded" in done.stderr


def test_nothing_heavy_is_imported_before_it_is_used():
    code = (
        "import sys; import mlflow.store.artifact.artifact_repository_registry as r\n"
        "r.get_artifact_repository('somewhere')\n"
        "print([m for m in ('boto3', 'urllib3', 'PIL', 'yaml', 'starlette') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
