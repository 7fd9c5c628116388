"""What TAB offers at each place of a line, with a cluster that answers; and the questions that it takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.cli.asking import LIMIT_VARIABLE
from kubectl_oom.cli.complete import complete
from kubectl_oom.cli.group import COMMANDS, group
from kubectl_oom.cli.options import PROFILES
from kubectl_oom.cli.output import FIX_OUTPUTS, HISTORY_OUTPUTS, OUTPUTS, RECOMMEND_OUTPUTS
from kubectl_oom.read.kinds import KINDS, NAMES
from tests.connection.servers import Reply, api_server
from tests.served_names import CONTEXTS, MEMORY, TABLE, kubeconfig_for, pod, serve_names, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.connection.servers import ApiServer

    Completed = Callable[..., list[str]]

KIND_WORDS = ["pod", "deploy", "sts", "ds", "job", "cronjob", "rs", "node"]
PODS = "/api/v1/namespaces/shop/pods"
# Options that take a value of the user's own making: there is nothing to offer.
FREE = {
    *("selector", "since", "every", "height", "width", "interval", "for_", "program", "limit_text"),
    *("request_text", "timeout", "watch_for", "headroom", "ram_price", "token", "server", "as_user", "as_groups"),
    *("as_uid", "tls_server_name", "request_timeout", "prometheus_url", "prometheus_token", "prometheus_basic_auth"),
    *("prometheus_header", "prometheus_label", "namespace_selector", "exclude_namespaces", "labels", "object_labels"),
    *(
        "group_name",
        "cluster_label",
        "window",
        "info_at",
        "warn_at",
        "critical_at",
        "warn_for",
        "ahead",
        "info_for",
        "critical_for",
        "grow_window",
    ),
}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    with api_server() as running:
        serve_names(running)
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig_for(tmp_path, running.url)))
        monkeypatch.setenv(LIMIT_VARIABLE, "30s")  # a busy machine is no reason to answer nothing
        yield running


@pytest.fixture
def completed(capsys: pytest.CaptureFixture[str]) -> Completed:
    def run(*words: str) -> list[str]:
        assert complete(words) == 0
        printed = capsys.readouterr()
        assert not printed.err
        return [line.partition("\t")[0] for line in printed.out.splitlines()]

    return run


# --- without a cluster ---------------------------------------------------------------------------------------------


def test_every_option_that_takes_a_value_is_completed_or_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")
    open_ones = {
        str(param.name)
        for name in COMMANDS
        for param in (group.get_command(None, name) or group).params  # type: ignore[arg-type] # its context is not used
        if param._custom_shell_complete is None
        and not getattr(param, "hidden", False)
        and not getattr(param, "is_flag", False)
        and not hasattr(param.type, "choices")
    }

    assert open_ones <= FREE


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("", [*COMMANDS, ":36"]),
        ("re", ["recommend", "report", ":4"]),
        ("nonsense ", [":4"]),
        ("nonsense --x ", [":4"]),
        ("why --outp", ["--output", ":4"]),
        ("why -o ", [*OUTPUTS, ":36"]),
        ("why --output=m", ["markdown", ":4"]),
        ("why -o=m", ["markdown", ":4"]),
        ("history -o ", [*HISTORY_OUTPUTS, ":36"]),
        ("recommend -o ", [*RECOMMEND_OUTPUTS, ":36"]),
        ("fix -o ", [*FIX_OUTPUTS, ":36"]),
        ("report -o h", ["html", ":4"]),
        ("list --sort-by ", ["last", "kills", "namespace", ":36"]),
        ("watch -o ", ["text", "json", ":36"]),
        ("fix --profile ", [*PROFILES, ":36"]),
        ("fix --target-qos g", ["guaranteed", ":4"]),
        ("fix --class b", ["batch", ":4"]),
        ("fix --dry-run s", ["server", ":4"]),
        ("why --kubeconfig /et", [":0"]),
        ("alerts --check ", [":0"]),
        ("completion z", ["zsh", ":4"]),
        ("completion install --dir ", [":16"]),
        ("why --prometheus-url ", [":4"]),
        ("why dep", ["deploy/", ":6"]),
        ("why deployments", ["deployments/", ":6"]),
        ("why DEPLOYM", ["DEPLOYMent/", ":6"]),
        ("why -A ", [*KIND_WORDS, ":36"]),
        ("why -l app=api d", ["deploy", "ds", ":4"]),
        ("why -A pod/", [":4"]),
        ("why nonsense/", [":4"]),
        ("why nonsense ", [":4"]),
        ("why -c ", [":4"]),
        ("why -n shop --from snapshot.json ", [*(f"{word}/" for word in KIND_WORDS), ":38"]),
        ("version ", [":4"]),
        ("help wh", ["why", ":4"]),
        ("help why ", [*COMMANDS, ":36"]),  # not its help: whatever is printed here is a candidate
    ],
)
def test_what_needs_no_cluster_is_offered_without_one(
    completed: Completed, monkeypatch: pytest.MonkeyPatch, words: str, wanted: list[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")

    assert completed(*words.split(" ")) == wanted


def test_no_words_at_all_are_completed_as_the_first() -> None:
    assert complete([]) == 0


def test_the_words_of_each_kind_are_all_known() -> None:
    assert [words[0] for words in NAMES.values()] == KIND_WORDS
    assert len(KINDS) == sum(map(len, NAMES.values()))


# --- with one ------------------------------------------------------------------------------------------------------


def test_pods_that_were_killed_come_first_and_the_last_of_them_before_all(
    server: ApiServer, completed: Completed, capsys: pytest.CaptureFixture[str]
) -> None:
    assert completed("why", "") == ["web-1", "api-2", "api-1", *(f"{word}/" for word in KIND_WORDS), ":36"]
    assert [asked.path for asked in server.asked] == [f"{PODS}?{TABLE}", f"{PODS}?{MEMORY}"]

    complete(["why", "web"])
    line = capsys.readouterr().out.splitlines()[0]
    assert line.startswith("web-1\tapp OOMKilled ")
    assert line.endswith(" ago")


@pytest.mark.parametrize(
    ("words", "wanted", "asked"),
    [
        (
            "why -n calm ",
            ["idle-1", *(f"{word}/" for word in KIND_WORDS), ":36"],
            "/api/v1/namespaces/calm/pods?" + TABLE,
        ),
        ("why api", ["api-2", "api-1", ":36"], None),
        ("why pod/a", ["pod/api-2", "pod/api-1", ":36"], None),
        ("why deploy/", ["deploy/api", "deploy/web", ":4"], "/apis/apps/v1/namespaces/shop/deployments?" + TABLE),
        ("why deployments.apps/w", ["deployments.apps/web", ":4"], None),
        ("why deploy ", ["api", "web", ":4"], None),
        ("why deploy api ", ["web", ":4"], None),
        ("why deploy/api deploy/", ["deploy/web", ":4"], None),
        ("why deploy/api s", ["sts/", ":6"], None),
        ("why -n ", ["calm", "shop", ":4"], "/api/v1/namespaces?" + TABLE),
        ("why deploy/api --namespace=s", ["shop", ":4"], None),
        ("list -n c", ["calm", ":4"], None),
        ("doctor -n c", ["calm", ":4"], None),
        ("why deploy/api -c ", ["app", "migrate", ":4"], None),
        ("why deploy api -c m", ["migrate", ":4"], None),
        ("why api-1 --container=", ["app", ":4"], None),
        ("why pod/api-1 -c ", ["app", ":4"], f"{PODS}/api-1?{MEMORY}"),
    ],
)
def test_names_are_those_of_the_place_and_of_the_flags(
    server: ApiServer, completed: Completed, words: str, wanted: list[str], asked: str | None
) -> None:
    assert completed(*words.split(" ")) == wanted
    assert asked is None or [one.path for one in server.asked] == [asked]


def test_the_flags_of_the_line_lead_to_the_cluster(
    server: ApiServer, completed: Completed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig = kubeconfig_for(tmp_path, server.url)
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")

    assert completed("why", "-n", "shop", "--server", server.url, "deploy/a") == ["deploy/api", ":4"]
    assert completed("why", "--kubeconfig", str(kubeconfig), "deploy/a") == ["deploy/api", ":4"]
    assert completed("why", f"--kubeconfig={kubeconfig}", "--as", "jo", "deploy/a") == ["deploy/api", ":4"]
    assert server.asked[-1].header("Impersonate-User") == "jo"
    assert completed("why", "--kubeconfig", str(kubeconfig), "--context", "a") == [CONTEXTS[0], ":4"]
    assert completed("list", "--kubeconfig", str(kubeconfig), "--contexts", "x,k") == [f"x,{CONTEXTS[1]}", ":4"]
    assert completed("why", "--kubeconfig", str(kubeconfig), "--cluster", "") == ["here", ":4"]
    assert completed("why", "--kubeconfig", str(kubeconfig), "--user", "") == ["me", ":4"]


@pytest.mark.parametrize("namespace", ["../nodes", "a/b", "%2e", "", "."])
def test_a_namespace_that_is_none_leads_nowhere(server: ApiServer, completed: Completed, namespace: str) -> None:
    completed("why", "-n", namespace, "deploy/")

    assert all(asked.path.startswith("/apis/apps/v1/namespaces/shop/") for asked in server.asked)


def test_of_very_many_pods_the_objects_are_not_read(server: ApiServer, completed: Completed) -> None:
    rows = [(f"p-{number:03}", "1/1", "Running", "7 (2m ago)", "4d") for number in range(501)]
    server.replies[f"{PODS}?{TABLE}"] = table(*rows)

    assert completed("why", "p-") == [*(row[0] for row in rows), ":4"]
    assert [asked.path for asked in server.asked] == [f"{PODS}?{TABLE}"]


@pytest.mark.parametrize(
    "reply",
    [
        Reply.status_object(403, "Forbidden", "pods is forbidden"),
        Reply.status_object(401, "Unauthorized", "Unauthorized"),
        Reply.text(200, "<html>log in</html>", "text/html"),
        Reply(body=b"[]"),
        Reply(body=b'{"rows": 3}'),
        Reply(body=b'{"rows": [{"cells": 3}, {"cells": []}, 4]}'),
        Reply(302, headers={"Location": "https://elsewhere.test/"}),
    ],
)
def test_a_refusal_or_nonsense_gives_no_names_and_no_error(
    server: ApiServer, completed: Completed, reply: Reply
) -> None:
    server.replies[f"{PODS}?{TABLE}"] = reply

    assert completed("why", "pod/") == [":4"]


def test_where_the_objects_cannot_be_read_the_names_stand(server: ApiServer, completed: Completed) -> None:
    server.replies[f"{PODS}?{MEMORY}"] = Reply.status_object(500, "InternalError", "etcd is gone")

    assert completed("why", "pod/") == ["pod/api-1", "pod/api-2", "pod/web-1", ":4"]


def test_a_name_that_could_steer_a_terminal_is_left_out(server: ApiServer, completed: Completed) -> None:
    calm = ("1/1", "Running", "0", "4d")
    server.replies[f"{PODS}?{TABLE}"] = table(("a\x1b[2J", *calm), ("b\nc", *calm), ("d\te", *calm), ("fine", *calm))

    assert completed("why", "pod/") == ["pod/fine", ":4"]


def test_a_note_that_could_steer_a_terminal_is_left_out(server: ApiServer, capsys: pytest.CaptureFixture[str]) -> None:
    killed = pod("web-1", "2026-11-21T10:00:00Z")
    killed["status"]["containerStatuses"][0]["name"] = "a\x1b[2J"
    server.replies[f"{PODS}?{MEMORY}"] = Reply(body=json.dumps({"items": [killed]}).encode())

    complete(["why", "pod/w"])

    assert capsys.readouterr().out == "pod/web-1\n:4\n"
