"""Systems to build and run on: the native one, chroots, clean roots with packages."""
