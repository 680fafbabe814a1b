"""Where registered models are kept."""
