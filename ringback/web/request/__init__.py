"""The page of one request: what is true of it, and what its visitor may change."""
