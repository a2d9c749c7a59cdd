#!/usr/local/bin/python3
"""Stand-in for Mailpit: SMTP on 1025 takes mail from anybody, HTTP on 8025 shows it. Mail is kept in memory.

mailpit            serve (MP_SMTP_BIND_ADDR, MP_UI_BIND_ADDR, MP_MAX_MESSAGES)
mailpit readyz     exit 0 when the server answers
"""

# standin_web is beside it in the image, not here.
# mypy: disable-error-code="import-not-found,misc,no-any-return"
from __future__ import annotations

import email
import email.policy
import html
import json
import os
import re
import socketserver
import sys
import threading
import urllib.request
import uuid
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import getaddresses
from typing import Any
from urllib.parse import parse_qs, urlsplit

from standin_web import Answers, Server, listen, place, serve

VERSION = "v1.27-stand-in"
Message = dict[str, Any]


class Box:
    """The messages, newest first."""

    def __init__(self, limit: int) -> None:
        self.limit, self.lock = limit, threading.Lock()
        self.messages: list[Message] = []

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
            "Date": datetime.now(UTC).isoformat(),
            "Tags": [],
            "Text": text["plain"],
            "HTML": text["html"],
            "Size": len(raw),
            "Attachments": [
                {"FileName": part.get_filename(), "ContentType": part.get_content_type()} for part in message.iter_attachments()
            ],
            "Raw": raw,
            "Read": False,
        }
        with self.lock:
            self.messages.insert(0, record)
            del self.messages[self.limit :]
        return str(record["ID"])

    def find(self, name: str) -> Message | None:
        with self.lock:
            if name == "latest":
                return self.messages[0] if self.messages else None
            return next((message for message in self.messages if message["ID"] == name), None)


def people(message: EmailMessage, header: str) -> list[Message]:
    return [{"Name": name, "Address": address} for name, address in getaddresses(message.get_all(header, []))]


def summary(message: Message) -> Message:
    hidden = ("Raw", "Text", "HTML", "Attachments", "ReturnPath")
    snippet = re.sub(r"\s+", " ", message["Text"])[:250]
    short = {key: value for key, value in message.items() if key not in hidden}
    return {**short, "Created": message["Date"], "Attachments": len(message["Attachments"]), "Snippet": snippet}


class Smtp(socketserver.StreamRequestHandler):
    box: Box

    def handle(self) -> None:
        self.say("220 mailpit ESMTP (stand-in)")
        sender = ""
        recipients: list[str] = []
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
                    self.say(f"250 ok: queued as {self.box.add(self.data(), sender, recipients)}")
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
        questions = (
            {"LOGIN": ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"], "PLAIN": ["334 "]}.get(words[0].upper(), []) if words else []
        )
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


class Web(Answers):
    box: Box

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        box = self.box
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
                self.mails()
            case _:
                self.answer(404, b"not found", "text/plain")

    do_HEAD = do_GET

    def do_DELETE(self) -> None:
        if urlsplit(self.path).path != "/api/v1/messages":
            return self.answer(404, b"not found")
        names = json.loads(self.read_all() or b"{}").get("IDs") or []
        with self.box.lock:
            kept = [m for m in self.box.messages if names and m["ID"] not in names]
            self.box.messages[:] = kept
        self.answer(200, b"ok", "text/plain")
        return None

    def listing(self, query: dict[str, str]) -> None:
        with self.box.lock:
            every = list(self.box.messages)
        # Of the search language, words and the words after a prefix such as `to:`, anywhere in the message.
        words = [word.partition(":")[2] or word for word in query.get("query", "").lower().split()]
        found = [m for m in every if all(word in m["Raw"].decode("utf-8", "replace").lower() for word in words)]
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

    def mails(self) -> None:
        with self.box.lock:
            rows = "".join(
                f"<tr><td>{html.escape(m['From']['Address'])}<td>{html.escape(', '.join(p['Address'] for p in m['To']))}"
                f"<td><a href='/view/{m['ID']}'>{html.escape(m['Subject'] or '(no subject)')}</a><td>{m['Date']}"
                for m in self.box.messages
            )
        self.page("stand-in for Mailpit", f"<table>{rows}</table>")


class SmtpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


def main() -> int:
    http = place(os.environ.get("MP_UI_BIND_ADDR", "0.0.0.0:8025"))
    if sys.argv[1:2] == ["readyz"]:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{http[1]}/readyz", timeout=2)
        except OSError as error:
            print(error, file=sys.stderr)
            return 1
        return 0
    Web.box = Smtp.box = Box(int(os.environ.get("MP_MAX_MESSAGES", "500")))
    smtp = listen(SmtpServer, place(os.environ.get("MP_SMTP_BIND_ADDR", "0.0.0.0:1025")), Smtp)
    web = listen(Server, http, Web)
    threading.Thread(target=smtp.serve_forever, daemon=True).start()
    print(f"mailpit stand-in: SMTP on port {smtp.server_address[1]}, HTTP on port {web.server_address[1]}", flush=True)
    serve(web)
    return 0


if __name__ == "__main__":
    sys.exit(main())
