"""Where the files of runs and models are kept: one contract, an adapter for each kind of place."""
