"""Runs a command on a five-field schedule. Needs nothing but Python.

scheduler.py SCHEDULE TIMEZONE [--at-start] -- COMMAND...
scheduler.py --healthy       exit 0 while the scheduler lives
"""

import os
import signal
import subprocess
import sys
import time

HEARTBEAT = "/tmp/devstack-scheduler"
BEAT = 5  # seconds between heartbeats
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
NAMES = (
    {},
    {},
    {},
    {name: number for number, name in enumerate(MONTHS, 1)},
    {name: number for number, name in enumerate(DAYS)},
)


def parse(schedule):
    """Five sets of numbers, and whether day of month and day of week are both given (then either one is enough)."""
    fields = schedule.split()
    if len(fields) != 5:
        raise ValueError(f"five fields expected, got {schedule!r}")
    sets = [numbers(field, *RANGES[place], NAMES[place]) for place, field in enumerate(fields)]
    sets[4] = {day % 7 for day in sets[4]}
    return sets, not fields[2].startswith("*") and not fields[4].startswith("*")


def numbers(field, low, high, names):
    found = set()
    for part in field.lower().split(","):
        span, slash, step = part.partition("/")
        step = int(step) if slash else 1
        if span == "*":
            first, last = low, high
        else:
            first, dash, last = span.partition("-")
            first = names.get(first) if first in names else int(first)
            last = (names.get(last) if last in names else int(last)) if dash else (high if slash else first)
        if step < 1 or not low <= first <= last <= high:
            raise ValueError(f"{part!r} is not within {low}-{high}")
        found.update(range(first, last + 1, step))
    return found


def due(when, sets, either):
    """Is the schedule due in the minute of this datetime?"""
    minutes, hours, days, months, weekdays = sets
    if when.minute not in minutes or when.hour not in hours or when.month not in months:
        return False
    day, weekday = when.day in days, (when.weekday() + 1) % 7 in weekdays
    return (day or weekday) if either else (day and weekday)


def say(text):
    print("cron: " + text, flush=True)


def beat():
    with open(HEARTBEAT, "w"):
        pass


def healthy():
    try:
        age = time.time() - os.stat(HEARTBEAT).st_mtime
    except OSError:
        return "the scheduler has not started"
    return 0 if age < 6 * BEAT else f"no heartbeat for {age:.0f} s"


class Job:
    """The command, and the run of it that is going on."""

    def __init__(self, command):
        self.command = command
        self.child = None
        self.starting = False
        self.leaving = False
        self.runs = 0

    def run(self):
        """Run to the end, with heartbeats."""
        self.runs += 1
        say(f"run {self.runs} starts")
        started = time.monotonic()
        self.starting = True
        try:
            self.child = subprocess.Popen(self.command)
        except OSError as error:
            say(f"run {self.runs} failed: {error}")
            return
        finally:
            self.starting = False
            if self.leaving:  # told to stop between the fork and knowing the child
                self.stop(None, None)
        while True:
            beat()
            try:
                code = self.child.wait(BEAT)
                break
            except subprocess.TimeoutExpired:
                continue
        self.child = None
        how = "done" if code == 0 else f"failed with exit {code}"
        say(f"run {self.runs} {how} after {time.monotonic() - started:.1f} s")

    def stop(self, number, frame):
        self.leaving = True
        if self.starting:
            return
        if self.child is not None:
            self.child.terminate()
            try:
                self.child.wait(8)
            except subprocess.TimeoutExpired:
                self.child.kill()
        sys.exit(0)


def main(arguments):
    from datetime import datetime, timezone

    split = arguments.index("--")
    options, command = arguments[:split], arguments[split + 1 :]
    schedule, zone_name = options[0], options[1]
    if zone_name == "UTC":
        zone = timezone.utc
    else:
        from zoneinfo import ZoneInfo

        zone = ZoneInfo(zone_name)
    sets, either = parse(schedule)
    job = Job(command)
    signal.signal(signal.SIGTERM, job.stop)
    signal.signal(signal.SIGINT, job.stop)
    beat()
    say(f"schedule {schedule} ({zone_name}): {' '.join(command)}")
    if "--at-start" in options:
        job.run()
    minute = int(time.time() // 60)
    while True:
        beat()
        now = int(time.time() // 60)
        # A run may have lasted for minutes, or the machine slept: what was missed runs once, late.
        missed = [
            at for at in range(max(minute + 1, now - 60), now + 1) if due(datetime.fromtimestamp(at * 60, zone), sets, either)
        ]
        minute = max(now, minute) if now >= minute - 60 else now
        if missed:
            job.run()
            continue
        time.sleep(min(BEAT, 60 - time.time() % 60 + 0.01))


if __name__ == "__main__":
    if sys.argv[1:] == ["--healthy"]:
        sys.exit(healthy())
    sys.exit(main(sys.argv[1:]))
