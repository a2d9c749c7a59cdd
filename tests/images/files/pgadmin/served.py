"""The WSGI application of pgAdmin in server mode, for gunicorn."""

# pgAdmin4 is in the image, not here, and reads its mode from builtins.
# mypy: disable-error-code="import-not-found,attr-defined"
import builtins

builtins.SERVER_MODE = True

from pgAdmin4 import app  # noqa: E402

__all__ = ["app"]
