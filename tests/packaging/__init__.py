"""What users install: the wheel, and the frozen program that krew installs."""
