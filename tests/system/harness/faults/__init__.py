"""What goes wrong: failing system calls, kills, locks that others hold, sessions at the same time."""
