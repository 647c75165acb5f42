"""Roundcube with the webmail plugin, and a browser that uses it."""
