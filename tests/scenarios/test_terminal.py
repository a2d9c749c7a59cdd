"""At a terminal: devstack asks before it destroys, shows what is under way, and leaves the terminal as it found it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pexpect
import pytest

from tests.scenarios.checkout import Checkout, command, surroundings, wait_for
from tests.scenarios.conftest import MakeCheckout
from tests.scenarios.stacks import DATABASE, PAIR, one

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


ASKED = "\x1b[6n"


class Terminal:
    """devstack at a terminal of 80 columns, and all that it wrote there."""

    def __init__(self, stack: Checkout, *arguments: str) -> None:
        [program, *rest] = command(*arguments)
        environment = surroundings(TERM="xterm-256color")
        self.child = pexpect.spawn(
            program, rest, cwd=str(stack.folder), env=environment, encoding="utf-8", timeout=60, dimensions=(40, 80)
        )
        self.written = ""

    def until(self, text: str) -> None:
        """Read as far as the text. A program that asks where the cursor is gets its answer, as from every terminal."""
        while True:
            found = self.child.expect_exact([text, ASKED])
            self.written += self.child.before + self.child.after
            if found == 0:
                return
            self.child.send("\x1b[1;80R")

    def end(self) -> int:
        self.child.expect(pexpect.EOF)
        self.written += self.child.before
        self.child.close()
        assert "Traceback" not in self.written and "[bug]" not in self.written, self.written
        return int(self.child.exitstatus if self.child.exitstatus is not None else -self.child.signalstatus)

    @property
    def text(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.written)


@pytest.fixture(scope="module")
def database(standing: MakeCheckout) -> Checkout:
    made = standing(DATABASE)
    made.devstack("up")
    return made


@pytest.fixture
def row(database: Checkout) -> Iterator[Checkout]:
    database.sql("delete from note; insert into note (body) values ('here')")
    yield database


@pytest.mark.parametrize("answer", ["n", "", "maybe"])
def test_reset_asks_and_anything_but_yes_changes_nothing(row: Checkout, answer: str) -> None:
    before = row.ids()
    terminal = Terminal(row, "reset")
    terminal.until("[y/N] ")
    assert "db/shop" in terminal.text and "1 table" in terminal.text and "devstack undo" in terminal.text
    terminal.child.sendline(answer)
    assert terminal.end() == 7
    assert row.ids() == before and row.rows() == "here"


def test_reset_that_is_agreed_to_empties(row: Checkout) -> None:
    terminal = Terminal(row, "reset")
    terminal.until("[y/N] ")
    terminal.child.sendline("y")
    assert terminal.end() == 0, terminal.text
    assert row.rows() == ""
    terminal = Terminal(row, "undo")
    terminal.until("[y/N] ")
    terminal.child.sendline("y")
    assert terminal.end() == 0, terminal.text
    assert row.rows() == "here"


def test_ctrl_c_at_the_question_changes_nothing(row: Checkout) -> None:
    terminal = Terminal(row, "reset")
    terminal.until("[y/N] ")
    terminal.child.sendintr()
    assert terminal.end() == 130
    assert row.rows() == "here"


def test_up_shows_a_live_view_and_ends_with_the_table(checkout: MakeCheckout) -> None:
    pair = checkout(PAIR)
    terminal = Terminal(pair, "up")
    assert terminal.end() == 0, terminal.text
    lines = [line.rstrip() for line in terminal.text.replace("\r", "\n").splitlines()]
    assert any(re.match(r" +app +healthy +http://localhost:\d+", line) for line in lines), terminal.text
    assert any("ready in" in line for line in lines)
    assert terminal.written.rfind(SHOW) >= terminal.written.rfind(HIDE)


def test_ctrl_c_in_the_live_view_gives_the_cursor_back(checkout: MakeCheckout) -> None:
    stack = checkout(
        one('command: [sleep, "1000"]\ninit: true\nhealthcheck: {test: [CMD, "false"], interval: 60s, start_period: 60s}')
    )
    terminal = Terminal(stack, "up")
    wait_for(lambda: any(c.running for c in stack.containers().values()))
    terminal.child.sendintr()
    assert terminal.end() == 130, terminal.text
    assert terminal.written.rfind(SHOW) >= terminal.written.rfind(HIDE)
    assert "interrupted" in terminal.text


def test_exec_gives_the_program_a_terminal_of_the_same_size(checkout: MakeCheckout) -> None:
    pair = checkout(PAIR)
    pair.devstack("up")
    terminal = Terminal(pair, "exec", "app", "sh")
    terminal.until("/ # ")
    terminal.child.sendline("stty size; exit 5")
    terminal.until("40 80")
    assert terminal.end() == 5


def test_db_shell_at_a_terminal_is_psql_and_ctrl_c_ends_only_the_query(row: Checkout) -> None:
    terminal = Terminal(row, "db-shell")
    terminal.until("shop=")
    terminal.child.sendline("select pg_sleep(600);")
    wait_for(lambda: row.sql("select count(*) from pg_stat_activity where query like 'select pg_sleep(600)%'") == "1")
    terminal.child.sendintr()
    terminal.until("canceling statement")
    terminal.child.sendline("select body from note;")
    terminal.until("here")
    terminal.child.sendline("\\q")
    assert terminal.end() == 0
