"""The model registry in a SQL database."""
