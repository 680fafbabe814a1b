"""What integrations that log by themselves are made of. Other packages build theirs on it, too.

`autologging_integration` makes a function an `autolog()`; `safe_patch` puts its patches on;
`sessions` tells which piece of work a call belongs to; `autolog` turns on all integrations.
"""

from __future__ import annotations

from mlflow.entities import Metric
from mlflow.utils.autologging_utils.arguments import (
    get_instance_method_first_arg_value,
    get_method_call_arg_value,
    get_mlflow_run_params_for_fn_args,
    log_fn_args_as_params,
)
from mlflow.utils.autologging_utils.batch_metrics import BatchMetricsLogger, batch_metrics_logger
from mlflow.utils.autologging_utils.client import MlflowAutologgingQueueingClient
from mlflow.utils.autologging_utils.config import (
    AUTOLOGGING_CONF_KEY_IS_GLOBALLY_CONFIGURED,
    AUTOLOGGING_INTEGRATIONS,
    autologging_conf_lock,
    autologging_is_disabled,
    disable_autologging,
    disable_discrete_autologging,
    get_autologging_config,
)
from mlflow.utils.autologging_utils.events import AutologgingEventLogger
from mlflow.utils.autologging_utils.examples import (
    ENSURE_AUTOLOGGING_ENABLED_TEXT,
    INPUT_EXAMPLE_SAMPLE_ROWS,
    InputExampleInfo,
    resolve_input_example_and_signature,
)
from mlflow.utils.autologging_utils.integration import (
    autologging_integration,
    gen_autologging_package_version_requirements_doc,
    get_autolog_function,
    is_autolog_supported,
)
from mlflow.utils.autologging_utils.logging_and_warnings import (
    MlflowEventsAndWarningsBehaviorGlobally,
    NonMlflowWarningsBehaviorForCurrentThread,
)
from mlflow.utils.autologging_utils.safety import (
    ExceptionSafeAbstractClass,
    ExceptionSafeClass,
    exception_safe_function_for_class,
    is_testing,
    picklable_exception_safe_function,
    revert_patches,
    safe_patch,
    update_wrapper_extended,
    with_managed_run,
)
from mlflow.utils.autologging_utils.sessions import _get_new_training_session_class
from mlflow.utils.autologging_utils.versioning import (
    FLAVOR_TO_MODULE_NAME,
    get_min_max_version_and_pip_release,
    is_flavor_supported_for_associated_package_versions,
)
from mlflow.utils.validation import MAX_METRICS_PER_BATCH

__all__ = [
    "AUTOLOGGING_CONF_KEY_IS_GLOBALLY_CONFIGURED",
    "AUTOLOGGING_INTEGRATIONS",
    "ENSURE_AUTOLOGGING_ENABLED_TEXT",
    "FLAVOR_TO_MODULE_NAME",
    "INPUT_EXAMPLE_SAMPLE_ROWS",
    "MAX_METRICS_PER_BATCH",
    "AutologgingEventLogger",
    "BatchMetricsLogger",
    "ExceptionSafeAbstractClass",
    "ExceptionSafeClass",
    "InputExampleInfo",
    "Metric",
    "MlflowAutologgingQueueingClient",
    "MlflowEventsAndWarningsBehaviorGlobally",
    "NonMlflowWarningsBehaviorForCurrentThread",
    "_get_new_training_session_class",
    "autologging_conf_lock",
    "autologging_integration",
    "autologging_is_disabled",
    "batch_metrics_logger",
    "disable_autologging",
    "disable_discrete_autologging",
    "exception_safe_function_for_class",
    "gen_autologging_package_version_requirements_doc",
    "get_autolog_function",
    "get_autologging_config",
    "get_instance_method_first_arg_value",
    "get_method_call_arg_value",
    "get_min_max_version_and_pip_release",
    "get_mlflow_run_params_for_fn_args",
    "is_autolog_supported",
    "is_flavor_supported_for_associated_package_versions",
    "is_testing",
    "log_fn_args_as_params",
    "picklable_exception_safe_function",
    "resolve_input_example_and_signature",
    "revert_patches",
    "safe_patch",
    "update_wrapper_extended",
    "with_managed_run",
]
