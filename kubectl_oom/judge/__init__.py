"""Pure functions of evidence and `now`: what happened, how sure that is, what follows."""
