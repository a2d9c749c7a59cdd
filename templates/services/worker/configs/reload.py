"""Runs a command and restarts it when a .py file below the current folder changes. Needs nothing but Python."""

import os
import signal
import subprocess
import sys
import time

SKIPPED = {"__pycache__", "node_modules", "site-packages"}


def seen():
    """{path: time of change} of every Python file, hidden folders left out."""
    found = {}
    for folder, folders, files in os.walk("."):
        folders[:] = [name for name in folders if name not in SKIPPED and not name.startswith(".")]
        for name in files:
            if name.endswith(".py"):
                path = os.path.join(folder, name)
                try:
                    found[path] = os.stat(path).st_mtime_ns
                except OSError:
                    pass  # removed while we looked
    return found


def stop(child):
    child.terminate()
    try:
        child.wait(8)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def main(command):
    child = subprocess.Popen(command)

    def leave(number, frame):
        stop(child)
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    before = seen()
    while child.poll() is None:
        time.sleep(0.5)
        now = seen()
        if now != before:
            changed = sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))
            print("reload: " + ", ".join(changed[:3]) + " changed", file=sys.stderr, flush=True)
            before = now
            stop(child)
            child = subprocess.Popen(command)
    # The process ended by itself: the container ends with it, as it would without us.
    code = child.returncode
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
