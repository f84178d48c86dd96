"""Learning rules that see one synapse and its two neurons."""
