"""The tracking store in a SQL database."""
