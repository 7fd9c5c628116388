"""kubectl oom: what OOM-killed a Kubernetes container, how sure that is, and what to do."""

__version__ = "0.1.0"
