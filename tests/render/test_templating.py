"""Templates cannot read, run or spend what is not theirs, and no value can break out of its place."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devstack.document import load, plain
from devstack.errors import SpecError
from devstack.render.templating import Templates, expand, reference

TEMPLATE = """\
key: {{ value }}
list:
  - {{ value }}
  - {{ "before " ~ value ~ " after" }}
nested: {inner: {{ value }}}
{{ "name" }}: last
"""


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00\ue000\ue001"), max_size=40))
def test_no_text_can_leave_its_place_in_yaml(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "t.yaml.j2").write_text(TEMPLATE)
    node = load(Templates(folder).render("t.yaml.j2", {"value": value}), "t")
    assert node is not None
    assert plain(node) == {"key": value, "list": [value, f"before {value} after"], "nested": {"inner": value}, "name": "last"}


JSON: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(JSON)
def test_every_value_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "v.yaml.j2").write_text("value: {{ value }}\n")
    node = load(Templates(folder).render("v.yaml.j2", {"value": value}), "t")
    assert node is not None
    assert plain(node) == {"value": value}


def test_dollars_are_doubled_and_references_become_variables() -> None:
    assert expand({"a": ["$x ${y}", reference("DB")]}, {"DB": "${DB:?m}"}) == {"a": ["$$x $${y}", "${DB:?m}"]}


HOSTILE = [
    "{{ cycler.__init__.__globals__ }}",
    "{{ ''.__class__.__mro__ }}",
    "{{ value.__class__ }}",
    "{{ '{0.__class__}'.format(value) }}",
    "{{ ('{0.__class__}' | attr('format'))(value) }}",
    "{{ lipsum.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{% include '/etc/passwd' %}",
    "{% include '../secret.txt' %}",
    "{% include 'link.txt' %}",
    "{{ 'a' * 10**10 }}",
    "{{ 10 ** 10 ** 10 }}",
    "{{ 'a'.ljust(2 * 10 ** 1) }}",
    "{{ 'a' | center(2000000000) }}",
    "{{ '%2000000000d' % 1 }}",
    "{% for a in range(99999999) %}{% endfor %}",
    "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}",
    "{% set t = value * 1 %}",
    "{% for a in range(99999) %}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ 1 // 0 }}",
    "".join(f"{{% set a{n + 1} = a{n} ~ a{n} %}}" for n in range(40)).replace("a0", "value") + "{{ a40 | length }}",
    "".join(f"{{% set a{n + 1} = a{n} + a{n} %}}" for n in range(40)).replace("a0", "value") + "{{ a40 | length }}",
    "{{ value" + " | replace('x', 'xxxxxxxxxx')" * 12 + " | length }}",
    "{{ value.replace('x', 'xxxxxxxxxx') }}",
    "{{ (range(99999) | join('" + "x" * 1000 + "')) | length }}",
    "{{ value.append('x') }}",
    "{% set s %}{% for a in range(99) %}{{ value }}{% endfor %}{% endset %}"
    "{% for a in s %}{% for b in s %}{% for c in s %}{% for d in s %}{% for e in s %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}",
]


@pytest.mark.parametrize("source", HOSTILE)
def test_a_hostile_template_is_a_problem_within_seconds(source: str, tmp_path: Path) -> None:
    folder = tmp_path / "kind"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("secret-word")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "t.j2").write_text(source)
    started = time.monotonic()
    with pytest.raises(SpecError) as caught:
        Templates(folder).render("t.j2", {"value": "x" * 20})
    assert time.monotonic() - started < 5
    assert "secret-word" not in str(caught.value)
    assert "root:" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("a\n{{ optoins.port }}\n", 2, ("optoins", 'did you mean "options"')),
        ("a\n\n{{ options.prot }}\n", 3, ("prot", 'did you mean "port"')),
        ("a\n{% if options.port %}\n", 2, ("endif",)),
        ("{{ options.port | shout }}\n", 1, ("shout",)),
        ("a\n{% include 'other.j2' %}\n", 2, ("other.j2",)),
        ("a\nb\n{{ options.port + 'x' }}\n", 3, ("unsupported",)),
    ],
)
def test_a_mistake_in_a_template_is_told_at_its_line(
    source: str, line: int, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "service.yaml.j2").write_text(source)
    with pytest.raises(SpecError) as caught:
        Templates(tmp_path).render("service.yaml.j2", {"options": {"port": 1}})
    problem = caught.value.problems[0]
    assert (problem.where.file, problem.where.line) == ("service.yaml.j2", line)
    assert all(word in str(problem) for word in words), str(problem)
