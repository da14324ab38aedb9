"""Migrations, oldest first. Each is written out, never generated at run time, and runs beside the code before it."""
