"""The form: shown, read, judged, and stored before the visitor is told anything."""
