"""The `testbed` program: all of the project under one name, from any folder.

It is above testbed/ and analysis/, as fabfile.py is, and both call the same functions.
"""
