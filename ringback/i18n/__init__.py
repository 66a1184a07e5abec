"""What is said in which language, and on whose clock."""
