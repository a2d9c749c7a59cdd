"""devstack: describe a dev environment once, start it, prove that it works."""

__version__ = "0.1.0"
