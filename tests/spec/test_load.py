"""Reading a right spec: where it is found, what is merged into it, what is filled in."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack.document import plain
from devstack.errors import SpecError, UsageError
from devstack.spec.load import find, load_spec, project_slug
from devstack.spec.model import Spec


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "devstack.yml"


def spec_of(folder: Path, text: str, environment: dict[str, str] | None = None) -> Spec:
    path = folder / "devstack.yml"
    path.write_text(text, encoding="utf-8")
    return load_spec(path, environment or {})


def test_the_nearest_file_above_is_found(tmp_path: Path) -> None:
    (tmp_path / "devstack.yml").write_text("")
    inner = tmp_path / "apps" / "web"
    inner.mkdir(parents=True)
    assert find(inner) == tmp_path / "devstack.yml"
    (tmp_path / "apps" / "devstack.yaml").write_text("")
    assert find(inner) == tmp_path / "apps" / "devstack.yaml"


def test_a_folder_without_a_spec_has_none(tmp_path: Path) -> None:
    assert find(tmp_path) is None


def test_a_missing_file_is_a_usage_error_that_names_init(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_spec(tmp_path / "devstack.yml", {})
    assert "devstack init" in caught.value.hints


def test_yaml_beside_yml_is_noted(tmp_path: Path) -> None:
    (tmp_path / "devstack.yaml").write_text("name: other\n")
    assert spec_of(tmp_path, "services: {db: {kind: postgres}}\n").notes == (
        "devstack.yaml stands beside devstack.yml and is not read",
    )


def test_options_and_compose_keys_are_told_apart(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, "services: {db: {kind: postgres, version: '16', mem_limit: 512m, x-note: mine}}\n")
    db = spec.services["db"]
    assert (db.kind, list(db.options), db.overlay.keys()) == ("postgres", ["version"], ("mem_limit", "x-note"))


def test_the_local_file_wins_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "devstack.local.yml").write_text("services: {db: {port: 6000, environment: {B: '2'}}}\n")
    spec = spec_of(tmp_path, "services: {db: {kind: postgres, port: 5433, environment: {A: '1'}}}\n")
    assert plain(spec.services["db"].options["port"]) == 6000
    environment = spec.services["db"].overlay.get("environment")
    assert environment is not None
    assert plain(environment) == {"A": "1", "B": "2"}
    assert [path.name for path in spec.files] == ["devstack.yml", "devstack.local.yml"]


def test_options_are_filled_from_the_shell_before_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PG=16\nNAME=from_file\n")
    text = "services: {db: {kind: postgres, version: '${PG}', database: '${NAME:-x}', port: '${P:-5999}'}}\n"
    options = spec_of(tmp_path, text, {"NAME": "from_shell"}).services["db"].options
    assert {key: plain(node) for key, node in options.items()} == {"version": "16", "database": "from_shell", "port": "5999"}


def test_compose_keys_keep_their_variables_for_compose(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, "services: {api: {image: 'api:${TAG:-1}'}}\n", {"TAG": "2"})
    image = spec.services["api"].overlay.get("image")
    assert image is not None
    assert plain(image) == "api:${TAG:-1}"


def test_the_name_is_the_folders_when_not_given(tmp_path: Path) -> None:
    folder = tmp_path / "My Shop"
    folder.mkdir()
    assert spec_of(folder, "services: {db: {kind: postgres}}\n").name == "myshop"


def test_a_folder_that_gives_no_name_asks_for_one(tmp_path: Path) -> None:
    folder = tmp_path / "日本"
    folder.mkdir()
    with pytest.raises(SpecError, match="add `name:`"):
        spec_of(folder, "services: {db: {kind: postgres}}\n")


@pytest.mark.parametrize(("text", "slug"), [("Shop", "shop"), ("my shop!", "myshop"), ("_x-1", "x-1"), ("日本", "")])
def test_slugs_are_as_compose_makes_them(text: str, slug: str) -> None:
    assert project_slug(text) == slug


def test_schema_may_be_one_or_a_list(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("select 1;")
    one = spec_of(tmp_path, "services: {db: {kind: postgres}}\nschema: {service: db, files: a.sql}\n").schema
    many = spec_of(tmp_path, "services: {db: {kind: postgres}}\nschema: [{service: db, database: x, files: [a.sql]}]\n").schema
    assert [(item.service, item.database, item.files) for item in one] == [("db", "", ("a.sql",))]
    assert [(item.service, item.database, item.files) for item in many] == [("db", "x", ("a.sql",))]


def test_the_env_file_lies_beside_the_compose_file_unless_said(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, "services: {db: {kind: postgres}}\nrender: {compose: docker/docker-compose.yml}\n")
    assert (spec.render.compose, spec.render.env) == (tmp_path / "docker/docker-compose.yml", tmp_path / "docker/.env")
    spec = spec_of(tmp_path, "services: {db: {kind: postgres}}\nrender: {compose: docker/c.yml, env: .env, env_example: false}\n")
    assert (spec.render.env, spec.render.env_example) == (tmp_path / ".env", None)


def test_verify_reads_durations(tmp_path: Path) -> None:
    assert spec_of(tmp_path, "services: {db: {kind: postgres}}\nverify: {startup: 1m30s}\n").verify.startup == 90.0


def test_dependencies_on_adopted_services_are_known(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {old: {image: old}}\n")
    spec = spec_of(tmp_path, "compose: [compose.yaml]\nservices: {mail: {kind: mailpit, depends_on: [old]}}\n")
    assert spec.compose == (tmp_path / "compose.yaml",)
    assert spec.render.compose == tmp_path / "compose.devstack.yaml"


def test_a_projects_own_kind_wins(tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "services" / "postgres"
    folder.mkdir(parents=True)
    (folder / "kind.yml").write_text(
        "title: Ours\nsummary: Our own server.\noptions: {flavour: {type: string, default: x, help: h}}\n"
    )
    assert list(spec_of(tmp_path, "services: {db: {kind: postgres, flavour: y}}\n").services["db"].options) == ["flavour"]


def test_a_wrong_kind_file_is_told_at_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "templates" / "services" / "mine"
    folder.mkdir(parents=True)
    (folder / "kind.yml").write_text("title: Mine\noptions:\n  a: {type: strnig}\n")
    with pytest.raises(SpecError) as caught:
        spec_of(tmp_path, "services: {m: {kind: mine}}\n")
    assert "kind.yml:3:13" in str(caught.value)
    assert 'did you mean "string"?' in str(caught.value)
