"""The form: shown, read, and stored before the visitor is told anything."""
