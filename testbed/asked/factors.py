"""Find in what two apps differ, and which of it can be changed. Pure functions.

A setting that both apps have with different values is a factor if each app can take the other's
value. Some factors have names of their own: `pool`, which is more than one setting, `keepalive`,
which each server has in a way of its own, and `auth` and `socket`, which say how an app logs in to
its database. The user may name two further kinds. One is a setting that only one app has, with the
other value that it is to have; where the other app serves, it has no effect. The other is a setting
of the database that both apps have alike, with the value that the first app is to have instead. All
other differences are the framework.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from testbed.asked.catalogue import unknown
from testbed.errors import TestbedError
from testbed.model import database
from testbed.model.catalogue import CataloguedApp
from testbed.model.setting import Setting
from testbed.model.why import FRAMEWORK, Factor
from testbed.texts import shown

Settings = dict[str, Any]
KEEPALIVE, POOL, AUTH, SOCKET = "keepalive", "pool", "auth", "socket"
KEEPALIVE_S, GUNICORN = "keepalive_s", "gunicorn"
DEPENDENCY = "dependency"  # which some look for among the factors: it is asked by a question
TITLES = {
    KEEPALIVE: "keep-alive",
    POOL: "the pool",
    AUTH: "how the database checks passwords",
    SOCKET: "the way to the database",
}
# Settings that apps usually have alike. One becomes a factor if the user names its other value,
# which the first app (`app`) is then given
SHARED = {AUTH: database.AUTH, SOCKET: database.SOCKET}
# Settings that make one factor, together if there are several
TOGETHER: dict[str, tuple[str, ...]] = {
    POOL: ("database_access", "pool_size"),
    **{name: (setting,) for name, setting in SHARED.items()},
}
# Ways in which apps close connections after each answer, or keep them. The first that an app can
# take, and that has the effect, is taken. Gunicorn takes sync with several threads for gthread.
WAYS: dict[str, tuple[Settings, ...]] = {
    "closed": ({"keepalive_s": 0}, {"worker_class": "sync", "threads": 1}),
    "kept": (
        {"keepalive_s": 75},
        {"worker_class": "gthread"},
        {"worker_class": "gthread", "keepalive_s": 75},
    ),
}


@dataclass(frozen=True)
class Side:
    """One of the two apps, with its settings as published."""

    app: CataloguedApp
    settings: Settings

    @property
    def name(self) -> str:
        """The app's name."""
        return self.app.name

    def takes(self, name: str, value: Any) -> bool:
        """Return whether the app has such a setting, and takes that value."""
        spec = self.app.spec
        return name in spec.settings and spec.setting_problem(name, value) is None


def connections(settings: Settings) -> str | None:
    """Return whether an app with these settings keeps connections: 'kept' or 'closed'.

    Return None for an app that does not say for how long it keeps them.
    """
    if not isinstance(settings.get(KEEPALIVE_S), int):
        return None
    own = _gunicorn_meets_clients(settings)
    ways = [way for way in WAYS["closed"] if own or KEEPALIVE_S in way]
    return "closed" if any(way.items() <= settings.items() for way in ways) else "kept"


def _gunicorn_meets_clients(settings: Settings) -> bool:
    """Return whether Gunicorn holds clients' connections itself.

    It does not if a proxy stands before it, or if another server takes its place. An app without
    settings for these has neither.
    """
    found = settings.get("proxy", "none"), settings.get("server", GUNICORN)
    return found == ("none", GUNICORN)


def brought_to(side: Side, settings: Settings, wanted: str) -> Settings | None:
    """Return the settings with what makes the app keep or close connections, as `wanted` says.

    They are returned as they are if it does so already. Return None if the app has no way to.
    """
    if connections(settings) == wanted:
        return settings
    for way in WAYS[wanted]:
        changed = settings | way
        can = all(side.takes(name, value) for name, value in way.items())
        if can and connections(changed) == wanted:
            return changed
    return None


@dataclass(frozen=True)
class Differing:
    """Two apps and the factors between them."""

    app: Side
    against: Side
    factors: list[Factor]
    # The other value of each factor that only one of both has
    own: Settings = field(default_factory=dict)
    within_framework: list[str] = field(default_factory=list)

    def settings(self, side: Side, as_app: frozenset[str]) -> Settings:
        """Return the settings of an app where the factors `as_app` are as in `app`."""
        other = self.against if side is self.app else self.app
        found, keeps = dict(side.settings), connections(side.settings)
        for factor in self.factors:
            if (factor.name in as_app) == (side is self.app):
                continue
            if factor.only is not None:
                if factor.only == side.name:
                    found[factor.name] = self.own[factor.name]
            elif factor.name == KEEPALIVE:
                keeps = connections(other.settings)
            else:
                found |= _values(factor.name, other, side)
        # at the end, as how connections are kept depends on other settings, too
        brought = None if keeps is None else brought_to(side, found, keeps)
        return found if brought is None else brought


def differing(app: Side, against: Side, names: Sequence[str] | None) -> Differing:
    """Return the factors between two apps: all that can be changed, or those named.

    A factor that only one app has is named with its other value, as `threads=4`, and one that both
    share (`auth=md5`) with the value that `app` has in its place. Raises TestbedError for what is
    no factor, and if there is none at all.
    """
    for name, setting in SHARED.items():
        app, names = _apart(app, against, name, setting, names)
    found = _found(app, against)
    own = {
        name: side
        for side, other in ((app, against), (against, app))
        for name in side.settings
        if name not in other.settings
    }
    factors, values = [], Settings()
    if names is None:
        factors = [one for one in found.values() if not _obstacle(one, app, against)]
    for asked in names or []:
        name, _, value = (part.strip() for part in asked.partition("="))
        if name in (factor.name for factor in factors):
            raise TestbedError(f"--factors: {name} is named twice")
        if name in own:
            values[name] = _value(own[name], name, value)
            factors.append(_own_factor(own[name], own[name] is app, name, values[name]))
        else:
            factors.append(_named(name, found, (app, against), told="=" in asked))
    if not factors:
        raise TestbedError(
            f"{app.name} and {against.name} differ in no setting that both have: all of the "
            "difference is the framework",
            remedy="name a setting that one of them has, with its other value, as "
            "--factors=threads=4",
        )
    return Differing(app, against, factors, values, _rest(found, own, factors))


def _apart(
    app: Side, against: Side, name: str, setting: str, names: Sequence[str] | None
) -> tuple[Side, Sequence[str] | None]:
    """Return the app with the value that the user gives a shared setting, and the factors' names.

    In these names, `name=value` has become `name`. App and names are returned as they are if the
    user gives no value, or if both apps do not share the setting; None in place of names stands for
    all factors. Raises TestbedError for a value that the setting cannot have.
    """
    said = {one: one.partition("=")[2].strip() for one in names or [] if "=" in one}
    told = [one for one in said if one.partition("=")[0].strip() == name]
    shared = setting in app.settings and app.settings[setting] == against.settings.get(setting)
    if not told or not shared:
        return app, names
    value = _value(app, setting, said[told[0]], called=name)
    changed = replace(app, settings=app.settings | {setting: value})
    return changed, [name if one == told[0] else one for one in names or []]


def _found(app: Side, against: Side) -> dict[str, Factor]:
    """Return the factors of which both apps have something, and not the same, by their names."""
    states = (connections(app.settings), connections(against.settings))
    found, left_out = {}, {name for names in TOGETHER.values() for name in names}
    if None not in states and states[0] != states[1]:
        found[KEEPALIVE] = _factor(KEEPALIVE, *states)
        left_out.add("keepalive_s")
        if _can_swap("worker_class", app, against):  # it is how they differ in that
            left_out.add("worker_class")
    elif states == ("closed", "closed"):
        left_out.add("keepalive_s")  # how long is of no effect
    for name in TOGETHER:
        sides = (_values(name, app, against), _values(name, against, app))
        texts = [", ".join(map(str, _effective(one).values())) for one in sides]
        if texts[0] != texts[1]:
            found[name] = _factor(name, *texts)
    for name, value in app.settings.items():
        if name not in left_out and value != against.settings.get(name, value):
            found[name] = _factor(name, value, against.settings[name])
    return found


def _factor(name: str, app: Any, against: Any) -> Factor:
    return Factor(name=name, title=TITLES.get(name, name), app=str(app), against=str(against))


def _values(name: str, side: Side, other: Side) -> Settings:
    """Return the app's values of a factor's settings, as far as the other app has them, too."""
    names = TOGETHER.get(name, (name,))
    return {n: side.settings[n] for n in names if n in side.settings and n in other.settings}


def _effective(values: Settings) -> Settings:
    """Return the values without the size of a pool that is not used."""
    unused = values.get("database_access", "pool") != "pool"
    return {name: value for name, value in values.items() if not (unused and name == "pool_size")}


def _obstacle(factor: Factor, app: Side, against: Side) -> str | None:
    """Return why an app cannot be given what the other has of a factor; None if both can."""
    for side, other in ((app, against), (against, app)):
        if factor.name == KEEPALIVE:
            wanted = connections(other.settings)
            if wanted is None or brought_to(side, side.settings, wanted) is None:
                return f"{side.name} has no way to have its connections {wanted}"
        else:
            for name, value in _values(factor.name, other, side).items():
                if not side.takes(name, value):
                    return f"{side.name} cannot have {name}={value}"
    return None


def _can_swap(name: str, app: Side, against: Side) -> bool:
    sides = ((app, against), (against, app))
    return all(name in b.settings and a.takes(name, b.settings[name]) for a, b in sides)


def _named(name: str, found: dict[str, Factor], sides: tuple[Side, Side], *, told: bool) -> Factor:
    """Return the factor that the user named. Raises TestbedError if there is none of that name."""
    app, against = sides
    both = f"{app.name} and {against.name}"
    if name == FRAMEWORK:
        raise TestbedError("--factors: the framework is always one of the players")
    if name in found:
        if told:
            raise TestbedError(
                f"--factors: {both} differ in {name} already: say its name only",
                remedy=f"{app.name} has {found[name].app}, {against.name} {found[name].against}",
            )
        if why := _obstacle(found[name], app, against):
            raise TestbedError(f"--factors: {name} cannot be changed: {why}")
        return found[name]
    if name in (KEEPALIVE, *TOGETHER) or name in app.settings:
        remedy = f"they differ in: {', '.join(found) or 'nothing that both have'}"
        if name in SHARED:
            remedy += f"; {name}=VALUE gives {app.name} another value than {against.name} has"
        raise TestbedError(f"--factors: {both} do not differ in {name}", remedy=remedy)
    if name == DEPENDENCY:
        raise TestbedError(
            "--factors: how long another service takes is the same for both apps, and no part of "
            "their ratio",
            remedy="fab run-question sweeps it, and says from where on one of them serves more",
        )
    known = dict.fromkeys([*found, *app.settings, *against.settings])
    raise unknown(f"factor between {both}:", name, known)


def _value(side: Side, name: str, text: str, called: str = "") -> Any:
    """Return the value that the user gives a setting, which must differ from what it has now.

    In messages the setting is `called` as the factor is. Raises TestbedError for a value that is
    missing, that the app cannot have, or that it has already.
    """
    called = called or name
    setting = side.app.spec.settings[name]
    whole = text.isdecimal() and len(text) < 20  # Python reads no number of thousands of digits
    value: Any = int(text) if isinstance(setting.default, int) and whole else text
    if not text:
        raise TestbedError(
            f"--factors: {called} of {side.name} is {side.settings[name]}, and its other value is "
            "missing",
            remedy=f"{called}=VALUE; {_values_of(setting)}",
        )
    if not side.takes(name, value):
        raise TestbedError(
            f"--factors: {side.name} cannot have {called}={shown(value)}",
            remedy=side.app.spec.setting_problem(name, value),
        )
    if value == side.settings[name]:
        raise TestbedError(f"--factors: {side.name} has {called}={shown(value)} as it is")
    return value


def _values_of(setting: Setting) -> str:
    """Return which values a setting may have, in words."""
    if setting.choices:
        return f"one of: {', '.join(map(str, setting.choices))}"
    return "a whole number" if isinstance(setting.default, int) else "a text"


def _own_factor(side: Side, is_app: bool, name: str, value: Any) -> Factor:
    levels = (side.settings[name], value)
    return _factor(name, *(levels if is_app else levels[::-1])).model_copy(
        update={"only": side.name}
    )


def _rest(found: dict[str, Factor], own: dict[str, Side], factors: list[Factor]) -> list[str]:
    """Return what differs and is none of the factors, a phrase each."""
    names = {factor.name for factor in factors}
    hidden = names | ({"worker_class"} if KEEPALIVE in names else set())
    return [
        *(
            f"{one.title} ({one.app} and {one.against})"
            for n, one in found.items()
            if n not in names
        ),
        *(f"{n} ({s.settings[n]}, only of {s.name})" for n, s in own.items() if n not in hidden),
    ]
