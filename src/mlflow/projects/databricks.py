"""Databricks, a hosted product: Headrace submits nothing to it, and says so."""

from __future__ import annotations

from typing import Any, NoReturn

from mlflow.exceptions import ExecutionException
from mlflow.projects.submitted_run import SubmittedRun

DBFS_EXPERIMENT_DIR_BASE = "mlflow-experiments"
DB_CONTAINER_BASE = "/databricks/mlflow"
DB_PROJECTS_BASE = "/databricks/mlflow/projects"
DB_TARFILE_ARCHIVE_NAME = "mlflow-project"
DB_TARFILE_BASE = "/databricks/mlflow/project-tars"


def not_supported() -> ExecutionException:
    """The error of everything here."""
    return ExecutionException(
        "The backend 'databricks' is a hosted product, which Headrace does not support. Projects "
        "run with --backend local or kubernetes, or by a plug-in."
    )


def before_run_validations(tracking_uri: str, backend_config: Any) -> NoReturn:
    """Raises `ExecutionException`: not supported."""
    raise not_supported()


def run_databricks(
    remote_run: Any,
    uri: str,
    entry_point: str,
    work_dir: str,
    parameters: dict[str, Any],
    experiment_id: str,
    cluster_spec: Any,
    env_manager: str,
) -> NoReturn:
    """Raises `ExecutionException`: not supported."""
    raise not_supported()


def run_databricks_spark_job(
    remote_run: Any,
    uri: str,
    work_dir: str,
    experiment_id: str,
    cluster_spec: Any,
    project_spec: Any,
    entry_point: str,
    parameters: dict[str, Any],
) -> NoReturn:
    """Raises `ExecutionException`: not supported."""
    raise not_supported()


class DatabricksJobRunner:
    """Not supported: every method raises `ExecutionException`."""

    def __init__(self, databricks_profile_uri: str):
        self.databricks_profile_uri = databricks_profile_uri

    def run_databricks_spark_job(
        self,
        project_uri: str,
        work_dir: str,
        experiment_id: str,
        cluster_spec: Any,
        run_id: str,
        project_spec: Any,
        entry_point: str,
        parameters: dict[str, Any],
    ) -> NoReturn:
        raise not_supported()

    def run_databricks(
        self,
        uri: str,
        entry_point: str,
        work_dir: str,
        parameters: dict[str, Any],
        experiment_id: str,
        cluster_spec: Any,
        run_id: str,
        env_manager: str,
    ) -> NoReturn:
        raise not_supported()

    def get_status(self, databricks_run_id: str) -> NoReturn:
        raise not_supported()

    def get_run_result_state(self, databricks_run_id: str) -> NoReturn:
        raise not_supported()

    def jobs_runs_cancel(self, databricks_run_id: str) -> NoReturn:
        raise not_supported()

    def jobs_runs_get(self, databricks_run_id: str) -> NoReturn:
        raise not_supported()


class DatabricksSubmittedRun(SubmittedRun):
    """Not supported: every method raises `ExecutionException`."""

    POLL_STATUS_INTERVAL = 30

    def __init__(
        self, databricks_run_id: str, mlflow_run_id: str, databricks_job_runner: DatabricksJobRunner
    ):
        super().__init__()
        self._mlflow_run_id = mlflow_run_id

    @property
    def run_id(self) -> str:
        return self._mlflow_run_id

    def wait(self) -> NoReturn:
        raise not_supported()

    def cancel(self) -> NoReturn:
        raise not_supported()

    def get_status(self) -> NoReturn:
        raise not_supported()
