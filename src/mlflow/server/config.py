"""What a server is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass

from mlflow.utils.uri import is_local_uri

#: In the place of an age: nothing is too old.
NEVER = "never"


@dataclass(frozen=True)
class ServerConfig:
    """Settings of one server. The defaults are those of a bare `mlflow server`."""

    backend_store_uri: str = "sqlite:///mlflow.db"
    default_artifact_root: str | None = None
    """Where new experiments' artifacts go; None for `mlflow-artifacts:/` or, when artifacts are not
    served, for the backend store if that is a folder, else `./mlruns`."""
    serve_artifacts: bool = True
    """Whether clients send and fetch artifacts through this server."""
    artifacts_only: bool = False
    """Serve artifacts and nothing else."""
    artifacts_destination: str = "./mlartifacts"
    """Where the artifacts that go through this server are kept: a folder or a URI."""
    registry_store_uri: str | None = None
    host: str = "127.0.0.1"
    port: int = 5000
    workers: int = 1
    """Processes. SQLite has one."""
    static_prefix: str = ""
    """Path below which everything is served, such as /mlflow."""
    allowed_hosts: tuple[str, ...] | None = None
    """Host headers to accept, with `*` as a wildcard; None for loopback and private addresses."""
    cors_allowed_origins: tuple[str, ...] | None = None
    """Origins whose pages may call this server."""
    disable_security_middleware: bool = False
    x_frame_options: str = "SAMEORIGIN"
    """SAMEORIGIN, DENY or NONE."""
    uvicorn_opts: str | None = None
    trace_retention: str | None = None
    """How long traces are kept, such as "30d"; "never" to delete only those of experiments that say
    so themselves; None to delete none."""
    expose_prometheus: str | None = None
    dev: bool = False

    @property
    def artifact_root(self) -> str:
        """Where new experiments' artifacts go."""
        if self.default_artifact_root:
            return self.default_artifact_root
        if self.serve_artifacts:
            return "mlflow-artifacts:/"
        return self.backend_store_uri if is_local_uri(self.backend_store_uri) else "./mlruns"
