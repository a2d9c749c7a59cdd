"""SQL files that are wrong, through `devstack up` on a running database: the place, the remedy, and nothing of the file stays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenarios.checkout import Checkout
from tests.scenarios.conftest import MakeCheckout
from tests.scenarios.stacks import DATABASE

BAD = "db/500_bad.sql"
# name: (SQL, place in the file, words)
WRONG: dict[str, tuple[str | bytes, str, tuple[str, ...]]] = {
    "misspelt keyword": ("select 1;\ncreate tabel bad (id int);\n", "2:8", ("tabel", "42601")),
    "unknown column": ("create table bad (id int);\ncreate index i\n  on bad (nmae);\n", "3:", ("nmae", "42703")),
    "unknown table": ("create table bad (id int);\nselect * from nope;\n", "2:15", ("nope", "42P01")),
    "table there already": ("create table bad (id int);\ncreate table note (id int);\n", "2:1", ("note", "already exists")),
    "key twice": ("create table bad (id int primary key);\ninsert into bad values (1), (1);\n", "2:1", ("23505",)),
    "check broken": ("create table bad (n int check (n >= 0));\ninsert into bad values (-1);\n", "2:1", ("23514",)),
    "error in a DO block": ("create table bad (id int);\ndo $$\nbegin\n  raise exception 'no';\nend $$;\n", "4:3", ("no",)),
    "string never closed": ("create table bad (id int);\nselect 'open;\n", "2:8", ("never closed",)),
    "division by zero": ("create table bad (id int);\nselect 1 / 0;\n", "2:1", ("division by zero",)),
    "a savepoint that nobody made": ("savepoint a;\nrollback to b;\n", "2:1", ("savepoint",)),
    "an include that is not there": ("\\i other.sql\n", "1:", ("other.sql",)),
    "merge conflict": ("select 1;\n<<<<<<< HEAD\nselect 2;\n=======\n>>>>>>> x\n", "2:1", ("conflict",)),
    "NUL byte": ("create table bad (id int);\n\0select 1;\n", "2:1", ("NUL",)),
    "not UTF-8": (b"create table bad (id int);\nselect 'gr\xfc\xdfe';\n", "2:", ("UTF-8",)),
    "smart quotes": ("create table bad (id int);\nselect \u2018x\u2019;\n", "2:8", ("U+2018",)),
}  # fmt: skip


@pytest.fixture(scope="module")
def database(standing: MakeCheckout) -> Checkout:
    made = standing(DATABASE)
    made.devstack("up")
    return made


@pytest.fixture
def clean(database: Checkout) -> Iterator[Checkout]:
    yield database
    (database.folder / BAD).unlink(missing_ok=True)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_sql_file_is_told_at_its_place_and_leaves_nothing(name: str, clean: Checkout) -> None:
    sql, place, words = WRONG[name]
    (clean.folder / BAD).write_bytes(sql if isinstance(sql, bytes) else sql.encode())
    ran = clean.devstack("up", code=None)
    assert ran.code in (1, 2), ran
    assert f"error: {BAD}:{place}" in ran.err, ran
    assert all(word in ran.err for word in words), ran
    assert clean.sql("select to_regclass('bad') is null") == "t"
    assert clean.is_healthy()
