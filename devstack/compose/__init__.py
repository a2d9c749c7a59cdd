"""Compose files and environment -> Stack."""
