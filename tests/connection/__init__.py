"""The connection to an API server: what kubectl would do, against real servers."""
