"""Stores: one contract a topic, adapters beside it."""
