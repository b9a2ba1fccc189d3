"""The hosts and what is asked of them: logins, commands, files, services and the link."""
