"""The database: its engines, its tables, and how they came about."""
