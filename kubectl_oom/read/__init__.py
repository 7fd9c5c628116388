"""The only code that talks to anything: API server, kubelet through it, metrics engine, snapshot file."""
