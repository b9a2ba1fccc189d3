"""What a host was and did: runs on both hosts with Debian's python3 and python3-psutil alone."""
