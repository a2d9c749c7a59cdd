"""The fixtures that devstack gives to other people's tests, in a pytest of their own on a real stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devstack.engine.base import Engine
from devstack.testing import PREFIX, _machine
from tests.scenarios.checkout import Checkout
from tests.scenarios.conftest import checkouts
from tests.scenarios.conftest import ground as ground

pytest_plugins = ("pytester",)

STACK = """\
name: @PROJECT
services:
  db: {kind: postgres, version: "17", database: shop, user: shop, port: @PORT}
  cache: {kind: redis, password: true, ports: ["127.0.0.1::6379"]}
  web:
    image: busybox:1.37
    init: true
    command: [httpd, -f, -p, "8000", -h, /etc]
    ports: ["127.0.0.1::8000"]
    healthcheck: {test: [CMD, wget, -qO-, "http://127.0.0.1:8000/hostname"], interval: 2s}
schema: {service: db, files: ["db/*.sql"]}
"""
FILES = {"devstack.yml": STACK, "db/001_note.sql": "create table note (id serial primary key, body text not null);\n"}
TESTS = """
import psycopg, pytest, socket, urllib.request

def test_addresses(devstack):
    assert urllib.request.urlopen(devstack.url("web") + "/hostname", timeout=5).status == 200
    assert devstack.url("web", 8000) == devstack.url("web")
    with psycopg.connect(devstack.dsn("db")) as connection:
        assert connection.execute("select current_database()").fetchone() == ("shop",)
    assert devstack.env["DATABASE_URL"].startswith("postgresql://shop:")
    assert devstack.dsn("cache").startswith("redis://:") and devstack.url("cache") == devstack.dsn("cache")
    assert devstack.env["PGPASSWORD"] not in repr(devstack)

@pytest.mark.parametrize("number", range(4))
def test_a_database_of_its_own(devstack, devstack_db, number):
    with psycopg.connect(devstack_db.dsn) as connection:
        assert connection.execute("select count(*) from note").fetchone() == (0,), "empty, whatever other tests and people wrote"
        connection.execute("insert into note (body) values (%s)", [str(number)])
    assert devstack_db.dsn != devstack.dsn("db") and devstack_db.name in devstack_db.dsn
    assert devstack_db.env["PGDATABASE"] == devstack_db.name and devstack_db.env["PGPASSWORD"] not in repr(devstack_db)

def test_a_session_left_open(devstack_db):
    test_a_session_left_open.connection = psycopg.connect(devstack_db.dsn)

def test_no_such_service(devstack):
    from devstack.errors import UsageError
    with pytest.raises(UsageError):
        devstack.url("wbe")
    with pytest.raises(UsageError):
        devstack.dsn("web")
    with pytest.raises(UsageError):
        devstack.url("web", 9999)
"""
COUNT = 7


@pytest.fixture
def project(ground: Engine, pytester: pytest.Pytester) -> Iterator[Callable[[dict[str, str]], Checkout]]:
    """Makes the folder that pytest is run in a checkout."""
    with checkouts(ground, pytester.path.parent) as make:
        yield lambda files: make(files, folder=pytester.path.name)


def left(checkout: Checkout) -> str:
    return checkout.sql(f"select datname from pg_database where starts_with(datname, '{PREFIX}') or datname like 'devstack_work%'")


def test_tests_get_addresses_and_databases_of_their_own(project: Callable[..., Checkout], pytester: pytest.Pytester) -> None:
    shop = project({**FILES, "test_shop.py": TESTS})
    assert shop.ids() == {}
    pytester.runpytest_subprocess("-p", "no:cacheprovider", timeout=180).assert_outcomes(passed=COUNT)
    assert shop.is_healthy(), "the stack was brought up, and stays up"
    assert left(shop) == "" and shop.sql("select count(*) from note") == "0"
    # A second time: on the running stack with data in it, in parallel, after a run that was killed, verified first.
    shop.sql("insert into note (body) values ('mine')")
    dead, foreign = f"{PREFIX}{_machine()}_999999999_abc", f"{PREFIX}0123abcd_999999999_abc"
    for name in (dead, foreign):
        shop.sql(f"create database {name}")
    before = shop.ids()
    pytester.runpytest_subprocess("-p", "no:cacheprovider", "-n", "2", "--devstack-verify", timeout=180).assert_outcomes(
        passed=COUNT
    )
    assert shop.ids() == before and shop.rows() == "mine"
    assert left(shop) == foreign, "what another machine's run uses is not ours to drop"


def test_without_a_schema_tests_get_copies_of_the_live_database(
    project: Callable[..., Checkout], pytester: pytest.Pytester
) -> None:
    test = """
    import psycopg
    def test_copy(devstack_db):
        with psycopg.connect(devstack_db.dsn) as connection:
            assert connection.execute("select body from note").fetchall() == [("mine",)]
            connection.execute("delete from note")
    def test_again(devstack_db):
        test_copy(devstack_db)
    """
    shop = project({"devstack.yml": STACK.replace('schema: {service: db, files: ["db/*.sql"]}\n', "")})
    shop.devstack("up")
    shop.sql("create table note (id serial, body text); insert into note (body) values ('mine')")
    pytester.makepyfile(test)
    pytester.runpytest_subprocess("-p", "no:cacheprovider", timeout=180).assert_outcomes(passed=2)
    assert left(shop) == "" and shop.rows() == "mine"


def test_a_stack_that_fails_its_verify_fails_the_tests_with_the_reason(
    project: Callable[..., Checkout], pytester: pytest.Pytester
) -> None:
    criterion = "verify:\n  criteria:\n    - {id: AC1, text: The page greets, check: http, service: web, path: /hostname, contains: [good morning]}\n"
    web = "name: @PROJECT\nservices:\n  web:" + STACK.split("  web:")[1].split("schema:")[0]
    project({"devstack.yml": web + criterion})
    pytester.makepyfile("def test_one(devstack): pass\ndef test_two(devstack): pass")
    ran = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--devstack-verify", timeout=180)
    ran.assert_outcomes(errors=2)
    said = ran.stdout.str()
    assert "devstack verify --live ended with exit code 3" in said and "✗ AC1" in said and "Traceback" not in said


def test_variables_that_choose_a_stack_choose_the_fixture_too(
    project: Callable[..., Checkout], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = "services:\n  web:" + STACK.split("  web:")[1].split("schema:")[0]
    shop = project({"sub/other.yaml": f"name: @PROJECT\n{web}", "sub/compose.yaml": "services: {}\n"})
    name = f"{shop.project}-other"
    pytester.makepyfile(f"def test_one(devstack):\n    assert devstack.name == {name!r} and devstack.url('web')")
    pytester.makeini("[pytest]\ndevstack_dir = sub")
    monkeypatch.setenv("DEVSTACK_FILE", "other.yaml")
    monkeypatch.setenv("DEVSTACK_PROJECT_NAME", name)
    pytester.runpytest_subprocess("-p", "no:cacheprovider", timeout=180).assert_outcomes(passed=1)


def test_a_folder_without_a_stack_is_said(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_one(devstack): pass")
    ran = pytester.runpytest_subprocess("-p", "no:cacheprovider", timeout=60)
    ran.assert_outcomes(errors=1)
    assert "no devstack.yml and no Compose file" in ran.stdout.str()


def test_a_project_may_have_a_fixture_of_the_same_name(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import pytest\n@pytest.fixture\ndef devstack(): return 1\ndef test_one(devstack): assert devstack == 1")
    pytester.runpytest_subprocess("-p", "no:cacheprovider", timeout=60).assert_outcomes(passed=1)


def test_who_does_not_use_it_does_not_pay_for_it(pytester: pytest.Pytester) -> None:
    heavy = ("devstack.testing", "devstack.cli", "devstack.errors", "docker", "psycopg", "jinja2", "yaml", "typer")
    pytester.makepyfile(
        f"import sys\nHEAVY = {set(heavy)}\ndef test_one():\n    assert 'devstack.pytest_plugin' in sys.modules and not HEAVY & sys.modules.keys()"
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider", timeout=60).assert_outcomes(passed=1)


def test_the_tests_of_the_readme_pass_as_written(project: Callable[..., Checkout], pytester: pytest.Pytester) -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    tests = readme.split("<!-- tested in a pytest -->", 1)[1].split("```python", 1)[1].split("```", 1)[0]
    stack = (
        STACK.replace("  web:", "  api:")
        .replace("-h, /etc]", '-h, /srv]\n    volumes: ["./srv:/srv:ro"]')
        .replace("/hostname", "/health")
    )
    schema = "create table items (id serial primary key, title text not null);\n"
    project({"devstack.yml": stack, "db/001_items.sql": schema, "srv/health": "ok\n", "test_readme.py": tests})
    pytester.runpytest_subprocess("-p", "no:cacheprovider", timeout=180).assert_outcomes(passed=2)
