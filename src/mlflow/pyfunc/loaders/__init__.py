"""What brings back each kind of model; MLmodel files name these modules."""
