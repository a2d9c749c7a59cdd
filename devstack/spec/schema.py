"""The `schema:` section: the databases, and the SQL files or the tool that make the schema of each."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Literal

from devstack.document import MappingNode, Node, ScalarNode, SequenceNode, did_you_mean, kind_of
from devstack.spec.faults import Faults
from devstack.spec.find import shown
from devstack.spec.model import Policy, SchemaSpec, ToolSpec
from devstack.spec.tools import TOOLS

PATTERNS = ("files", "roles", "repeatable", "seeds")
TOOL_KEYS = ("run", "directory", "command", "status", "drift")
KEYS = (
    "service", "database", *PATTERNS, "reseed", "variables", "out_of_order", "edited", "transaction", "lock", "tool", *TOOL_KEYS,
)  # fmt: skip
OUT_OF_ORDER = ("apply", "error")
EDITED = ("error", "ask", "warn")
TRANSACTION = ("file", "none")
_VARIABLE = re.compile(r"[^\W\d]\w*\Z")


def read_schema(node: Node, root: Path, faults: Faults) -> tuple[SchemaSpec, ...]:
    """One database or a list of them."""
    if not isinstance(node, SequenceNode):
        return (_Entry(node, root, "schema", faults).spec(),)
    return tuple(_Entry(item, root, f"schema[{index}]", faults).spec() for index, item in enumerate(node.items))


class _Entry:
    """One database's entry, read key by key."""

    def __init__(self, node: Node, root: Path, path: str, faults: Faults) -> None:
        self.node = node
        self.root = root
        self.path = path
        self.faults = faults
        self.mapping = faults.mapping(node, path)
        self.found: dict[str, Node] = {}
        if self.mapping is not None:
            self.found = {entry.key: entry.value for entry in faults.unknown(self.mapping, KEYS, path, "schema")}

    def spec(self) -> SchemaSpec:
        if self.mapping is None:
            return SchemaSpec(where=self.node.where)
        if not any(key in self.found for key in (*PATTERNS, "tool")):
            self.faults.add(self.mapping, "`files` is missing", self.path, 'for example files: ["db/*.sql"]')
        return SchemaSpec(
            where=self.mapping.where,
            service=self.text("service"),
            database=self.text("database"),
            files=self.patterns("files"),
            roles=self.patterns("roles"),
            repeatable=self.patterns("repeatable"),
            seeds=self.patterns("seeds"),
            reseed=self.faults.boolean(self.found.get("reseed"), f"{self.path}.reseed"),
            variables=self.variables(),
            out_of_order=self.policy("out_of_order", OUT_OF_ORDER),
            edited=self.policy("edited", EDITED),
            transaction=self.transaction(),
            lock=self.lock(),
            tool=self.tool(),
        )

    def text(self, key: str) -> str:
        return self.faults.text(self.found.get(key), f"{self.path}.{key}") or ""

    def patterns(self, key: str) -> tuple[str, ...]:
        found = self.faults.texts(self.found.get(key), f"{self.path}.{key}")
        for pattern, item in found:
            self.check_glob(pattern, item, f"{self.path}.{key}")
        return tuple(pattern for pattern, _ in found)

    def check_glob(self, pattern: str, node: Node, path: str) -> None:
        if self.leaves(pattern, node, path, "name files below devstack.yml"):
            return
        try:
            matches = any(item.is_file() for item in self.root.glob(pattern))
        except (ValueError, NotImplementedError, IndexError) as error:
            self.faults.add(node, f"{pattern} is no pattern: {error}", path)
            return
        if not matches:
            exists = next((parent for parent in Path(pattern).parents if (self.root / parent).is_dir()), Path())
            self.faults.add(node, f"no file matches {pattern}", path, f"looked from {shown(self.root / exists)}")

    def leaves(self, text: str, node: Node, path: str, hint: str) -> bool:
        outside = Path(text).is_absolute() or ".." in Path(text).parts
        if outside:
            self.faults.add(node, f"{text} leaves the project's folder", path, hint)
        return outside

    def variables(self) -> dict[str, str]:
        """Values for :name in the files; numbers and true or false as they are written."""
        path = f"{self.path}.variables"
        mapping = self.faults.mapping(self.found.get("variables"), path)
        values: dict[str, str] = {}
        for entry in mapping or ():
            if not _VARIABLE.match(entry.key):
                self.faults.add(entry, f'"{entry.key}" is no name of a variable: letters, digits and _', path)
            elif not isinstance(entry.value, ScalarNode) or entry.value.value is None:
                self.faults.add(entry.value, f"text is expected, this is {kind_of(entry.value)}", f"{path}.{entry.key}")
            else:
                value = entry.value
                values[entry.key] = value.value if isinstance(value.value, str) else value.text
        return values

    def word(self, node: Node | None, path: str, choices: tuple[str, ...]) -> str:
        """One of a few words; the first one where nothing (right) is written."""
        text = self.faults.text(node, path)
        if text is not None and text not in choices and node is not None:
            self.faults.add(node, f'"{text}" is unknown', path, did_you_mean(text, choices) or f"one of: {', '.join(choices)}")
        return text if text in choices else choices[0]

    def policy(self, key: str, choices: tuple[str, ...]) -> Policy:
        node, path = self.found.get(key), f"{self.path}.{key}"
        if not isinstance(node, MappingNode):
            chosen = self.word(node, path, choices)
            return Policy(chosen, chosen)
        parts = {entry.key: entry.value for entry in self.faults.unknown(node, ("dev", "ci"), path, key)}
        return Policy(*(self.word(parts.get(part), f"{path}.{part}", choices) for part in ("dev", "ci")))

    def transaction(self) -> Literal["file", "none"]:
        chosen = self.word(self.found.get("transaction"), f"{self.path}.transaction", TRANSACTION)
        return "none" if chosen == "none" else "file"

    def lock(self) -> str:
        text, node = self.text("lock"), self.found.get("lock")
        if text and node is not None:
            self.leaves(text, node, f"{self.path}.lock", "name a file below devstack.yml")
        return text

    def tool(self) -> ToolSpec | None:
        node = self.found.get("tool")
        if node is None:
            for key in TOOL_KEYS:
                if key in self.found:
                    self.faults.add(self.found[key], f"`{key}` is for a tool, and there is no `tool`", f"{self.path}.{key}")
            return None
        name = self.word(node, f"{self.path}.tool", tuple(TOOLS))
        spec = ToolSpec(
            where=self.found["run"].where if "run" in self.found else node.where,
            name=name,
            run=self.text("run"),
            directory=self.text("directory"),
            command=self.words("command"),
            status=self.words("status"),
            drift=self.words("drift"),
        )
        if "run" not in self.found:
            self.faults.add(node, "`run` is missing: the service whose image has the tool", self.path, "for example run: api")
        if name == "command" and not spec.command:
            self.faults.add(node, "`command` is missing", self.path, 'for example command: ["./migrate.sh"]')
        return spec

    def words(self, key: str) -> tuple[str, ...]:
        """A command: a list, or one text that is split as a shell splits it."""
        node, path = self.found.get(key), f"{self.path}.{key}"
        if not isinstance(node, ScalarNode):
            return tuple(text for text, _ in self.faults.texts(node, path))
        try:
            return tuple(shlex.split(self.faults.text(node, path) or ""))
        except ValueError as error:
            self.faults.add(node, f"cannot be split into words: {error}", path, "write it as a list")
            return ()
