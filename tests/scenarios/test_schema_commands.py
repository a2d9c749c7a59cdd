"""`devstack schema ...` on a real stack, as a person and as a CI would use it."""

from __future__ import annotations

import pytest

from tests.scenarios.checkout import Checkout, finish, wait_for
from tests.scenarios.conftest import MakeCheckout

STACK = {
    "devstack.yml": """\
name: @PROJECT
services:
  db: {kind: postgres, version: "17", database: shop, user: shop, port: @PORT}
schema:
  service: db
  roles: db/roles.sql
  files: ["db/0*.sql"]
  repeatable: [db/views.sql]
  seeds: ["db/seed/*"]
  variables: {tenant: acme}
""",
    "db/roles.sql": "do $$ begin create role reader; exception when duplicate_object then null; end $$;\n",
    "db/001_item.sql": "create table item (id int primary key, title text);\n-- devstack: down\ndrop table item cascade;\n",
    "db/002_index.sql": "create index concurrently item_title on item (title);\n",
    "db/003_tag.sql": "create table tag (name text default :'tenant');\n-- devstack: down\ndrop table tag;\n",
    "db/views.sql": "create or replace view v as select * from item;\n",
    "db/seed/010_item.csv": "id,title\n1,tea\n2,milk\n",
}


@pytest.fixture(scope="module")
def shop(standing: MakeCheckout) -> Checkout:
    made = standing(STACK)
    made.devstack("up", "--no-seed")
    return made


def states(shop: Checkout) -> dict[str, str]:
    (database,) = shop.devstack("schema", "status", "--json").data["databases"]
    return {row["path"]: row["state"] for row in database["files"]}


def test_up_leaves_seeds_out_and_apply_brings_them(shop: Checkout) -> None:
    assert states(shop)["db/seed/010_item.csv"] == "pending"
    assert shop.sql("select count(*) from item") == "0"
    ran = shop.devstack("schema", "apply", "--dry-run", "--json")
    assert [f["path"] for f in ran.data["databases"][0]["would_apply"]] == ["db/seed/010_item.csv"]
    assert shop.sql("select count(*) from item") == "0"
    ran = shop.devstack("schema", "apply", "--json")
    assert [(f["path"], f["kind"]) for f in ran.data["databases"][0]["applied"]] == [("db/seed/010_item.csv", "seed")]
    assert shop.sql("select count(*) from item") == "2"
    assert set(states(shop).values()) == {"applied"}


def test_status_ends_with_three_only_when_it_is_asked_to(shop: Checkout) -> None:
    shop.devstack("schema", "status", "--exit-code")
    shop.write({"db/004_more.sql": "select 1;\n"})
    ran = shop.devstack("schema", "status")
    assert "1 pending" in ran.out
    ran = shop.devstack("schema", "status", "--exit-code", code=3)
    shop.devstack("schema", "apply")
    shop.edit("db/004_more.sql", "1", "2")
    ran = shop.devstack("schema", "status", "--exit-code", code=3)
    assert "-select 1;\n+select 2;" in ran.out
    ran = shop.devstack("schema", "apply", "--json", code=1)
    assert ran.document["error"]["code"] == "schema-edited"
    shop.devstack("schema", "repair", "db/004_more.sql")
    shop.devstack("schema", "status", "--exit-code")
    (shop.folder / "db/004_more.sql").unlink()
    ran = shop.devstack("schema", "status", "--exit-code", code=3)
    assert "missing" in ran.out
    shop.devstack("schema", "repair", "004_more.sql")
    shop.devstack("schema", "status", "--exit-code")


def test_a_broken_file_is_told_with_its_place_and_exit_one(shop: Checkout) -> None:
    shop.write({"db/005_bad.sql": "create table c (id int);\ninsert into nope values (1);\n"})
    ran = shop.devstack("schema", "apply", code=1)
    assert "db/005_bad.sql:2:13" in ran.err and "is as it was before this file" in ran.err
    assert shop.sql("select to_regclass('c') is null") == "t"
    (shop.folder / "db/005_bad.sql").unlink()


def test_going_back_names_what_is_lost_and_asks(shop: Checkout) -> None:
    shop.write(
        {"db/006_orders.sql": "create table orders as select generate_series(1, 9) id;\n-- devstack: down\ndrop table orders;\n"}
    )
    shop.devstack("schema", "apply")
    ran = shop.devstack("schema", "apply", "--to", "3", code=7)
    assert "table orders (9 rows)" in ran.err
    assert shop.sql("select count(*) from orders") == "9"
    ran = shop.devstack("schema", "apply", "--to", "3", "--yes", "--json")
    assert [f["path"] for f in ran.data["databases"][0]["taken_back"]] == ["db/006_orders.sql"]
    assert shop.sql("select to_regclass('orders') is null") == "t"
    ran = shop.devstack("schema", "apply", "--to", "1", "--yes", code=1)
    assert "db/002_index.sql has no way back" in ran.err
    assert shop.sql("select to_regclass('tag') is null") == "f"
    (shop.folder / "db/006_orders.sql").unlink()


def test_new_makes_the_next_file_in_the_manner_of_the_others(shop: Checkout) -> None:
    ran = shop.devstack("schema", "new", "Add the orders!", "--down")
    assert ran.out == "db/004_add_the_orders.sql\n"
    path = shop.folder / "db/004_add_the_orders.sql"
    assert path.read_text().endswith("-- devstack: down\n")
    assert states(shop)["db/004_add_the_orders.sql"] == "pending"
    path.unlink()


def test_a_lock_is_checked_and_a_change_of_the_files_makes_it_stale(shop: Checkout) -> None:
    shop.devstack("schema", "lock", "--check", code=1)
    shop.devstack("schema", "lock")
    text = (shop.folder / "db/schema.lock").read_text()
    assert "column public.tag.name text default 'acme'::text\n" in text and "tea" not in text
    assert text.splitlines()[1:] == sorted(text.splitlines()[1:])
    shop.devstack("schema", "lock", "--check")
    shop.write({"db/007_later.sql": "create table later (id int);\n"})
    ran = shop.devstack("schema", "lock", "--check", code=1)
    assert "+table public.later" in ran.out
    (shop.folder / "db/007_later.sql").unlink()
    assert shop.sql("select count(*) from pg_database where datname like 'devstack_scratch%'") == "0"


def test_diff_shows_what_was_done_behind_the_files_back(shop: Checkout) -> None:
    shop.devstack("schema", "diff", "--exit-code")
    shop.sql("alter table item add column extra int; drop index item_title")
    ran = shop.devstack("schema", "diff")
    assert "+ column public.item.extra integer\n" in ran.out and "- index public.item item_title" in ran.out
    ran = shop.devstack("schema", "diff", "--exit-code", "--json", code=3)
    assert ran.data["databases"][0]["extra"] == ["column public.item.extra integer"]
    shop.sql("alter table item drop column extra; create index item_title on item (title)")
    shop.devstack("schema", "diff", "--exit-code")


def test_a_database_that_has_the_schema_already_gets_a_baseline(standing: MakeCheckout) -> None:
    files = {name: text for name, text in STACK.items() if name in ("db/001_item.sql", "db/003_tag.sql")}
    spec = STACK["devstack.yml"].split("schema:")[0]
    adopted = standing({"devstack.yml": spec})
    adopted.devstack("up")
    adopted.sql("create table item (id int primary key, title text)")
    adopted.write({**files, "devstack.yml": spec + "schema: {service: db, files: ['db/*.sql'], variables: {tenant: acme}}\n"})
    adopted.devstack("schema", "baseline", "--to", "001_item.sql")
    assert states(adopted) == {"db/001_item.sql": "baseline", "db/003_tag.sql": "pending"}
    adopted.devstack("up")
    assert states(adopted) == {"db/001_item.sql": "baseline", "db/003_tag.sql": "applied"}
    adopted.devstack("schema", "baseline", code=1)


def test_out_of_order_is_an_error_in_ci_and_applied_elsewhere(standing: MakeCheckout) -> None:
    policy = "schema: {service: db, files: ['db/*.sql'], out_of_order: {dev: apply, ci: error}}\n"
    made = standing({"devstack.yml": STACK["devstack.yml"].split("schema:")[0] + policy, "db/2.sql": "select 1;\n"})
    made.devstack("up")
    made.write({"db/1.sql": "create table early (id int);\n"})
    ran = made.devstack("schema", "apply", code=1, CI="true")
    assert "schema-out-of-order" in ran.err
    assert made.sql("select to_regclass('early') is null") == "t"
    made.devstack("schema", "apply")
    assert made.sql("select to_regclass('early') is null") == "f"


def test_wrong_use_says_what_would_be_right(shop: Checkout) -> None:
    ran = shop.devstack("schema", "status", "--database", "none", code=2)
    assert "has no schema for none" in ran.err
    ran = shop.devstack("schema", "apply", "--to", "none", code=1)
    assert "no file of db/shop is called none" in ran.err


def test_without_a_schema_the_line_to_write_names_the_database_there_is(checkout: MakeCheckout) -> None:
    bare = "name: @PROJECT\nservices:\n  pg: {kind: postgres, port: @PORT}\n"
    ran = checkout({"devstack.yml": bare}).devstack("schema", "status", code=2)
    assert 'schema: {service: pg, files: ["db/*.sql"]}' in ran.err


def test_a_database_that_is_killed_in_the_middle_of_a_file_needs_nothing_but_the_next_up(standing: MakeCheckout) -> None:
    made = standing({name: STACK[name] for name in STACK if name.startswith(("devstack", "db/"))})
    made.devstack("up")
    made.write({"db/004_slow.sql": "create table slow (id int);\nselect pg_sleep(30);\ninsert into slow values (1);\n"})
    process = made.begin("schema", "apply")
    wait_for(
        lambda: (
            made.sql("select count(*) from pg_stat_activity where query like '%pg_sleep(30)%' and pid <> pg_backend_pid()") == "1"
        )
    )
    made.engine.kill(made.ids()["db-1"])
    ran = finish(process)
    assert ran.code == 1 and "closed the connection" in ran.err
    made.edit("db/004_slow.sql", "pg_sleep(30)", "1")
    made.devstack("up")
    assert made.sql("select id from slow") == "1"
    assert set(states(made).values()) == {"applied"}
