"""Headers that every request to a tracking server carries."""
