"""The create body: what differs between engines, and the fast start cadence."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from devstack import labels
from devstack.compose.model import (
    Attachment,
    Condition,
    Dependency,
    Device,
    DeviceRequest,
    FileMount,
    FileObject,
    Healthcheck,
    Mount,
    Port,
    Service,
)
from devstack.engine import copying, labelling
from devstack.engine.base import NewContainer
from devstack.engine.create.body import container_body
from devstack.engine.create.mounts import CopiedFile, copied_files
from devstack.engine.create.profiles import with_profiles
from devstack.errors import DevstackError
from tests.engine.stacks import service, stack

NEW, OLD = (1, 51), (1, 41)
SECOND = 1_000_000_000


def body(
    web: Service,
    *,
    api: tuple[int, int] = NEW,
    networks: tuple[str, ...] = ("default", "back"),
    image_probe: Healthcheck | None = None,
    **fields: Any,
) -> Any:
    wanted = stack("p", web, volumes=("data",), networks=networks)
    new = NewContainer(service=web, number=1, name="p-web-1", image="i", image_id="sha256:1", **fields)
    return container_body(wanted, new, {}, api=api, image_probe=image_probe)


# Health


def test_a_probe_without_a_start_cadence_gets_the_fast_one() -> None:
    found = body(service("web", healthcheck=Healthcheck(("CMD", "true"), interval=60.0)))["Healthcheck"]
    assert (found["StartInterval"], found["StartPeriod"]) == (SECOND // 4, 60 * SECOND)


def test_the_start_period_is_the_users_or_at_least_thirty_seconds() -> None:
    assert body(service("w", healthcheck=Healthcheck(("CMD", "x"), interval=1.0)))["Healthcheck"]["StartPeriod"] == 30 * SECOND
    own = Healthcheck(("CMD", "x"), interval=1.0, start_period=2.0)
    assert body(service("w", healthcheck=own))["Healthcheck"]["StartPeriod"] == 2 * SECOND


def test_the_users_own_start_interval_is_left_alone() -> None:
    own = Healthcheck(("CMD", "x"), start_interval=3.0)
    found = body(service("w", healthcheck=own))["Healthcheck"]
    assert found == {"Test": ["CMD", "x"], "StartInterval": 3 * SECOND}


def test_a_probe_faster_than_ours_is_not_slowed_down() -> None:
    own = Healthcheck(("CMD", "x"), interval=0.1)
    assert body(service("w", healthcheck=own))["Healthcheck"]["StartInterval"] == SECOND // 10


def test_an_old_engine_gets_no_start_interval() -> None:
    own = Healthcheck(("CMD", "x"), interval=1.0, start_interval=3.0)
    assert body(service("w", healthcheck=own), api=OLD)["Healthcheck"] == {"Test": ["CMD", "x"], "Interval": SECOND}


def test_the_images_own_probe_is_sped_up_and_otherwise_kept() -> None:
    found = body(service("w"), image_probe=Healthcheck(("CMD", "x"), interval=10.0, start_period=40.0))["Healthcheck"]
    assert found == {"StartInterval": SECOND // 4, "StartPeriod": 40 * SECOND}
    assert "Healthcheck" not in body(service("w"))


def test_a_disabled_probe_is_none_for_the_engine() -> None:
    assert body(service("w", healthcheck=Healthcheck(disable=True)))["Healthcheck"] == {"Test": ["NONE"]}


def test_without_the_fast_start_the_probe_is_as_written() -> None:
    own = Healthcheck(("CMD", "x"), interval=1.0)
    assert body(service("w", healthcheck=own), fast_start=False)["Healthcheck"] == {"Test": ["CMD", "x"], "Interval": SECOND}


# Words


def test_an_empty_command_clears_the_images_own() -> None:
    assert body(service("w", ()))["Cmd"] == []
    assert "Entrypoint" not in body(service("w"))
    assert body(service("w", entrypoint=()))["Entrypoint"] == []


def test_a_variable_without_a_value_takes_the_images_away() -> None:
    assert body(service("w", environment={"A": "1", "B": None, "C": ""}))["Env"] == ["A=1", "B", "C="]


def test_exposed_ranges_are_every_port_of_them() -> None:
    assert set(body(service("w", expose=("1-2", "9/udp")))["ExposedPorts"]) == {"1/tcp", "2/tcp", "9/udp"}


# Networks and ports


def test_new_engines_get_all_networks_at_once_the_primary_one_by_priority() -> None:
    both = (Attachment(network="default"), Attachment(network="back", priority=1, gw_priority=3, mac_address="m"))
    found = body(service("w", networks=both))
    assert found["HostConfig"]["NetworkMode"] == "p_back"
    ends = found["NetworkingConfig"]["EndpointsConfig"]
    assert ends["p_back"] == {"Aliases": ["p-web-1", "w"], "MacAddress": "m", "GwPriority": 3}
    assert ends["p_default"] == {"Aliases": ["p-web-1", "w"]}


def test_old_engines_get_the_primary_network_only() -> None:
    both = (Attachment(network="default"), Attachment(network="back"))
    found = body(service("w", networks=both, mac_address="m"), api=OLD)
    assert list(found["NetworkingConfig"]["EndpointsConfig"]) == ["p_back"]
    assert found["MacAddress"] == "m"


def test_a_shared_network_names_the_other_container_and_joins_no_network() -> None:
    found = body(service("w", network_mode="service:db", networks=()), namespaces={"db": "abc"})
    assert found["HostConfig"]["NetworkMode"] == "container:abc"
    assert "EndpointsConfig" not in found.get("NetworkingConfig", {})


def test_a_service_without_networks_is_alone() -> None:
    assert body(service("w", networks=()), networks=())["HostConfig"]["NetworkMode"] == "none"


def test_ports_are_published_on_the_address_that_was_asked_for() -> None:
    ports = (Port(80, "8080", "127.0.0.1"), Port(80, "8081"), Port(53, "53", protocol="udp"))
    assert body(service("w", ports=ports))["HostConfig"]["PortBindings"] == {
        "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}, {"HostIp": "", "HostPort": "8081"}],
        "53/udp": [{"HostIp": "", "HostPort": "53"}],
    }
    assert "PortBindings" not in body(service("w", ports=ports), publish=False)["HostConfig"]


# Storage


def test_a_host_path_with_a_colon_is_mounted_and_still_made() -> None:
    found = body(service("w", mounts=(Mount(type="bind", source="/a:b", target="/x"),)))["HostConfig"]
    assert found["Mounts"] == [{"Type": "bind", "Source": "/a:b", "Target": "/x", "BindOptions": {"CreateMountpoint": True}}]


def test_volumes_of_other_services_are_taken_by_container() -> None:
    web = service("w", volumes_from=("db:ro", "container:other"))
    assert body(web, namespaces={"db": "abc"})["HostConfig"]["VolumesFrom"] == ["abc:ro", "other"]


def test_inherited_anonymous_volumes_are_bound_by_name() -> None:
    found = body(service("w", mounts=(Mount(type="volume", target="/d"),)), inherit={"/d": "v1", "/image-volume": "v2"})
    assert found["HostConfig"]["Binds"] == ["v1:/d:rw", "v2:/image-volume:rw"]


def test_content_secrets_are_copied_with_owner_and_mode_in_a_plain_tar() -> None:
    use = (FileMount("k", uid="7", gid="8", mode=0o400), FileMount("k", target="/etc/k"))
    wanted = stack("p", service("w", secrets=use), secrets=(FileObject(key="k", name="k", content="hush"),))
    data = copying.archive(copied_files(wanted, wanted.services["w"]))
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
        entries = [(m.name, m.uid, m.gid, m.mode, m.size) for m in tar.getmembers()]
    assert entries == [("run/secrets/k", 7, 8, 0o400, 4), ("etc/k", 0, 0, 0o444, 4)]


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 100_000])
def test_an_upload_is_never_compressed(size: int) -> None:
    data = copying.archive([CopiedFile("/run/x", b"\x1f\x8b" * size, 0, 0, 0o444)])
    assert data[257:262] == b"ustar"


# Devices and security


def test_device_names_of_the_container_device_interface_become_requests() -> None:
    web = service(
        "w",
        devices=(Device("vendor.com/gpu=0", "vendor.com/gpu=0"), Device("/dev/null", "/dev/x")),
        device_requests=(DeviceRequest(driver="nvidia", count=-1, capabilities=("gpu",)),),
    )
    host = body(web)["HostConfig"]
    assert [d["PathOnHost"] for d in host["Devices"]] == ["/dev/null"]
    assert host["DeviceRequests"][0]["Capabilities"] == [["gpu"]]
    assert host["DeviceRequests"][1] == {"Driver": "cdi", "DeviceIDs": ["vendor.com/gpu=0"]}


def test_unconfined_system_paths_mean_that_nothing_is_masked() -> None:
    host = body(service("w", security_opt=("systempaths=unconfined",)))["HostConfig"]
    assert (host["MaskedPaths"], host["ReadonlyPaths"], host.get("SecurityOpt")) == ([], [], None)


def test_a_seccomp_profile_is_sent_by_its_rules_and_one_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text('{ "defaultAction": "SCMP_ACT_ALLOW" }\n')
    (tmp_path / "broken.json").write_text("{")
    own = service("a", security_opt=("seccomp:rules.json", "label:disable", "seccomp=unconfined", "seccomp=builtin"))
    assert with_profiles(own, tmp_path).security_opt == (
        'seccomp={"defaultAction":"SCMP_ACT_ALLOW"}',
        "label:disable",
        "seccomp=unconfined",
        "seccomp=builtin",
    )
    for name, why in (("missing.json", "No such file"), ("broken.json", "it is no JSON")):
        with pytest.raises(DevstackError, match=why) as caught:
            with_profiles(service("a", security_opt=(f"seccomp:{name}",)), tmp_path)
        assert str(tmp_path / name) in caught.value.message and "security_opt" in caught.value.hints[0]


def test_a_disk_quota_is_asked_for() -> None:
    """No container can be made with it on most engines: the disk has to be xfs with pquota."""
    assert body(service("a", storage_opt={"size": "1G"}))["HostConfig"]["StorageOpt"] == {"size": "1G"}


# Labels


def test_dependencies_are_written_as_compose_reads_them() -> None:
    web = service("w", depends_on=(Dependency("db", Condition.HEALTHY), Dependency("mq", restart=True)))
    assert labelling.depends_on_label(web) == "db:service_healthy:false,mq:service_started:true"
    assert labelling.depends_on_label(service("w")) == ""


def test_the_hash_of_a_service_that_shares_a_namespace_follows_the_container() -> None:
    web = service("w", canonical={"image": "i", "network_mode": "service:db", "volumes_from": ["db:ro", "container:x:ro"]})
    assert labelling.resolved(web, {"db": "abc"}) == {
        "image": "i",
        "network_mode": "container:abc",
        "volumes_from": ["abc", "x"],
    }
    assert labelling.config_hash(web, {"db": "abc"}) != labelling.config_hash(web, {"db": "def"})


def test_the_users_own_labels_do_not_displace_composes() -> None:
    web = service("w", labels={"own": "1", labels.PROJECT: "evil"})
    new = NewContainer(service=web, number=2, name="p-w-2", image="i", image_id="sha256:1", replaces="w-2")
    found = labelling.container_labels(stack("p", web), new)
    assert (found["own"], found[labels.PROJECT], found[labels.NUMBER], found[labels.REPLACE]) == ("1", "p", "2", "w-2")
