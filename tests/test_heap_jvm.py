"""The JVM: what caps its heap, what is left for the rest, and what is set beside a new limit."""

from __future__ import annotations

import pytest

from kubectl_oom.judge.heap.jvm_versions import Jdk
from tests.build import GI, MI
from tests.heap import advice, changes, run_as, told


def test_a_heap_in_percent_asks_for_the_rest_over_one_less_the_percentage() -> None:
    found = advice(run_as("java", "-XX:MaxRAMPercentage=80"), 2000 * MI, highest=1990 * MI, killed=2000 * MI)

    assert found.runtime == "jvm"
    assert [(c.field, c.value) for c in found.evidence] == [("command", "java"), ("command", "-XX:MaxRAMPercentage=80")]
    assert found.heap_cap_bytes == 1600 * MI
    assert found.least_limit_bytes == 4500 * MI
    assert found.sentences == (
        "-XX:MaxRAMPercentage=80 in the command caps the heap at 1600Mi: 80% of today's limit of 2000Mi.",
        (
            "The highest sample, 1990Mi, is 390Mi more than the heap can be today: so much at least is not heap (metaspace, "
            "compiled code, thread stacks, direct buffers)."
        ),
        (
            "It was killed at 2000Mi, where its heap could be 1600Mi: at least 400Mi was not heap, which a larger heap does "
            "not help."
        ),
        (
            "A heap in percent grows with the limit. If what is not heap wanted 25% of that limit more, it wants 900Mi, and the "
            "limit must be at least 900Mi / (1 - 0.80) = 4500Mi; with 60% for the heap it would be 900Mi / (1 - 0.60) = 2250Mi."
        ),
    )
    assert found.settings == ()  # nothing is recommended yet


def test_a_fixed_heap_leaves_a_quarter_of_the_limit_to_the_rest_until_more_was_seen() -> None:
    java = run_as(env={"JAVA_TOOL_OPTIONS": "-Xms256m -Xmx768m"})

    assert advice(java, GI, highest=700 * MI).least_limit_bytes == GI
    assert advice(java, GI, highest=1000 * MI).least_limit_bytes == 1000 * MI
    assert advice(java, GI).least_limit_bytes is None  # nothing was seen of it, and then there is no number


def test_a_heap_far_above_anything_seen_does_not_raise_the_limit_but_is_lowered() -> None:
    found = advice(run_as("java", "-Xmx4g"), GI, highest=300 * MI, wanted=384 * MI)

    assert found.least_limit_bytes is None
    assert (
        "is not below today's limit of 1Gi and the recommended limit of 384Mi: when it fills, the kernel kills"
        in told(found)
    )
    assert changes(found) == [("-Xmx", "288m", "-Xmx4g in the command", False)]


@pytest.mark.parametrize(
    ("env", "command", "told_to_set"),
    [
        (
            {"JAVA_OPTS": "-Xms2g -Xmx4g"},
            ("java",),
            [("JAVA_OPTS", "-Xms288m -Xmx288m", "-Xms2g -Xmx4g", True)],
        ),
        ({"JAVA_OPTS": "-Xms64m -Xmx4g"}, ("java",), [("JAVA_OPTS", "-Xms64m -Xmx288m", "-Xms64m -Xmx4g", True)]),
        (
            {},
            ("java", "-Xms2g", "-Xmx4g"),
            [
                ("-Xmx", "288m", "-Xmx4g in the command", False),
                ("-Xms", "288m", "-Xms2g in the command", False),
            ],
        ),
    ],
)
def test_a_heap_is_not_lowered_below_the_one_it_starts_with_for_then_no_jvm_starts(
    env: dict[str, str], command: tuple[str, ...], told_to_set: list[tuple[str, str, str, bool]]
) -> None:
    found = advice(run_as(*command, env=env), GI, highest=300 * MI, wanted=384 * MI)

    assert changes(found) == told_to_set


def test_without_an_option_the_jvm_takes_a_quarter_and_says_unless_the_image_does() -> None:
    found = advice(run_as("java", "-jar", "/app.jar"), 2 * GI)

    assert found.heap_cap_bytes == 512 * MI
    assert told(found).startswith("No option sets its heap, unless the image does: a JVM then takes 25 % of its limit")
    assert (
        advice(run_as(image="quay.io/keycloak/keycloak:26"), 2 * GI).heap_cap_bytes is None
    )  # its start script decides


@pytest.mark.parametrize(
    ("limit", "heap"),
    [(128 * MI, 64 * MI), (200 * MI, 100 * MI), (300 * MI, 130_862_284), (480 * MI, 130_862_284), (GI, 256 * MI)],
)
def test_a_small_container_gives_half_and_a_middling_one_some_125mi(limit: int, heap: int) -> None:
    assert advice(run_as("java"), limit).heap_cap_bytes == heap


def test_below_the_threshold_the_percentage_that_was_set_does_not_count() -> None:
    assert advice(run_as("java", "-XX:MaxRAMPercentage=80"), 200 * MI, killed=200 * MI).heap_cap_bytes == 100 * MI
    assert advice(run_as("java", "-XX:MaxRAMPercentage=80"), 200 * MI, killed=200 * MI).least_limit_bytes is None


@pytest.mark.parametrize(
    ("env", "command", "heap"),
    [
        ({"JAVA_TOOL_OPTIONS": "-Xmx256m"}, ("java", "-Xmx512m"), 512 * MI),
        ({"_JAVA_OPTIONS": "-Xmx256m"}, ("java", "-Xmx512m"), 256 * MI),
        ({"JAVA_OPTS": "-XX:MaxRAMPercentage=50"}, ("java", "-Xmx512m"), 512 * MI),
        ({"JAVA_OPTS": "-Xmx256m -Xmx384m"}, ("java",), 384 * MI),
        ({"JAVA_OPTS": "-XX:MaxHeapSize=300m"}, ("java",), 300 * MI),
    ],
)
def test_the_option_that_the_jvm_obeys_is_the_one_that_counts(
    env: dict[str, str], command: tuple[str, ...], heap: int
) -> None:
    assert advice(run_as(*command, env=env), GI).heap_cap_bytes == heap


@pytest.mark.parametrize(
    ("options", "heap"),
    [
        ("-XX:MaxRAMFraction=1", GI),
        ("-XX:MaxRAMFraction=2", 512 * MI),
        ("-XX:MaxRAMFraction=1 -XX:MaxRAMPercentage=60", GI * 60 // 100),
        ("-XX:MaxRAMFraction=1 -Xmx300m", 300 * MI),
    ],
)
def test_a_fraction_counts_where_nothing_newer_is_set(options: str, heap: int) -> None:
    assert advice(run_as("java", *options.split()), GI).heap_cap_bytes == pytest.approx(heap, abs=1)


def test_in_the_place_of_a_fraction_stands_a_size_which_every_jdk_knows() -> None:
    options = "-XX:+UnlockExperimentalVMOptions -XX:+UseCGroupMemoryLimitForHeap -XX:MaxRAMFraction=1"
    old = run_as("java", *options.split(), image="openjdk:8u171-jre")

    found = advice(old, GI, killed=GI, wanted=2 * GI)

    assert told(found).startswith("JDK 8u171 does not know cgroup v2")  # and not: does not know containers
    assert changes(advice(run_as("java", *options.split()), GI, wanted=2 * GI)) == [
        ("-Xmx", "1536m", "-XX:MaxRAMFraction=1 in the command", False)
    ]


def test_what_is_not_recorded_is_said_and_not_guessed() -> None:
    source = {"configMapKeyRef": {"name": "x", "key": "y"}}
    variable = advice(run_as("java", env={"JAVA_OPTS": "-Xmx$(HEAP)"}), GI, highest=GI, killed=GI, wanted=2 * GI)
    mapped = advice(run_as("java", valued={"JAVA_OPTS": source}), GI, highest=GI, killed=GI, wanted=2 * GI)

    for found, why in (
        (variable, "-Xmx stands in JAVA_OPTS, and its value is not recorded"),
        (mapped, "JAVA_OPTS comes from an object that is not read"),
    ):
        assert (found.heap_cap_bytes, found.least_limit_bytes, found.settings) == (None, None, ())
        assert found.sentences == (f"How large its heap may grow is not known: {why}.",)


def test_a_variable_is_written_anew_only_where_all_of_it_is_known() -> None:
    whole = run_as(env={"JAVA_TOOL_OPTIONS": "-Xmx4g -XX:+ExitOnOutOfMemoryError"})
    reduced = run_as(env={"JAVA_TOOL_OPTIONS": "-Xmx4g -javaagent:/agent.jar"})

    assert changes(advice(whole, GI, highest=300 * MI, wanted=GI)) == [
        ("JAVA_TOOL_OPTIONS", "-Xmx768m -XX:+ExitOnOutOfMemoryError", "-Xmx4g -XX:+ExitOnOutOfMemoryError", True)
    ]
    assert changes(advice(reduced, GI, highest=300 * MI, wanted=GI)) == [
        ("-Xmx", "768m", "-Xmx4g in JAVA_TOOL_OPTIONS", False)
    ]


def test_a_heap_that_follows_a_lower_limit_down_is_set_with_it() -> None:
    found = advice(run_as("java"), 4 * GI, highest=1200 * MI, wanted=1408 * MI)

    assert "The heap follows the limit down, from 1Gi to 352Mi, and 1200Mi in all were sampled" in told(found)
    assert changes(found) == [("-XX:MaxRAMPercentage", "75", None, False)]


def test_the_percentage_beside_a_limit_leaves_room_for_what_was_seen_to_be_no_heap() -> None:
    assert changes(advice(run_as("java"), 2 * GI, highest=1200 * MI, wanted=1408 * MI)) == [
        ("-XX:MaxRAMPercentage", "50", None, False)
    ]
    assert changes(advice(run_as("java"), 2 * GI, highest=1200 * MI, killed=2 * GI, wanted=3 * GI)) == []


@pytest.mark.parametrize(
    ("image", "jdk", "sees"),
    [
        ("eclipse-temurin:8u181-jdk", Jdk(8, 181), (False, False)),
        ("eclipse-temurin:8u302-b08-jre", Jdk(8, 302), (True, False)),
        ("eclipse-temurin:8u372-b07-jre", Jdk(8, 372), (True, True)),
        ("docker.io/library/openjdk:11.0.9-jre-slim", Jdk(11, 9), (True, False)),
        ("openjdk:11.0.16@sha256:0000", Jdk(11, 16), (True, True)),
        ("openjdk:9-jre", Jdk(9, None), (False, False)),
        ("openjdk:14", Jdk(14, None), (True, False)),
        ("amazoncorretto:17.0.2-alpine", Jdk(17, 2), (True, True)),
        ("eclipse-temurin:21-jre", Jdk(21, None), (True, True)),
        ("eclipse-temurin:11-jre", Jdk(11, None), (True, None)),
        ("openjdk:8", Jdk(8, None), (None, None)),
    ],
)
def test_only_an_explicit_tag_of_a_jdk_tells_what_it_knows_of_containers(
    image: str, jdk: Jdk, sees: tuple[bool | None, bool | None]
) -> None:
    from kubectl_oom.judge.heap.jvm_versions import jdk_of
    from kubectl_oom.judge.heap.program import Program
    from kubectl_oom.judge.runtime import runtime_of

    of = run_as("java", image=image)
    runtime = runtime_of(of)
    assert runtime
    program = Program(of, runtime, limit=None, wanted=None, highest=None, killed=None, cpus=None)

    found = jdk_of(program)
    assert found == jdk
    assert found is not None
    assert (found.knows_containers, found.knows_cgroup_v2) == sees
    for other in ("openjdk:latest", "openjdk", "shop:8u181", "tomcat:9.0-jdk11", "openjdk:alpine"):
        unknown = Program(
            run_as("java", image=other), runtime, limit=None, wanted=None, highest=None, killed=None, cpus=None
        )
        assert jdk_of(unknown) is None


def test_a_jdk_that_does_not_see_the_limit_has_no_known_heap_and_is_told_one_in_bytes() -> None:
    old = advice(run_as("java", image="openjdk:11.0.9-jre"), GI, highest=900 * MI, killed=GI, wanted=2 * GI)

    assert (old.heap_cap_bytes, old.least_limit_bytes) == (None, None)
    assert old.sentences == (
        (
            "JDK 11.0.9 does not know cgroup v2 (8u372, 11.0.16 and 15 do): on a node that has it, which the API does not tell, "
            "its heap without -Xmx is 25 % of the node's memory."
        ),
    )
    assert changes(old) == [("-Xmx", "1536m", None, False)]
    assert advice(run_as("java", "-Xmx512m", image="openjdk:11.0.9-jre"), GI).heap_cap_bytes == 512 * MI


@pytest.mark.parametrize(
    ("limit", "heap"), [(512 * MI, 256 * MI), (1536 * MI, GI), (4 * GI, 3 * GI), (64 * GI, 25 * GI)]
)
def test_openj9_takes_more_by_default(limit: int, heap: int) -> None:
    assert advice(run_as("java", image="ibm-semeru-runtimes:open-17-jre"), limit).heap_cap_bytes == heap
