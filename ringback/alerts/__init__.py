"""A person is told."""
