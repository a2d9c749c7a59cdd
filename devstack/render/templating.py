"""The one door to Jinja2: sandboxed, strict about undefined names, with values that cannot break out of YAML.

A template whose name ends in `.yaml.j2` or `.json.j2` prints every value as a JSON scalar, list or mapping (which YAML reads too),
so that no value can add a line, a key or a comment. Variables of the environment are printed as marked names; `expand` puts
Compose's `${...}` in their place once the text is data again, and doubles every other dollar sign.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote as percent

from jinja2 import (
    BaseLoader,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    Undefined,
    UndefinedError,
)
from jinja2.compiler import CodeGenerator
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from devstack.compose import dotenv
from devstack.document import did_you_mean, problem
from devstack.errors import SpecError, Where
from devstack.spec.faults import MARKS
from devstack.spec.find import shown
from devstack.spec.options import identifier

if TYPE_CHECKING:
    from devstack.compose.model import Json

_SECONDS = 2.0
_CHARACTERS = 1 << 20
_TURNS = 1_000_000
_FILTERS = (
    "abs", "count", "d", "default", "dictsort", "first", "float", "int", "items", "last", "length", "list", "lower",
    "map", "max", "min", "reject", "rejectattr", "reverse", "round", "select", "selectattr", "sort", "string", "sum",
    "title", "trim", "truncate", "unique", "upper",
)  # fmt: skip
# Text methods that make a text of any length out of a short one.
_GROWING = frozenset(("ljust", "rjust", "center", "zfill", "expandtabs", "format", "format_map", "replace", "join", "translate"))
_MARKED = re.compile(f"{MARKS[0]}([^{MARKS[1]}]*){MARKS[1]}")


# Most texts of a kind.yml only name values; compiling a template for each would take most of the time of a render.
_SIMPLE = re.compile(r"(?:[^{}]|\{\{ ?[a-zA-Z_][\w.]* ?\}\})*")
_NAMES = re.compile(r"\{\{ ?([a-zA-Z_][\w.]*) ?\}\}")


def _looked_up(name: str, context: Mapping[str, object]) -> object:
    """The value of a dotted name, None where Jinja should look (and complain)."""
    found: object = context
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


class Ref(str):
    """The marked name of an environment variable; filters leave it as it is."""

    __slots__ = ()


class Literal(str):
    """Text that is YAML already."""

    __slots__ = ()


def reference(name: str) -> Ref:
    return Ref(f"{MARKS[0]}{name}{MARKS[1]}")


def expand(value: Json, expressions: Mapping[str, str]) -> Json:
    """Marked names become Compose's expressions, every other `$` is doubled."""
    if isinstance(value, str):
        return _MARKED.sub(lambda match: expressions[match[1]], value.replace("$", "$$"))
    if isinstance(value, dict):
        return {key: expand(item, expressions) for key, item in value.items()}
    return [expand(item, expressions) for item in value] if isinstance(value, list) else value


def scalar(value: object) -> Literal:
    """A value on one line that YAML and JSON read back as it is."""
    if isinstance(value, Literal):
        return value
    if isinstance(value, Undefined):
        str(value)  # raises
    text = json.dumps(value, ensure_ascii=False, default=str)
    return Literal(re.sub("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]", lambda match: f"\\u{ord(match.group()):04x}", text))


class _Code(CodeGenerator):
    """Compiles `a ~ b` to a call that looks at the length: doubling a text forty times would take all memory."""

    def visit_Concat(self, node: Any, frame: Any) -> None:
        self.write("environment.joined((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(("*", "**", "%", "+"))
    code_generator_class = _Code

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" or (operator in "*%" and any(isinstance(side, (str, list, tuple)) for side in (left, right))):
            raise SecurityError(f"the operator {operator} is not offered here")
        return _small(super().call_binop(context, operator, left, right))

    def joined(self, parts: tuple[object, ...]) -> str:
        return str(_small("".join(map(str, parts))))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return not (isinstance(obj, str) and attr in _GROWING) and super().is_safe_attribute(obj, attr, value)


def _small(value: Any) -> Any:
    if isinstance(value, (str, list, tuple)) and len(value) > _CHARACTERS:
        raise SecurityError("a value grows over 1 MiB")
    return value


def _replaced(text: object, old: str, new: str) -> str:
    text = str(text)
    if len(text) + text.count(str(old)) * len(str(new)) > _CHARACTERS:
        raise SecurityError("a value grows over 1 MiB")
    return text.replace(str(old), str(new))


def _listed(values: Any, separator: str = "") -> str:
    parts = [str(value) for value in values]
    if sum(map(len, parts)) + len(parts) * len(str(separator)) > _CHARACTERS:
        raise SecurityError("a value grows over 1 MiB")
    return str(separator).join(parts)


class _Inside(BaseLoader):
    """Files whose real path lies in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get_source(self, environment: Any, template: str) -> tuple[str, str, Callable[[], bool]]:
        path = self.folder / template
        real = path.resolve()
        if not real.is_relative_to(self.folder.resolve()):
            raise SecurityError(f"{template} lies outside of {self.folder}")
        if not real.is_file():
            raise TemplateNotFound(template)
        if real.stat().st_size > _CHARACTERS:
            raise SecurityError(f"{template} is larger than 1 MiB")
        return real.read_text(encoding="utf-8"), str(path), lambda: True


class Templates:
    """The templates of one folder. `beside` turns a path of the project into one that the rendered file can say.

    `trusted`: they are ours, so no clock watches them.
    """

    def __init__(self, folder: Path, beside: Callable[[str], str] = str, *, trusted: bool = False) -> None:
        self.folder = folder
        self.trusted = trusted
        self._plain = _environment(folder, beside, None)
        self._yaml = _environment(folder, beside, scalar)
        self._compiled: dict[str, Template] = {}

    def render(self, name: str, context: Mapping[str, object]) -> str:
        """The text of a template file. Raises `SpecError` with the template's file and line."""
        path = self.folder / name
        environment = self._yaml if name.endswith((".yaml.j2", ".yml.j2", ".json.j2")) else self._plain
        return self._guarded(str(path), context, lambda: environment.get_template(name).generate(**context))

    def text(self, source: str, context: Mapping[str, object], where: str) -> str:
        """A template that stands in a `kind.yml`; `where` is that file."""
        if _SIMPLE.fullmatch(source):
            found = [_looked_up(name, context) for name in _NAMES.findall(source)]
            if None not in found:
                return _NAMES.sub(lambda _: str(found.pop(0)), source)
        return self._guarded(where, context, lambda: self._template(source).generate(**context))

    def _template(self, source: str) -> Template:
        if source not in self._compiled:
            self._compiled[source] = self._plain.from_string(source)
        return self._compiled[source]

    def _guarded(self, file: str, context: Mapping[str, object], generate: Callable[[], Any]) -> str:
        before = sys.gettrace()
        if not self.trusted:
            sys.settrace(_stopper(time.monotonic() + _SECONDS))
        try:
            parts, size = [], 0
            for part in generate():
                size += len(part)
                if size > _CHARACTERS:
                    raise SecurityError("the text grows over 1 MiB")
                parts.append(part)
            return "".join(parts)
        except TemplateSyntaxError as error:
            raise _failed(error.filename or file, error.lineno, error.message or "syntax error") from None
        except UndefinedError as error:
            raise _undefined(file, error, context) from None
        except TemplateNotFound as error:
            raise _failed(file, _line(error, file), f"there is no template {error.name}") from None
        except (
            TemplateError,
            ArithmeticError,
            TypeError,
            ValueError,
            LookupError,
            MemoryError,
            RecursionError,
            AttributeError,
        ) as error:
            raise _failed(file, _line(error, file), str(error) or type(error).__name__) from None
        finally:
            if not self.trusted:
                sys.settrace(before)


def _stopper(deadline: float) -> Callable[[FrameType, str, object], Any]:
    """A tracer that ends template code (its functions only) after its time: a sandbox has no clock of its own."""

    def line(frame: FrameType, event: str, argument: object) -> Any:
        if time.monotonic() > deadline:
            raise SecurityError(f"takes longer than {_SECONDS:g} s")
        return line

    def call(frame: FrameType, event: str, argument: object) -> Any:
        return line if "__jinja_template__" in frame.f_globals or frame.f_code.co_filename.endswith((".j2", "<template>")) else None

    return call


def _environment(folder: Path, beside: Callable[[str], str], finalize: Callable[[object], object] | None) -> _Sandbox:
    environment = _Sandbox(
        loader=_Inside(folder),
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters = {name: environment.filters[name] for name in _FILTERS} | {
        "yaml": scalar,
        "join": _listed,
        "replace": _replaced,
        "dotenv": dotenv.quote,
        "url": lambda value: value if isinstance(value, Ref) else percent(str(value), safe=""),
        "identifier": lambda value: identifier(str(value)),
        "setting": lambda value: ("on" if value else "off") if isinstance(value, bool) else str(value),
        "words": lambda value: shlex.split(value) if isinstance(value, str) else list(value),
        "sh": lambda value: shlex.quote(str(value)),
        "beside": beside,
    }
    turns = [_TURNS]

    def limited(*arguments: int) -> range:
        numbers = range(*arguments)
        turns[0] -= len(numbers) + 1
        if turns[0] < 0:
            raise SecurityError(f"more than {_TURNS} turns of loops")
        return numbers

    environment.globals = {"range": limited}
    return environment


def _failed(file: str, line: int | None, message: str, hint: str = "") -> SpecError:
    path = Path(file)
    source = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None
    return SpecError([problem(Where(shown(path), line, 1 if line else None), message, hint=hint, source=source)])


def _undefined(file: str, error: UndefinedError, context: Mapping[str, object]) -> SpecError:
    words = re.findall(r"'([^']*)'", error.message or "")
    options = context.get("options")
    names = [*context, *(options if isinstance(options, Mapping) else ())]
    return _failed(file, _line(error, file), error.message or "undefined name", did_you_mean(words[-1], names) if words else "")


def _line(error: BaseException, file: str) -> int | None:
    """The line of the template that was at work when the error came: Jinja gives the frames of a template its own lines."""
    found = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            found = trace.tb_lineno
        trace = trace.tb_next
    return found
