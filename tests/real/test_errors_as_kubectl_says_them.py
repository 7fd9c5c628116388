"""Errors and empty answers on a real API server: what kubectl says, we say, with its exit code and on its stream."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cluster.access import NOBODY, READER
from tests.cluster.cluster import ADMIN
from tests.real.beside import kubectl
from tests.real.tool import oom

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.timeout(300)


SAME_ERRORS = {
    "a pod that does not exist": (ADMIN, ["pod/nope"]),
    "a deployment that does not exist": (ADMIN, ["deploy/nope"]),
    "a stateful set that does not exist": (ADMIN, ["sts", "nope"]),
    "a cron job that does not exist": (ADMIN, ["cj/nope"]),
    "a node that does not exist": (ADMIN, ["node/nope"]),
    "the first of several that do not exist": (ADMIN, ["pod/one", "deploy/two"]),
    "a namespace that does not exist": (ADMIN, ["-n", "nope", "pod", "x"]),
    "an unknown type": (ADMIN, ["foo/x"]),
    "an unknown type as a word": (ADMIN, ["foo", "x"]),
    "a type of an unknown group": (ADMIN, ["deployments.batch/x"]),
    "a type of an unknown version": (ADMIN, ["deployments.v1beta1.apps/x"]),
    "a core type of a group": (ADMIN, ["pods.v1", "x"]),
    "both forms at once": (ADMIN, ["pod/x", "deploy"]),
    "two slashes": (ADMIN, ["pod/a/b"]),
    "no name after the slash": (ADMIN, ["pod/"]),
    "no type before the slash": (ADMIN, ["/x"]),
    "two types before the slash": (ADMIN, ["pod,deploy/x"]),
    "an empty name": (ADMIN, ["pod", ""]),
    "a name that leads upwards": (ADMIN, ["pod/.."]),
    "a name with a percent sign": (ADMIN, ["pod", "a%2fb"]),
    "a namespace with a slash": (ADMIN, ["-n", "a/b", "pod", "x"]),
    "a namespace that leads upwards": (ADMIN, ["-n", "..", "pod", "x"]),
    "a selector and a name": (ADMIN, ["-l", "a=b", "pod", "x"]),
    "a selector and a type with a name": (ADMIN, ["-l", "a=b", "pod/x"]),
    "a name in all namespaces": (ADMIN, ["-A", "pod/x"]),
    "no permission to get": (NOBODY, ["pod/x"]),
    "no permission to get a workload": (NOBODY, ["deploy/x"]),
    "no permission to get a node": (NOBODY, ["node/x"]),
    "no permission to list": (NOBODY, ["pods", "-l", "a=b"]),
    "no permission to list everywhere": (NOBODY, ["pods", "-A"]),
    "as somebody without permission": (ADMIN, ["--as", "bob", "pod/x"]),
    "as a group without a user": (ADMIN, ["--as-group", "g", "pod/x"]),
    "as a uid without a user": (ADMIN, ["--as-uid", "u", "pod/x"]),
    "no permission to be somebody else": (READER, ["--as", "bob", "pod/x"]),
    "a token that nobody knows": (READER, ["--token", "bad", "pod/x"]),
    "an unknown context": (ADMIN, ["--context", "nope", "pod/x"]),
    "an unknown cluster": (ADMIN, ["--cluster", "nope", "pod/x"]),
    "an unknown user": (ADMIN, ["--user", "nope", "pod/x"]),
    "a kubeconfig that does not exist": (ADMIN, ["--kubeconfig", "/nonexistent/config", "pod/x"]),
    "an authority that does not exist": (ADMIN, ["--certificate-authority", "/nonexistent/ca", "pod/x"]),
    "a certificate that does not exist": (ADMIN, ["--client-certificate", "/nonexistent/crt", "pod/x"]),
    "an authority and no verification": (ADMIN, ["--insecure-skip-tls-verify", "pod/x"]),
    "a server that nobody is": (ADMIN, ["-s", "https://127.0.0.1:1", "pod/x"]),
    "a server of another protocol": (ADMIN, ["-s", "ftp://127.0.0.1:1", "pod/x"]),
    "a timeout that is none": (ADMIN, ["--request-timeout", "soon", "pod/x"]),
    "a timeout in days": (ADMIN, ["--request-timeout=1d", "pod/x"]),
    "a timeout of half a number": (ADMIN, ["--request-timeout=1.5", "pod/x"]),
    "an unknown flag": (ADMIN, ["--bogus", "pod/x"]),
    "an unknown short flag": (ADMIN, ["-z", "pod/x"]),
    "a flag without its value": (ADMIN, ["pod/x", "--namespace"]),
    "a short flag without its value": (ADMIN, ["pod/x", "-n"]),
}


@pytest.mark.parametrize("case", SAME_ERRORS)
def test_an_error_is_kubectls_own_in_words_stream_and_exit_code(api_server: Cluster, case: str) -> None:
    user, args = SAME_ERRORS[case]

    ours = oom(api_server.kubeconfig(user), "why", *args)
    theirs = kubectl(api_server, api_server.kubeconfig(user), "get", *args)

    assert (ours.code, ours.out) == (theirs.code, theirs.out) == (1, "")
    assert ours.err.splitlines()[0] in theirs.err.splitlines()
    assert "Traceback" not in ours.err


def test_an_unknown_format_is_refused_in_kubectls_words_with_our_formats(api_server: Cluster) -> None:
    kubeconfig = api_server.kubeconfig()

    ours = oom(kubeconfig, "why", "pods", "-o", "bogus")
    theirs = kubectl(api_server, kubeconfig, "get", "pods", "-o", "bogus")

    said, formats = ours.err.strip().split("allowed formats are: ")
    assert (ours.code, ours.out) == (1, "")
    assert theirs.err.startswith(said)
    assert formats == "json,markdown,name,text,wide,yaml"


def test_a_selector_that_cannot_be_parsed_is_refused_with_the_servers_reason(api_server: Cluster) -> None:
    ours = oom(api_server.kubeconfig(), "why", "-l", "a in")

    assert (ours.code, ours.out) == (1, "")
    assert ours.err == "Error from server (BadRequest): unable to parse requirement: found '' expected: '('\n"


def test_without_a_target_the_error_says_what_to_name(api_server: Cluster) -> None:
    ours = oom(api_server.kubeconfig(), "why")

    assert (ours.code, ours.out) == (1, "")
    assert ours.err.splitlines() == [
        "error: you must specify what to look at: a pod or TYPE/NAME, -l SELECTOR or -A",
        "See 'kubectl oom why -h' for help and examples",
    ]


def test_an_unknown_command_is_refused(api_server: Cluster) -> None:
    ours = oom(api_server.kubeconfig(), "wyh", "pod/x")

    assert (ours.code, ours.out) == (1, "")
    assert ours.err.splitlines()[0] == 'error: unknown command "wyh" for "kubectl oom"'


# --- empty answers ----------------------------------------------------------------------------------------------------

EMPTY = [
    ["pods", "-n", "nope"],
    ["deploy", "-n", "nope"],
    ["deploy,sts", "-n", "nope"],
    ["pods", "-l", "no=such"],
    ["pods", "-A", "-l", "no=such"],
    ["pods", "-n", "nope", "-o", "name"],
    ["pods", "-n", "nope", "-o", "json"],
    ["pods", "-n", "nope", "-o", "yaml"],
    ["pods", "-n", "nope", "-o", "wide"],
]


@pytest.mark.parametrize("args", EMPTY, ids=" ".join)
def test_a_selection_of_nothing_is_no_error_and_says_so_as_kubectl_does(api_server: Cluster, args: list[str]) -> None:
    kubeconfig = api_server.kubeconfig(READER)

    ours = oom(kubeconfig, "why", *args)
    theirs = kubectl(api_server, kubeconfig, "get", *args)

    assert (ours.code, ours.err) == (theirs.code, theirs.err)
    assert (ours.out == "") == (theirs.out == "")
    if "json" in args:
        assert ours.document()["items"] == json.loads(theirs.out)["items"] == []
