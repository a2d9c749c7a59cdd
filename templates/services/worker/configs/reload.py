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


def say(text):
    print("reload: " + text, file=sys.stderr, flush=True)


def stop(child):
    child.terminate()
    try:
        child.wait(8)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


class Program:
    """The command, started and stopped, also when a signal comes between the two."""

    def __init__(self, command):
        self.command = command
        self.child = None
        self.leaving = 0

    def start(self):
        self.child = None
        try:
            child = subprocess.Popen(self.command)
        except OSError as error:
            sys.exit(f"reload: {self.command[0]} cannot be started: {error.strerror}")
        self.child = child
        if self.leaving:  # told to stop between the fork and knowing the child
            self.leave(self.leaving, None)

    def leave(self, number, frame):
        self.leaving = number
        if self.child is not None:
            stop(self.child)
            sys.exit(128 + number)


def main(command):
    program = Program(command)
    signal.signal(signal.SIGTERM, program.leave)
    signal.signal(signal.SIGINT, program.leave)
    program.start()
    before = seen()
    edited = ended = False
    while True:
        code = program.child.poll()
        if code is not None and not (edited and code):
            # The process ended by itself: the container ends with it, as it would without us.
            return 128 - code if code < 0 else code
        if code and not ended:
            # After an edit it is most likely half an edit; the next one may help.
            say(f"ended with exit {code}, waiting for an edit")
            ended = True
        time.sleep(0.5)
        now = seen()
        if now != before:
            changed = sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))
            say(", ".join(changed[:3]) + " changed")
            before, edited, ended = now, True, False
            stop(program.child)
            program.start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
