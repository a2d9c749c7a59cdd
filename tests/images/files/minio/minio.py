#!/usr/local/bin/python3
"""Stand-in for MinIO: buckets and objects of the S3 protocol in folders and files, signatures checked.

    minio server /data [--address :9000] [--console-address :9001]

Path-style requests with signatures of version 4, in the Authorization header or in the query (presigned); no multipart
uploads, versions, policies or encryption.
"""

# standin_web is beside it in the image, not here.
# mypy: disable-error-code="import-not-found,misc,no-any-return"
from __future__ import annotations

import argparse
import hashlib
import hmac
import html
import os
import shutil
import sys
import threading
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from standin_web import Answers, Server, listen, place, serve

USER = os.environ.get("MINIO_ROOT_USER", "minioadmin")
PASSWORD = os.environ.get("MINIO_ROOT_PASSWORD", "minioadmin")
XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
NAMESPACE = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


class Refused(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def sign(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class S3(Answers):
    data = Path("/data")

    def run(self) -> None:
        self.body = b""
        try:
            url = urlsplit(self.path)
            self.raw_path, self.query = url.path, parse_qsl(url.query, keep_blank_values=True)
            self.body = self.read_body()
            if url.path.startswith("/minio/health/"):
                return self.answer(200)
            self.check_signature()
            bucket, _, key = unquote(url.path).lstrip("/").partition("/")
            self.dispatch(bucket, key)
        except Refused as error:
            text = f"{XML}<Error><Code>{error.code}</Code><Message>{html.escape(str(error))}</Message></Error>"
            self.answer(error.status, text.encode(), "application/xml")

    do_GET = do_PUT = do_DELETE = do_HEAD = do_POST = run

    def dispatch(self, bucket: str, key: str) -> None:
        names = dict(self.query)
        if not bucket:
            return self.list_buckets()
        unknown = {"uploads", "uploadId", "versioning", "policy", "tagging", "acl", "lifecycle"} & set(names)
        if unknown or self.command == "POST":
            raise Refused(501, "NotImplemented", "the stand-in for MinIO does not know this request")
        folder = self.data / bucket
        if ".." in Path(key).parts or bucket.startswith("."):
            raise Refused(400, "InvalidArgument", "no dots in names")
        if (self.command != "PUT" or key) and not folder.is_dir():
            raise Refused(404, "NoSuchBucket", "the bucket does not exist")
        if key:
            return self.object(folder / key)
        match self.command:
            case "PUT":
                if folder.is_dir():
                    raise Refused(409, "BucketAlreadyOwnedByYou", "the bucket is there already")
                folder.mkdir(parents=True)
                self.answer(200, headers={"Location": f"/{bucket}"})
            case "DELETE":
                if any(path.is_file() for path in folder.rglob("*")):
                    raise Refused(409, "BucketNotEmpty", "the bucket has objects")
                shutil.rmtree(folder)
                self.answer(204)
            case "GET" if "location" in names:
                self.xml(f"<LocationConstraint{NAMESPACE}></LocationConstraint>")
            case "GET":
                self.list_objects(bucket, folder, names)
            case _:
                self.answer(200)
        return None

    def object(self, path: Path) -> None:
        match self.command:
            case "PUT":
                self.put(path)
            case "DELETE":
                path.unlink(missing_ok=True)
                self.answer(204)
            case _:
                if not path.is_file():
                    raise Refused(404, "NoSuchKey", "the object does not exist")
                self.get(path)

    def put(self, path: Path) -> None:
        source = self.headers.get("x-amz-copy-source")
        if source:
            origin = self.data / unquote(source).lstrip("/").partition("?")[0]
            if not origin.is_file() or ".." in origin.parts:
                raise Refused(404, "NoSuchKey", "the object to copy does not exist")
            self.body = origin.read_bytes()
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{threading.get_ident()}.partial")
        partial.write_bytes(self.body)
        partial.rename(path)
        tag = f'"{hashlib.md5(self.body).hexdigest()}"'
        if source:
            return self.xml(
                f"<CopyObjectResult{NAMESPACE}><ETag>{tag}</ETag><LastModified>{stamp(path)}</LastModified></CopyObjectResult>"
            )
        self.answer(200, headers={"ETag": tag})
        return None

    def get(self, path: Path) -> None:
        content, status = path.read_bytes(), 200
        headers = {
            "ETag": f'"{hashlib.md5(content).hexdigest()}"',
            "Last-Modified": formatdate(path.stat().st_mtime, usegmt=True),
            "Accept-Ranges": "bytes",
        }
        wanted = self.headers.get("Range", "")
        if wanted.startswith("bytes="):
            first, _, last = wanted[6:].partition("-")
            start = int(first) if first else max(0, len(content) - int(last))
            end = min(int(last), len(content) - 1) if first and last else len(content) - 1
            headers["Content-Range"], status = f"bytes {start}-{end}/{len(content)}", 206
            content = content[start : end + 1]
        self.answer(status, content, "application/octet-stream", headers)

    def list_buckets(self) -> None:
        found = "".join(
            f"<Bucket><Name>{path.name}</Name><CreationDate>{stamp(path)}</CreationDate></Bucket>"
            for path in sorted(self.data.iterdir())
            if path.is_dir() and not path.name.startswith(".")
        )
        self.xml(
            f"<ListAllMyBucketsResult{NAMESPACE}><Owner><ID>{USER}</ID></Owner><Buckets>{found}</Buckets></ListAllMyBucketsResult>"
        )

    def list_objects(self, bucket: str, folder: Path, names: dict[str, str]) -> None:
        prefix, delimiter, most = names.get("prefix", ""), names.get("delimiter", ""), int(names.get("max-keys", 1000))
        after = names.get("continuation-token") or names.get("start-after") or names.get("marker", "")
        keys = sorted(
            str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".partial")
        )
        shown: list[str] = []
        groups: list[str] = []
        keys = [key for key in keys if key.startswith(prefix) and key > after]
        cut = False
        for key in keys:
            if len(shown) + len(groups) >= most:
                cut = True
                break
            head, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
            group = prefix + head + delimiter
            if not found:
                shown.append(key)
            elif group not in groups:
                groups.append(group)
        entries = "".join(
            f"<Contents><Key>{html.escape(key)}</Key><LastModified>{stamp(folder / key)}</LastModified>"
            f'<ETag>"{hashlib.md5((folder / key).read_bytes()).hexdigest()}"</ETag>'
            f"<Size>{(folder / key).stat().st_size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            for key in shown
        )
        entries += "".join(f"<CommonPrefixes><Prefix>{html.escape(group)}</Prefix></CommonPrefixes>" for group in groups)
        token = f"<NextContinuationToken>{html.escape(shown[-1])}</NextContinuationToken>" if cut and shown else ""
        self.xml(
            f"<ListBucketResult{NAMESPACE}><Name>{bucket}</Name><Prefix>{html.escape(prefix)}</Prefix><KeyCount>{len(shown) + len(groups)}</KeyCount>"
            f"<MaxKeys>{most}</MaxKeys><IsTruncated>{str(cut).lower()}</IsTruncated>{token}{entries}</ListBucketResult>"
        )

    def read_body(self) -> bytes:
        body = self.read_all()
        streamed = self.headers.get("x-amz-content-sha256", "").startswith("STREAMING-")
        if not streamed and "aws-chunked" not in self.headers.get("Content-Encoding", ""):
            return body
        parts = []
        while body:
            head, _, body = body.partition(b"\r\n")
            size = int(head.partition(b";")[0] or b"0", 16)
            if size == 0:
                break
            parts.append(body[:size])
            body = body[size + 2 :]
        return b"".join(parts)

    def check_signature(self) -> None:
        """AWS Signature Version 4 over the request line and the signed headers."""
        names = dict(self.query)
        given = self.headers.get("Authorization", "")
        if given.startswith("AWS4-HMAC-SHA256 "):
            fields = dict(part.strip().split("=", 1) for part in given[len("AWS4-HMAC-SHA256 ") :].split(","))
            when, payload = self.headers.get("x-amz-date", ""), self.headers.get("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
        elif "X-Amz-Signature" in names:
            fields = {name: names["X-Amz-" + name] for name in ("Credential", "SignedHeaders", "Signature")}
            when, payload = names["X-Amz-Date"], "UNSIGNED-PAYLOAD"
            self.check_expiry(when, int(names.get("X-Amz-Expires", "604800")))
        else:
            raise Refused(403, "AccessDenied", "Access Denied.")
        user, _, scope = fields["Credential"].partition("/")
        if user != USER:
            raise Refused(403, "InvalidAccessKeyId", "the access key does not exist")
        query = "&".join(
            f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in sorted(self.query) if k != "X-Amz-Signature"
        )
        headers = "".join(f"{name}:{' '.join(self.headers.get(name, '').split())}\n" for name in fields["SignedHeaders"].split(";"))
        canonical = "\n".join([self.command, self.raw_path, query, headers, fields["SignedHeaders"], payload])
        text = "\n".join(["AWS4-HMAC-SHA256", when, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + PASSWORD).encode()
        for part in scope.split("/"):
            key = sign(key, part)
        if not hmac.compare_digest(sign(key, text).hex(), fields["Signature"]):
            raise Refused(403, "SignatureDoesNotMatch", "the signature does not match; check the secret key")
        if len(payload) == 64 and hashlib.sha256(self.body).hexdigest() != payload:
            raise Refused(400, "XAmzContentSHA256Mismatch", "the body is not what was signed")

    def check_expiry(self, when: str, seconds: int) -> None:
        signed = datetime.strptime(when, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if (datetime.now(UTC) - signed).total_seconds() > seconds:
            raise Refused(403, "AccessDenied", "Request has expired")

    def xml(self, text: str) -> None:
        self.answer(200, (XML + text).encode(), "application/xml")


class Console(Answers):
    def do_GET(self) -> None:
        self.page("stand-in for MinIO", "<p>The console of the genuine image is not here.")


def stamp(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def main() -> None:
    parser = argparse.ArgumentParser(prog="minio", description="stand-in for MinIO")
    parser.add_argument("command", choices=["server"])
    parser.add_argument("data", type=Path)
    parser.add_argument("--address", default=":9000")
    parser.add_argument("--console-address", default=":9001")
    args = parser.parse_args()
    if len(USER) < 3 or len(PASSWORD) < 8:
        sys.exit("FATAL MINIO_ROOT_USER must have at least 3 and MINIO_ROOT_PASSWORD at least 8 characters")
    S3.data = args.data
    args.data.mkdir(parents=True, exist_ok=True)
    console = listen(Server, place(args.console_address), Console)
    threading.Thread(target=console.serve_forever, daemon=True).start()
    server = listen(Server, place(args.address), S3)
    print(f"MinIO stand-in: API on port {server.server_address[1]}, console on port {console.server_address[1]}", flush=True)
    serve(server)


if __name__ == "__main__":
    main()
