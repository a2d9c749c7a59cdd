"""The command line. `main` is its only door, and the first of it that Python reads: a signal counts from here on."""

import gc
import os
import signal
from typing import NoReturn


def main() -> NoReturn:
    """Run the command in `sys.argv` and exit with its code. Until it is known nothing is begun: a signal ends that at once."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Not an exception: one in the middle of an import can come out of it as any other.
        signal.signal(number, lambda *_: os._exit(130))
    # Nearly all that a quick command makes lives to its end: looking for garbage is a twentieth of its time.
    gc.set_threshold(100_000, 50, 50)
    from devstack.cli.command import run

    run()
