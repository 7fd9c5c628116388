"""Credentials that change while a connection is open: token files and plugins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from kubectl_oom.read.connection import api_error_line
from tests.connection.servers import ApiServer, Reply, failure

if TYPE_CHECKING:
    from pathlib import Path

    from tests.connection.conftest import Opened
    from tests.connection.pki import Pki


def test_a_token_file_is_read_again_after_the_server_refused_it(
    server: ApiServer, opened: Opened, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("old\n")
    server.replies["/asked"] = lambda asked: (
        Reply()
        if asked.header("Authorization") == "Bearer new"
        else Reply.status_object(401, "Unauthorized", "Unauthorized")
    )
    connection = opened(server.url, {"tokenFile": "token"})

    assert failure(lambda: connection.get("/asked")).reason == "Unauthorized"
    file.write_text("new\n")
    assert connection.get_json("/asked") == {}
    server.replies["/no"] = Reply.status_object(401, "Unauthorized", "Unauthorized")
    for ruin in (lambda: file.write_text(""), file.unlink):
        ruin()
        failure(lambda: connection.get("/no"))
        assert connection.get_json("/asked") == {}  # the last one that could be read stands
    assert [asked.header("Authorization") for asked in server.asked] == ["Bearer old"] + ["Bearer new"] * 5


def test_a_plugin_runs_again_when_its_credential_was_refused_or_has_expired(
    server: ApiServer, opened: Opened, tmp_path: Path
) -> None:
    script = tmp_path / "plugin"
    script.write_text(
        """#!/bin/sh
echo run >> "$0.runs"
n=$(wc -l < "$0.runs"); n=$((n))
until=2099-01-01T00:00:00.123456789Z
[ $n = 2 ] && until=2001-01-01T00:00:00Z
echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",'\\
'"status":{"token":"t'$n'","expirationTimestamp":"'$until'"}}'
"""
    )
    script.chmod(0o755)
    stanza = {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin", "interactiveMode": "Never"}
    connection = opened(server.url, {"exec": stanza})
    connection.get("/1")
    connection.get("/2")  # valid until 2099: the plugin is not asked
    server.replies["/3"] = Reply.status_object(401, "Unauthorized", "Unauthorized")
    assert failure(lambda: connection.get("/3")).status == 401
    connection.get("/4")  # refused: asked again, and what it gives has expired
    connection.get("/5")

    sent = [asked.header("Authorization") for asked in server.asked]
    assert sent == ["Bearer t1", "Bearer t1", "Bearer t1", "Bearer t2", "Bearer t3"]


def test_a_plugins_certificate_is_shown_and_a_new_one_replaces_it(
    server: ApiServer, opened: Opened, pki: Pki, tmp_path: Path
) -> None:
    second = pki.authority.issue("someone-else")
    for name, made in (("1", pki.client), ("2", second)):
        status = {"clientCertificateData": made.cert.read_text(), "clientKeyData": made.key.read_text()}
        answer = {"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1beta1", "status": status}
        (tmp_path / f"answer-{name}").write_text(json.dumps(answer))
    script = tmp_path / "plugin"
    script.write_text(
        '#!/bin/sh\ncd "${0%/*}"\nif [ -e again ]; then cat answer-2; else cat answer-1; fi\ntouch again\n'
    )
    script.chmod(0o755)
    stanza = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": str(script)}
    connection = opened(server.url, {"exec": stanza})
    server.replies["/no"] = Reply.status_object(401, "Unauthorized", "Unauthorized")

    connection.get("/yes")
    failure(lambda: connection.get("/no"))
    connection.get("/yes")

    assert [asked.certificate for asked in server.asked] == ["someone", "someone", "someone-else"]


def test_a_plugin_that_fails_later_is_the_reads_error(server: ApiServer, opened: Opened, tmp_path: Path) -> None:
    script = tmp_path / "plugin"
    answer = '{"apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t"}}'
    script.write_text(f"#!/bin/sh\n[ -e $0.ran ] && exit 3\ntouch $0.ran\necho '{answer}'\n")
    script.chmod(0o755)
    stanza = {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin", "interactiveMode": "Never"}
    connection = opened(server.url, {"exec": stanza})
    server.replies["/no"] = Reply.status_object(401, "Unauthorized", "Unauthorized")
    failure(lambda: connection.get("/no"))

    error = failure(lambda: connection.get("/yes"))

    assert (error.reason, error.status) == ("NoCredentials", None)
    assert api_error_line(error) == (
        f"Unable to connect to the server: getting credentials: exec: executable {script} failed with exit code 3"
    )
