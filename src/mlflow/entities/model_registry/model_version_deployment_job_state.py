from __future__ import annotations

from mlflow.entities._mlflow_object import _Comparable


class ModelVersionDeploymentJobState(_Comparable):
    """How far the job is that deploys a model version."""

    job_id: str
    run_id: str
    job_state: str
    """A name out of RegisteredModelDeploymentJobState."""
    run_state: str
    """A name out of ModelVersionDeploymentJobRunState."""
    current_task_name: str

    def __init__(
        self, job_id: str, run_id: str, job_state: str, run_state: str, current_task_name: str
    ):
        self._job_id = job_id
        self._run_id = run_id
        self._job_state = job_state
        self._run_state = run_state
        self._current_task_name = current_task_name
