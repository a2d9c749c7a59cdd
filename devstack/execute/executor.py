"""The executor: a small scheduler over daemon threads.

Steps that talk to the engine run on threads, at most `WIDTH` at once; waits cost no thread, they are fed by the event stream. The
main thread sleeps in one queue, so Ctrl-C is answered at once whatever the engine does.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TypeAlias

from devstack.compose.model import Stack
from devstack.engine.base import Engine, Event, Health, Progress
from devstack.errors import DevstackError, NotFound
from devstack.execute.actions import Actions
from devstack.execute.asking import exit_code
from devstack.execute.evidence import failure, why_not_yet
from devstack.execute.results import Happened, Outcome, Phase, Results
from devstack.execute.waiting import Verdict, Wait, probe_command
from devstack.plan.steps import Await, Plan, Start, Step, Stop, Until

WIDTH = 8
GRACE = 10.0
"""Seconds that steps under way get to end after another one failed; pulls and builds are not waited for."""
LOOK_AGAIN = 5.0
"""Seconds after which a wait asks the engine itself, should an event have been lost."""
PROBE_PAUSE = 0.2
CANNOT_RUN = (3, 126, 127)
"""Exit codes of a question that makes no sense in this image: refused by pg_isready, not executable, not there."""

Observer: TypeAlias = Callable[[Happened], None]


class _Ended:
    """A thread's word that its step ended."""

    __slots__ = ("error", "key", "text")

    def __init__(self, key: str, text: str, error: DevstackError | None) -> None:
        self.key, self.text, self.error = key, text, error


_Message: TypeAlias = "_Ended | Event | tuple[str, Progress]"


class Executor:
    """Carries out one plan. `timeout` bounds the whole run in seconds; `deadlines` are monotonic."""

    def __init__(self, engine: Engine, stack: Stack, actions: Actions, *, observer: Observer | None = None, timeout: float = 600.0):
        self.engine = engine
        self.stack = stack
        self.actions = actions
        self.observer = observer or (lambda happened: None)
        self.timeout = timeout
        self.messages: queue.Queue[_Message | BaseException] = queue.Queue()
        self.waits: dict[str, Wait] = {}
        self.seen: dict[str, list[tuple[Event, float]]] = {}
        self.plan: dict[str, Step] = {}
        self.lost: set[str] = set()
        self.active: dict[str, Step] = {}
        self.begun: dict[str, float] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.failed = False
        self.zero = 0.0
        self.stop_at = 0.0

    def run(self, plan: Plan) -> Results:
        """Carry out the plan; failed steps are in the results, not raised. Raises `EngineError` when the engine goes away for good,
        and lets KeyboardInterrupt through."""
        self.zero = time.monotonic()
        pending = {step.key: step for step in plan.steps}
        self.plan = dict(pending)
        keys = frozenset(pending)
        with ExitStack() as stack:
            if any(isinstance(step, Await) for step in plan.steps):
                self._subscribe(stack.enter_context(self.engine.watch(self.stack.name)))
            while pending or self.active or self.waits:
                self._begin_ready(pending, keys)
                if not self.active and not self.waits:
                    break
                if self.failed and self._is_over():
                    break
                self._take_one()
        return Results(outcomes=dict(self.outcomes), skipped=tuple(pending), seconds=time.monotonic() - self.zero)

    # Scheduling

    def _begin_ready(self, pending: dict[str, Step], keys: frozenset[str]) -> None:
        if self.failed:
            return
        for key, step in list(pending.items()):
            if len(self.active) >= WIDTH:
                return
            if self._is_ready(step, keys):
                del pending[key]
                self._begin(step)

    def _is_ready(self, step: Step, keys: frozenset[str]) -> bool:
        done = all(key not in keys or (key in self.outcomes and self.outcomes[key].error is None) for key in step.after)
        return done and all(key not in keys or key in self.outcomes or key in self.lost for key in settled(step))

    def _lose(self, key: str) -> bool:
        """A step failed: note which ones will never begin because of it. True when another goes on without one of them."""
        lost = {key}
        # The plan's order respects `after`, so one pass finds them all.
        for step in self.plan.values():
            if step.after & lost:
                lost.add(step.key)
        self.lost |= lost
        return any(settled(step) & lost for step in self.plan.values())

    def _begin(self, step: Step) -> None:
        self.begun[step.key] = time.monotonic()
        self.observer(Happened(step=step, phase=Phase.BEGUN))
        if isinstance(step, Await):
            self._begin_wait(step)
            return
        self.active[step.key] = step
        threading.Thread(target=self._work, args=(step,), daemon=True, name=step.key).start()

    def _work(self, step: Step) -> None:
        def progress(news: Progress) -> None:
            self.messages.put((step.key, news))

        try:
            text = self.actions.do(step, progress)
        except DevstackError as error:
            self.messages.put(_Ended(step.key, "", error))
        except BaseException as bug:  # noqa: BLE001 - a thread's crash must reach the main thread, not vanish
            self.messages.put(bug)
        else:
            self.messages.put(_Ended(step.key, text, None))

    # Waiting

    def _subscribe(self, events: Iterator[Event]) -> None:
        def pump() -> None:
            try:
                for event in events:
                    self.messages.put(event)
            except DevstackError as error:
                self.messages.put(error)

        threading.Thread(target=pump, daemon=True, name="events").start()

    def _begin_wait(self, step: Await) -> None:
        now = time.monotonic()
        container = step.container or self.actions.id_of(step.service.name, step.number)
        wait = Wait(step=step, container=container, begun=now, deadline=self.zero + self.timeout)
        self.waits[step.key] = wait
        for event, when in self.seen.get(container, []):
            wait.see(event, when)
        # Only an inspect tells whether the image itself brings a probe, and what a container that was there already is like.
        if step.container or step.service.healthcheck is None or not self.seen.get(container):
            self._look(wait)
        if wait.probed and (wait.slow or not self.engine.info.fast_health):
            self._probe(wait, probe_command(wait.step.service.healthcheck), Event(action="health_status", health=Health.HEALTHY))
        if wait.asks:
            self._probe(wait, wait.asks, Event(action="answers"))
        self._judge(step.key)

    def _look(self, wait: Wait) -> None:
        try:
            container = self.engine.inspect(wait.container)
        except NotFound:
            wait.verdict = Verdict.GONE
            return
        wait.look(container)
        age = time.monotonic() - wait.begun
        if age >= LOOK_AGAIN:
            self.observer(Happened(step=wait.step, phase=Phase.PROGRESS, seconds=age, text=why_not_yet(self.engine, container)))

    def _probe(self, wait: Wait, command: Sequence[str], then: Event) -> None:
        """Where the engine has no fast start cadence for a container, or no probe at all: run one ourselves until it passes."""
        if not command:
            return

        def probe() -> None:
            while wait.verdict is Verdict.OPEN:
                code = exit_code(self.engine, wait.container, command)  # None: not running yet, or any more; the events tell which
                if code == 0:
                    self.messages.put(replace(then, container=wait.container))
                    return
                if code in CANNOT_RUN and then.action == "answers":
                    self.messages.put(Event(action="cannot answer", container=wait.container))
                    return
                time.sleep(PROBE_PAUSE)

        threading.Thread(target=probe, daemon=True, name=f"probe:{wait.step.service.name}").start()

    def _judge(self, key: str) -> None:
        wait = self.waits.get(key)
        if wait is None:
            return  # one that was judged a moment ago ended them all
        verdict = wait.judge(time.monotonic())
        if verdict is Verdict.OPEN:
            return
        del self.waits[key]
        seconds = time.monotonic() - wait.begun
        if verdict is Verdict.GOOD:
            self._end(wait.step, self._good(wait), None)
        else:
            self._end(wait.step, "", failure(self.engine, wait, seconds))

    @staticmethod
    def _good(wait: Wait) -> str:
        if wait.step.until is Until.COMPLETED or not wait.running:
            return "completed"
        return "healthy" if wait.probed else "answers" if wait.answered else "running"

    # The queue

    def _take_one(self) -> None:
        now = time.monotonic()
        moments = [wait.next_look(now) for wait in self.waits.values()] + ([self.stop_at - now] if self.failed else [])
        pause = min([LOOK_AGAIN, *moments])
        try:
            message = self.messages.get(timeout=max(pause, 0.005))
        except queue.Empty:
            self._look_again(stale=pause >= LOOK_AGAIN)
            return
        match message:
            case _Ended():
                self._end(self.active.pop(message.key), message.text, message.error)
            case Event():
                self._event(message)
            case BaseException():
                raise message
            case (key, news):
                self._progress(key, news)

    def _event(self, event: Event) -> None:
        if event.lost:
            self._look_again(stale=True)
            return
        now = time.monotonic()
        self.seen.setdefault(event.container, []).append((event, now))
        for key, wait in list(self.waits.items()):
            if wait.container == event.container:
                wait.see(event, now)
                self._judge(key)

    def _look_again(self, *, stale: bool) -> None:
        for key, wait in list(self.waits.items()):
            if stale and key in self.waits:
                self._look(wait)
            self._judge(key)

    def _progress(self, key: str, news: Progress) -> None:
        step = self.active.get(key)
        if step is not None:
            fraction = news.done / news.total if news.total else None
            age = time.monotonic() - self.begun[key]
            self.observer(Happened(step=step, phase=Phase.PROGRESS, seconds=age, text=news.text, fraction=fraction))

    def _end(self, step: Step, text: str, error: DevstackError | None) -> None:
        now = time.monotonic()
        begun = self.begun[step.key]
        self.outcomes[step.key] = Outcome(step=step, begun=begun - self.zero, ended=now - self.zero, text=text, error=error)
        phase = Phase.DONE if error is None else Phase.FAILED
        self.observer(Happened(step=step, phase=phase, seconds=now - begun, text=text or (error.message if error else "")))
        if error is not None and not self._lose(step.key) and not self.failed:
            self.failed = True
            self.waits.clear()
            self.stop_at = now + GRACE

    def _is_over(self) -> bool:
        """After a failure: whether nothing is left that must be let to its end."""
        return time.monotonic() >= self.stop_at or not any(self.actions.must_end(step) for step in self.active.values())


def settled(step: Step) -> frozenset[str]:
    """The keys that a step waits for the end of, good or bad."""
    return step.settled if isinstance(step, Start | Stop) else frozenset()
