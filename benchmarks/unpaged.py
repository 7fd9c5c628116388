"""One unpaged list of all pods: what a program does that asks for everything at once, and then looks for OOM kills.

Usage: python benchmarks/unpaged.py SERVER.json [gzip] (written by contestants.py). A program of its own, and the
leanest of its kind: the standard library, one answer, `json.load`. With gzip as Go's client asks (kubectl-oomd is
such a program), without as Python's asks.
"""

from __future__ import annotations

import gzip
import json
import ssl
import sys
import urllib.request
from pathlib import Path


def main(server: str, packed: str = "") -> None:
    config = json.loads(Path(server).read_text())
    headers = {"Authorization": f"Bearer {config['token']}", "Accept-Encoding": packed or "identity"}
    request = urllib.request.Request(f"{config['server']}/api/v1/pods", headers=headers)
    context = ssl.create_default_context(cadata=config["ca"])
    with urllib.request.urlopen(request, context=context) as answer:
        # A short answer is not packed, whatever was asked for.
        was_packed = answer.headers.get("Content-Encoding") == "gzip"
        pods = json.loads(gzip.decompress(answer.read()) if was_packed else answer.read())["items"]
    for pod in pods:
        for status in pod["status"].get("containerStatuses", []):
            if status["lastState"].get("terminated", {}).get("exitCode") == 137:
                print(pod["metadata"]["namespace"], pod["metadata"]["name"], status["name"])


if __name__ == "__main__":
    main(*sys.argv[1:])
