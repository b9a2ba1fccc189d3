"""The tables of the workload's data set. They are made by dataset.sql, not by migrations."""

from django.db import models


class Agent(models.Model):
    """Someone who answers calls."""

    id = models.IntegerField(primary_key=True)
    number = models.TextField(unique=True)
    firstname = models.TextField()
    lastname = models.TextField()
    language = models.TextField()
    description = models.TextField(null=True)

    class Meta:
        managed = False
        db_table = "agentfeatures"


class LoginStatus(models.Model):
    """Where an agent can be reached; there is one only while the agent is logged in."""

    agent = models.OneToOneField(
        Agent, models.CASCADE, primary_key=True, related_name="login_status"
    )
    extension = models.TextField()
    context = models.TextField()
    interface = models.TextField()
    state_interface = models.TextField()
    login_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "agent_login_status"
