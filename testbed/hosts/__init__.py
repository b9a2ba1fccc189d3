"""Reach the hosts: logins, commands, files, services and the data link."""
