"""What this machine knows about its network: Debian mirror, extra certificate authorities, pip and npm settings.

A stand-in built here has to work in the network it was built in. Company proxies with their own certificate
authority and private package indexes are the usual reason why `RUN pip install` fails in a container while it works
on the host, so the python and node stand-ins carry the host's settings. Settings with a password in them are left
out: an image is no place for a secret.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

DEBIAN = "http://deb.debian.org/debian"
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.S)
_PIP_KEYS = ("index-url", "extra-index-url", "trusted-host", "proxy")
_NPM_KEYS = ("registry", "proxy", "https-proxy", "strict-ssl")


@dataclass(frozen=True, slots=True)
class Host:
    mirror: str  # base URL of the Debian archive
    authorities: tuple[str, ...]  # PEM blocks the host trusts beyond Debian's own set
    pip_conf: str
    npmrc: str

    @property
    def bundle(self) -> str:
        """The setting that makes Node and Python look at the system's certificates, where they must."""
        return "/etc/ssl/certs/ca-certificates.crt" if self.authorities else ""


def read_host() -> Host:
    return Host(_mirror(), _authorities(), _pip_conf(), _npmrc())


def _mirror() -> str:
    for path in (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list")):
        if not path.is_file():
            continue
        for line in path.read_text().splitlines():
            found = re.match(r"(?:URIs:|deb(?:\s+\[[^]]*\])?)\s+(https?://\S+)", line)
            if found and found[1].rstrip("/").endswith("/debian") and not _has_password(found[1]):
                return found[1].rstrip("/")
    return DEBIAN


def _authorities() -> tuple[str, ...]:
    """Certificates in the host's bundle that no Debian package put there."""
    bundle = Path(os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt"))
    if not bundle.is_file():
        return ()
    packaged: set[str] = set()
    for path in Path("/usr/share/ca-certificates").rglob("*.crt"):
        packaged.update(_pems(path))
    if not packaged:  # not a machine with Debian's certificates: what is extra cannot be told
        return ()
    return tuple(sorted({pem for pem in _pems(bundle) if pem not in packaged}))


def _pems(path: Path) -> list[str]:
    return [block.replace("\r", "") for block in _PEM.findall(path.read_text(errors="replace"))]


def _pip_conf() -> str:
    """`[global]` lines for a pip.conf, from `pip config list` (files and environment already merged)."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True)
    kept: dict[str, str] = {}
    for line in listed.stdout.splitlines():
        name, _, value = line.partition("=")
        key = name.rpartition(".")[2]
        words = [word for word in value.strip("'\"").split() if not word.startswith(("file:", "/"))]
        if key in _PIP_KEYS and words and not any(map(_has_password, words)):
            kept[key] = " ".join(words)
    return "".join(f"{key} = {value}\n" for key, value in sorted(kept.items()))


def _npmrc() -> str:
    kept: dict[str, str] = {}
    for path in (Path("/etc/npmrc"), Path("/usr/etc/npmrc"), Path("/usr/local/etc/npmrc"), Path.home() / ".npmrc"):
        if not path.is_file():
            continue
        for line in path.read_text().splitlines():
            key, _, value = (part.strip() for part in line.partition("="))
            if key in _NPM_KEYS and value and not _has_password(value):
                kept[key] = value
    for key in _NPM_KEYS:
        value = os.environ.get("npm_config_" + key.replace("-", "_"), "")
        if value and not _has_password(value):
            kept[key] = value
    return "".join(f"{key}={value}\n" for key, value in sorted(kept.items()))


def _has_password(value: str) -> bool:
    return re.search(r"://[^/@\s]*@", value) is not None
