"""The name of the flavor."""

FLAVOR_NAME = "langchain"
