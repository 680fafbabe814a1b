"""The model registry: registered models, their versions, aliases and stages."""

from __future__ import annotations

#: Without a store, registered models are kept beside the runs of this folder.
DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH = "./mlruns"
SEARCH_REGISTERED_MODEL_MAX_RESULTS_DEFAULT = 100
SEARCH_REGISTERED_MODEL_MAX_RESULTS_THRESHOLD = 1000
SEARCH_MODEL_VERSION_MAX_RESULTS_DEFAULT = 10_000
SEARCH_MODEL_VERSION_MAX_RESULTS_THRESHOLD = 200_000
