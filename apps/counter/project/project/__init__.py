"""The Django project of both apps."""
