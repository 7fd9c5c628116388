"""Starts that failed, programs that ended by themselves, and what nobody explains."""

from __future__ import annotations

from tests.build import MI, case, container, counted, end, event, heap_line, now_of, pod, waiting
from tests.verdict.row import CERTAIN, LIKELY, POSSIBLE, Row, limited

TOO_LOW = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to "
    "start container process: container init was OOM-killed (memory limit too low?): unknown"
)

OTHER = [
    Row(
        "a runtime that could not start it",
        "start-oom",
        CERTAIN,
        case(pod(waiting(end("StartError", 128, message=TOO_LOW)))),
    ),
    Row(
        "a runtime that cannot start it now",
        "start-oom",
        CERTAIN,
        case(pod(waiting(reason="RunContainerError", message=TOO_LOW))),
    ),
    Row(
        "a sandbox that cannot start",
        "start-oom",
        CERTAIN,
        case(
            pod(
                waiting(reason="ContainerCreating"),
                events=(
                    event(
                        "FailedCreatePodSandBox",
                        f"(combined from similar events): Failed to create pod sandbox: {TOO_LOW}",
                        field_path=None,
                    ),
                ),
            )
        ),
    ),
    Row(
        "a sandbox that failed once and then started is over",
        "container-limit",
        POSSIBLE,
        case(pod(waiting(end()), events=(event("FailedCreatePodSandBox", TOO_LOW, at=4000, field_path=None),))),
    ),
    Row(
        "a JVM that exits on its own error",
        "app-heap",
        CERTAIN,
        case(
            pod(container(end("Error", 3))),
            heap_lines=(heap_line("java.lang.OutOfMemoryError: Java heap space", "jvm"),),
        ),
    ),
    Row(
        "a memory error in the log of a program that ended with 1",
        "app-heap",
        LIKELY,
        case(
            pod(container(end("Error", 1))),
            heap_lines=(heap_line("java.lang.OutOfMemoryError: Java heap space", "jvm"),),
        ),
    ),
    Row(
        "a memory error that does not fit the exit code",
        "app-heap",
        POSSIBLE,
        case(
            pod(container(end("Error"))),
            heap_lines=(heap_line("java.lang.OutOfMemoryError: Java heap space", "jvm"),),
        ),
    ),
    Row(
        "the log of another pod of that name",
        "not-oom",
        CERTAIN,
        case(
            pod(container(end("Error", 3))),
            heap_lines=(heap_line("java.lang.OutOfMemoryError: Java heap space", "jvm", namespace="elsewhere"),),
        ),
    ),
    Row(
        "a kernel kill of a program whose log ends with a memory error",
        "container-limit",
        POSSIBLE,
        case(
            pod(container(end())),
            heap_lines=(heap_line("java.lang.OutOfMemoryError: Java heap space", "jvm"),),
        ),
    ),
    Row("a program that ended with 1", "not-oom", CERTAIN, limited(ended=end("Error", 1))),
    Row("a program that ended well", "not-oom", CERTAIN, limited(ended=end("Completed", 0))),
    Row("a segmentation fault", "not-oom", LIKELY, limited(ended=end("Error", 139))),
    Row("a node that was restarted under it", "not-oom", POSSIBLE, limited(ended=end("Unknown", 255))),
    Row("a program that ended with 255", "not-oom", CERTAIN, limited(ended=end("Error", 255))),
    Row("no exit code at all", "not-oom", LIKELY, limited(ended=end(None, None))),
    Row("nothing ended", "no-termination", LIKELY, case(pod(container()))),
    Row(
        "nothing ended, near the limit",
        "no-termination",
        LIKELY,
        case(pod(container()), **counted(now_of(working_set_bytes=95 * MI, oom_events=0))),
        ("near-limit",),
    ),
    Row("a SIGKILL that nothing explains", "sigkill-unknown", POSSIBLE, limited(ended=end("Error"))),
]
