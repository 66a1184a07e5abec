"""What is counted, for the console's pictures and for monitoring."""
