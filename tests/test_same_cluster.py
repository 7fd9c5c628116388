"""Commands that are printed to be pasted go to the cluster that was asked, whatever kubectl's current context is."""

from __future__ import annotations

import pytest

from kubectl_oom.show.same_cluster import in_the_same_cluster
from tests.program import oom

GROWING = ("deploy/slow-growth", "-n", "demo", "--from", "kubectl_oom/incidents/slow-growth.json")
ELSEWHERE = ("--kubeconfig", "/tmp/a b", "--context", "prod", "--as", "jane")
THERE = "--kubeconfig '/tmp/a b' --context prod --as jane"
SECRET = ("--token", "hunter2")

COMMANDS = {
    "kubectl logs pod/x -n shop --previous": "kubectl --context prod logs pod/x -n shop --previous",
    "kubectl oom fix deploy/x -n shop --apply": "kubectl oom fix deploy/x -n shop --apply --context prod",
    "kubectl exec x -n shop -- kubectl version": "kubectl --context prod exec x -n shop -- kubectl version",
    "kubectl get job/x -o json | kubectl replace --force -f -": "kubectl --context prod get job/x -o json | "
    "kubectl --context prod replace --force -f -",
    "kubectl set env deploy/x 'A=b | kubectl delete'": "kubectl --context prod set env deploy/x 'A=b | kubectl delete'",
    "jq .": "jq .",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_kubectl_of_a_command_gets_the_flags_where_it_takes_them(command: str) -> None:
    assert in_the_same_cluster(command, ("--context", "prod")) == COMMANDS[command]
    assert in_the_same_cluster(command, ()) == command


@pytest.mark.parametrize("form", ["text", "markdown"])
@pytest.mark.parametrize("command", ["why", "recommend", "fix"])
def test_what_is_printed_to_be_pasted_goes_to_the_cluster_that_was_asked(command: str, form: str) -> None:
    shown = oom(command, *GROWING, *ELSEWHERE, *SECRET, "-o", form, "--width", "400").out
    pasted = [line.strip() for line in shown.splitlines() if line.strip().startswith("kubectl ")]

    assert pasted
    assert [line for line in pasted if THERE not in line or "hunter2" in line] == []
