"""Have fab report errors in its own command line in one sentence, with exit code 2.

fab reads its own options, loads the fabfile, and then reads the tasks and their options. The
fabfile turns `fabric.main.program`, the object that fab runs, into a Program. So all that comes
after loading the fabfile happens here.
"""

import re
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fabric.main import Fab
from invoke.exceptions import Exit as End
from invoke.exceptions import ParseError

from testbed.errors import Exit, TestbedError
from testbed.terminal import abandon_output
from testbed.texts import nearest, plain, shown

# Options of fab that do what they say here, by their longest name. The others are about commands
# and hosts of Fabric's own, of which the testbed's tasks have none.
TAKEN = {
    "collection",
    "complete",
    "debug",
    "help",
    "list",
    "list-agent-keys",
    "list-depth",
    "list-format",
    "no-dedupe",
    "print-completion-script",
    "search-root",
    "version",
    "write-pyc",
}
LIST_FORMATS = ("flat", "nested", "json")
LOGIN = "the inventory says how hosts are reached (docs/hosts.md)"
REMEDIES = {
    "hosts": "the inventory names the hosts: --inventory, behind the task",
    "connect-timeout": LOGIN,
    "prompt-for-login-password": LOGIN,
    "prompt-for-passphrase": LOGIN,
    "ssh-config": LOGIN,
    "prompt-for-sudo-password": "`fab check --fix --ask-become-pass` asks for it",
    "dry": "tasks that measure have --dry-run",
}


HELP_WORDS = ("--help", "-h")
UNKNOWN = re.compile(r"No idea what '(.*)' is!", re.DOTALL)  # invoke's words

# What stands for the last argument of a task if it is left out, which invoke cannot say itself
NONE = "-"
LEFT_OUT = {"run-aa": "round3", "compare": NONE}


class Program(Fab):  # type: ignore[misc] # fabric has no types
    """fab, which refuses options that would do nothing, and ends with the testbed's exit codes."""

    def parse_tasks(self) -> None:
        """Read the tasks asked for. Raises invoke's Exit for unknown tasks and wrong options."""
        with _one_sentence():
            try:
                self._parse_tasks()
            except ValueError as error:
                raise TestbedError(f"-D, -t and -T take a whole number: {error}") from error
            check_options(self.args)
            if self.core.remainder and not self.args.complete.value:
                raise TestbedError(f"-- {shown(self.core.remainder)}: fab runs no such commands")

    def _parse_tasks(self) -> None:
        if (asked := help_asked(self.core.unparsed, self._make_parser().contexts)) is not None:
            self.core.unparsed.clear()  # which may lack what the task needs
            self.args.help.value = asked
        try:
            super().parse_tasks()
        except ParseError as error:
            context = error.context
            if unknown := UNKNOWN.match(str(error)):
                raise self._unknown(unknown[1], str(error), context) from error
            if not context or context.name not in LEFT_OUT:
                raise
            if len(context.missing_positional_args) != 1:
                raise
            self.core.unparsed.append(LEFT_OUT[context.name])
            super().parse_tasks()

    def _unknown(self, typed: str, message: str, task: Any) -> TestbedError:
        """Return the error for a word that names neither a task nor an option of `task`.

        `task` is invoke's context of the task before that word; None if there is none.
        """
        word = typed.partition("=")[0]
        if not word.startswith("-"):
            near = nearest(word, self.parser.contexts)
            return TestbedError(message, remedy=_said(near, "`fab` lists the tasks"))
        if task is not None and task.name:
            help_ = f"`fab --help {task.name}` lists its options"
            return TestbedError(message, remedy=_said(nearest(word, task.flags), help_))
        of_tasks = {flag for context in self.parser.contexts.values() for flag in context.flags}
        behind = "an option stands behind its task, as in `fab run-round2 --rate=100`"
        return TestbedError(message, remedy=_said(nearest(word, of_tasks), behind))

    def no_tasks_given(self) -> None:
        """List the tasks, then raise invoke's Exit: most options of fab itself do nothing here."""
        self.list_tasks()
        raise End

    def parse_cleanup(self) -> None:
        """Print help or a list if asked for, then raise invoke's Exit; also for a wrong name."""
        with _one_sentence():
            try:
                super().parse_cleanup()
            except ParseError as error:  # --help of a task that there is not
                if not (unknown := UNKNOWN.match(str(error))):
                    raise
                raise self._unknown(unknown[1], str(error), None) from error

    def update_config(self, merge: bool = True) -> None:
        """Read fab's configuration. Raises invoke's Exit if one of its files cannot be read."""
        with _one_sentence():
            try:
                super().update_config()
            except Exception as error:  # files of four formats; each parser has errors of its own
                raise TestbedError(f"fab's own configuration cannot be read: {error}") from error


def help_asked(words: Sequence[str], tasks: Container[str]) -> str | None:
    """Return the task whose help is asked for by a word behind it; None if no such word is there.

    invoke itself would take the word for an argument that the task still lacks.
    """
    found = next((at for at, word in enumerate(words) if word in HELP_WORDS), 0)
    return next((word for word in reversed(words[:found]) if word in tasks), None)


def check_options(args: Any) -> None:
    """Raise TestbedError for an option of fab that would do nothing here."""
    for option in args.values():
        name = max(option.names, key=len)
        if name in TAKEN or not option.got_value:
            continue
        typed = "/".join(f"{'-' if len(one) == 1 else '--'}{one}" for one in option.names)
        remedy = REMEDIES.get(name, "leave it out")
        if name == "identity":  # to Ansible, -i is the inventory
            remedy = f"did you mean --inventory={option.value[0]}?"
        raise TestbedError(f"{typed}: this option of Fabric's does nothing here", remedy=remedy)
    if (given := args["list-format"].value) not in LIST_FORMATS:
        raise TestbedError(f"--list-format: {shown(given)} is none of {', '.join(LIST_FORMATS)}")


@contextmanager
def _one_sentence() -> Iterator[None]:
    """Turn errors raised in the block into invoke's Exit, worded and coded like errors of tasks."""
    try:
        yield
    except End as end:
        if not end.message:  # what was asked for is printed
            raise
        raise _end(end.message) from end
    except BrokenPipeError as gone:
        abandon_output()
        raise End(code=Exit.INTERRUPTED) from gone
    except (ParseError, TestbedError) as error:
        raise _end(str(error)) from error


def _said(near: str | None, remedy: str) -> str:
    return f"did you mean '{near}'? {remedy}" if near else remedy


def _end(message: str) -> End:
    return End(f"error: {plain(message)}", code=Exit.BAD_INPUT)
