"""Published ports in every form people write: bound to the loopback address, with a variable where there is one port."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack.errors import SpecError
from tests.render.shop import compose_of, rendered

FORMS = [
    ('["8025:8025"]', ["127.0.0.1:${MAIL_PORT:-8025}:8025"], ["MAIL_PORT"]),
    (
        '["80:80", "25:25"]',
        ["127.0.0.1:${MAIL_PORT_80:-80}:80", "127.0.0.1:${MAIL_PORT_25:-25}:25"],
        ["MAIL_PORT_80", "MAIL_PORT_25"],
    ),
    ('["53:53/udp"]', ["127.0.0.1:${MAIL_PORT_UDP:-53}:53/udp"], ["MAIL_PORT_UDP"]),
    ("[8025]", ["127.0.0.1::8025"], []),
    ('["8025"]', ["127.0.0.1::8025"], []),
    ('["127.0.0.1:8025:8025"]', ["127.0.0.1:${MAIL_PORT:-8025}:8025"], ["MAIL_PORT"]),
    ('["0.0.0.0:8025:8025"]', ["0.0.0.0:8025:8025"], []),
    ('["[::1]:8025:8025"]', ["[::1]:8025:8025"], []),
    ('["9000-9001:9000-9001"]', ["127.0.0.1:9000-9001:9000-9001"], []),
    ('["${MY:-8025}:8025"]', ["127.0.0.1:${MY:-8025}:8025"], []),
    ("[{target: 8025, published: 8025}]", [{"target": 8025, "published": "${MAIL_PORT:-8025}", "host_ip": "127.0.0.1"}], ["MAIL_PORT"]),
    ("[{target: 8025, published: 8025, host_ip: 0.0.0.0}]", [{"target": 8025, "published": 8025, "host_ip": "0.0.0.0"}], []),
    ("[{target: 8025}]", [{"target": 8025, "host_ip": "127.0.0.1"}], []),
]  # fmt: skip


@pytest.mark.parametrize(("written", "published", "variables"), FORMS, ids=[form[0] for form in FORMS])
def test_a_plain_services_ports(written: str, published: list[object], variables: list[str], tmp_path: Path) -> None:
    result = rendered(tmp_path, f"services: {{mail: {{image: m, ports: {written}}}}}\n")
    assert compose_of(result)["services"]["mail"]["ports"] == published
    assert list(result.port_variables) == variables


def test_a_port_of_the_kinds_own_target_sets_its_default(tmp_path: Path) -> None:
    result = rendered(tmp_path, 'services: {db: {kind: postgres, ports: ["5433:5432", "9187:9187"]}}\n')
    assert sorted(compose_of(result)["services"]["db"]["ports"]) == [
        "127.0.0.1:${DB_PORT:-5433}:5432",
        "127.0.0.1:${DB_PORT_9187:-9187}:9187",
    ]
    assert {name: port.default for name, port in result.port_variables.items()} == {"DB_PORT": 5433, "DB_PORT_9187": 9187}


def test_an_address_takes_the_place_of_the_kinds_own_port(tmp_path: Path) -> None:
    result = rendered(tmp_path, 'services: {db: {kind: postgres, ports: ["0.0.0.0:5432:5432"]}}\n')
    assert compose_of(result)["services"]["db"]["ports"] == ["0.0.0.0:5432:5432"]


def test_ports_may_be_taken_away(tmp_path: Path) -> None:
    for text in ("publish: false", "ports: !reset null"):
        assert "ports" not in compose_of(rendered(tmp_path, f"services: {{db: {{kind: postgres, {text}}}}}\n"))["services"]["db"]


@pytest.mark.parametrize("port", ['"80:"', '"abc"', '"90-80:90-80"', "1.5", '"127.0.0.300:80:80"', '"８０:80"', "-1"])
def test_a_wrong_port_is_told_in_the_spec(port: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError) as caught:
        rendered(tmp_path, f"services:\n  mail: {{image: m, ports: [{port}]}}\n")
    assert str(caught.value.problems[0].where) == "devstack.yml:2:28"
