"""Spec to files: the Compose file, `.env`, and what else the spec asks for. Nothing is written here; see `write`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from devstack.document import MappingNode, ScalarNode, read
from devstack.errors import SpecError
from devstack.render.env import env_file, example_file, new_password
from devstack.render.extras import dockerignore, makefile, package_json
from devstack.render.model import Rendered, RenderedFile
from devstack.render.own import own_files
from devstack.render.whole import Whole, whole
from devstack.render.write import Diff, Written, stale, write
from devstack.spec.kinds import load_kinds
from devstack.spec.load import project_slug
from devstack.spec.model import Spec
from devstack.spec.variables import read_env

__all__ = ["Diff", "Rendered", "RenderedFile", "Written", "render", "stale", "write"]


def render(
    spec: Spec,
    *,
    project: str,
    settings: Mapping[str, str] = MappingProxyType({}),
    make_password: Callable[[], str] = new_password,
) -> Rendered:
    """Every file of the spec, as text. Reads the templates and what already stands in `.env`, `.env.example` and package.json.

    `project` is written as COMPOSE_PROJECT_NAME. `settings` are values that `.env` must hold, such as ports chosen for this
    checkout; ports that keep their default do not stand there, so that a new default in devstack.yml takes effect.
    Raises `SpecError` with every problem.
    """
    made = whole(spec, load_kinds(spec.root), {**read_env(spec.render.env, {}), **settings})
    files = []
    if made.text:
        files.append(RenderedFile(path=spec.render.compose, text=made.text, purpose="compose"))
    named = project if _says_name(spec, made, project, settings) else None
    env = env_file(spec.render.env, named, made.instances, settings, make_password, spec.render.secrets)
    if named is not None or settings or spec.render.secrets or any(instance.env for instance in made.instances.values()):
        files.append(RenderedFile(path=spec.render.env, text=env.text, mode=0o600, purpose="env"))
        if spec.render.env_example is not None and made.text:
            text = example_file(spec.render.env_example, spec.name, made.instances, made.ports, spec.render.secrets)
            files.append(RenderedFile(path=spec.render.env_example, text=text, purpose="env-example"))
    files += [*_extras(spec), *own_files(spec, made)]
    return Rendered(
        root=spec.root,
        files=tuple(files),
        compose_files=(*spec.compose, *((spec.render.compose,) if made.text else ())),
        new_secrets=env.new_secrets,
        secrets=env.secrets,
        port_variables=MappingProxyType({port.variable: port for port in made.ports}),
        notes=(*spec.notes, *env.notes),
    )


def _says_name(spec: Spec, made: Whole, project: str, settings: Mapping[str, str]) -> bool:
    """Must `.env` name the project? Not where adopted files stand alone and Compose would call it so by itself."""
    if not spec.compose or made.ports or settings or any(instance.env for instance in made.instances.values()):
        return True
    return project != _own_name(spec)


def _own_name(spec: Spec) -> str:
    """What Compose calls adopted files when nobody names them."""
    for path in reversed(spec.compose):
        try:
            node = read(path)
        except SpecError:
            continue  # told when the Compose files are loaded
        name = node.get("name") if isinstance(node, MappingNode) else None
        if isinstance(name, ScalarNode) and isinstance(name.value, str):
            return name.value
    return project_slug(spec.compose[0].parent.resolve().name)


def _extras(spec: Spec) -> list[RenderedFile]:
    files = [RenderedFile(path=path, text=dockerignore(), purpose="dockerignore") for path in spec.render.dockerignore]
    if spec.render.makefile is not None:
        files.append(RenderedFile(path=spec.render.makefile, text=makefile(spec), purpose="makefile"))
    if spec.render.package_json is not None:
        files.append(
            RenderedFile(path=spec.render.package_json, text=package_json(spec.render.package_json), purpose="package-json")
        )
    return files
