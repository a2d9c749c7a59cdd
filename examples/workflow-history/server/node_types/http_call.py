"""http_call: a request to a service of the stack."""

import enum
import json
import time
from typing import Annotated, Any, Literal
from urllib.parse import quote

import httpx
from pydantic import AfterValidator, Field

from server.node_types import paths
from server.node_types.base import Config, Context, NodeFailed, NodeKind, NodeType
from server.values import MOST_BYTES, Storable, shown

PORTS = {"http": 80, "https": 443}


class Method(enum.StrEnum):
    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"


def _url(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("a URL begins with http:// or https://")
    return paths.check_template(url)


class HttpCallConfig(Config):
    url: Annotated[Storable, Field(max_length=2000), AfterValidator(_url)]
    method: Method = Method.GET
    #: The step's input as the JSON body.
    send_input: bool = False
    timeout_seconds: float = Field(default=5.0, gt=0, le=30)


class HttpCall(NodeKind):
    """Its output is {"status": 200, "body": ...}; a status of 400 or more fails."""

    node_type: Literal[NodeType.HTTP_CALL]
    config: HttpCallConfig

    def run(self, value: Any, context: Context) -> Any:
        # What is filled in cannot end a part of the URL and begin another.
        text = paths.filled(self.config.url, context.names(value), lambda v: quote(shown(v), ""))
        url = allowed(text, context.allowed_hosts)
        seconds = min(self.config.timeout_seconds, context.seconds_left())
        try:
            status, content, kind = self.ask(url, value, context, seconds)
        except httpx.TimeoutException:
            raise NodeFailed(f"{url} did not answer within {seconds:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise NodeFailed(f"{url}: {error}") from None
        if status >= 400:
            raise NodeFailed(f"{self.config.method} {url} was answered {status}: {content[:200]}")
        return {"status": status, "body": parsed(content, kind)}

    def ask(
        self, url: httpx.URL, value: Any, context: Context, seconds: float
    ) -> tuple[int, str, str]:
        """Status, text and media type of the answer."""
        until = time.monotonic() + seconds
        headers = {"X-Request-ID": context.request_id} if context.request_id else {}
        body = {"json": value} if self.config.send_input else {}
        # Redirects are answers too: one could lead to where the list of hosts does not.
        with (
            httpx.Client(timeout=seconds, follow_redirects=False, trust_env=False) as client,
            client.stream(self.config.method, url, headers=headers, **body) as response,
        ):
            content = b""
            for part in response.iter_bytes():
                content += part
                if len(content) > MOST_BYTES:
                    raise NodeFailed(f"{url} answered with more than {MOST_BYTES} bytes")
                if time.monotonic() > until:
                    raise httpx.ReadTimeout("slow")
            text = content.decode(response.encoding or "utf-8", errors="replace")
            return response.status_code, text, response.headers.get("content-type", "")


def allowed(text: str, hosts: frozenset[str]) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise NodeFailed(f"{text}: {error}") from None
    address = f"{url.host.lower()}:{url.port or PORTS.get(url.scheme, 0)}"
    if address not in hosts:
        named = ", ".join(sorted(hosts)) or "none"
        raise NodeFailed(f"{address} is not in HTTP_ALLOWED_HOSTS ({named})")
    return url


def parsed(content: str, kind: str) -> Any:
    if "json" not in kind:
        return content
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise NodeFailed(f"the answer says {kind}, and is no JSON: {error}") from None
