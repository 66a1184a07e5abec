"""Processes of Ringback that are killed, and what became of every request they had taken."""
