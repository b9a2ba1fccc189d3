"""Draw servers of which one resource gives out first, as their parameters say."""

from dataclasses import replace

from tests.unit.testbed.simulated_server import Server

CLEAR = 1.25  # so many times as much any other resource bears, at least


def capacities(server):
    """Requests per second that each resource bears."""
    cpu_s = server.app_s + server.db_cpu_s
    db_s = server.db_cpu_s + server.db_wait_s + server.db_locked_s
    whole_s = server.app_s + db_s + server.upstream_s + server.link_s
    found = {
        "generator": 1 / server.generator_s,
        "link": 1 / server.link_s,
        "cores": server.cores / cpu_s,
        "process": server.processes / server.app_s,
        "pool": server.pool / db_s if db_s else 1e9,
        "lock": 1 / server.db_locked_s if server.db_locked_s else 1e9,
        "slots": server.slots / whole_s if server.slots else 1e9,
        "connections": server.connections / whole_s,
    }
    if server.accepts_every_s:
        found["accept"] = server.backlog / server.accepts_every_s
    return found


def _base(dice):
    cores = dice.randint(2, 8)
    return Server(
        cores=cores,
        processes=dice.randint(1, 2 * cores),
        app_s=dice.uniform(0.001, 0.004),
        db_cpu_s=dice.choice([0, dice.uniform(0.0002, 0.001)]),
        generator_s=0.0001,
        connections=dice.choice([16, 32, 64, 100]),
        slots=dice.choice([None, 100]),
    )


def one_core(dice):
    return replace(_base(dice), processes=1, slots=dice.choice([None, 1, 8]))


def all_cores(dice):
    server = _base(dice)
    return replace(
        server,
        processes=server.cores * dice.randint(1, 3),
        slots=dice.choice([None, server.cores * 4]),
    )


def workers(dice):
    server = _base(dice)
    way = dice.choice(["db_wait_s", "upstream_s", "app"])
    server = replace(server, processes=max(2, server.processes), slots=dice.randint(1, 12))
    if way == "app":  # as many processes as it has, all of them burning, with cores to spare
        processes = dice.randint(2, server.cores - 1) if server.cores > 2 else 1
        server = replace(server, processes=processes, slots=None, db_cpu_s=0)
        return server if processes > 1 else workers(dice)
    return replace(server, **{way: dice.uniform(0.02, 0.3)})


def pool(dice):
    server = replace(_base(dice), slots=dice.choice([None, 100]))
    way = dice.choice(["db_wait_s", "db_cpu_s"])
    if way == "db_cpu_s":  # one session cannot use more than a core
        return replace(
            server, pool=1, db_cpu_s=dice.uniform(0.01, 0.05), cores=max(4, server.cores)
        )
    return replace(server, pool=dice.randint(1, 8), db_wait_s=dice.uniform(0.02, 0.3))


def database(dice):
    server = _base(dice)
    way = dice.choice(["lock", "cpu", "wait"])
    if way == "lock":
        return replace(server, db_locked_s=dice.uniform(0.005, 0.05), pool=dice.choice([10, 100]))
    if way == "cpu":
        return replace(server, db_cpu_s=dice.uniform(0.01, 0.04), pool=dice.choice([20, 100]))
    return replace(server, slots=None, db_wait_s=dice.uniform(0.1, 0.5), db_cpu_s=0)


def upstream(dice):
    return replace(_base(dice), slots=None, upstream_s=dice.uniform(0.1, 0.5))


def listen_queue(dice):
    every_s, backlog = dice.uniform(0.02, 0.2), dice.randint(1, 6)
    return replace(
        _base(dice),
        keepalive=False,
        backlog=backlog,
        accepts_every_s=every_s,
        connections=100,
        app_s=0.001,
    )


def link(dice):
    return replace(_base(dice), link_s=dice.uniform(0.002, 0.01), app_s=0.001)


def generator(dice):
    return replace(_base(dice), generator_s=dice.uniform(0.002, 0.01), app_s=0.001)


def nothing(dice):
    server = dice.choice([one_core, all_cores, pool, link])(dice)
    rate = dice.uniform(0.2, 0.7) * min(capacities(server).values())
    return replace(server, rate_rps=max(5.0, rate))


# What gives out first, how it is drawn, and which capacities are then the least
KINDS = {
    "one_core": (one_core, {"process"}),
    "all_cores": (all_cores, {"cores"}),
    "workers": (workers, {"slots", "process"}),
    "pool": (pool, {"pool"}),
    "database": (database, {"lock", "cores", "connections"}),
    "upstream": (upstream, {"connections"}),
    "listen_queue": (listen_queue, {"accept"}),
    "link": (link, {"link"}),
    "generator": (generator, {"generator"}),
    "nothing": (nothing, None),
}


def draw(kind, dice):
    """Return a server in which this gives out first, clearly before anything else."""
    make, least = KINDS[kind]
    while True:
        server = make(dice)
        if least is None:
            return server
        (first, bears), (_, next_bears), *_ = sorted(
            capacities(server).items(), key=lambda one: one[1]
        )
        if first not in least or next_bears < CLEAR * bears:
            continue
        if kind == "database" and first == "cores" and server.db_cpu_s < 2 * server.app_s:
            continue
        if (
            dice.random() < 0.3
            and kind not in ("upstream", "listen_queue")
            and first != "connections"
        ):
            # an open schedule that asks for more than it bears
            return replace(server, rate_rps=bears * dice.uniform(1.3, 2))
        return server
