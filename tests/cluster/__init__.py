"""A real Kubernetes node for tests: built from source, started in seconds, stopped without a trace.

python -m tests.cluster build      # once: about 15 minutes from nothing
python -m tests.cluster up         # a Ready node with Prometheus; prints how to use it
python -m tests.cluster down
"""
