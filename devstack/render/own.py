"""Files of the project's own, rendered from its own templates: a README that cannot drift away from devstack.yml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from devstack.document import problem, read_text
from devstack.errors import SpecError, Where
from devstack.render.bodies import profiles_of
from devstack.render.model import MARK, RenderedFile
from devstack.render.templating import Templates
from devstack.render.whole import Whole
from devstack.spec.find import shown
from devstack.spec.model import Spec


def own_files(spec: Spec, made: Whole) -> Iterator[RenderedFile]:
    """Each file of `render.templates`. Raises `SpecError` for a template that fails, or that does not say it is rendered."""
    for item in spec.render.templates:
        text = Templates(item.source.parent).render(item.source.name, context(spec, made))
        if MARK not in text.split("\n", 1)[0]:
            source = read_text(item.source, shown(item.source))
            where = Where(shown(item.source), 1, 1)
            hint = "otherwise nobody could tell the file from one that was written by hand"
            raise SpecError([problem(where, f'its first line must say "{MARK}" (in a comment)', hint=hint, source=source)])
        yield RenderedFile(path=item.target, text=text, purpose="template")


def context(spec: Spec, made: Whole) -> Mapping[str, object]:
    """What such a template sees. Ports are the defaults of the project, never those of one checkout; no secret is among it."""
    services = {}
    for name, service in spec.services.items():
        instance = made.instances.get(name)
        services[name] = {
            "kind": service.kind,
            "options": dict(instance.options) if instance else {},
            "profiles": sorted(profiles_of(service.overlay)),
            "ports": [
                {"variable": port.variable, "default": port.default, "target": port.target}
                for port in made.ports
                if port.service == name
            ],
            "secrets": [variable for variable, item in instance.env.values() if item.secret] if instance else [],
        }
    render = spec.render
    return {
        "project": spec.name,
        "services": services,
        "secrets": list(render.secrets),
        "compose": render.compose.relative_to(spec.root).as_posix(),
        "env": render.env.relative_to(spec.root).as_posix(),
    }
