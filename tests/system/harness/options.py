"""Options that the tools have in common."""

import argparse


def words(text, known):
    """The words of a comma-separated option, each of which must be known."""
    found = text.split(",")
    for word in found:
        if word not in known:
            raise argparse.ArgumentTypeError(f"{word} is none of {', '.join(known)}")
    return found
