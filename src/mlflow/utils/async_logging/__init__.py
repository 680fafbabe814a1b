"""Logging that returns at once and stores in the background."""
