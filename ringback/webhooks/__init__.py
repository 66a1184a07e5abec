"""Programs are told what happens to each request."""
