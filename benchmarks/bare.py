"""The floor under `why`: the same requests, at the same time, and nothing made of the answers.

Usage: python benchmarks/bare.py KUBECONFIG REQUESTS.json (written by why_speed.py). A program of its own, so that it
pays for its interpreter and its imports as `kubectl oom` does.
"""

from __future__ import annotations

import base64
import json
import ssl
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

AT_ONCE = 8  # as many as the tool has under way


def main(kubeconfig: str, requests: str) -> None:
    config = yaml.load(Path(kubeconfig).read_text(), yaml.CSafeLoader)
    chosen = _named(config["contexts"], config["current-context"])["context"]
    cluster = _named(config["clusters"], chosen["cluster"])["cluster"]
    user = _named(config["users"], chosen["user"])["user"]
    server = urlsplit(cluster["server"])
    context = _trust(cluster, user) if server.scheme == "https" else None
    headers = {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}
    kept = threading.local()

    def get(asked: dict[str, str]) -> int:
        if not hasattr(kept, "connection"):
            netloc = server.netloc
            kept.connection = HTTPSConnection(netloc, context=context) if context else HTTPConnection(netloc)
        accept = {"Accept": asked["accept"], "Accept-Encoding": "gzip"}
        kept.connection.request("GET", asked["path"], headers=headers | accept)
        return len(kept.connection.getresponse().read())

    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(get, json.loads(Path(requests).read_text())))


def _trust(cluster: dict[str, str], user: dict[str, str]) -> ssl.SSLContext:
    with tempfile.TemporaryDirectory() as folder:
        context = ssl.create_default_context(cafile=_file(folder, cluster, "certificate-authority"))
        if "client-certificate-data" in user or "client-certificate" in user:
            context.load_cert_chain(_file(folder, user, "client-certificate"), _file(folder, user, "client-key"))
        return context


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)


def _file(folder: str, entry: dict[str, str], key: str) -> str:
    """The file of a certificate or key that stands in the kubeconfig itself, or is named there."""
    if key in entry:
        return entry[key]
    file = Path(folder, key)
    file.write_bytes(base64.b64decode(entry[f"{key}-data"]))
    return str(file)


if __name__ == "__main__":
    main(*sys.argv[1:])
