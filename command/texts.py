"""Examples and exit codes that stand below the help of each command."""

from testbed.errors import MEANINGS, Exit

EXPERIMENT = "its name (`testbed list experiments`), or its file, which ends in .yml"
QUESTION = "its name (`testbed list questions`), or its file, which ends in .yml"
APP = "its name (`testbed list apps`)"

_MEASURING = (Exit.NOT_READY, Exit.RUN_FAILED, Exit.NOT_VALID, Exit.RUN_INTERRUPTED)
# By command: examples, and the exit codes that it may have besides 0, 2 and 130
TOLD: dict[str, tuple[tuple[str, ...], tuple[Exit, ...]]] = {
    "start": (
        (
            "testbed lab up", "testbed provision", "testbed link",
            "testbed run round2 --duration=30", "testbed report",
        ),
        (),
    ),
    "lab up": (("testbed lab up", "testbed lab up --name=second"), (Exit.NOT_READY,)),
    "lab down": (("testbed lab down",), (Exit.NOT_READY,)),
    "lab status": (("testbed lab status",), ()),
    "provision": (
        (
            "testbed provision", "testbed provision -i inventory/mine --ask-become-pass",
            "testbed provision --tags app_deploy",
        ),
        (Exit.NOT_READY,),
    ),
    "link": (("testbed link", "testbed link --duration=60"), (Exit.NOT_READY,)),
    "check": (
        ("testbed check", "testbed check --strict", "testbed check --apps=flask,django"),
        (Exit.NOT_READY, Exit.RUN_FAILED),
    ),
    "deploy": (("testbed deploy flask --workload=agents",), (Exit.NOT_READY,)),
    "run": (
        (
            "testbed run round2 --dry-run", "testbed run round2 --apps=flask --trials=5",
            "testbed run own/suite.yml --apps-path=own",
            "testbed run round2 --resume=results/latest",
        ),
        _MEASURING,
    ),
    "article": (
        ("testbed article agents --dry-run", "testbed article todo --fair --scale=small"),
        _MEASURING,
    ),
    "ab": (
        ("testbed ab round2 --app=flask --old=v1 --new=HEAD",),
        (*_MEASURING, Exit.WORSE),
    ),
    "aa": (("testbed aa --app=flask", "testbed aa round2 --app=flask --repeats=5"), _MEASURING),
    "why": (
        (
            "testbed why saturation --app=aiohttp_api_hour --against=django --dry-run",
            "testbed why saturation --app=aiohttp_api_hour --against=django --factors=pool",
        ),
        _MEASURING,
    ),
    "question": (
        (
            "testbed question async --scale=small --dry-run",
            "testbed question async --stacks=django_wsgi,fastapi --scale=small",
            "testbed question async --apps-path=own --stacks=django_wsgi,mine",
        ),
        _MEASURING,
    ),
    "reproduce": (
        ("testbed reproduce campaign.tar.gz --dry-run",), (*_MEASURING, Exit.WORSE),
    ),
    "info": (("testbed info flask", "testbed info round2"), ()),
    "status": (("testbed status", "testbed status --inventory=inventory/mine"), ()),
    "doctor": (
        ("testbed doctor", "testbed doctor --inventory=inventory/mine"), (Exit.NOT_READY,),
    ),
    "list": ((), ()),
}  # fmt: skip


def examples(command: str) -> str:
    """Return what stands below a command's help. The marks keep its lines as they are."""
    shown, codes = TOLD[command]
    lines = [f"  {one}" for one in shown]
    told = [(0, "all went well"), *((code, MEANINGS[code]) for code in sorted(_all(codes)))]
    exits = [f"  {int(code):<4} {meaning}" for code, meaning in told]
    parts = [["Examples:", *lines]] if lines else []
    return "\n\n".join("\b\n" + "\n".join(part) for part in [*parts, ["Exit codes:", *exits]])


def _all(codes: tuple[Exit, ...]) -> set[Exit]:
    return {Exit.BAD_INPUT, Exit.INTERRUPTED, *codes}
