"""Passwords in the words of a command."""

from __future__ import annotations

import pytest

from devstack.compose.passwords import passwords_in, value_of


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (["redis-server", "--requirepass", "two words"], "two words"),
        (["redis-server", "--requirepass", ""], ""),
        (["redis-server", "--requirepass=abc"], "abc"),
        (["redis-server --requirepass abc --port 1"], "abc"),
        (["sh", "-c", "redis-server --requirepass 'two words'"], "two words"),
        (["sh", "-c", 'redis-server --requirepass ""'], ""),
        (["sh", "-c", 'redis-server --requirepass "$PASSWORD"'], "$PASSWORD"),
        (["redis-server", "--requirepass-not", "abc"], None),
        (["redis-server"], None),
    ],
)
def test_the_value_of_an_option(words: list[str], value: str | None) -> None:
    assert value_of("--requirepass", words) == value


@pytest.mark.parametrize(
    ("words", "passwords"),
    [
        (["redis-server", "--requirepass", "two words"], ["two words"]),
        (["redis-server --requirepass abcd --appendonly yes"], ["abcd"]),
        (["sh", "-c", "redis-server --requirepass 'two words' --port 1"], ["two words"]),
        (["redis-server", "--masterauth=abcd"], ["abcd"]),
        (["sh", "-c", "redis-cli -a hunter2 ping | grep PONG"], ["hunter2"]),
        (["redis-cli", "-a", "hunter2", "ping"], ["hunter2"]),
        (["CMD-SHELL", "PGPASSWORD='abcd' psql -U shop"], ["abcd"]),
        (["mysqladmin", "ping", "--password=abcd"], ["abcd"]),
        (["app", "--api-key", "abc", "--secret=def"], ["abc", "def"]),
        (["psql", "--no-password", "shop"], []),
        (["app", "--password-file", "/run/secrets/x", "--token=/run/secrets/y"], []),
        (["app", "--pass-through", "abcd", "--token-ttl", "30"], []),
        (["redis-server", "--requirepass", "$PASSWORD"], []),
        (["app", "--password", "--verbose"], []),
    ],
)
def test_the_passwords_of_a_command_are_known_by_their_options(words: list[str], passwords: list[str]) -> None:
    assert list(passwords_in(words)) == passwords
