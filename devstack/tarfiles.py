"""`tarfile` with extraction filters and `TarInfo.replace`, which Python 3.11 has from 3.11.4 on and Debian 12's 3.11.2 has not."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING or sys.version_info >= (3, 12):
    import tarfile
else:
    # On all of 3.11, so that one of it is as tested as another.
    from backports import tarfile

__all__ = ["tarfile"]
