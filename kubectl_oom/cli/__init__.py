"""The commands: words in, exit code out. Nothing is decided here."""
