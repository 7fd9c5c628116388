"""The floor under `why`: the same requests, at the same time, and nothing made of the answers.

Usage: python benchmarks/bare.py KUBECONFIG REQUESTS.json (written by why_speed.py). A program of its own, so that it
pays for its interpreter and its imports as `kubectl oom` does.
"""

from __future__ import annotations

import base64
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import urllib3
import yaml

AT_ONCE = 8  # as many as the tool has under way


def main(kubeconfig: str, requests: str) -> None:
    config = yaml.load(Path(kubeconfig).read_text(), yaml.CSafeLoader)
    context = _named(config["contexts"], config["current-context"])["context"]
    cluster = _named(config["clusters"], context["cluster"])["cluster"]
    user = _named(config["users"], context["user"])["user"]
    with tempfile.TemporaryDirectory() as folder:
        tls: dict[str, Any] = {"ca_certs": _file(folder, cluster, "certificate-authority")}
        if "client-certificate-data" in user or "client-certificate" in user:
            tls |= {
                "cert_file": _file(folder, user, "client-certificate"),
                "key_file": _file(folder, user, "client-key"),
            }
        pool = urllib3.PoolManager(maxsize=AT_ONCE, retries=False, **tls)
        headers = {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}

        def get(asked: dict[str, str]) -> int:
            accept = {"Accept": asked["accept"], "Accept-Encoding": "gzip"}
            return len(pool.request("GET", cluster["server"] + asked["path"], headers=headers | accept).data)

        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(get, json.loads(Path(requests).read_text())))


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
