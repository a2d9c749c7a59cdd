"""The project's own migration tool: real ones, run by `up` where their code is."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import docker
import pytest

from tests.conftest import tags_of_images
from tests.scenarios.checkout import SESSION, Checkout, finish, wait_for
from tests.scenarios.conftest import MakeCheckout

_DB = '  db: {kind: postgres, version: "17", database: shop, user: shop, port: @PORT}\n'
_URL = "postgresql{driver}://shop:${{DB_PASSWORD}}@db:5432/shop"


def stack(
    *, tool: str, image: str, files: dict[str, str], driver: str = "", schema: str = "", command: str = "exec sleep 1000"
) -> dict[str, str]:
    """A database, and an `api` that is built with the tool in it and needs the tables at its start."""
    url = _URL.format(driver=driver)
    return {
        "devstack.yml": f"""\
name: @PROJECT
services:
{_DB}\
  api:
    build: api
    command: [sh, -c, "{command}"]
    init: true
    depends_on: {{db: {{condition: service_healthy}}}}
    environment: {{DATABASE_URL: "{url}"}}
schema: {{service: db, tool: {tool}, run: api{schema}}}
""",
        "api/Dockerfile": image,
        **{f"api/{name}": text for name, text in files.items()},
    }


ALEMBIC = stack(
    tool="alembic",
    image='FROM python:3.13-slim\nRUN pip install --no-cache-dir alembic "psycopg[binary]" sqlalchemy\nWORKDIR /app\nCOPY . .\n',
    driver="+psycopg",
    schema=", files: ['api/migrations/versions/*.py']",
    command="python start.py && exec sleep 1000",
    files={
        "start.py": "import os, sqlalchemy as s\n"
        "print('items:', s.create_engine(os.environ['DATABASE_URL']).connect().execute(s.text('select count(*) from item')).scalar(), flush=True)\n",
        "alembic.ini": "[alembic]\nscript_location = %(here)s/migrations\n",
        "migrations/env.py": """\
import os
from alembic import context
from sqlalchemy import Column, Integer, MetaData, Table, create_engine
metadata = MetaData()
Table("item", metadata, Column("id", Integer, primary_key=True))
with create_engine(os.environ["DATABASE_URL"]).connect() as connection:
    context.configure(connection=connection, target_metadata=metadata)
    try:
        with context.begin_transaction():
            print("this is env.py", flush=True)
            context.run_migrations()
    except Exception as error:
        raise SystemExit(f"failed: {error}")
""",
        "migrations/versions/0001_item.py": """\
from alembic import op
import sqlalchemy as sa
revision, down_revision = "0001", None
def upgrade():
    op.create_table("item", sa.Column("id", sa.Integer, primary_key=True))
""",
    },
)
SECOND = """\
from alembic import op
revision, down_revision = "0002", "0001"
def upgrade():
    op.execute("create table half (id int)")
    op.execute("SQL")
"""


@pytest.fixture(scope="module", autouse=True)
def images(sdk: docker.DockerClient) -> Iterator[None]:
    """What was built goes, once the containers have gone."""
    yield
    for tag in tags_of_images(sdk):
        if tag.startswith(SESSION):
            sdk.images.remove(tag)


@pytest.fixture(scope="module")
def alembic(standing: MakeCheckout) -> Checkout:
    made = standing(ALEMBIC)
    ran = made.devstack("up", timeout=300)
    assert "alembic | this is env.py" in ran.err and "alembic at 0001" in ran.err
    return made


def one_offs(made: Checkout) -> list[str]:
    return [c.name for c in made.engine.containers(made.name) if c.oneoff]


def test_the_schema_is_there_before_its_service_starts(alembic: Checkout) -> None:
    assert "items: 0" in alembic.devstack("logs", "api").out
    assert alembic.sql("select version_num from alembic_version") == "0001"
    assert one_offs(alembic) == []


def test_a_second_up_does_not_run_the_tool(alembic: Checkout) -> None:
    assert alembic.devstack("up").out.startswith("nothing to do")


def test_status_asks_the_tool_and_keeps_its_head(alembic: Checkout) -> None:
    (database,) = alembic.devstack("schema", "status", "--exit-code", "--json").data["databases"]
    assert database["clean"] and database["files"][0]["head"] == "0001"
    assert database["tool"]["command"] == ["alembic", "current", "--check-heads"] and database["tool"]["exit"] == 0


def test_diff_builds_anew_with_the_tool_and_shows_its_own_check(alembic: Checkout) -> None:
    ran = alembic.devstack("schema", "diff", "--exit-code", "--json")
    assert ran.data["databases"][0]["drift"]["exit"] == 0
    alembic.sql("alter table item add column extra int")
    ran = alembic.devstack("schema", "diff", "--exit-code", code=3)
    assert "+ column public.item.extra integer" in ran.out and "extra" in ran.out.split("alembic check")[1]
    alembic.sql("alter table item drop column extra")
    assert alembic.sql("select count(*) from pg_database where datname like 'devstack_scratch%'") == "0"


def test_a_migration_that_fails_says_so_and_is_not_recorded(alembic: Checkout) -> None:
    alembic.write({"api/migrations/versions/0002_half.py": SECOND.replace("SQL", "select nothing")})
    ran = alembic.devstack("up", "--build", code=1, timeout=300)
    assert "[schema-tool]" in ran.err and 'column "nothing" does not exist' in ran.err
    assert alembic.sql("select version_num from alembic_version") == "0001"
    assert alembic.sql("select to_regclass('half') is null") == "t"
    assert one_offs(alembic) == []


def test_an_interrupted_migration_is_rolled_back_and_leaves_no_container(alembic: Checkout) -> None:
    alembic.write({"api/migrations/versions/0002_half.py": SECOND.replace("SQL", "select pg_sleep(60)")})
    process = alembic.begin("up", "--build")
    wait_for(
        lambda: alembic.sql("select count(*) from pg_stat_activity where query like '%pg_sleep(60)' and state = 'active'") == "1",
        seconds=120,
        every=0.2,
    )
    process.send_signal(signal.SIGINT)
    assert finish(process).code == 130
    wait_for(lambda: one_offs(alembic) == [])
    busy = "select count(*) from pg_stat_activity where query like '%pg_sleep(60)' and state = 'active'"
    wait_for(lambda: alembic.sql(busy) == "0", seconds=5)  # it holds no lock of it any more
    assert alembic.sql("select to_regclass('half') is null") == "t"
    alembic.write({"api/migrations/versions/0002_half.py": SECOND.replace("SQL", "select 1")})
    alembic.devstack("up", "--build", timeout=300)
    assert alembic.sql("select version_num from alembic_version") == "0002"


def test_django_migrates(standing: MakeCheckout) -> None:
    settings = (
        "import os, urllib.parse as u\nx = u.urlsplit(os.environ['DATABASE_URL'])\n"
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': x.path[1:], 'USER': x.username,"
        " 'PASSWORD': x.password, 'HOST': x.hostname, 'PORT': x.port}}\n"
        "INSTALLED_APPS = ['shop']\nDEFAULT_AUTO_FIELD = 'django.db.models.AutoField'\n"
    )
    made = standing(
        stack(
            tool="django",
            image='FROM python:3.13-slim\nRUN pip install --no-cache-dir django "psycopg[binary]"\nWORKDIR /app\nCOPY . .\n',
            files={
                "manage.py": "import os, sys\nos.environ['DJANGO_SETTINGS_MODULE'] = 'settings'\n"
                "from django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n",
                "settings.py": settings,
                "shop/__init__.py": "",
                "shop/models.py": "from django.db import models\nclass Item(models.Model):\n    title = models.TextField()\n",
                "shop/migrations/__init__.py": "",
                "shop/migrations/0001_initial.py": "from django.db import migrations, models\n"
                "class Migration(migrations.Migration):\n    initial = True\n    dependencies = []\n"
                "    operations = [migrations.CreateModel('Item', [('id', models.AutoField(primary_key=True, serialize=False,"
                " auto_created=True, verbose_name='ID')), ('title', models.TextField())])]\n",
            },
        )
    )
    made.devstack("up", timeout=300)
    assert made.sql("select to_regclass('shop_item') is null") == "f"
    (database,) = made.devstack("schema", "status", "--json").data["databases"]
    assert database["files"][0]["head"] == "1 migrations, last shop.0001_initial" and database["tool"]["exit"] == 0
    assert made.devstack("schema", "diff", "--exit-code", "--json").data["clean"]


def test_dbmate_migrates(standing: MakeCheckout) -> None:
    made = standing(
        stack(
            tool="dbmate",
            image="FROM node:22-slim\nRUN npm install -g dbmate\nWORKDIR /app\nCOPY . .\n",
            files={
                "db/migrations/20260101000000_item.sql": "-- migrate:up\ncreate table item (id int);\n-- migrate:down\ndrop table item;\n"
            },
        )
    )
    made.devstack("up", timeout=300)
    assert made.sql("select to_regclass('item') is null") == "f"
    (database,) = made.devstack("schema", "status", "--exit-code", "--json").data["databases"]
    assert database["files"][0]["head"] == "20260101000000"


def test_any_command_migrates_and_seeds_come_after_it(standing: MakeCheckout) -> None:
    made = standing(
        {
            "devstack.yml": f"""\
name: @PROJECT
services:
{_DB}\
  job: {{image: "postgres:17", command: [sleep, "1000"], init: true, depends_on: [db]}}
schema:
  service: db
  tool: command
  run: job
  directory: /tmp
  command: [sh, -c, 'psql -Xq -v ON_ERROR_STOP=1 -c "create table if not exists item (id int, place text)" "$$DATABASE_URL"; pwd']
  status: [sh, -c, 'psql -XAtq -c "select 1/count(*) from item" "$$DATABASE_URL"']
  seeds: [seed.sql]
""",
            "seed.sql": "insert into item values (1, 'here');\n",
        }
    )
    ran = made.devstack("up")
    assert "command | /tmp" in ran.err
    assert made.sql("select place from item") == "here"
    (database,) = made.devstack("schema", "status", "--json").data["databases"]
    assert database["tool"]["output"] == ["1"] and database["tool"]["exit"] == 0
    made.sql("delete from item")
    assert made.devstack("schema", "status", "--exit-code", "--json", code=3).data["databases"][0]["tool"]["exit"] != 0


def test_reset_runs_the_tool_once_for_a_template_and_copies_that(standing: MakeCheckout) -> None:
    text = f"name: @PROJECT\nservices:\n{_DB}"
    text += '  job: {image: "postgres:17", command: [sleep, "1000"], init: true, depends_on: [db], volumes: ["./sql:/sql"]}\n'
    text += "schema:\n  service: db\n  tool: command\n  run: job\n  files: ['sql/*.sql']\n  seeds: [seed.sql]\n"
    text += """  command: [sh, -c, 'cat /sql/*.sql | psql -Xq -v ON_ERROR_STOP=1 "$$DATABASE_URL"; echo migrated']\n"""
    made = standing(
        {
            "devstack.yml": text,
            "sql/1.sql": "create table item (id int);\n",
            "seed.sql": "insert into item values (1);\n",
        }
    )
    made.devstack("up")
    made.sql("insert into item values (2)")
    first = made.devstack("reset", "--yes")
    assert "migrated" in first.err and "made once from" in first.err and "new volume" not in first.err
    assert made.sql("select string_agg(id::text, ',') from item") == "1"
    made.sql("insert into item values (3)")
    again = made.devstack("reset", "--yes")
    assert "migrated" not in again.err and made.sql("select string_agg(id::text, ',') from item") == "1"
    made.devstack("undo", "--yes")
    assert made.sql("select string_agg(id::text, ',') from item") == "1,3"
    made.write({"sql/2.sql": "alter table item add column place text;\n"})
    assert "migrated" in made.devstack("reset", "--yes").err  # a new key, a new template
    assert made.sql("select count(*) from item where place is null") == "1"
    assert made.devstack("up").out.startswith("nothing to do")
    assert one_offs(made) == []


def test_a_tool_that_is_not_in_the_image_is_told(standing: MakeCheckout) -> None:
    text = f"name: @PROJECT\nservices:\n{_DB}  job: {{image: 'busybox:1.37', command: [sleep, '9'], depends_on: [db]}}\n"
    made = standing({"devstack.yml": text + "schema: {service: db, tool: alembic, run: job}\n"})
    ran = made.devstack("up", code=1)
    assert "devstack.yml:5:" in ran.err and "alembic" in ran.err and "image of job" in ran.err
    assert one_offs(made) == []
