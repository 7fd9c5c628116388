"""Elasticsearch and its kin, and Kafka: the JVM's rules and their own."""

from __future__ import annotations

from tests.build import GI, MI
from tests.heap import advice, changes, run_as, told

ELASTIC = "docker.elastic.co/elasticsearch/elasticsearch:8.11.0"


def test_elasticsearch_is_given_at_most_half_and_both_ends_of_its_heap_move_together() -> None:
    found = advice(run_as(image=ELASTIC, env={"ES_JAVA_OPTS": "-Xms3g -Xmx3g"}), 4 * GI, highest=3 * GI, wanted=4 * GI)

    assert (found.runtime, found.heap_cap_bytes, found.least_limit_bytes) == ("elasticsearch", 3 * GI, 4 * GI)
    assert "Its heap should be at most half of the limit (2Gi of today's limit)" in told(found)
    assert changes(found) == [("ES_JAVA_OPTS", "-Xms2048m -Xmx2048m", "-Xms3g -Xmx3g", True)]


def test_elasticsearch_without_an_option_sizes_its_own_heap() -> None:
    found = advice(run_as(image=ELASTIC), 4 * GI, highest=3 * GI, killed=4 * GI, wanted=5 * GI)

    assert (found.heap_cap_bytes, found.least_limit_bytes, found.settings) == (None, None, ())
    assert "Elasticsearch 7.11 and later size it themselves" in told(found)


def test_a_heap_past_packed_pointers_is_said() -> None:
    found = advice(run_as(image=ELASTIC, env={"ES_JAVA_OPTS": "-Xmx40g"}), 96 * GI, highest=60 * GI, wanted=96 * GI)

    assert "A heap of 40Gi is past some 32 GB" in told(found)
    assert changes(found) == [("ES_JAVA_OPTS", "-Xmx31744m", "-Xmx40g", True)]
    assert told(advice(run_as(image=ELASTIC, env={"ES_JAVA_OPTS": "-Xmx20g"}), 96 * GI)).count("32 GB") == 0


def test_kafka_lives_on_file_cache_and_on_its_scripts_default() -> None:
    found = advice(run_as(image="apache/kafka:3.9.0"), 2 * GI, highest=2 * GI, wanted=3 * GI)

    assert (found.runtime, found.heap_cap_bytes) == ("kafka", None)
    assert found.sentences == (
        "No option sets its heap, unless the image does: Kafka's start script takes -Xmx1g, 50% of today's limit of 2Gi.",
        (
            "Kafka lives on file cache, which is charged to the container and can be taken back: a working set near the limit is "
            "normal, and a larger heap leaves less for it."
        ),
    )
    assert advice(run_as(env={"KAFKA_HEAP_OPTS": "-Xmx512m"}), 2 * GI).heap_cap_bytes == 512 * MI


def test_opensearch_and_logstash_take_a_gibibyte_by_default() -> None:
    assert "OpenSearch's jvm.options takes -Xmx1g" in told(
        advice(run_as(image="opensearchproject/opensearch:2"), 4 * GI)
    )
    assert "Logstash's jvm.options takes -Xmx1g" in told(advice(run_as(image="logstash:8.1.0"), 4 * GI))
    assert advice(run_as(env={"OPENSEARCH_JAVA_OPTS": "-Xmx2g"}), 4 * GI).runtime == "elasticsearch"


def test_what_looks_after_kafka_is_no_kafka() -> None:
    from kubectl_oom.judge.runtime import runtime_of

    assert runtime_of(run_as(image="danielqsj/kafka-exporter:v1")) is None
