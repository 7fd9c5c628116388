"""Results become lines and documents. Width and colour are arguments."""
