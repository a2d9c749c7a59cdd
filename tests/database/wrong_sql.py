"""The table of failing files: where each is wrong, and where devstack says so. `python -m tests.database.wrong_sql` prints it.

A `§` in the SQL marks the true place of the error; it is taken out before the file is written.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from devstack.database.connection import Connection, connect
from devstack.database.creation import create_database
from devstack.database.target import Target
from devstack.errors import SpecError, SqlError
from tests.database.running import environment, run
from tests.database.server import server

# Found by the server: name -> (SQL, SQLSTATE, part of the message)
AT_THE_SERVER = {
    "missing column in an index": ("create table o (id int);\n\ncreate index o_n\n  on o (id, §nmae);", "42703", '"nmae"'),
    "syntax error at a word": ("select 1;\ncreate §tabel t (id int);", "42601", '"tabel"'),
    "syntax error at the end": ("create table t (\n  id int,\n  name text\n§", "42601", "end of input"),
    "missing column said twice": ("create table o (id int);\n§create index nmae\n  on o (id, nmae);", "42703", '"nmae"'),
    "unknown table": ("select 1;\n  select * from §nope;", "42P01", '"nope"'),
    "unknown column": ("create table t (id int);\nselect id,\n       §nam\nfrom t;", "42703", '"nam"'),
    "unknown function": ("select §frobnicate(1);", "42883", "frobnicate"),
    "unknown type": ("create table t (id §strnig);", "42704", "strnig"),
    "wrong literal": ("create table t (id int);\ninsert into t values (1), (§'zwei');", "22P02", "zwei"),
    "after non-ASCII text": ("select 'größe €𝄞', §nope;", "42703", "nope"),
    "after tabs and CRLF": ("select 1;\r\n\tselect\t§nope;\r\n", "42703", "nope"),
    "after a byte order mark": ("\ufeffselect §nope;", "42703", "nope"),
    "table that is there": ("create table t (id int);\n§create table t (id int);", "42P07", "already exists"),
    "unique key": ("create table t (id int primary key);\n\n-- twice\n§insert into t values (1), (1);\nselect 1;", "23505", "t_pkey"),
    "foreign key": (
        "create table a (id int primary key);\ncreate table b (a int references a);\nselect 1; §insert into b values (1);", "23503", "",
    ),
    "not null": ("create table t (id int not null);\n\n  §insert into t values (null);", "23502", "null value"),
    "check": ("create table t (n int check (n >= 0));;\n/* ; */ §insert into t values (-1);", "23514", "t_n_check"),
    "division by zero": ("select 1;\n§select 1/0;", "22012", "division"),
    "raise in a function called": (
        "create function f() returns void language plpgsql as $f$\nbegin\n  raise exception 'no; way';\nend $f$;\n§select f();", "P0001", "no; way",
    ),
    "raise in a DO block": ("select 1;\ndo $$\nbegin\n  perform 1;\n  §raise exception 'boo';\nend $$;\nselect 2;", "P0001", "boo"),
    "table missing in a DO block": ("do $body$\nbegin\n  §insert into nope values (1);\nend\n$body$;", "42P01", "nope"),
    "syntax error in a plpgsql body": (
        "create function f() returns int language plpgsql as $$\nbegin\n  §retrun 1;\nend $$;", "42601", "retrun",
    ),
    "unknown column in an SQL body": (
        "create table t (id int);\ncreate function f() returns int language sql as $$\n  select §nope from t;\n$$;", "42703", "nope",
    ),
    "wrong COPY data": ("create table t (id int, n text);\ncopy t from stdin;\n1\tone\n§zwei\ttwo\n\\.\nselect 1;\n", "22P02", "zwei"),
    "wrong COPY column further right": ("create table t (n text, id int);\ncopy t from stdin;\none\t1\ntwo\t§zwei\n\\.\n", "22P02", "zwei"),
    "too few COPY columns": ("create table t (id int, n text);\ncopy t (id, n) from stdin;\n1\tone\n§2\n\\.\n", "22P04", "missing data"),
    "key twice in COPY data": ("create table t (id int primary key);\ncopy t from stdin;\n1\n§1\n\\.\n", "23505", "t_pkey"),
    "after COPY data": ("create table t (id int);\ncopy t from stdin;\n1\n2\n\\.\nselect §nope from t;\n", "42703", "nope"),
    "COPY into no table": ("select 1;\ncopy §nope from stdin;\n1\n\\.\n", "42P01", "nope"),
    "missing extension": ("§create extension no_such_thing;", "0A000", "no_such_thing"),
    "psql variable": ("select §:'name';", "42601", '":"'),
    "missing role": ("create table t (id int);\ngrant select on t to §nobody_here;", "42704", "nobody_here"),
    "bad partition": (
        "create table p (at date) partition by range (at);\ncreate table p1 partition of p for values from (§'2026-02-01') to ('2026-01-01');",
        "42P17", "empty range",
    ),
}  # fmt: skip
# Found before anything is sent: name -> (SQL as text or bytes, part of the message)
BEFORE = {
    "open string": ("select 1;\nselect §'it''s open;\n", "never closed"),
    "open name": ('select 1 as §"name;\n', "never closed"),
    "open dollar quote": ("create function f() returns int as §$f$\nselect 1;\n$$ language sql;", "$f$"),
    "open comment": ("select 1;\n  §/* outer /* inner */\nselect 2;", "comment"),
    "open escape string": ("select E§'a\\';\n", "never closed"),
    "NUL byte": ("create table a (id int);\n§\0create table b (id int);", "NUL byte"),
    "Latin-1": (b"select 1;\nselect 'gr\xfc\xdfe';", "0xfc"),
    "UTF-16": ("create table t (id int);".encode("utf-16"), "UTF-16"),
    "UTF-16 without a mark": ("create table t (id int);".encode("utf-16-be"), "UTF-16"),
    "no-break space": ("select§\u00a01;", "U+00A0"),
    "zero-width space": ("select 1;\ncreate§\u200b table t (id int);", "U+200B"),
    "smart quotes": ("select §\u2018x';", "U+2018"),
    "merge conflict": ("select 1;\n§<<<<<<< HEAD\nselect 2;\n=======\nselect 3;\n>>>>>>> other\n", "merge conflict"),
    "shell escape": ("select 1;\n§\\! rm -rf /\n", "refused"),
    "include": ("\\i §other.sql\n", "no file other.sql"),
    "connect": ("select 1;\n§\\connect other joe\nselect 2;", "another user"),
    "gexec": ("select 'select 1' §\\gexec\n", "psql"),
    "COPY end without COPY": ("select 1;\n§\\.\n", "psql"),
    "own COMMIT": ("-- devstack: transaction=file\ncreate table t (id int);\n§commit;\nselect 1;", "COMMIT"),
    "CREATE INDEX CONCURRENTLY": (
        "-- devstack: transaction=file\ncreate table t (id int);\n§create index concurrently i on t (id);", "CREATE INDEX CONCURRENTLY",
    ),
    "unknown setting": ("-- devstack: §transacton=none\nselect 1;", "transacton"),
}  # fmt: skip

# Files of a project, the first of which is run: name -> ({file: text}, SQLSTATE or "" for one that is found before anything is sent)
WITH_OTHERS: dict[str, tuple[dict[str, str], str]] = {
    "in an included file": ({"db/a.sql": "select 1;\n\\i db/b.sql\n", "db/b.sql": "select 1;\n  select §nope;\n"}, "42703"),
    "in a file included by an included file": (
        {"db/a.sql": "\\ir x/b.sql\n", "db/x/b.sql": "\n\\ir c.sql\n", "db/x/c.sql": "select 'é',\n\t§nope;"}, "42703",
    ),
    "after an included file": ({"db/a.sql": "\\ir b.sql\nselect 1; select §nope;\n", "db/b.sql": "select 1\n"}, "42703"),
    "no position, in an included file": (
        {"db/a.sql": "\\ir b.sql\n", "db/b.sql": "create table t (n int primary key);\n\n §insert into t values (1), (1);\n"}, "23505",
    ),
    "COPY data of an included file": (
        {"db/a.sql": "create table t (n int);\n\\ir b.sql\n", "db/b.sql": "copy t from stdin;\n1\n§x\n\\.\n"}, "22P02",
    ),
    "open quote in an included file": ({"db/a.sql": "\\ir b.sql\n", "db/b.sql": "select 1;\nselect §'open;\n"}, ""),
    "missing included file": ({"db/a.sql": "select 1;\n \\ir §none.sql\n"}, ""),
    "circle of includes": ({"db/a.sql": "\\ir b.sql\n", "db/b.sql": "\n\\ir §a.sql\n"}, ""),
    "data file": (
        {"db/a.sql": "create table t (n int, s text);\n\\copy t from 'db/r.csv' csv\n", "db/r.csv": '1,"a\nb"\n§x,c\n'}, "22P02",
    ),
    "data file with too few columns": (
        {"db/a.sql": "create table t (n int, s text);\n\\copy t from 'db/r.txt'\n", "db/r.txt": "1\ta\n§2\n"}, "22P04",
    ),
    "\\copy into no table": ({"db/a.sql": "select 1;\n\\copy §nope from 'db/r.txt'\n", "db/r.txt": "1\n"}, "42P01"),
    "\\copy inline": ({"db/a.sql": "create table t (n int);\n\\copy t from stdin\n1\n§x\n\\.\n"}, "22P02"),
    "after a variable": ({"db/a.sql": "\\set long a_very_long_value\nselect :'long', :'long', §nope;\n"}, "42703"),
    "in a variable's value": ({"db/a.sql": "\\set col nope\nselect 1,\n  §:col;\n"}, "42703"),
    "outside a transaction": ({"db/a.sql": "vacuum;\ncreate table t (n int);\nselect 1,\n §nope;\n"}, "42703"),
    "no position, outside a transaction": ({"db/a.sql": "vacuum;\n/* ; */ §create index concurrently i on pg_class (oid);\n"}, "42501"),
    "in the file's own transaction": ({"db/a.sql": "begin;\nselect 1;\ncommit;\nbegin;\n select §nope;\ncommit;\n"}, "42703"),
    "in the file's frame": ({"db/a.sql": "begin;\nselect 1;\nselect §nope;\ncommit;\n"}, "42703"),
    "after a missing database": ({"db/a.sql": "select 1;\n§\\connect no_such_database\n"}, "08001"),
    "after an escape string over lines": ({"db/a.sql": "select E'a'\n  'b\\';c', §nope;\n"}, "42703"),
    "after old strings": ({"db/a.sql": "set standard_conforming_strings = off;\nselect 'it\\'s;', §nope;\n"}, "42703"),
    "after \\g": ({"db/a.sql": "select 1 \\g\nselect §nope \\g\n"}, "42703"),
    "after an echo on the same line": ({"db/a.sql": "\\echo x \\\\ select §nope;\n"}, "42703"),
    "in a trigger's function": (
        {"db/a.sql": "create table t (n int);\ncreate function f() returns trigger language plpgsql as $$\nbegin\n  raise exception 'no';\nend $$;\n"
         "create trigger x before insert on t for each row execute function f();\n§insert into t values (1);\n"}, "P0001",
    ),
}  # fmt: skip


def place(text: str) -> str:
    """Line and column of the mark, in the text as the file's reader counts it."""
    before = text.removeprefix("\ufeff").partition("§")[0].replace("\r\n", "\n")
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def true_place(files: dict[str, str]) -> str:
    """File, line and column of the mark."""
    name = next(name for name, text in files.items() if "§" in text)
    return f"{name}:{place(files[name])}"


def reported(files: dict[str, str | bytes], root: Path, connection: Connection) -> tuple[str, str]:
    """Where devstack says that the first of these files is wrong, and the SQLSTATE, "" for one it refuses before."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.replace("§", "").encode() if isinstance(text, str) else text)
    try:
        run(connection, next(iter(files)), environment(root, connection.target))
    except SqlError as error:
        return str(error.where), error.code.removeprefix("sql ")
    except SpecError as error:
        return str(error.problems[0].where), ""
    return "nothing", ""


def table(target: Target) -> list[tuple[str, str, str]]:
    """(name, true place, reported place) of every case; each in a database of its own."""
    single = {name: {"db/wrong.sql": sql} for name, (sql, *_) in {**AT_THE_SERVER, **BEFORE}.items() if isinstance(sql, str)}
    rows = []
    for number, (name, files) in zip(
        itertools.count(), (single | {n: f for n, (f, _) in WITH_OTHERS.items()}).items(), strict=False
    ):
        made = replace(target, database=f"wrong_{number}")
        create_database(made, application_name="table")
        with connect(made, application_name="table") as connection, tempfile.TemporaryDirectory() as folder:
            rows.append((name, true_place(files), reported(dict(files), Path(folder), connection)[0]))
    return [row for row in rows if "UTF-16" not in row[0]]


def main() -> int:
    with server() as running:
        rows = table(running.target)
    for name, true, said in rows:
        print(f"{'ok ' if true == said else 'NO '} {name:<45} {true:<22} {said}")
    wrong = sum(true != said for _, true, said in rows)
    print(f"\n{len(rows)} files that fail; {len(rows) - wrong} reported at their true line and column, {wrong} not")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
