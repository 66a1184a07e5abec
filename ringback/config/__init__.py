"""The settings of one installation: ringback.toml, the environment, widgets, and the owner's own files."""
