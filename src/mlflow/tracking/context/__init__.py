"""Where a run comes from: the tags that it gets without being asked for."""
