"""The client: every operation on a tracking store, by name. The fluent functions stand on it."""

from __future__ import annotations

import os
import posixpath
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from mlflow._later import CLIENT_LATER, NotAvailableYet
from mlflow.entities import (
    Experiment,
    ExperimentTag,
    Metric,
    Param,
    Run,
    RunInfo,
    RunStatus,
    RunTag,
    ViewType,
)
from mlflow.environment_variables import (
    MLFLOW_ENABLE_ASYNC_LOGGING,
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT,
)
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.entities.paged_list import PagedList
from mlflow.tracking._active_model import active_model_id
from mlflow.tracking._model_registry.utils import _resolve_registry_uri
from mlflow.tracking._models_made import note_made
from mlflow.tracking._tracking_service.utils import _get_store, _resolve_tracking_uri
from mlflow.tracking.client_logged_models import LoggedModelsClient
from mlflow.tracking.client_registry import RegistryClient
from mlflow.tracking.client_traces import TracesClient
from mlflow.tracking.client_webhooks import WebhooksClient
from mlflow.tracking.metric_value_conversion_utils import plain_metric
from mlflow.utils import logging_utils  # noqa: F401  (loading it sets the loggers up)
from mlflow.utils.async_logging import send_left_behind
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_IMAGES, MLFLOW_PARENT_RUN_ID, MLFLOW_USER
from mlflow.utils.time import get_current_time_millis
from mlflow.utils.validation import (
    MAX_ENTITIES_PER_BATCH,
    MAX_METRICS_PER_BATCH,
    MAX_PARAMS_TAGS_PER_BATCH,
    PARAM_VALIDATION_MSG,
)

if TYPE_CHECKING:
    import matplotlib.figure
    import numpy
    import pandas
    import PIL.Image
    import plotly.graph_objects

    from mlflow.entities import (
        DatasetInput,
        FileInfo,
        LoggedModelInput,
        LoggedModelOutput,
    )
    from mlflow.store.artifact.artifact_repo import ArtifactRepository
    from mlflow.tracking.multimedia import Image
    from mlflow.utils.async_logging.run_operations import RunOperations

SEARCH_MAX_RESULTS_DEFAULT = 1000


class MlflowClient(LoggedModelsClient, RegistryClient, TracesClient, WebhooksClient):
    """Operations on one tracking store, independent of the active run. Any thread may use it.

    Args:
        tracking_uri: As for `set_tracking_uri`; None for the current one.
        registry_uri: As for `set_registry_uri`; None for the current one, or else the tracking URI.

    Methods of the reference that do not exist here yet raise MlflowException NOT_IMPLEMENTED when
    asked for; that error is an AttributeError, too, so `hasattr` is False.
    """

    def __init__(
        self,
        tracking_uri: str | None = None,
        registry_uri: str | None = None,
        workspace_store_uri: str | None = None,
    ):
        if workspace_store_uri is not None:
            raise NotAvailableYet("MlflowClient(workspace_store_uri=…)")
        self._tracking_uri = _resolve_tracking_uri(tracking_uri)
        self._registry_uri = _resolve_registry_uri(registry_uri, self._tracking_uri)
        self._store = _get_store(self._tracking_uri)
        self._repositories: dict[str, ArtifactRepository] = {}
        self._runs_with_images: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if name in CLIENT_LATER:
            raise NotAvailableYet(f"MlflowClient.{name}")
        raise AttributeError(f"'MlflowClient' object has no attribute '{name}'")

    def __reduce__(self) -> tuple[Any, ...]:
        return MlflowClient, (self._tracking_uri, self._registry_uri)

    @property
    def tracking_uri(self) -> str:
        """The store's URI."""
        return self._tracking_uri

    # Experiments

    def create_experiment(
        self,
        name: str,
        artifact_location: str | None = None,
        tags: dict[str, Any] | None = None,
    ) -> str:
        """The id of a new experiment.

        Args:
            name: Not yet taken, also not by a deleted experiment.
            artifact_location: URI below which its runs' artifacts go; None for a place that the
                store chooses.
            tags: Values are stored as their `str()`.

        Raises:
            MlflowException: RESOURCE_ALREADY_EXISTS if the name is taken.
        """
        kept = [ExperimentTag(key, str(value)) for key, value in (tags or {}).items()]
        return self._store.create_experiment(name, artifact_location, kept)

    def get_experiment(self, experiment_id: str) -> Experiment:
        """The experiment, deleted or not; MlflowException RESOURCE_DOES_NOT_EXIST if there is
        none."""
        return self._store.get_experiment(str(experiment_id))

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """The experiment with this name, deleted or not; None if there is none."""
        return self._store.get_experiment_by_name(name)

    def search_experiments(
        self,
        view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int | None = SEARCH_MAX_RESULTS_DEFAULT,
        filter_string: str | None = None,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Experiment]:
        """One page of the experiments that match, newest first unless `order_by` says otherwise."""
        return self._store.search_experiments(
            view_type=view_type,
            max_results=SEARCH_MAX_RESULTS_DEFAULT if max_results is None else max_results,
            filter_string=filter_string,
            order_by=order_by,
            page_token=page_token,
        )

    def rename_experiment(self, experiment_id: str, new_name: str) -> None:
        """Give an active experiment another name."""
        self._store.rename_experiment(str(experiment_id), new_name)

    def delete_experiment(self, experiment_id: str) -> None:
        """Delete an active experiment and its runs; they can be restored."""
        self._store.delete_experiment(str(experiment_id))

    def restore_experiment(self, experiment_id: str) -> None:
        """Bring back a deleted experiment and its runs."""
        self._store.restore_experiment(str(experiment_id))

    def set_experiment_tag(self, experiment_id: str, key: str, value: Any) -> None:
        """Set a tag to `str(value)`, in place of the value it had."""
        self._store.set_experiment_tag(str(experiment_id), ExperimentTag(key, str(value)))

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove a tag; MlflowException RESOURCE_DOES_NOT_EXIST if it is not set."""
        self._store.delete_experiment_tag(str(experiment_id), key)

    # Runs

    def create_run(
        self,
        experiment_id: str,
        start_time: int | None = None,
        tags: dict[str, Any] | None = None,
        run_name: str | None = None,
    ) -> Run:
        """A new run in state RUNNING; it does not become the active run.

        Args:
            start_time: Milliseconds since the Unix epoch; None or 0 for now.
            tags: Values are stored as their `str()`; `mlflow.user` also becomes the run's user.
            run_name: None for the tag `mlflow.runName`, or else a random name.
        """
        tags = tags or {}
        run = self._store.create_run(
            experiment_id=str(experiment_id),
            user_id=str(tags.get(MLFLOW_USER, "unknown")),
            start_time=start_time or get_current_time_millis(),
            tags=[RunTag(key, str(value)) for key, value in tags.items()],
            run_name=run_name,
        )
        send_left_behind(self._store)
        return run

    def get_run(self, run_id: str) -> Run:
        """The run with all it logged, deleted or not; MlflowException RESOURCE_DOES_NOT_EXIST if
        there is none."""
        return self._store.get_run(run_id)

    def get_parent_run(self, run_id: str) -> Run | None:
        """The run that this one is nested in; None if it is nested in none."""
        parent = self.get_run(run_id).data.tags.get(MLFLOW_PARENT_RUN_ID)
        return self.get_run(parent) if parent else None

    def search_runs(
        self,
        experiment_ids: list[str],
        filter_string: str = "",
        run_view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int = SEARCH_MAX_RESULTS_DEFAULT,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Run]:
        """One page of the runs that match, newest first unless `order_by` says otherwise.

        Args:
            experiment_ids: Where to look; one id need not be in a list.
        """
        if isinstance(experiment_ids, (str, int)):
            experiment_ids = [experiment_ids]
        return self._store.search_runs(
            experiment_ids=[str(experiment_id) for experiment_id in experiment_ids],
            filter_string=filter_string,
            run_view_type=run_view_type,
            max_results=max_results,
            order_by=order_by,
            page_token=page_token,
        )

    def update_run(self, run_id: str, status: str | None = None, name: str | None = None) -> None:
        """Change a run's status ("RUNNING", "FINISHED", …), its name, or both; the time it ended
        stays."""
        number = RunStatus.from_string(status) if status else None
        self._store.update_run_info(run_id, number, end_time=None, run_name=name)

    def set_terminated(
        self, run_id: str, status: str | None = None, end_time: int | None = None
    ) -> None:
        """End a run; where it was logged to a server, print links to it.

        Args:
            status: "FINISHED", "FAILED" or "KILLED"; None for "FINISHED".
            end_time: Milliseconds since the Unix epoch; None for now.
        """
        number = RunStatus.from_string(status or "FINISHED")
        info = self._store.update_run_info(
            run_id, number, end_time=end_time or get_current_time_millis(), run_name=None
        )
        self._print_links(info)

    def delete_run(self, run_id: str) -> None:
        """Delete a run; it can be restored."""
        self._store.delete_run(run_id)

    def restore_run(self, run_id: str) -> None:
        """Bring back a deleted run."""
        self._store.restore_run(run_id)

    def _print_links(self, info: RunInfo) -> None:
        if not self._tracking_uri.lower().startswith(("http://", "https://")):
            return
        if MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.get():
            return
        scheme, _, rest = self._tracking_uri.rstrip("/").partition("://")
        host, slash, path = rest.partition("/")
        server = f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
        experiment = f"{server}/#/experiments/{info.experiment_id}"
        lines = (
            f"🏃 View run {info.run_name} at: {experiment}/runs/{info.run_id}",
            f"🧪 View experiment at: {experiment}",
        )
        try:
            print("\n".join(lines))
        except UnicodeEncodeError:  # a console with a code page of its own
            print("\n".join(line.encode("ascii", "replace").decode() for line in lines))

    # Metrics, params, tags

    def log_metric(
        self,
        run_id: str,
        key: str,
        value: float,
        timestamp: int | None = None,
        step: int | None = None,
        synchronous: bool | None = None,
        dataset_name: str | None = None,
        dataset_digest: str | None = None,
        model_id: str | None = None,
    ) -> RunOperations | None:
        """Append one value to a metric.

        Args:
            value: A number, or an array or tensor that holds one.
            timestamp: Milliseconds since the Unix epoch; None for now.
            step: None for 0.
            synchronous: False to store it in the background; None for what `enable_async_logging`
                says.
            dataset_name: With `dataset_digest`, the dataset that was measured on.
            model_id: The logged model that was measured; None for the active one, if there is one.

        Returns:
            None, or what to wait for if it is stored in the background.
        """
        if timestamp is None:
            timestamp = int(time.time() * 1000)
        if step is None:
            step = 0
        if model_id is None:
            model_id = active_model_id()
        in_background = _in_background(synchronous)
        if in_background and type(value) is float:
            # The usual call inside a training loop
            queue = getattr(self._store, "_queue", None)
            if queue is not None and model_id is dataset_name is dataset_digest is None:
                operation = queue.log_point(run_id, key, value, step, timestamp)
                if operation is not None:
                    return operation
        if (dataset_name is None) != (dataset_digest is None):
            raise MlflowException.invalid_parameter_value(
                "Both dataset_name and dataset_digest must be provided if one is provided"
            )
        metric = plain_metric(
            Metric(key, value, timestamp, step, model_id, dataset_name, dataset_digest)
        )
        if in_background:
            return self._store.log_metric_async(run_id, metric)
        return self._store.log_metric(run_id, metric)

    def log_param(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> Any:
        """Set a param once and for all, as `str(value)`.

        Returns:
            `value`, or what to wait for if it is stored in the background.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if it has another value already.
        """
        param = Param(key, str(value))
        if _in_background(synchronous):
            return self._store.log_param_async(run_id, param)
        try:
            self._store.log_param(run_id, param)
        except MlflowException as error:
            if error.error_code != "INVALID_PARAMETER_VALUE" or "Changing" not in error.message:
                raise
            raise MlflowException(
                error.message + PARAM_VALIDATION_MSG, error_code=CODES["INVALID_PARAMETER_VALUE"]
            ) from error
        return value

    def set_tag(
        self, run_id: str, key: str, value: Any, synchronous: bool | None = None
    ) -> RunOperations | None:
        """Set a tag to `str(value)`, in place of the value it had; see `log_metric` for the
        rest."""
        tag = RunTag(key, str(value))
        if _in_background(synchronous):
            return self._store.set_tag_async(run_id, tag)
        return self._store.set_tag(run_id, tag)

    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove a tag; MlflowException RESOURCE_DOES_NOT_EXIST if it is not set."""
        self._store.delete_tag(run_id, key)

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric] = (),
        params: Sequence[Param] = (),
        tags: Sequence[RunTag] = (),
        synchronous: bool | None = None,
    ) -> RunOperations | None:
        """Log any number of metrics, params and tags; see `log_metric` for the rest.

        Metrics that name no logged model belong to the active one, if there is one. All is sent in
        parts of at most 1000 (100 params, 100 tags). What fits in one part is logged as a whole or,
        when something in it is refused, not at all.
        """
        plain = [plain_metric(metric) for metric in metrics]
        active = active_model_id()
        if active is not None:
            plain = [_of_model(metric, active) for metric in plain]
        parts = _parts(plain, list(params), list(tags))
        if _in_background(synchronous):
            from mlflow.utils.async_logging.run_operations import get_combined_run_operations

            return get_combined_run_operations(
                [self._store.log_batch_async(run_id, *part) for part in parts]
            )
        for part in parts:
            self._store.log_batch(run_id, *part)
        return None

    def get_metric_history(self, run_id: str, key: str) -> list[Metric]:
        """All values of one metric of one run, ordered by (timestamp, step, value)."""
        history: list[Metric] = []
        token = None
        while True:
            page = self._store.get_metric_history(run_id, key, page_token=token)
            history += page
            token = page.token
            if not token:
                return history

    # What a run read and made

    def log_inputs(
        self,
        run_id: str,
        datasets: Sequence[DatasetInput] | None = None,
        models: Sequence[LoggedModelInput] | None = None,
    ) -> None:
        """Note that the run read these datasets and logged models."""
        self._store.log_inputs(run_id, datasets, models)

    def log_outputs(self, run_id: str, models: list[LoggedModelOutput]) -> None:
        """Note that the run made these logged models."""
        self._store.log_outputs(run_id, models)
        note_made(self, run_id, models)

    # Artifacts

    def log_artifact(self, run_id: str, local_path: str, artifact_path: str | None = None) -> None:
        """Store a file, or a directory under its own name.

        Args:
            artifact_path: Directory among the run's artifacts to put it in; None for the topmost.
        """
        repository = self._artifacts_of(run_id)
        if os.path.isdir(local_path):
            name = os.path.basename(os.path.normpath(local_path))
            repository.log_artifacts(local_path, posixpath.join(artifact_path or "", name))
        else:
            repository.log_artifact(local_path, artifact_path)

    def log_artifacts(self, run_id: str, local_dir: str, artifact_path: str | None = None) -> None:
        """Store all that is in a directory; see `log_artifact`."""
        self._artifacts_of(run_id).log_artifacts(local_dir, artifact_path)

    def log_text(self, run_id: str, text: str, artifact_file: str) -> None:
        """Store a text as the file `artifact_file`, in UTF-8."""
        from mlflow.tracking._files import write_text

        with self._log_artifact_helper(run_id, artifact_file) as path:
            write_text(path, text)

    def log_dict(self, run_id: str, dictionary: dict[str, Any], artifact_file: str) -> None:
        """Store it as YAML if the name ends in `.yml` or `.yaml`, else as JSON."""
        from mlflow.tracking._files import write_dict

        with self._log_artifact_helper(run_id, artifact_file) as path:
            write_dict(path, dictionary)

    def log_stream(self, run_id: str, stream: IO[bytes], artifact_file: str) -> None:
        """Store what a binary stream still has as the file `artifact_file`."""
        from mlflow.tracking._files import write_stream

        with self._log_artifact_helper(run_id, artifact_file) as path:
            write_stream(path, stream)

    def log_figure(
        self,
        run_id: str,
        figure: matplotlib.figure.Figure | plotly.graph_objects.Figure,
        artifact_file: str,
        *,
        save_kwargs: dict[str, Any] | None = None,
    ) -> None:
        """Store a figure in the format that the name's ending says.

        Args:
            save_kwargs: For matplotlib's `savefig`, plotly's `write_html` or plotly's
                `write_image`.
        """
        from mlflow.tracking._files import write_figure

        with self._log_artifact_helper(run_id, artifact_file) as path:
            write_figure(path, figure, save_kwargs)

    def log_image(
        self,
        run_id: str,
        image: numpy.ndarray | PIL.Image.Image | Image,
        artifact_file: str | None = None,
        key: str | None = None,
        step: int | None = None,
        timestamp: int | None = None,
        synchronous: bool | None = None,
    ) -> None:
        """Store an image as the file `artifact_file`, or as one of a series under `key`.

        Args:
            image: Arrays are (height, width) or (height, width, 1, 3 or 4); floats from 0 to 1 or
                integers from 0 to 255.
            key: Name of the series; letters, digits, spaces and `_-./`.
            step: In a series; None for 0.
            timestamp: In a series, milliseconds since the Unix epoch; None for now.
            synchronous: Of a series, False to store it in the background; None for what
                `enable_async_logging` says.

        Raises:
            TypeError: Both or neither of `artifact_file` and `key`, or no image.
        """
        from mlflow.tracking import _images

        _images.check_arguments(artifact_file, key, step, timestamp)
        picture = _images.as_pil(image)
        if artifact_file is not None:
            with self._log_artifact_helper(run_id, artifact_file) as path:
                picture.save(path)
            return
        name = _images.name_in_series(key, step, timestamp)
        if _in_background(synchronous):
            from mlflow.utils.async_logging import async_artifacts_logging_queue

            picture = picture.copy()
            async_artifacts_logging_queue.submit(lambda: self._log_in_series(run_id, picture, name))
        else:
            self._log_in_series(run_id, picture, name)

    def _log_in_series(self, run_id: str, picture: PIL.Image.Image, name: str) -> None:
        from mlflow.tracking._images import store_in_series

        store_in_series(self._artifacts_of(run_id), picture, name)
        if run_id not in self._runs_with_images:
            self._store.set_tag(run_id, RunTag(MLFLOW_LOGGED_IMAGES, "True"))
            self._runs_with_images.add(run_id)

    def log_table(
        self, run_id: str, data: dict[str, Any] | pandas.DataFrame, artifact_file: str
    ) -> None:
        """Append rows to the table `artifact_file`, which begins with the first call.

        Args:
            data: A frame, or a dict of columns; cells may be mlflow.Image.
            artifact_file: Ends in `.json` or `.parquet`.
        """
        from mlflow.tracking import _tables

        _tables.log_table(self, run_id, data, artifact_file)

    def load_table(
        self,
        experiment_id: str,
        artifact_file: str,
        run_ids: list[str] | None = None,
        extra_columns: list[str] | None = None,
    ) -> pandas.DataFrame:
        """The tables `artifact_file` of all runs that have one, one below the other, newest run
        first.

        Args:
            run_ids: Only these runs; None for all of the experiment.
            extra_columns: Columns of `search_runs` to add, such as "run_id".

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if no run has such a table.
        """
        from mlflow.tracking import _tables

        return _tables.load_table(self, str(experiment_id), artifact_file, run_ids, extra_columns)

    def list_artifacts(self, run_id: str, path: str | None = None) -> list[FileInfo]:
        """The files and directories right below `path`, or below the topmost directory."""
        found = self._artifacts_of(run_id).list_artifacts(path)
        if found or not path:
            return found
        from mlflow.store.artifact.runs_artifact_repo import RunsArtifactRepository

        return RunsArtifactRepository(f"runs:/{run_id}", self._tracking_uri).list_artifacts(path)

    def download_artifacts(self, run_id: str, path: str, dst_path: str | None = None) -> str:
        """Copy a file or directory to this machine; the path of the copy.

        Args:
            path: Below the run's artifacts; empty for all of them.
            dst_path: Directory to copy it to, which is made if needed; None for a new temporary
                one, or for no copy of what is on this machine anyway.
        """
        from mlflow import artifacts

        return artifacts.download_artifacts(
            run_id=run_id,
            artifact_path=path,
            dst_path=dst_path,
            tracking_uri=self._tracking_uri,
        )

    @contextmanager
    def _log_artifact_helper(self, run_id: str, artifact_file: str) -> Iterator[str]:
        """A path to write to inside the block; what is there afterwards becomes the artifact."""
        from mlflow.tracking._files import artifact_at

        with artifact_at(self._artifacts_of(run_id), artifact_file) as path:
            yield path

    def _artifacts_of(self, run_id: str) -> ArtifactRepository:
        repository = self._repositories.get(run_id)
        if repository is None:
            repository = self._remember_artifacts(self.get_run(run_id).info)
        return repository

    def _remember_artifacts(self, info: RunInfo) -> ArtifactRepository:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        if len(self._repositories) >= 1000:
            self._repositories.clear()
        repository = self._repositories[info.run_id] = get_artifact_repository(
            info.artifact_uri, tracking_uri=self._tracking_uri
        )
        return repository


def _of_model(metric: Metric, model_id: str) -> Metric:
    """The metric, of this logged model if it names none."""
    if metric.model_id is not None:
        return metric
    return Metric.from_dictionary({**metric.to_dictionary(), "model_id": model_id})


def _in_background(synchronous: bool | None) -> bool:
    return MLFLOW_ENABLE_ASYNC_LOGGING.get() if synchronous is None else not synchronous


def _parts(
    metrics: list[Metric], params: list[Param], tags: list[RunTag]
) -> Iterator[tuple[list[Metric], list[Param], list[RunTag]]]:
    """What one `log_batch` each may bring, in order; one part even when there is nothing, so that
    the run is checked."""
    first = others = 0
    while True:
        some_params = params[others : others + MAX_PARAMS_TAGS_PER_BATCH]
        some_tags = tags[others : others + MAX_PARAMS_TAGS_PER_BATCH]
        others += MAX_PARAMS_TAGS_PER_BATCH
        room = min(
            MAX_METRICS_PER_BATCH, MAX_ENTITIES_PER_BATCH - len(some_params) - len(some_tags)
        )
        yield metrics[first : first + room], some_params, some_tags
        first += room
        if first >= len(metrics) and others >= max(len(params), len(tags)):
            return
