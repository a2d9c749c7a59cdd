"""`schema show` and `db stats` on a real server: what stands in the database, and what it is like."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from tests.scenarios.checkout import Checkout, finish, wait_for
from tests.scenarios.conftest import MakeCheckout

STACK = """\
name: @PROJECT
services:
  db: {kind: postgres, version: "17", database: shop, user: shop, port: @PORT}
schema: {service: db, files: ["db/*.sql"]}
"""
SQL = """
create type state as enum ('open', 'it''s paid');
create schema stock;
create table customers (id bigint generated always as identity primary key, email varchar(80) not null unique, born date);
comment on table customers is 'who buys';
comment on column customers.born is 'as they say';
create table orders (id serial primary key, customer_id bigint not null references customers on delete cascade, state state not null
    default 'open', total numeric(10,2) not null check (total >= 0), twice numeric generated always as (total * 2) stored);
create index orders_by_state on orders (state) where state = 'open';
create index orders_by_customer on orders (customer_id);
create index orders_by_customer_too on orders (customer_id);
create table stock.shelves (id int primary key, order_id int references orders);
create table log (at timestamptz not null, what text) partition by range (at);
create table log_2026 partition of log for values from ('2026-01-01') to ('2027-01-01');
create view open_orders as select * from orders where state = 'open';
create function touch() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger touched before update on orders for each row execute function touch();
alter table orders disable trigger touched;
insert into customers (email) select 'c' || n || '@example.org' from generate_series(1, 500) n;
insert into orders (customer_id, total) select n, n from generate_series(1, 500) n;
"""


@pytest.fixture(scope="module")
def seen(standing: MakeCheckout) -> Checkout:
    made = standing({"devstack.yml": STACK, "db/001_shop.sql": SQL})
    made.devstack("up")
    made.sql("analyze")
    return made


def test_show_tells_columns_keys_checks_indexes_triggers_partitions_and_enums(seen: Checkout) -> None:
    text = seen.devstack("schema", "show").out
    for line in (
        "customers  (table: who buys)", "key      (customer_id) -> customers (id) on delete cascade", "identity always", "as they say",
        "index    orders_by_state: btree (state) WHERE (state = 'open'::state)", "generated as (total * (2)::numeric)",
        "trigger  touched (disabled): BEFORE UPDATE FOR EACH ROW EXECUTE FUNCTION touch()", "parts    by RANGE (at)",
        "stock.shelves  (table)", "open_orders  (view)", "state  open, it's paid", "log_2026  FOR VALUES FROM", "CHECK ((total >= (0)::numeric))",
    ):  # fmt: skip
        assert line in text, f"{line}\n{text}"
    assert "schema_history" not in text


def test_show_as_json_has_the_same(seen: Checkout) -> None:
    data = seen.devstack("schema", "show", "--json").data
    tables = {f"{table['schema']}.{table['name']}": table for table in data["tables"]}
    assert set(tables) == {"public.customers", "public.orders", "stock.shelves", "public.log", "public.open_orders"}
    orders = tables["public.orders"]
    assert orders["primary_key"] == ["id"] and orders["foreign_keys"][0]["on_delete"] == "cascade"
    assert [c["name"] for c in orders["columns"] if c["generated"]] == ["twice"]
    assert orders["triggers"][0]["enabled"] is False
    assert tables["public.customers"]["unique"] == [["email"]]
    assert tables["public.log"]["partitions"][0]["name"] == "log_2026"
    assert data["enums"] == [{"name": "state", "values": ["open", "it's paid"]}]


def test_show_takes_tables_and_suggests_the_right_one(seen: Checkout) -> None:
    text = seen.devstack("schema", "show", "orders").out
    assert "orders  (table)" in text and "customers  (table" not in text
    assert 'did you mean "orders"?' in seen.devstack("schema", "show", "order", code=2).err


def test_diagrams_are_written_and_printed(seen: Checkout) -> None:
    seen.devstack("schema", "show", "--diagram", "svg", "--output", "schema.svg")
    root = ET.fromstring((seen.folder / "schema.svg").read_text())
    assert root.tag.endswith("svg")
    assert ET.fromstring(seen.devstack("schema", "show", "--diagram", "svg").out).tag.endswith("svg")
    assert seen.devstack("schema", "show", "--diagram", "mermaid").out.startswith("erDiagram\n")
    assert seen.devstack("schema", "show", "--diagram", "mermaid", "--json").data["form"] == "mermaid"
    assert "one of svg, mermaid, png" in seen.devstack("schema", "show", "--diagram", "gif", code=2).err
    assert "needs a file" in seen.devstack("schema", "show", "--diagram", "png", code=2).err
    assert "cannot be written" in seen.devstack("schema", "show", "--diagram", "svg", "-o", "no/such/x.svg", code=1).err


def test_another_database_can_be_shown_and_one_that_is_not_there_is_told(seen: Checkout) -> None:
    assert seen.devstack("schema", "show", "-d", "postgres").out == "no tables\n"
    assert seen.devstack("schema", "show", "-d", "db/shop", "customers").out.startswith("customers")
    assert "has no database nowhere" in seen.devstack("schema", "show", "-d", "db/nowhere", code=1).err


def test_stats_tell_sizes_rows_and_indexes_that_nobody_uses(seen: Checkout) -> None:
    seen.sql("select pg_stat_force_next_flush()")
    data = seen.devstack("db", "stats", "--json").data
    rows = {table["table"]: table for table in data["tables"]}
    assert rows["customers"]["rows"] == 500 and rows["customers"]["total"] >= rows["customers"]["heap"] > 0
    assert {i["index"] for i in data["unused_indexes"]} == {"orders_by_state", "orders_by_customer", "orders_by_customer_too"}
    assert data["twin_indexes"][0]["indexes"] == "orders_by_customer, orders_by_customer_too"
    assert data["database"][0]["size"] > 7_000_000 and data["blocked"] == [] and data["slow_queries"] == []
    text = seen.devstack("db", "stats", "--limit", "1").out
    assert "Tables" in text and "kB" in text and "CREATE EXTENSION pg_stat_statements" in text


def test_stats_tell_who_waits_for_whom(seen: Checkout) -> None:
    holder = seen.begin("db-shell", "-c", "begin; update customers set born = now() where id = 1; select pg_sleep(30)")
    waiting = "select count(*) from pg_stat_activity where query like 'select pg_sleep(30)%' or query like 'begin; update%'"
    wait_for(lambda: seen.sql(waiting) == "1")
    waiter = seen.begin("db-shell", "-c", "delete from customers where id = 1")
    try:
        wait_for(lambda: seen.sql("select count(*) from pg_stat_activity where wait_event_type = 'Lock'") == "1")
        (row,) = seen.devstack("db", "stats", "--json").data["blocked"]
        assert "delete from customers" in row["query"] and "pg_sleep" in row["blocking_query"]
    finally:
        for process in (waiter, holder):
            process.send_signal(2)
            finish(process)
    assert seen.sql("select count(*) from customers") == "500"


def test_stats_estimate_bloat(seen: Checkout) -> None:
    seen.sql("create table fat (id int, t text); alter table fat set (autovacuum_enabled = off);"
             " insert into fat select n, repeat('x', 200) from generate_series(1, 20000) n;"
        " delete from fat where id > 4000; analyze fat")  # fmt: skip
    (row,) = seen.devstack("db", "stats", "--json").data["bloat"]
    assert row["table"] == "fat" and 0.7 < row["share"] < 0.9
    seen.sql("vacuum full fat")
    seen.sql("analyze fat")
    assert seen.devstack("db", "stats", "--json").data["bloat"] == []
    seen.sql("drop table fat")
