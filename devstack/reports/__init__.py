"""How the results of a verify are told; one file a format, each a pure function of a `Report` that is masked already."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from devstack.reports import console, github, html, json_format, junit, markdown
from devstack.verify.model import Report

FORMATS: Mapping[str, Callable[[Report], str]] = {
    "console": console.whole,
    "json": json_format.whole,
    "junit": junit.whole,
    "markdown": markdown.whole,
    "html": html.whole,
    "github": github.whole,
}
