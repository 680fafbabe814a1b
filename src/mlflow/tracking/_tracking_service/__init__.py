"""Where runs are kept: the tracking URI and its store."""
