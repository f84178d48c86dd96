"""Linear regression in the modes of its features, and its theory for large sizes."""
