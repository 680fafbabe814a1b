"""RPCs of logged models.

Logged models come with a later version, so no store has any yet. Clients of the reference ask for a
run's models before they list its artifacts, and the true answer to that is an empty page. Nothing
else about logged models is served.
"""

from __future__ import annotations

from mlflow.exceptions import MlflowException
from mlflow.rpc.declare import Rpc, rpc
from mlflow.rpc.wire import Int64, Wire


class LoggedModelPage(Wire):
    next_page_token: str | None = None


@rpc(
    "POST",
    "/mlflow/logged-models/search",
    needs=("experiment", "read"),
    response=LoggedModelPage,
    idempotent=True,
)
class SearchLoggedModels(Rpc):
    """One page of the logged models in these experiments: an empty one, since there are none
    yet."""

    experiment_ids: list[str] = []
    filter: str | None = None
    max_results: Int64 | None = None
    page_token: str | None = None

    def answer(self, store) -> LoggedModelPage:
        if not self.experiment_ids:
            raise MlflowException.invalid_parameter_value(
                "Missing value for required parameter 'experiment_ids'. "
                "See the API docs for more information about request parameters."
            )
        return LoggedModelPage()
