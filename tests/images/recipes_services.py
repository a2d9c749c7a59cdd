"""pgAdmin, Prometheus, Grafana, Mailpit and MinIO."""

from __future__ import annotations

from tests.images.catalogue import FILES, Fetch, Image, Layer
from tests.images.recipes_base import BASE, PYTHON, apt, busybox_binary
from tests.images.rootfs import Tree

_SECOND = 1_000_000_000  # the engine's durations are nanoseconds


def wget(tree: Tree, fetch: Fetch) -> None:
    """BusyBox's wget, which the genuine images have and health checks use."""
    tree.copy(busybox_binary(tree, fetch), "/bin/busybox", 0o755)
    for name in ("wget", "nc"):
        (tree.root / "usr/bin" / name).symlink_to("busybox")


def small_server(tree: Tree, source: str, target: str) -> None:
    """A server from files/ and what such servers share."""
    tree.copy(FILES / "web/standin_web.py", "/usr/local/lib/python3.13/site-packages/standin_web.py")
    tree.copy(FILES / source, target, 0o755)
    tree.sh("python -m compileall -q /usr/local/lib/python3.13/site-packages/standin_web.py")


def _pgadmin(tree: Tree, fetch: Fetch) -> None:
    # Manuals, tests and the descriptions of cloud services are more than half of what pip installs.
    tree.sh(
        """
        pip install --no-cache-dir --no-compile pgadmin4==9.* gunicorn
        cd /usr/local/lib/python3.13/site-packages
        rm -rf googleapiclient/discovery_cache/documents pgadmin4/docs
        find pgadmin4 -type d -name tests -prune -exec rm -rf '{}' +
        mv pgadmin4 /pgadmin4
        python -m compileall -q -j 2 . /pgadmin4
        useradd --system --uid 5050 --gid 0 --home-dir /home/pgadmin --create-home pgadmin
        install -d -o pgadmin -g root -m 700 /var/lib/pgadmin
        touch /pgadmin4/config_distro.py
        chown pgadmin:root /pgadmin4 /pgadmin4/config_distro.py
        """
    )
    tree.copy(FILES / "pgadmin/entrypoint.sh", "/entrypoint.sh", 0o755)
    tree.copy(FILES / "pgadmin/served.py", "/pgadmin4/served.py")
    wget(tree, fetch)


def _prometheus(tree: Tree, fetch: Fetch) -> None:
    source = f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {fetch.host.mirror} forky main\n"
    tree.write("/etc/apt/sources.list.d/forky.list", source)
    # The package asks for promtool (90 MB) and a user of its own; its program needs neither.
    tree.sh(
        """
        cd /tmp
        apt-get download prometheus/forky
        dpkg -x prometheus_*.deb unpacked
        mv unpacked/usr/bin/prometheus /bin/prometheus
        install -d /etc/prometheus
        cp -r unpacked/etc/prometheus/. /etc/prometheus/
        install -d -o nobody -g nogroup /prometheus
        rm /etc/apt/sources.list.d/forky.list
        """
    )
    own = "global:\n  scrape_interval: 15s\nscrape_configs:\n  - job_name: prometheus\n    static_configs:\n      - targets: [localhost:9090]\n"
    tree.write("/etc/prometheus/prometheus.yml", own)
    wget(tree, fetch)


def _grafana(tree: Tree, fetch: Fetch) -> None:
    tree.sh(
        """
        pip install --no-cache-dir pyyaml
        useradd --system --uid 472 --gid 0 --home-dir /usr/share/grafana --no-create-home grafana
        install -d /usr/share/grafana
        install -d -o grafana -g root -m 770 /var/lib/grafana /var/log/grafana /var/lib/grafana/plugins
        install -d /etc/grafana/provisioning/datasources /etc/grafana/provisioning/dashboards
        """
    )
    small_server(tree, "grafana/grafana.py", "/run.sh")
    wget(tree, fetch)


def _mailpit(tree: Tree, fetch: Fetch) -> None:
    small_server(tree, "mailpit/mailpit.py", "/mailpit")
    wget(tree, fetch)


def _minio(tree: Tree, fetch: Fetch) -> None:
    apt(tree, "curl")
    small_server(tree, "minio/minio.py", "/usr/bin/minio")
    for name in ("mc", "docker-entrypoint.sh"):
        tree.copy(FILES / "minio" / name, f"/usr/bin/{name}", 0o755)
    (tree.root / "data").mkdir()


PGADMIN = Layer("pgadmin", _pgadmin, PYTHON, ("pgadmin",))
PROMETHEUS = Layer("prometheus", _prometheus, BASE)
GRAFANA = Layer("grafana", _grafana, PYTHON, ("grafana", "web"))
MAILPIT = Layer("mailpit", _mailpit, PYTHON, ("mailpit", "web"))
MINIO = Layer("minio", _minio, PYTHON, ("minio", "web"))


def images(bundle: str) -> list[Image]:
    """The images of this file; `bundle` is the certificate file programs must be pointed at, or empty."""
    program = "a small HTTP server in Python"
    grafana = {"DATA": "/var/lib/grafana", "LOGS": "/var/log/grafana", "PROVISIONING": "/etc/grafana/provisioning"}
    return [
        Image(
            "dpage/pgadmin4:9",
            PGADMIN,
            "stand-in for dpage/pgadmin4:9, built from pgAdmin 9 of PyPI on Debian trixie; without Kerberos, manuals and pg_dump",
            entrypoint=("/entrypoint.sh",),
            env={"PYTHONPATH": "/pgadmin4"},
            user="5050",
            folder="/pgadmin4",
            volumes=("/var/lib/pgadmin",),
            ports=(80, 443),
        ),
        Image(
            "prom/prometheus:v3.5.0",
            PROMETHEUS,
            "stand-in for prom/prometheus:v3.5.0, built from Prometheus 3.5 of Debian forky; without the web pages and promtool",
            entrypoint=("/bin/prometheus",),
            command=("--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"),
            user="nobody",
            folder="/prometheus",
            volumes=("/prometheus",),
            ports=(9090,),
        ),
        Image(
            "grafana/grafana:12.2.0",
            GRAFANA,
            f"stand-in for grafana/grafana:12.2.0, built from {program}: health, login and what is provisioned; it draws nothing",
            entrypoint=("/run.sh",),
            env={f"GF_PATHS_{key}": path for key, path in grafana.items()},
            user="472",
            folder="/usr/share/grafana",
            ports=(3000,),
        ),
        Image(
            "axllent/mailpit:v1.27",
            MAILPIT,
            "stand-in for axllent/mailpit:v1.27, built from a small SMTP and HTTP server in Python; mail is kept in memory",
            entrypoint=("/mailpit",),
            ports=(1025, 1110, 8025),
            health={
                "Test": ["CMD", "/mailpit", "readyz"],
                "Interval": 15 * _SECOND,
                "StartPeriod": 10 * _SECOND,
                "StartInterval": _SECOND,
            },
        ),
        Image(
            "minio/minio:RELEASE.2025-09-07T16-13-09Z",
            MINIO,
            f"stand-in for minio/minio, built from {program}: buckets and objects of S3, signed; no console, no multipart",
            entrypoint=("/usr/bin/docker-entrypoint.sh",),
            command=("minio",),
            volumes=("/data",),
            ports=(9000,),
        ),
    ]
