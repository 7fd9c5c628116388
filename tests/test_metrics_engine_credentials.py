"""What is sent to an engine to be let in: as it was given, to that engine alone, and never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kubectl_oom.read.engine import EngineOptions
from kubectl_oom.read.engines import connect_engine
from kubectl_oom.read.gaps import gap_of
from kubectl_oom.read.source import ReadError

if TYPE_CHECKING:
    from pathlib import Path

from tests.engine_server import SECRET, SUCCESS, answering, ask, refused


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"token": f"{SECRET}\n"}, f"Bearer {SECRET}"),
        ({"basic_auth": "me:pä:ss"}, "Basic bWU6cMOkOnNz"),
        ({"headers": (("Authorization", "Custom x"),)}, "Custom x"),
        ({}, None),
    ],
)
def test_credentials_are_sent_as_given_whatever_netrc_says(
    options: dict[str, Any], sent: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("default login somebody password else\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with answering(200, SUCCESS) as server:
        ask(server, **options)
        assert [asked.authorization for asked in server.asked] == [sent]


def test_a_token_file_and_other_headers_are_sent(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{SECRET}\n")
    with answering(200, SUCCESS) as server:
        ask(server, token_file=str(tmp_path / "token"), headers=(("X-Scope-OrgID", "team-a"),))
        [asked] = server.asked
    assert asked.authorization == f"Bearer {SECRET}"
    assert asked.headers["X-Scope-OrgID"] == "team-a"


def test_credentials_in_the_url_are_sent_and_never_shown() -> None:
    with answering(500, b"") as server:
        error = refused(f"http://me:p%40ss@127.0.0.1:{server.port}/x/")
        [asked] = server.asked
    assert asked.authorization == "Basic bWU6cEBzcw=="
    assert error.message == f"Prometheus http://127.0.0.1:{server.port}/x answered 500"


def test_a_redirect_is_not_followed_and_says_where_it_leads() -> None:
    with answering(200, SUCCESS) as other:
        location = f"http://u:p@127.0.0.1:{other.port}/login?next=/api"
        with answering(302, b"", Location=location) as server:
            error = refused(server, token=SECRET)
        assert other.asked == []
    assert error.reason == "Redirected"
    assert f"sends on to http://127.0.0.1:{other.port}/login, perhaps to log in" in error.message


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(200, SUCCESS) as proxy:
        for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", proxy.url)
        ask("http://prometheus.example:9090")
        assert [asked.headers["Host"] for asked in proxy.asked] == ["prometheus.example:9090"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "prometheus:9090"}, '"prometheus:9090" is no URL of a metrics engine: http:// or https:// is missing'),
        ({"url": "10.0.0.1:9090"}, '"10.0.0.1:9090" is no URL of a metrics engine: http:// or https:// is missing'),
        ({"url": f"u:{SECRET}@x:9090"}, '"…@x:9090" is no URL of a metrics engine: http:// or https:// is missing'),
        ({"url": f"ftp://u:{SECRET}@x"}, '"…@x" is no URL of a metrics engine: http://… or https://… is expected'),
        ({"url": f"x:9090/?token={SECRET}"}, '"x:9090/" is no URL of a metrics engine'),
        ({"url": "http://prometheus:port"}, "is no URL"),
        ({"url": "https:///api"}, "is no URL of a metrics engine"),
        ({"url": f"http://x:{SECRET}@prometheus/?a=b"}, "ends before `?` and `#`"),
        ({"token": SECRET, "basic_auth": "a:b"}, "more than one of"),
        ({"url": f"http://u:{SECRET}@prometheus", "token": SECRET}, "more than one of"),
        ({"token": f"{SECRET}\nX-Evil: 1"}, "characters that no token has"),
        ({"headers": (("X-Bad", f"{SECRET}\r\nX: y"),)}, "header 'X-Bad' cannot be sent"),
        ({"headers": (("X Bad", SECRET),)}, "header 'X Bad' cannot be sent"),
        ({"token_file": "/no/such/file"}, "/no/such/file cannot be read: No such file"),
        ({"client_key": "/k"}, "a client key needs the client certificate"),
        ({"labels": (("clu ster", "x"),)}, "'clu ster' is no label name"),
        ({"url": None, "token": SECRET}, "need the URL they are for"),
        ({"url": None}, "no cluster to look for one in"),
        ({"enabled": False}, "as requested"),
    ],
)
def test_options_that_cannot_be_meant_are_said_without_their_secrets(options: dict[str, Any], said: str) -> None:
    given = EngineOptions(**{"url": "http://127.0.0.1:1", **options})
    with pytest.raises(ReadError) as caught:
        connect_engine(given, None).query("up")
    assert said in caught.value.message
    assert SECRET not in caught.value.message
    assert SECRET not in repr(given)


def test_for_a_flag_that_is_wrong_nobody_is_sent_to_the_doctor() -> None:
    options = EngineOptions(url="prometheus:9090")
    with pytest.raises(ReadError) as caught:
        connect_engine(options, None).query("up")

    assert gap_of("metrics engine", "", caught.value).remedy is None
