"""The fast tests on every Python that is supported, with the oldest and the newest dependencies that are allowed."""
