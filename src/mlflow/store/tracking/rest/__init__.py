"""The tracking store behind a server."""
