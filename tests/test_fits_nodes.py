"""A size against the nodes: is one large enough, and has one room now?"""

from __future__ import annotations

from kubectl_oom.evidence import NodeRoom, Owner, Rollout, Room
from tests.room import app, held, judged, node_room, recommended, replicas, room, sizes

SMALL, LARGE = node_room("node-a", 1), node_room("node-b", 4)
DAEMONS = Owner(api_version="apps/v1", kind="DaemonSet", name="api")
DATABASE = Owner(api_version="apps/v1", kind="StatefulSet", name="api")


def test_the_largest_open_node_is_named_with_what_it_has() -> None:
    assert held(recommended(), room(nodes=(SMALL, LARGE)))[0] == [
        (
            "node",
            True,
            "A pod of it asks for 256Mi, and the largest of the 2 nodes that are open to it (node-b) has 4Gi for pods.",
        )
    ]


def test_a_pod_larger_than_every_open_node_stays_pending() -> None:
    closed = node_room("node-z", 64, closed="is cordoned")
    fits, offer = judged(recommended(5000, 6000), room(nodes=(SMALL, LARGE, closed)))

    assert [(fit.ok, fit.detail, fit.remedy) for fit in fits] == [
        (
            False,
            (
                "A pod of it asks for 5000Mi, and the largest of the 2 nodes of 3 that are open to it (node-b) has 4Gi for "
                "pods: it would stay Pending."
            ),
            "add a node with more than 5000Mi for pods, or spread the load over more, smaller pods",
        )
    ]
    assert offer == sizes(4096, 4096)


def test_the_whole_pod_counts_not_the_container_alone() -> None:
    pods = replicas(1, app(), app(600, 900, name="proxy"))

    assert [ok for _, ok, _ in held(recommended(), room(nodes=(SMALL,)), pods)[0]] == [True]
    assert [ok for _, ok, _ in held(recommended(500, 512), room(nodes=(SMALL,)), pods)[0]] == [False]


def test_a_limit_above_the_node_is_never_reached() -> None:
    fits, offer = held(recommended(600, 1200), room(nodes=(SMALL,)))

    assert fits == [
        (
            "node",
            False,
            (
                "Its limit of 1200Mi means little, since the one node that is open to it (node-a) has 1Gi for pods: the "
                "node runs out before it is reached."
            ),
        )
    ]
    assert offer == sizes(600, 1024)


def test_where_no_node_is_open_it_says_why_of_each() -> None:
    nodes = [node_room(f"node-{n}", closed="is cordoned") for n in range(5)]
    other = node_room("node-9", closed="has the taint a:NoSchedule, which the pods do not tolerate")
    fits, offer = judged(recommended(), room(nodes=(*nodes, other)))

    assert [(fit.check, fit.ok, fit.detail) for fit in fits] == [
        (
            "node",
            False,
            (
                "No node of 6 is open to its pods: node-9 has the taint a:NoSchedule, which the pods do not tolerate; node-0 "
                "(as 4 more) is cordoned."
            ),
        )
    ]
    assert fits[0].remedy == "uncordon a node, or change node selector, affinity or tolerations of the workload"
    assert offer is None


def _free(around: Room, request: int = 256, limit: int = 512) -> list[tuple[bool, str]]:
    return [(ok, told) for check, ok, told in held(recommended(request, limit), around)[0] if check == "node-free"]


def test_room_on_one_node_is_enough() -> None:
    nodes = (node_room("node-a", 1, 0.9), node_room("node-b", 4, 3), node_room("node-c", 0.5))

    assert _free(room(nodes=nodes)) == [(True, "Node node-b has 1Gi free for the 256Mi (2 of 3 open nodes looked at).")]


def test_full_nodes_are_told_with_how_many_were_looked_at() -> None:
    nodes = (node_room("node-a", 1, 1.1), node_room("node-b", 4, 3.9), node_room("node-c", 0.5))
    fits, offer = judged(recommended(), room(nodes=nodes))

    assert [(fit.check, fit.ok) for fit in fits] == [("node", True), ("node-free", False)]
    assert fits[1].detail == (
        "None of the nodes looked at has room for the 256Mi now: node-b has most, 102Mi free (2 of 3 open nodes looked "
        "at). The pod waits until there is room, or takes it from pods of lower priority."
    )
    assert fits[1].remedy == "make 256Mi free on a node, or add one (a cluster autoscaler does)"
    assert offer is None  # a smaller size is no answer to a node that is busy now


def test_nodes_nobody_looked_at_are_not_called_free() -> None:
    assert _free(room(nodes=(SMALL, LARGE))) == []


def test_a_pod_that_goes_first_leaves_its_place() -> None:
    nodes = (node_room("node-a", 1, 0.8),)  # 204Mi free, and the 64Mi of the pod that is there
    stateful = room(surge=0, workload=DATABASE, nodes=nodes)

    assert _free(stateful) == [(True, "Node node-a has 269Mi free for the 256Mi (1 of 1 open nodes looked at).")]
    assert [ok for ok, _ in _free(room(surge=1, nodes=nodes))] == [False]
    assert [ok for ok, _ in _free(room(surge=0, strategy="Recreate", nodes=nodes))] == [True]


def test_a_daemon_set_needs_room_on_each_node_and_the_smallest_decides() -> None:
    nodes = (node_room("node-a", 1, 0.9), node_room("node-b", 4, 3.9), node_room("node-c", 4, 1))
    fits, _ = held(recommended(), room(surge=0, workload=DAEMONS, nodes=nodes))

    assert fits == [
        (
            "node",
            True,
            (
                "A pod of it asks for 256Mi, and the smallest of the 3 nodes that are open to it (node-a) has 1Gi for "
                "pods."
            ),
        ),
        (
            "node-free",
            False,
            "No room for the 256Mi now on node-b (102Mi free), node-a (166Mi free) (3 of 3 open nodes looked at).",
        ),
    ]


def test_a_daemon_set_with_room_everywhere_says_so() -> None:
    nodes = (node_room("node-a", 1, 0.1), node_room("node-b", 4, 1))

    assert _free(room(surge=0, workload=DAEMONS, nodes=nodes)) == [
        (True, "Each of them has room for the 256Mi (2 of 2 open nodes looked at).")
    ]


def test_a_bare_pod_is_held_against_its_own_node() -> None:
    own: tuple[NodeRoom, ...] = (node_room("node-a", 1, 0.8),)
    around = Room(namespace="shop", workload=None, rollout=Rollout(replicas=1, surge=0, strategy="bare pod"), nodes=own)

    assert held(recommended(workload=None), around, replicas(1))[0] == [
        ("node", True, "A pod of it asks for 256Mi, and its node (node-a) has 1Gi for pods."),
        ("node-free", True, "Node node-a has 269Mi free for the 256Mi (1 of 1 open nodes looked at)."),
    ]
