"""What rendering promises beyond the text of each kind."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from devstack.compose.load import Sources
from devstack.compose.load import load as load_stack
from devstack.document import dump
from devstack.errors import SpecError
from devstack.render.render import render, stale, write
from devstack.spec.load import load_spec
from tests.compose.cases import compose_is_there
from tests.render.shop import EVERY_KIND, compose_of, rendered, text_of


def test_two_checkouts_render_the_same_compose_file(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    first = rendered(one, EVERY_KIND, {"DB_PORT": "5999"}, project="shop-one")
    second = rendered(two, EVERY_KIND, {"DB_PORT": "6999"}, project="shop-two")
    assert text_of(first, "compose") == text_of(second, "compose")
    assert text_of(first, "env") != text_of(second, "env")


def test_no_secret_stands_in_anything_but_the_env_file(tmp_path: Path) -> None:
    result = rendered(tmp_path, EVERY_KIND)
    assert result.new_secrets == 5
    assert result.secrets == tuple(f"password{number}" for number in range(1, 6))
    others = "".join(file.text for file in result.files if file.purpose != "env")
    assert not any(secret in others for secret in result.secrets)


def test_everything_is_published_on_the_loopback_address_only(tmp_path: Path) -> None:
    text = EVERY_KIND + '  plain: {image: a, ports: ["8080:80", "9000", "7000-7001:7000-7001"]}\n'
    ports = [port for service in compose_of(rendered(tmp_path, text))["services"].values() for port in service.get("ports", ())]
    assert len(ports) == 16
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_rendering_again_changes_nothing_and_keeps_passwords(tmp_path: Path) -> None:
    first = rendered(tmp_path, EVERY_KIND)
    write(first)
    again = rendered(tmp_path, EVERY_KIND)
    assert again.new_secrets == 0
    assert again.secrets == first.secrets
    assert {item.state for item in write(again)} == {"unchanged"}
    assert stale(again) == ()


def test_users_keys_are_merged_over_what_the_kind_renders(tmp_path: Path) -> None:
    text = """\
name: shop
services:
  db:
    kind: postgres
    image: pgvector/pgvector:pg18
    environment: {POSTGRES_INITDB_ARGS: --data-checksums}
    healthcheck: {interval: 3s}
    command: [postgres, -c, log_statement=all]
    volumes: ["./seed:/seed:ro"]
    mem_limit: 1g
"""
    db = compose_of(rendered(tmp_path, text))["services"]["db"]
    assert db["image"] == "pgvector/pgvector:pg18"
    assert db["environment"]["POSTGRES_USER"] == "shop"
    assert db["environment"]["POSTGRES_INITDB_ARGS"] == "--data-checksums"
    assert db["healthcheck"]["interval"] == "3s"
    assert db["healthcheck"]["test"][1] == "pg_isready"
    assert db["command"] == ["postgres", "-c", "log_statement=all"]
    assert db["volumes"] == ["db-data:/var/lib/postgresql", "./seed:/seed:ro"]
    assert db["mem_limit"] == "1g"


def test_a_variable_that_the_user_sets_is_not_wired_over(tmp_path: Path) -> None:
    text = "services:\n  db: {kind: postgres}\n  api: {kind: fastapi, build: app, depends_on: [db], environment: [DATABASE_URL=mine]}\n"
    environment = compose_of(rendered(tmp_path, text))["services"]["api"]["environment"]
    assert environment["DATABASE_URL"] == "mine"
    assert environment["PGHOST"] == "db"


@pytest.mark.parametrize(
    ("kind", "options", "form"),
    [
        ("fastapi", "", "postgresql+asyncpg://"),
        ("fastapi", ", driver: psycopg", "postgresql+psycopg://"),
        ("fastapi", ", driver: plain", "postgresql://"),
        ("worker", ", command: a", "postgresql://"),
        ("cron", ", command: a, schedule: '* * * * *', driver: psycopg2", "postgresql+psycopg2://"),
        ("vite", "", "postgresql://"),
    ],
)
def test_the_database_url_has_the_form_its_driver_wants(kind: str, options: str, form: str, tmp_path: Path) -> None:
    text = f"name: shop\nservices:\n  db: {{kind: postgres}}\n  api: {{kind: {kind}, build: app, depends_on: [db]{options}}}\n"
    url = compose_of(rendered(tmp_path, text))["services"]["api"]["environment"]["DATABASE_URL"]
    assert url == f"{form}shop:${{DB_PASSWORD:?run devstack render}}@db:5432/shop"


def test_of_several_databases_the_first_gives_the_plain_names_and_each_its_own(tmp_path: Path) -> None:
    text = """\
name: shop
services:
  orders: {kind: postgres, database: orders}
  users-db: {kind: postgres, database: users, port: 5433}
  api: {kind: node, source: app, depends_on: [users-db, orders]}
"""
    environment = compose_of(rendered(tmp_path, text))["services"]["api"]["environment"]
    assert environment["PGDATABASE"] == "users"
    assert environment["DATABASE_URL"].endswith("@users-db:5432/users")
    assert environment["USERS_DB_DATABASE_URL"] == environment["DATABASE_URL"]
    assert environment["ORDERS_DATABASE_URL"].endswith("@orders:5432/orders")
    assert "ORDERS_PGHOST" not in environment


def test_a_browser_is_never_given_how_to_log_in(tmp_path: Path) -> None:
    text = "services:\n  db: {kind: postgres}\n  api: {kind: node, source: app}\n  web: {kind: vite, build: app, port: 3001, depends_on: [db, api]}\n"
    environment = compose_of(rendered(tmp_path, text))["services"]["web"]["environment"]
    assert [name for name in environment if name.startswith("VITE_")] == ["VITE_API_URL"]


def test_a_kind_waits_for_the_health_of_what_has_a_health_check(tmp_path: Path) -> None:
    text = """\
services:
  db: {kind: postgres}
  quiet: {kind: redis, healthcheck: {disable: true}}
  own: {image: a, healthcheck: {test: [CMD, "true"]}}
  none: {image: b}
  job: {kind: worker, command: a}
  tool: {kind: mailpit, profiles: [tools]}
  api: {kind: fastapi, build: app, depends_on: [db, quiet, own, none, job, tool]}
  plain: {image: c, depends_on: [db]}
"""
    services = compose_of(rendered(tmp_path, text))["services"]
    assert services["api"]["depends_on"] == {
        "db": {"condition": "service_healthy"},
        "quiet": {"condition": "service_started"},
        "own": {"condition": "service_healthy"},
        "none": {"condition": "service_started"},
        "job": {"condition": "service_started"},
        "tool": {"condition": "service_healthy", "required": False},
    }
    assert services["plain"]["depends_on"] == ["db"]


@pytest.mark.parametrize(
    ("version", "target"),
    [
        ("16", "/var/lib/postgresql/data"),
        ("17.2-alpine", "/var/lib/postgresql/data"),
        ("18", "/var/lib/postgresql"),
        ("19", "/var/lib/postgresql"),
    ],
)
def test_the_data_mount_follows_the_major_version(version: str, target: str, tmp_path: Path) -> None:
    compose = compose_of(rendered(tmp_path, f"services: {{db: {{kind: postgres, version: '{version}'}}}}\n"))
    assert compose["services"]["db"]["volumes"] == [f"db-data:{target}"]
    assert "db-data" in compose["volumes"]


def test_a_volume_of_the_users_own_takes_the_place_of_the_kinds(tmp_path: Path) -> None:
    text = "services: {db: {kind: postgres, volumes: ['mine:/var/lib/postgresql/data']}}\nvolumes: {mine: {external: true}}\n"
    compose = compose_of(rendered(tmp_path, text))
    assert compose["services"]["db"]["volumes"] == ["mine:/var/lib/postgresql/data"]
    assert compose["volumes"] == {"mine": {"external": True}}


def test_a_dollar_sign_in_an_option_reaches_the_container_as_it_is(tmp_path: Path) -> None:
    text = "name: shop\nservices: {w: {kind: worker, command: [sh, -c, 'echo $$HOME $${X:?y}']}}\n"
    result = rendered(tmp_path, text)
    assert compose_of(result)["services"]["w"]["command"] == ["sh", "-c", "echo $$HOME $${X:?y}"]
    write(result)
    stack = load_stack(Sources(files=result.compose_files, directory=tmp_path, environment={}))
    assert stack.services["w"].command == ("sh", "-c", "echo $HOME ${X:?y}")


def test_paths_are_said_from_the_folder_of_the_rendered_file(tmp_path: Path) -> None:
    text = """\
services:
  api:
    kind: fastapi
    build: {context: app, dockerfile: Dockerfile.dev}
    env_file: [api.env]
    volumes: ["./app:/srv:ro", "named:/x", "/abs:/y"]
volumes: {named: {}}
configs: {c: {file: c.txt}}
render: {compose: docker/compose.yaml}
"""
    compose = compose_of(rendered(tmp_path, text))
    api = compose["services"]["api"]
    assert api["build"] == {"context": "../app", "dockerfile": "Dockerfile.dev"}
    assert api["env_file"] == ["../api.env"]
    assert api["volumes"] == [{"type": "bind", "source": "../app", "target": "/app"}, "../app:/srv:ro", "named:/x", "/abs:/y"]
    assert compose["configs"]["c"] == {"file": "../c.txt"}


def test_adopted_files_stand_as_they_are_and_additions_are_laid_over(tmp_path: Path) -> None:
    own = "services:\n  db: {image: 'postgres:17', healthcheck: {test: [CMD, 'true']}}\n"
    (tmp_path / "compose.yaml").write_text(own)
    text = "compose: [compose.yaml]\nservices:\n  db: {mem_limit: 1g}\n  w: {kind: worker, command: a, depends_on: [db]}\n"
    result = rendered(tmp_path, text)
    assert result.compose_files == (tmp_path / "compose.yaml", tmp_path / "compose.devstack.yaml")
    compose = compose_of(result)
    assert compose["services"]["db"] == {"mem_limit": "1g"}
    assert compose["services"]["w"]["depends_on"] == {"db": {"condition": "service_healthy"}}
    assert "name" not in compose
    write(result)
    assert (tmp_path / "compose.yaml").read_text() == own
    stack = load_stack(Sources(files=result.compose_files, directory=tmp_path, environment={}))
    assert set(stack.services) == {"db", "w"}


def test_an_overlay_over_adopted_files_keeps_its_reset_and_override_tags(tmp_path: Path) -> None:
    own = "services:\n  db: {image: 'postgres:17', ports: ['5432:5432'], environment: {A: '1', B: '2'}, command: [a]}\n"
    (tmp_path / "compose.yaml").write_text(own)
    text = """\
compose: [compose.yaml]
services:
  db:
    ports: !override ["5999:5432"]
    environment: {A: !reset null}
    command: !reset null
"""
    result = rendered(tmp_path, text)
    write(result)
    stack = load_stack(Sources(files=result.compose_files, directory=tmp_path, environment={"POSTGRES_PASSWORD": "x"}))
    db = stack.services["db"]
    assert [(port.published, port.host_ip) for port in db.ports] == [("5999", "127.0.0.1")]
    assert dict(db.environment) == {"B": "2"}
    assert db.command is None
    if compose_is_there():
        files = [word for path in result.compose_files for word in ("-f", str(path))]
        printed = subprocess.run(["docker", "compose", *files, "config"], capture_output=True, text=True, check=True).stdout
        assert 'published: "5999"' in printed
        assert "5432:5432" not in printed


def test_adopting_without_additions_writes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "compose.yaml").write_text("services: {db: {image: 'postgres:17'}}\n")
    result = rendered(folder, "compose: [compose.yaml]\n")
    assert result.compose_files == (folder / "compose.yaml",)
    assert result.files == ()


def test_an_overlay_that_is_no_longer_needed_is_emptied(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("name: shop\nservices: {db: {image: 'postgres:17'}}\n")
    write(rendered(tmp_path, "compose: [compose.yaml]\nservices: {db: {mem_limit: 1g}}\n"))
    result = rendered(tmp_path, "compose: [compose.yaml]\n")
    write(result)
    stack = load_stack(Sources(files=result.compose_files, directory=tmp_path, environment={}))
    assert stack.services["db"].limits.memory is None


def test_an_adopted_stack_under_another_name_says_so_in_the_env_file(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("name: shop\nservices: {db: {image: 'postgres:17'}}\n")
    assert rendered(tmp_path, "compose: [compose.yaml]\n").files == ()
    other = rendered(tmp_path, "compose: [compose.yaml]\n", project="shop-2")
    assert "COMPOSE_PROJECT_NAME=shop-2\n" in text_of(other, "env")


def test_ports_at_their_default_do_not_stand_in_the_env_file(tmp_path: Path) -> None:
    result = rendered(tmp_path, "services: {db: {kind: postgres}}\n")
    assert "DB_PORT" not in text_of(result, "env")
    assert result.port_variables["DB_PORT"].default == 5432
    chosen = rendered(tmp_path, "services: {db: {kind: postgres}}\n", {"DB_PORT": "5433"})
    assert "DB_PORT=5433\n" in text_of(chosen, "env")


def test_a_password_that_breaks_urls_is_noted_by_name_and_not_by_value(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DB_PASSWORD='p@ss/word'\n")
    result = rendered(tmp_path, "services: {db: {kind: postgres}}\n")
    assert "DB_PASSWORD" in result.notes[0]
    assert "p@ss/word" not in result.notes[0]


def test_the_compose_loader_takes_a_spec_of_every_kind(tmp_path: Path) -> None:
    result = rendered(tmp_path, EVERY_KIND)
    write(result)
    stack = load_stack(Sources(files=result.compose_files, directory=tmp_path, environment={}))
    assert len(stack.services) == 13
    assert stack.services["db"].init is True
    assert all(port.host_ip == "127.0.0.1" for service in stack.services.values() for port in service.ports)


@pytest.mark.skipif(shutil.which("docker") is None, reason="no docker command")
@pytest.mark.parametrize("place", ["compose.yaml", "docker/docker-compose.yml"])
def test_docker_compose_takes_a_spec_of_every_kind(place: str, tmp_path: Path) -> None:
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("no docker compose")
    write(rendered(tmp_path, f"{EVERY_KIND}render: {{compose: {place}}}\n"))
    environment = {key: value for key, value in os.environ.items() if not key.endswith(("_PORT", "_PASSWORD"))}
    result = subprocess.run(
        ["docker", "compose", "-f", place, "config", "-q"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_docker_compose_says_what_to_do_without_an_env_file(tmp_path: Path) -> None:
    result = rendered(tmp_path, "services: {db: {kind: postgres}}\n")
    write(result)
    (tmp_path / ".env").unlink()
    with pytest.raises(SpecError, match="run devstack render"):
        load_stack(Sources(files=result.compose_files, directory=tmp_path, environment={}))


def test_rendering_reads_but_never_writes(tmp_path: Path) -> None:
    before = rendered(tmp_path, EVERY_KIND)
    assert before.files
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app", "devstack.yml"]


def test_a_projects_own_kind_is_rendered(tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "services" / "echo"
    folder.mkdir(parents=True)
    (folder / "kind.yml").write_text(
        "title: Echo\nsummary: Says it back.\noptions: {text: {type: string, required: true, help: What}}\n"
        "env: {TOKEN: {secret: true, help: Its token}}\nports: [{variable: PORT, published: '7000', target: '70'}]\n"
    )
    (folder / "service.yaml.j2").write_text(
        'image: "echo:1"\ncommand: ["say", {{ options.text }}]\nenvironment: {TOKEN: {{ env.TOKEN }}}\n'
    )
    echo = compose_of(rendered(tmp_path, "services: {e: {kind: echo, text: 'a\\nprivileged: true'}}\n"))["services"]["e"]
    assert echo == {
        "image": "echo:1",
        "command": ["say", "a\\nprivileged: true"],
        "environment": {"TOKEN": "${E_TOKEN:?run devstack render}"},
        "ports": ["127.0.0.1:${E_PORT:-7000}:70"],
    }


def test_the_example_system_renders(tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / "examples" / "agent-platform"
    result = render(load_spec(example / "devstack.yml", {}), project="agent-platform")
    assert dump(compose_of(result))
