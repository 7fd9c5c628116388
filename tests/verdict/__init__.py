"""The table of verdicts: cases, and what must be said about each."""
