"""tools/bench: what a delete and a command cost."""
