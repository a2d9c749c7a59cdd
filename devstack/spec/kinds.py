"""The catalogue: what each kind of service declares in its `kind.yml`. A project's own kinds win over ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType

from devstack.document import Entry, MappingNode, Node, ScalarNode, did_you_mean, load, plain, read_text
from devstack.spec.faults import Faults
from devstack.spec.native import Native, read_native
from devstack.spec.options import TYPES, Option

_KEYS = (
    "title", "summary", "options", "env", "ports", "configs", "needs", "reserved", "wrong_mounts", "caches", "wants", "provides",
    "example", "native", "data",
)  # fmt: skip
DATA = ("database", "flush", "volume")
"""A template database takes the place of the live one; the service's own command empties it; a new volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvVariable:
    """A variable of `.env`, named <SERVICE>_<suffix>. `when` is a template; the variable exists where it gives something true."""

    suffix: str
    secret: bool = False
    default: str = ""
    help: str = ""
    when: str = ""


@dataclass(frozen=True, slots=True)
class PublishedPort:
    """A port on 127.0.0.1. `published` (the default) and `target` are templates; the variable is <SERVICE>_<variable>."""

    variable: str
    published: str
    target: str


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file of the kind's `configs` folder that the container sees at `target`."""

    name: str
    target: str
    when: str = ""


@dataclass(frozen=True, slots=True)
class WrongMount:
    """A place in the container where nothing may be mounted when `when` (a template) gives something true."""

    target: str
    when: str
    advice: str


@dataclass(frozen=True, slots=True)
class Provided:
    """A connection variable for those who depend on the service. `value` and `secret` are templates.

    `each`: where several services provide the same interface, each one's is given as <SERVICE>_<name> too.
    """

    name: str
    value: str
    secret: str = ""
    each: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One catalogue entry. `consumes`: its services get the connection variables of what they depend on."""

    name: str
    folder: Path
    title: str
    summary: str
    options: Mapping[str, Option] = field(default_factory=dict)
    env: tuple[EnvVariable, ...] = ()
    ports: tuple[PublishedPort, ...] = ()
    configs: tuple[ConfigFile, ...] = ()
    needs: tuple[str, ...] = ()
    """Compose keys one of which the service must have."""
    reserved: Mapping[str, str] = field(default_factory=dict)
    """Environment variables that may not be set by hand, each with what to do instead."""
    wrong_mounts: tuple[WrongMount, ...] = ()
    caches: tuple[str, ...] = ()
    """Volumes whose content can be had again, by what follows the service's name: <service>-<suffix>."""
    data: str = ""
    """How its data is made clean: one of `DATA`; "" is as the image tells."""
    interface: str = ""
    provides: tuple[Provided, ...] = ()
    consumes: bool = False
    driver: str = ""
    browser: str = ""
    """Prefix under which the host's view of what it depends on is given to the browser; "" for none."""
    example: str = ""
    native: Native | None = None
    builtin: bool = True


def templates_root() -> Path:
    """The folder with `services` and `projects`: beside the package when installed, at the top of a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


def load_kinds(root: Path) -> Mapping[str, Kind]:
    """Every kind by name, ours and those in `root`/templates/services. Raises `SpecError` for a wrong `kind.yml`."""
    own = root / "templates" / "services"
    kinds = _builtin_kinds()
    if own.is_dir() and own.resolve() != (templates_root() / "services").resolve():
        kinds = {**kinds, **_kinds_in(own, False)}
    return MappingProxyType(kinds)


@cache
def _builtin_kinds() -> dict[str, Kind]:
    return _kinds_in(templates_root() / "services", True)


def _kinds_in(folder: Path, builtin: bool) -> dict[str, Kind]:
    faults = Faults()
    found = (_read(path, builtin, faults) for path in sorted(folder.glob("*/kind.yml")))
    kinds = {kind.name: kind for kind in found if kind is not None}
    faults.raise_all()
    return kinds


def _read(path: Path, builtin: bool, faults: Faults) -> Kind | None:
    shown = str(path)
    text = read_text(path, shown)
    faults.sources[shown] = text
    node = faults.mapping(load(text, shown), "")
    if node is None:
        return None
    before = len(faults.found)
    return _Reader(node, faults).kind(path.parent, builtin) if len(faults.found) == before else None


@dataclass(slots=True)
class _Reader:
    node: MappingNode
    faults: Faults
    known: dict[str, Node] = field(default_factory=dict)

    def kind(self, folder: Path, builtin: bool) -> Kind:
        self.known = {entry.key: entry.value for entry in self.faults.unknown(self.node, _KEYS, "", "a kind")}
        wants = self._section("wants")
        provides = self._section("provides")
        return Kind(
            name=folder.name,
            folder=folder,
            builtin=builtin,
            title=self.faults.text(self.known.get("title"), "title") or folder.name,
            summary=self.faults.text(self.known.get("summary"), "summary") or "",
            options={entry.key: self._option(entry) for entry in self._entries("options")},
            env=tuple(self._env(entry) for entry in self._entries("env")),
            ports=self._ports(),
            configs=tuple(self._config(entry) for entry in self._entries("configs")),
            needs=tuple(value for value, _ in self.faults.texts(self.known.get("needs"), "needs")),
            reserved={entry.key: _text(entry.value) for entry in self._entries("reserved")},
            caches=tuple(value for value, _ in self.faults.texts(self.known.get("caches"), "caches")),
            wrong_mounts=tuple(self._wrong_mount(entry) for entry in self._entries("wrong_mounts")),
            interface=_text(provides.get("interface")) if provides else "",
            provides=self._provided(provides),
            consumes=wants is not None,
            driver=_text(wants.get("driver")) if wants else "",
            browser=_text(wants.get("browser")) if wants else "",
            example=self.faults.text(self.known.get("example"), "example") or "",
            native=read_native(self.known["native"], folder, self.faults) if "native" in self.known else None,
            data=self._data(),
        )

    def _data(self) -> str:
        said = _text(self.known.get("data"))
        if said and said not in DATA:
            self.faults.add(self.known["data"], f'"{said}" is no way to make data clean', "data", f"one of: {', '.join(DATA)}")
        return said

    def _section(self, name: str) -> MappingNode | None:
        return self.faults.mapping(self.known.get(name), name)

    def _entries(self, name: str) -> tuple[Entry, ...]:
        section = self._section(name)
        return section.entries if section else ()

    def _fields(self, node: Node, path: str, known: tuple[str, ...]) -> dict[str, Node]:
        mapping = self.faults.mapping(node, path)
        return {entry.key: entry.value for entry in self.faults.unknown(mapping, known, path, "it")} if mapping else {}

    def _option(self, entry: Entry) -> Option:
        path = f"options.{entry.key}"
        found = self._fields(entry.value, path, ("type", "default", "shown", "help", "choices", "required"))
        kind = _text(found.get("type"))
        if kind not in TYPES:
            hint = did_you_mean(kind, TYPES) or f"one of: {', '.join(TYPES)}"
            self.faults.add(found.get("type") or entry, f'"{kind}" is no option type', path, hint)
        return Option(
            name=entry.key,
            type=kind,
            default=plain(found["default"]) if "default" in found else None,
            shown=_text(found.get("shown")),
            help=_text(found.get("help")),
            choices=tuple(value for value, _ in self.faults.texts(found.get("choices"), path)),
            required=self.faults.boolean(found.get("required"), path),
        )

    def _env(self, entry: Entry) -> EnvVariable:
        path = f"env.{entry.key}"
        found = self._fields(entry.value, path, ("secret", "default", "help", "when"))
        secret = self.faults.boolean(found.get("secret"), path)
        values = {name: _text(found.get(name)) for name in ("default", "help", "when")}
        return EnvVariable(suffix=entry.key, secret=secret, **values)

    def _ports(self) -> tuple[PublishedPort, ...]:
        node = self.known.get("ports")
        ports = []
        for index, item in enumerate(getattr(node, "items", ())):
            found = self._fields(item, f"ports[{index}]", ("variable", "published", "target"))
            ports.append(PublishedPort(*(_text(found.get(name)) for name in ("variable", "published", "target"))))
        return tuple(ports)

    def _config(self, entry: Entry) -> ConfigFile:
        found = self._fields(entry.value, f"configs.{entry.key}", ("target", "when"))
        return ConfigFile(entry.key, _text(found.get("target")), _text(found.get("when")))

    def _wrong_mount(self, entry: Entry) -> WrongMount:
        found = self._fields(entry.value, f"wrong_mounts.{entry.key}", ("when", "advice"))
        return WrongMount(entry.key, _text(found.get("when")), _text(found.get("advice")))

    def _provided(self, node: MappingNode | None) -> tuple[Provided, ...]:
        section = self.faults.mapping(node.get("variables"), "provides.variables") if node else None
        provided = []
        for entry in section or ():
            if isinstance(entry.value, ScalarNode):
                provided.append(Provided(entry.key, _text(entry.value)))
                continue
            path = f"provides.variables.{entry.key}"
            found = self._fields(entry.value, path, ("value", "secret", "each"))
            each = self.faults.boolean(found.get("each"), path)
            provided.append(Provided(entry.key, _text(found.get("value")), _text(found.get("secret")), each))
        return tuple(provided)


def _text(node: Node | None) -> str:
    if not isinstance(node, ScalarNode) or node.value is None:
        return ""
    return node.value if isinstance(node.value, str) else node.text
