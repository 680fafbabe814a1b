"""The model registry in a folder."""
