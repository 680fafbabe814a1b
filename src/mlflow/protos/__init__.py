"""Old public paths of wire constants; see `mlflow.error_codes`."""
