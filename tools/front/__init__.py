"""What the scripts of tools run: demo, check and package, built on the test harness."""
