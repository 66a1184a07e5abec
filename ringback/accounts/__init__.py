"""People with an account: who they are, and what they may do and see."""
