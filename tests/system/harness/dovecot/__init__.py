"""A private Dovecot: its configuration, its server, its users, and what they say."""
