#!/usr/local/bin/python3
"""Stand-in for Mailpit: SMTP on 1025 takes mail from anybody, HTTP on 8025 shows it. Mail is kept in memory.

    mailpit            serve (MP_SMTP_BIND_ADDR, MP_UI_BIND_ADDR, MP_MAX_MESSAGES)
    mailpit readyz     exit 0 when the server answers
"""

from __future__ import annotations

import email
import email.policy
import html
import json
import os
import re
import signal
import socketserver
import sys
import threading
import urllib.request
import uuid
from datetime import datetime, timezone
from email.message import EmailMessage
from email.utils import getaddresses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

VERSION = "v1.27-stand-in"


class Box:
    """The messages, newest first."""

    def __init__(self, limit: int) -> None:
        self.limit, self.lock = limit, threading.Lock()
        self.messages: list[dict] = []

    def add(self, raw: bytes, sender: str, recipients: list[str]) -> str:
        message = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        body = {kind: message.get_body((kind,)) for kind in ("plain", "html")}
        text = {kind: part.get_content() if part else "" for kind, part in body.items()}
        record = {
            "ID": uuid.uuid4().hex[:22],
            "MessageID": str(message.get("Message-ID", "")).strip("<>"),
            "From": (people(message, "From") or [{"Name": "", "Address": sender}])[0],
            "To": people(message, "To"),
            "Cc": people(message, "Cc"),
            "Bcc": [{"Name": "", "Address": address} for address in recipients if address not in str(message)],
            "ReplyTo": people(message, "Reply-To"),
            "ReturnPath": sender,
            "Subject": str(message.get("Subject", "")),
            "Date": datetime.now(timezone.utc).isoformat(),
            "Tags": [],
            "Text": text["plain"],
            "HTML": text["html"],
            "Size": len(raw),
            "Attachments": [
                {"FileName": part.get_filename(), "ContentType": part.get_content_type()}
                for part in message.iter_attachments()
            ],
            "Raw": raw,
            "Read": False,
        }
        with self.lock:
            self.messages.insert(0, record)
            del self.messages[self.limit :]
        return record["ID"]

    def find(self, name: str) -> dict | None:
        with self.lock:
            if name == "latest":
                return self.messages[0] if self.messages else None
            return next((message for message in self.messages if message["ID"] == name), None)


def people(message: EmailMessage, header: str) -> list[dict]:
    return [{"Name": name, "Address": address} for name, address in getaddresses(message.get_all(header, []))]


def summary(message: dict) -> dict:
    hidden = ("Raw", "Text", "HTML", "Attachments", "ReturnPath")
    snippet = re.sub(r"\s+", " ", message["Text"])[:250]
    short = {key: value for key, value in message.items() if key not in hidden}
    return {**short, "Created": message["Date"], "Attachments": len(message["Attachments"]), "Snippet": snippet}


class Smtp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.say("220 mailpit ESMTP (stand-in)")
        sender, recipients = "", []
        while line := self.rfile.readline(4096):
            verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            match verb.upper():
                case "EHLO":
                    self.say("250-mailpit", "250-SIZE", "250-8BITMIME", "250-SMTPUTF8", "250 AUTH PLAIN LOGIN")
                case "HELO":
                    self.say("250 mailpit")
                case "MAIL":
                    sender, recipients = address(rest), []
                    self.say("250 ok")
                case "RCPT":
                    recipients.append(address(rest))
                    self.say("250 ok")
                case "DATA" if recipients:
                    self.say("354 end with <CR><LF>.<CR><LF>")
                    self.say(f"250 ok: queued as {self.server.box.add(self.data(), sender, recipients)}")
                case "DATA":
                    self.say("503 no recipients")
                case "AUTH":
                    self.auth(rest)
                case "RSET":
                    sender, recipients = "", []
                    self.say("250 ok")
                case "NOOP":
                    self.say("250 ok")
                case "QUIT":
                    self.say("221 bye")
                    return
                case _:
                    self.say("502 not implemented")

    def auth(self, rest: str) -> None:
        # Anybody may log in, as with MP_SMTP_AUTH_ACCEPT_ANY.
        words = rest.split()
        questions = {"LOGIN": ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"], "PLAIN": ["334 "]}.get(words[0].upper(), []) if words else []
        for question in questions[len(words) - 1 :]:
            self.say(question)
            self.rfile.readline(4096)
        self.say("235 ok")

    def data(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b".\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)

    def say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


def address(rest: str) -> str:
    found = re.search(r"<([^>]*)>", rest)
    return found[1] if found else rest.partition(":")[2].strip()


class Web(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        box: Box = self.server.box
        match url.path.strip("/").split("/"):
            case ["livez"] | ["readyz"]:
                self.answer(200, b"ok", "text/plain")
            case ["api", "v1", "messages"] | ["api", "v1", "search"]:
                self.listing(query)
            case ["api", "v1", "message", name] if message := box.find(name):
                message["Read"] = True
                self.json({key: value for key, value in message.items() if key not in ("Raw", "Read")})
            case ["api", "v1", "message", name, "raw"] if message := box.find(name):
                self.answer(200, message["Raw"], "text/plain")
            case ["view", name] if message := box.find(name):
                text = message["HTML"] or f"<pre>{html.escape(message['Text'])}</pre>"
                self.answer(200, text.encode(), "text/html; charset=utf-8")
            case ["api", "v1", "info"]:
                self.json({"Version": VERSION, "Messages": len(box.messages), "StandIn": True})
            case [""]:
                self.page()
            case _:
                self.answer(404, b"not found", "text/plain")

    do_HEAD = do_GET

    def do_DELETE(self) -> None:
        if urlsplit(self.path).path != "/api/v1/messages":
            return self.answer(404, b"not found", "text/plain")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        names = json.loads(body or b"{}").get("IDs") or []
        with self.server.box.lock:
            kept = [m for m in self.server.box.messages if names and m["ID"] not in names]
            self.server.box.messages[:] = kept
        self.answer(200, b"ok", "text/plain")

    def listing(self, query: dict[str, str]) -> None:
        with self.server.box.lock:
            every = list(self.server.box.messages)
        words = query.get("query", "").lower().split()
        found = [m for m in every if all(w.partition(":")[2] in m["Raw"].decode("utf-8", "replace").lower() if ":" in w else w in m["Raw"].decode("utf-8", "replace").lower() for w in words)]
        start, limit = int(query.get("start", 0)), int(query.get("limit", 50))
        shown = found[start : start + limit]
        self.json(
            {
                "total": len(every),
                "unread": sum(not m["Read"] for m in every),
                "count": len(shown),
                "messages_count": len(found),
                "start": start,
                "tags": [],
                "messages": [summary(m) for m in shown],
            }
        )

    def page(self) -> None:
        with self.server.box.lock:
            rows = "".join(
                f"<tr><td>{html.escape(m['From']['Address'])}<td>{html.escape(', '.join(p['Address'] for p in m['To']))}"
                f"<td><a href='/view/{m['ID']}'>{html.escape(m['Subject'] or '(no subject)')}</a><td>{m['Date']}"
                for m in self.server.box.messages
            )
        text = f"<!doctype html><title>stand-in for Mailpit</title><h1>Mail (stand-in for Mailpit)</h1><table>{rows}</table>"
        self.answer(200, text.encode(), "text/html; charset=utf-8")

    def json(self, value: dict) -> None:
        self.answer(200, json.dumps(value).encode(), "application/json")

    def answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class SmtpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


def place(name: str, default: int) -> tuple[str, int]:
    host, _, port = os.environ.get(name, f"0.0.0.0:{default}").rpartition(":")
    return host.strip("[]"), int(port)


def main() -> int:
    http = place("MP_UI_BIND_ADDR", 8025)
    if sys.argv[1:2] == ["readyz"]:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{http[1]}/readyz", timeout=2)
        except OSError as error:
            print(error, file=sys.stderr)
            return 1
        return 0
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    box = Box(int(os.environ.get("MP_MAX_MESSAGES", "500")))
    smtp, web = SmtpServer(place("MP_SMTP_BIND_ADDR", 1025), Smtp), ThreadingHTTPServer(http, Web)
    smtp.box = web.box = box
    threading.Thread(target=smtp.serve_forever, daemon=True).start()
    print(f"mailpit stand-in: SMTP on {smtp.server_address}, HTTP on {web.server_address}", flush=True)
    web.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
