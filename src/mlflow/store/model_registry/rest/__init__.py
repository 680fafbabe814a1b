"""The model registry behind a server."""
