"""Ways to prove who sends a request, chosen by MLFLOW_TRACKING_AUTH."""
