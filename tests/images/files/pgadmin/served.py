"""The WSGI application of pgAdmin in server mode, for gunicorn."""

import builtins

builtins.SERVER_MODE = True

from pgAdmin4 import app  # noqa: E402

__all__ = ["app"]
