"""What operators see and do: the list, what needs a person, acts by hand, and who did what."""
