"""List bad input about the load and the variants of an experiment."""

from edits import experiment


def _load(key, values, says):
    """Return an edit of one figure of the load for each of these wrong values."""
    line = {
        "rate_rps": "rate_rps: 100",
        "connections": "connections: 20",
        "threads": "threads: 2",
        "duration_s": "duration_s: 5",
        "warmup_s": "warmup_s: 1",
        "timeout_s": "timeout_s: 2",
    }[key]
    return [experiment(line, f"{key}: {value}", f"load.{key}", says) for value in values]


def _ramp(keys, key, says):
    """Return the edit that makes the load a ramp of users with these keys."""
    new = f"mode: ramp\n  ramp: {{of: users, {keys}}}"
    return experiment("mode: constant_rate\n  rate_rps: 100", new, key, says)


def _capacity(keys, key, says):
    """Return the edit that makes the load a capacity search with these keys."""
    new = f"mode: capacity\n  capacity: {{errors_percent: 1, {keys}}}"
    return experiment("mode: constant_rate\n  rate_rps: 100", new, key, says)


NO_NUMBER = ("true", "'5'", "'5 per cpu'", "[5]", "{a: 5}", "fast", "null")
HUGE = ("1" + "0" * 30, "1" + "0" * 90)

FIGURES = [
    *_load("rate_rps", (".inf", "-.inf", ".nan"), "finite number"),
    *_load("rate_rps", ("1.0e+308", "1000001", *HUGE), "less than or equal to 1000000"),
    *_load("rate_rps", ("0", "-1", "-0.0"), "greater than 0"),
    *_load("rate_rps", ("true", "'5'", "[5]", "{a: 5}", "fast"), "valid number"),
    *_load("rate_rps", ("1e3", "'1000'"), "valid number, not a text: write 1000 (found"),
    *_load("connections", ("2e1", "'20'"), "valid integer, not a text: write 20 (found"),
    *_load("connections", ("'2.5'",), "valid integer (found"),
    experiment("rate_rps: 100", "rate_rps: 1.0e-9", "load", "no request falls due"),
    *_load("connections", NO_NUMBER, "valid integer"),
    *_load("connections", ("2.5", ".inf", ".nan"), "integer"),
    *_load("connections", ("0", "-20"), "greater than or equal to 1"),
    *_load("connections", ("64001", *HUGE), "less than or equal to 64000"),
    *_load("threads", ("257", *HUGE), "less than or equal to 256"),
    *_load("threads", ("0", "-1"), "greater than or equal to 1"),
    *_load("threads", ("true",), "valid integer"),
    experiment("threads: 2", "threads: 21", "load", "more threads than connections"),
    *_load("duration_s", (".inf", ".nan"), "finite number"),
    *_load("duration_s", ("1.0e-9", "0", "-5", "0.4"), "greater than or equal to 1"),
    *_load("duration_s", ("86401", "1.0e+308"), "less than or equal to 86400"),
    *_load("duration_s", ("true", "5s", "'5'"), "valid number"),
    *_load("warmup_s", ("-1",), "greater than or equal to 0"),
    *_load("warmup_s", ("1.0e-9",), "must be 0, or 0.001 at least"),
    *_load("warmup_s", (".inf", ".nan"), "finite number"),
    *_load("warmup_s", ("3601",), "less than or equal to 3600"),
    *_load("timeout_s", (".inf", ".nan"), "finite number"),
    *_load("timeout_s", ("0", "1.0e-9"), "greater than or equal to 0.1"),
    *_load("timeout_s", ("1.0e+9",), "less than or equal to 600"),
]

EXPERIMENTS = [
    experiment("trials: 3", "trials: true", "trials", "valid integer"),
    experiment("trials: 3", "trials: '3'", "trials", "valid integer"),
    experiment("trials: 3", "trials: 0", "trials", "greater than or equal to 1"),
    experiment("trials: 3", "trials: 1001", "trials", "less than or equal to 1000"),
    experiment("schema_version: 1", "schema_version: 2", "schema_version", "should be 1"),
    experiment("schema_version: 1", "schema_version: true", "schema_version", "the number 1"),
    experiment("title: How many workers?", "title: ''", "title", "at least 1 character"),
    experiment("title: How many workers?", "title: '   '", "title", "at least 1 character"),
    experiment("title: How many workers?", f"title: {'x' * 121}", "title", "at most 120"),
    experiment("title: How many workers?", f"title: {'x' * 200_000}", "title", "at most 120"),
    experiment("title: How many workers?", r'title: "a\e[2Jb"', "title", "U+001B"),
    experiment("title: How many workers?", r'title: "a\nb"', "title", "U+000A"),
    experiment("title: How many workers?", r'title: "a\u202Eb"', "title", "U+202E"),
    experiment("title: How many workers?", r'title: "a\x9bb"', "title", "U+009B"),
    experiment("title: How many workers?", r'title: "a\0b"', "title", "U+0000"),
    experiment("title: How many workers?", "title: [a]", "title", "valid string"),
    experiment("title: How many workers?", "title: true", "title", "valid string"),
    experiment("title: How many workers?", "title: 'a\\'", "title", "backslash"),
    experiment("description: A shop", r'description: "\e]0;x" #', "description", "U+001B"),
    experiment("workload: shop", "workload: ../shop", "workload", "must be a name"),
    experiment("workload: shop", "workload: Shop", "workload", "'shop' is one"),
    experiment("workload: shop", "workload: shp", "shp", "did you mean 'shop'"),
    experiment("apps: [catalogue]", "apps: [catalogue, catalogue]", "apps", "named twice"),
    experiment("apps: [catalogue]", "apps: []", "apps", "at least 1 item"),
    experiment("apps: [catalogue]", "apps: catalogue", "apps", "valid list"),
    experiment("apps: [catalogue]", "apps: [catalog]", "catalog", "did you mean 'catalogue'"),
    experiment("apps: [catalogue]", r'apps: ["a\nb"]', "apps.0", "must be a name"),
    experiment("apps: [catalogue]", "apps: [true]", "apps.0", "valid string"),
    experiment("[product, page]", "[product, product]", "endpoints", "named twice"),
    experiment("[product, page]", "[]", "endpoints", "at least 1 item"),
    experiment("[product, page]", "[order]", "nothing to run", "none of the chosen apps"),
    experiment("[product, page]", "[produkt]", "produkt", "did you mean 'product'"),
    experiment("unequal_workers: there is one app only", "unequal_workers: ''",
                "unequal_workers", "at least 1 character"),
    experiment("workers: 2,", "workers: -5,", "workers", "from 0 to 1,000,000"),
    experiment("workers: 2,", "workers: 0,", "workers", "from 1 to 1,024"),
    experiment("workers: 2,", "workers: 1000000,", "workers", "from 1 to 1,024"),
    experiment("workers: 2,", "workers: 1000000000,", "workers", "from 0 to 1,000,000"),
    experiment("workers: 2,", "workers: true,", "workers", "in quotes"),
    experiment("workers: 2,", "workers: 2.5,", "workers", "text or a whole number"),
    experiment("workers: 2,", "workers: null,", "workers", "text or a whole number"),
    experiment("workers: 2,", "workers: [2],", "workers", "text or a whole number"),
    experiment("workers: 2,", "workers: '2',", "workers", "from 1 to 1,024"),
    experiment("workers: 2,", "workers: many,", "workers", "from 1 to 1,024"),
    experiment("2 per cpu", "0 per cpu", "workers", "N from 1 to 99"),
    experiment("2 per cpu", "-1 per cpu", "workers", "N from 1 to 99"),
    experiment("2 per cpu", "1000 per cpu", "workers", "N from 1 to 99"),
    experiment("2 per cpu", "1.5 per cpu", "workers", "N from 1 to 99"),
    experiment("2 per cpu", "per cpu", "workers", "N from 1 to 99"),
    experiment("mode: sync", "mode: synk", "mode", "one of: sync, async"),
    experiment("mode: sync", "mode: 1", "mode", "a text, in quotes"),
    experiment("mode: sync", r'mode: "sync\nUser=root"', "mode", "U+000A"),
    experiment("mode: sync", "mode: 2 per cpu", "mode", "one of: sync, async"),
    experiment("mode: sync", "pool_size: big", "pool_size", "a whole number"),
    experiment("mode: sync", "pool_size: 0", "variants.few.settings.pool_size", "from 2 to 50"),
    experiment("mode: sync", "pool_size: 51", "variants.few.settings.pool_size", "from 2 to 50"),
    experiment("mode: sync", "pool_size: -1", "variants.few.settings.pool_size", "from 0 to"),
    experiment("mode: sync", "pool_size: '5'", "pool_size", "a whole number"),
    experiment("mode: sync", "database_auth: 1 per cpu", "database_auth", "one of: scram"),
    experiment("mode: sync", "mod: sync", "mod", "did you mean 'mode'"),
    experiment("apps: [catalogue], app", "apps: [katalog], app", "variants.many",
                "none of the variant's apps"),
    experiment("app_settings: {catalogue:", "app_settings: {katalog:", "variants.many",
                "none of the variant's apps"),
    experiment("many: {apps: [catalogue], app_settings: {catalogue:",
                "many: {app_settings: {katalog:", "katalog", "did you mean 'catalogue'"),
    experiment("  few:", "  Few:", "variants.Few", "must be a name"),
    experiment("  few:", "  ../few:", "variants.../few", "must be a name"),
    experiment("  few: {settings: {workers: 2, mode: sync}}", "  few:", "variants.few",
                "must be a mapping"),
    experiment("\n  rate_rps: 100", "", "load", "constant_rate takes rate_rps, which is missing"),
    experiment("mode: constant_rate", "mode: constant", "load.mode", "'constant_rate'"),
    experiment("mode: constant_rate", "mode: saturation", "load", "rate_rps belongs to"),
    experiment("mode: constant_rate", "mode: constant_rate\n  generator: siege",
                "load.generator", "'pacer'"),
    experiment("mode: constant_rate", "mode: constant_rate\n  generator: wrk",
                "load.generator", "wrk cannot hold a rate"),
    experiment("mode: constant_rate", "mode: constant_rate\n  keepalive: 'no'",
                "load.keepalive", "valid boolean"),
    experiment("mode: constant_rate", "mode: constant_rate\n  from_host: localhost",
                "load.from_host", "'client'"),
    _ramp("steps: [1, 1]", "load.ramp", "steps must rise"),
    _ramp("steps: [2, 1]", "load.ramp", "steps must rise"),
    _ramp("steps: [1, 64001]", "load.ramp.steps.1", "less than or equal to 64000"),
    _ramp("steps: [-1, 5]", "load.ramp.steps.0", "greater than or equal to 1"),
    _ramp("steps: [1, 2], think_s: .inf", "load.ramp.think_s", "finite number"),
    _ramp("steps: [1, 2], think_s: 3600", "load", "no request falls due"),
    _ramp(f"steps: {list(range(1, 300))}", "load.ramp.steps", "at most 200 items"),
    _capacity("from_rps: 9, to_rps: 5, p99_ms: 5", "load.capacity", "must not exceed to_rps"),
    _capacity("from_rps: 5, to_rps: .inf, p99_ms: 5", "load.capacity.to_rps", "finite number"),
    _capacity("from_rps: 5, to_rps: 9, p99_ms: .nan", "load.capacity.p99_ms", "finite number"),
    _capacity("from_rps: 5, to_rps: 9, p99_ms: 5, precision_percent: 1.0e-9",
              "load.capacity.precision_percent", "greater than or equal to 0.1"),
    _capacity("from_rps: 5, to_rps: 9, p99_ms: 600000", "load.capacity.p99_ms",
              "requests time out after"),
    _capacity("from_rps: 5, to_rps: 9, p99_ms: 1.0e-9", "load.capacity.p99_ms", "equal to 0.001"),
    *(_capacity(f"from_rps: 5, to_rps: 9, p99_ms: 5, most_probes: {value}",
                "load.capacity.most_probes", says)
      for value, says in (("0", "equal to 1"), ("-1", "equal to 1"), ("201", "equal to 200"),
                          ("true", "valid integer"), ("1.5", "valid integer"),
                          (".inf", "valid integer"), ("[3]", "valid integer"))),
    *(experiment("mode: constant_rate", f"mode: constant_rate\n  {key}: {value}",
                  f"load.{key}", says)
      for key, values, says in (
          ("arrivals", ("random", "true", "5", "[poisson]", "''"), "'constant' or 'poisson'"),
          ("timeout_from", ("now", "true", "5", "[due]", "''"), "'due' or 'sent'"),
          ("good_within_ms", ("0", "-1", "1.0e-9"), "equal to 0.001"),
          ("good_within_ms", ("1.0e+300", "600001"), "equal to 600000"),
          ("good_within_ms", (".inf", ".nan"), "finite number"),
          ("good_within_ms", ("true", "'5'", "[5]"), "valid number"),
      ) for value in values),
    experiment("mode: constant_rate", "mode: constant_rate\n  warmup_rate_rps: 1.0e-9", "load",
                "at warmup_rate_rps no request falls due in warmup_s"),
    experiment("trials: 3", "trials: 3\nlink_delay_ms: .inf", "link_delay_ms", "finite number"),
    experiment("trials: 3", "trials: 3\nlink_delay_ms: 1.0e-9", "link_delay_ms", "must be 0, or"),
    experiment("trials: 3", "trials: 3\nlink_delay_ms: true", "link_delay_ms", "valid number"),
    experiment("trials: 3", "trials: 3\ntelemetry_interval_s: .nan", "telemetry_interval_s",
                "finite number"),
    experiment("mode: constant_rate\n  rate_rps: 100\n  connections: 20\n  threads: 2"
                "\n  duration_s: 5",
                "mode: saturation\n  generator: ab\n  connections: 20\n  threads: 1"
                "\n  duration_s: 601", "load", "ab keeps every request in memory"),
]  # fmt: skip

EXPERIMENT_EDITS = [*FIGURES, *EXPERIMENTS]
