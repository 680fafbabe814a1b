"""Data in the form that evaluations take: features, labels and predictions apart."""

from __future__ import annotations

import hashlib
import logging
import struct
from collections.abc import Callable
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.utils.optional import require

_logger = logging.getLogger(__name__)

_NOT_2D = (
    "If the `data` argument is a numpy array, it must be a 2-dimensional array, with the second "
    "dimension representing the number of features. If the `data` argument is a list, each of "
    "its elements must be a feature array of the numpy array or list, and all elements must "
    "have the same length."
)


class EvaluationDataset:
    """Features, labels and predictions to evaluate a model on.

    Args:
        data: A pandas or Spark table, a two-dimensional numpy array, or a list of rows.
        targets: Of a table, the column of labels; else an array or list of labels.
        name: None for the hash of the content.
        path: Where the data lies; only shown.
        feature_names: Of a table, the columns that are features (None for all others); else the
            names of the array's columns (None for feature_1, feature_2, ...).
        predictions: Of a table, the column of what a model did predict.
        digest: Of the dataset that this was made of.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if these do not fit together.
    """

    NUM_SAMPLE_ROWS_FOR_HASH = 5
    SPARK_DATAFRAME_LIMIT = 10000

    def __init__(
        self,
        data: Any,
        *,
        targets: Any = None,
        name: str | None = None,
        path: str | None = None,
        feature_names: list[str] | None = None,
        predictions: Any = None,
        digest: str | None = None,
    ) -> None:
        for what, text in (("name", name), ("path", path)):
            if text is not None and '"' in str(text):
                raise MlflowException.invalid_parameter_value(
                    f'Dataset {what} cannot include a double quote (") but got {text}'
                )
        if feature_names is not None and len(set(feature_names)) < len(feature_names):
            raise MlflowException.invalid_parameter_value(
                "`feature_names` argument must be a list containing unique feature names."
            )
        self._user_specified_name = name
        self._path = path
        self._digest = digest
        self._targets_name: str | None = None
        self._predictions_name: Any = None
        self._labels_data: Any = None
        self._predictions_data: Any = None
        self._take(data, targets, predictions, feature_names)
        self._has_targets = targets is not None
        self._has_predictions = predictions is not None
        self._hash = self._compute_hash()

    def _take(self, data: Any, targets: Any, predictions: Any, feature_names: Any) -> None:
        from mlflow.types.utils import _is_array, _is_pandas, _is_spark_df

        if _is_spark_df(data):
            data = self._from_spark(data)
        if _is_pandas(data, "DataFrame"):
            self._take_table(data, targets, predictions, feature_names)
        elif predictions is not None:
            raise _predictions_need_table()
        elif _is_array(data) or isinstance(data, list):
            self._take_array(data, targets, feature_names)
        else:
            raise MlflowException.invalid_parameter_value(
                "The data argument must be a numpy array, a list or a Pandas DataFrame, or "
                "spark DataFrame if pyspark package installed."
            )

    def _from_spark(self, data: Any) -> Any:
        limit = self.SPARK_DATAFRAME_LIMIT
        if data.count() > limit:
            _logger.warning("Only the first %d rows of the Spark DataFrame are used.", limit)
        return data.limit(limit).toPandas()

    def _take_table(self, data: Any, targets: Any, predictions: Any, feature_names: Any) -> None:
        if targets is not None and not isinstance(targets, str):
            raise MlflowException.invalid_parameter_value(
                "If data is a Pandas DataFrame or Spark DataFrame, `targets` argument must be "
                "the name of the column which contains evaluation labels in the `data` dataframe."
            )
        if targets is not None:
            self._labels_data = _column(data, targets).to_numpy()
            self._targets_name = targets
        if predictions is not None:
            self._predictions_data = _column(data, predictions).to_numpy()
            self._predictions_name = predictions
        if feature_names is not None:
            self._features_data = _column(data, list(feature_names))
            self._feature_names = feature_names
            return
        others = {one for one in (targets, predictions) if isinstance(one, str)}
        if isinstance(predictions, list):
            others.update(predictions)
        self._features_data = data.drop(columns=list(others))
        self._feature_names = [
            name if isinstance(name, str) else f"feature_{name}"
            for name in self._features_data.columns
        ]

    def _take_array(self, data: Any, targets: Any, feature_names: Any) -> None:
        from mlflow.types.utils import _is_array

        np = require("numpy", extra="pandas")
        if targets is not None and not (_is_array(targets) or isinstance(targets, list)):
            raise MlflowException.invalid_parameter_value(
                "If data is a numpy array or list of evaluation features, `targets` argument "
                "must be a numpy array or list of evaluation labels."
            )
        try:
            self._features_data = np.asarray(data)
        except ValueError as error:  # rows of different lengths
            raise MlflowException.invalid_parameter_value(_NOT_2D) from error
        if self._features_data.ndim != 2:
            raise MlflowException.invalid_parameter_value(_NOT_2D)
        rows, columns = self._features_data.shape
        if targets is not None:
            self._labels_data = np.asarray(targets)
            if len(self._labels_data) != rows:
                raise MlflowException.invalid_parameter_value(
                    "The input features example rows must be the same length with labels array."
                )
        if feature_names is not None and len(feature_names) != columns:
            raise MlflowException.invalid_parameter_value(
                "feature name list must be the same length with feature data."
            )
        digits = len(str(columns))
        self._feature_names = (
            [f"feature_{number:0{digits}}" for number in range(1, columns + 1)]
            if feature_names is None
            else list(feature_names)
        )

    def _compute_hash(self) -> str:
        md5 = hashlib.md5(usedforsecurity=False)
        for part in (self._features_data, self._labels_data, self._predictions_data):
            if part is not None:
                _hash_rows(md5.update, part, self.NUM_SAMPLE_ROWS_FOR_HASH)
        md5.update(",".join(map(str, self._feature_names)).encode())
        return md5.hexdigest()

    @property
    def feature_names(self) -> list[str]:
        """Names of the features."""
        return self._feature_names

    @property
    def features_data(self) -> Any:
        """The features: a pandas table or a numpy array."""
        return self._features_data

    @property
    def labels_data(self) -> Any:
        """The labels, a numpy array; None without targets."""
        return self._labels_data

    @property
    def has_targets(self) -> bool:
        """True when there are labels."""
        return self._has_targets

    @property
    def targets_name(self) -> str | None:
        """Column of the labels; None if they were an array."""
        return self._targets_name

    @property
    def predictions_data(self) -> Any:
        """What a model did predict, a numpy array; None without."""
        return self._predictions_data

    @property
    def has_predictions(self) -> bool:
        """True when there are predictions."""
        return self._has_predictions

    @property
    def predictions_name(self) -> str | None:
        """Column of the predictions."""
        return self._predictions_name

    @property
    def name(self) -> str:
        """The given name, or the hash."""
        return self._hash if self._user_specified_name is None else self._user_specified_name

    @property
    def path(self) -> str | None:
        """Where the data lies."""
        return self._path

    @property
    def hash(self) -> str:
        """32 hex digits that change with the number of rows, the first and last five, and names."""
        return self._hash

    @property
    def _metadata(self) -> dict[str, str]:
        known = {"name": self.name, "hash": self.hash}
        return known if self.path is None else {**known, "path": self.path}

    @property
    def digest(self) -> str | None:
        """The digest of the dataset that this was made of."""
        return self._digest

    def __hash__(self) -> int:
        return hash(self.hash)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EvaluationDataset) and (
            (self.hash, self.name, self.path) == (other.hash, other.name, other.path)
        )


def convert_data_to_mlflow_dataset(
    data: Any, targets: Any = None, predictions: Any = None, name: str | None = None
) -> Any:
    """The dataset that holds `data`; `data` itself if it is neither table, array nor list."""
    from mlflow.types.utils import _is_array, _is_pandas, _is_spark_df

    if predictions is not None and not (_is_pandas(data, "DataFrame") or _is_spark_df(data)):
        raise _predictions_need_table()
    if _is_pandas(data, "DataFrame"):
        from mlflow.data.pandas_dataset import from_pandas

        return from_pandas(data, targets=targets, predictions=predictions, name=name)
    if _is_spark_df(data):
        from mlflow.data.spark_dataset import from_spark

        return from_spark(data, targets=targets, predictions=predictions, name=name)
    if _is_array(data) or isinstance(data, list):
        from mlflow.data.numpy_dataset import from_numpy

        as_array = require("numpy", extra="pandas").asarray
        targets = as_array(targets) if isinstance(targets, list) else targets
        return from_numpy(as_array(data), targets=targets, name=name)
    _logger.info("Data of type %s is evaluated, but not logged as a dataset.", type(data))
    return data


def _predictions_need_table() -> MlflowException:
    return MlflowException.invalid_parameter_value(
        "If predictions is specified, data must be one of the following types, or an MLflow "
        "Dataset that represents one of the following types: pandas.DataFrame, "
        "pyspark.sql.DataFrame."
    )


def _column(data: Any, name: Any) -> Any:
    try:
        return data[name]
    except KeyError as error:
        raise MlflowException.invalid_parameter_value(
            f"The data has no column {name!r}; its columns are {list(data.columns)}"
        ) from error


# The hash, found by experiments. 64-bit numbers are written big-endian. Of a table, each row has
# one number; of an array, each item, followed by the shape.


def _hash_rows(update: Callable[[bytes], None], data: Any, sample: int) -> None:
    """Add the number of rows, then the first and the last `sample` of them."""
    update(_packed([len(data)]))
    if len(data) < 2 * sample:
        update(_hash_part(data))
    else:
        update(_hash_part(data[:sample]))
        update(_hash_part(data[-sample:]))


def _hash_part(data: Any) -> bytes:
    pd = require("pandas", extra="pandas")
    if isinstance(data, pd.DataFrame):
        each = data.map if hasattr(data, "map") else data.applymap  # pandas before 2.1
        return _packed(pd.util.hash_pandas_object(each(_hashable)))
    return _hash_items(data)


def _hashable(cell: Any) -> Any:
    """A cell of a table; lists, arrays, dictionaries and the like as the bytes of their hash."""
    return cell if type(cell).__hash__ is not None else _hash_items(cell)


def _hash_items(data: Any) -> bytes:
    """Hashes of the items of a list or array and its shape; b"" if they cannot be hashed."""
    np = require("numpy", extra="pandas")
    if isinstance(data, dict):
        values = list(data.values())
        hashed = _hash_items(values) or b"".join(map(_hash_items, values))
        return _hash_items(list(data)) + hashed
    try:
        array = np.array(data)
        items = array.flatten()
        if items.size and isinstance(items[0], dict):
            return b"".join(map(_hash_items, items))
        hashes = require("pandas", extra="pandas").util.hash_array(items)
    except (TypeError, ValueError):  # sets; rows of different lengths
        return b""
    return _packed(hashes) + _packed(array.shape)


def _packed(numbers: Any) -> bytes:
    return struct.pack(f">{len(numbers)}Q", *numbers)
