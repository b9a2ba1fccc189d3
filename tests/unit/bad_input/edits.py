"""List bad input as edits of files that are right (the folder `sound`).

Each edit puts one thing wrong into one file. Tests check that the error names the file and the key,
and that it says why.
"""

from dataclasses import dataclass

EXPERIMENT = "experiment.yml"
WORKLOAD = "own/shop/workload.yml"
APP = "own/shop/catalogue/app.yml"
_APP_ENDPOINTS = """endpoints:
  product: /product/1
  page: /products?page=1
  item: /product/{id}
  offers: /offers
  greeting: /greeting
  search: /search?fast=1
  picture: /picture.png"""


@dataclass(frozen=True)
class Edit:
    """A change of one file, and what the error about it must say."""

    file: str
    old: str  # a text of the file ...
    new: str  # ... that this one replaces
    key: str  # the wrong key, as the error names it; the line for what is no YAML
    says: str  # a part of the reason that the error gives


def experiment(old, new, key, says):
    return Edit(EXPERIMENT, old, new, key, says)


def _rate(new, line, says):
    """Return an edit of the experiment's rate, which is on line 14; `line` is the error's."""
    return experiment("rate_rps: 100", new, f"line {line}", says)


YAML = [
    _rate("rate_rps: {{ rate }}", "14", "takes quotes"),
    _rate("{rate_rps: 1}: 100", "14", "a key is a list or mapping"),
    _rate("[rate_rps]: 100", "14", "a key is a list or mapping"),
    _rate("? [a]\n  : 100", "14", "a key is a list or mapping"),
    _rate("5: 100", "14", "read as no text"),
    _rate("yes: 100", "14", "read as no text"),
    _rate("~: 100", "14", "read as no text"),
    _rate("rate_rps: 1:30", "14", "another number"),
    _rate("rate_rps: 010", "14", "another number"),
    _rate("rate_rps: 2024-01-01", "14", "is a date"),
    _rate("rate_rps: 2024-13-45", "14", "is a date"),
    _rate(f"rate_rps: {'9' * 5000}", "14", "100 digits"),
    _rate("rate_rps: !!int '100'", "14", "tags"),
    _rate("rate_rps: !!python/object:os.system x", "14", "tags"),
    _rate("rate_rps: !!binary aGk=", "14", "tags"),
    _rate("rate_rps: !vault x", "14", "tags"),
    _rate("rate_rps: 100\n  rate_rps: 5", "15", "stands twice"),
    _rate("rate_rps: &a [*a]", "14", "contains itself"),
    _rate("<<: &a {<<: *a}", "14", "contains itself"),
    _rate("<<: 5", "14", "expected a mapping"),
    _rate("rate_rps: *nothing", "14", "undefined alias"),
    _rate("rate_rps: [", "16", "not valid YAML"),
    _rate("rate_rps: 'x", "20", "not valid YAML"),
    _rate("rate_rps:\t- [\tx", "14", "not valid YAML"),
    _rate("\trate_rps: 100", "14", "not valid YAML"),
    _rate(f"rate_rps: {'[' * 5000}", "14", "nested more than 20 deep"),
    experiment("rate_rps: 100", f"rate_rps: {'{a: ' * 5000}", "14", "nested more than 20 deep"),
    _rate(f"rate_rps: {'- ' * 5000}", "14", "not valid YAML"),
    experiment("rate_rps: 100", f"rate_rps: [{'a, ' * 60_000}]", "14", "more than 50,000 values"),
    _rate("rate_rps: %x", "14", "not valid YAML"),
    _rate("rate_rps: =", "14", "not valid YAML"),
    experiment("schema_version: 1", "--- a\n--- b\n", "line ", "not valid YAML"),
    experiment("schema_version: 1", "%YAML 9.9\n---\nschema_version: 1", "line ", "not valid YAML"),
    experiment("title:", "titel:", "titel", "did you mean 'title'"),
    experiment("title:", '"ti\\etle":', r"ti\x1btle", "unknown key"),
    experiment("title:", f"{'k' * 900}:", "kkk...", "unknown key"),
]


def workload(old, new, key, says):
    return Edit(WORKLOAD, old, new, key, says)


WORKLOADS = [
    workload("title: A shop", r'title: "A\nUser=root"', "title", "U+000A"),
    workload("services: [postgresql]", "services: [postgres]", "services.0", "'postgresql'"),
    workload("services: [postgresql]", "services: [postgresql, postgresql]", "services", "twice"),
    workload("services: [postgresql]", "services: []", "dataset", "add postgresql to services"),
    workload("services: [postgresql]\ndataset: dataset.sql\nreset: reset.sql\n", "",
              "endpoints.product.sql", "add postgresql to services"),
    workload("  product:\n", "  the-product:\n", "endpoints.the-product", "'the_product' is one"),
    workload("dataset: dataset.sql", "dataset: ../dataset.sql", "dataset", "no .."),
    workload("dataset: dataset.sql", "dataset: /etc/passwd", "dataset", "no .."),
    workload("dataset: dataset.sql", "dataset: -f", "dataset", "no .."),
    workload("dataset: dataset.sql", "dataset: ''", "dataset", "no .."),
    workload("dataset: dataset.sql", r'dataset: "a\0b"', "dataset", "no .."),
    workload("dataset: dataset.sql", "dataset: missing.sql", "dataset", "no such file"),
    workload("dataset: dataset.sql", "dataset: expected", "dataset", "is a folder"),
    workload("reset: reset.sql", "reset: missing.sql", "reset", "no such file"),
    workload("reset: reset.sql", "reset: ./reset.sql", "reset", "no .."),
    workload("expected/product.json", "../product.json", "endpoints.product.expect.json_file",
              "no .."),
    workload("expected/product.json", "expected/nothing.json", "endpoints.product",
              "no such file"),
    workload("expected/product.json", "expected", "endpoints.product", "is a folder"),
    workload("expected/product.json", "dataset.sql", "endpoints.product", "not a JSON document"),
    workload("expected/names.json", "expected/product.json", "endpoints.page",
              "not a JSON list of texts"),
    workload("expected/names.json", "expected/../x", "endpoints.page.expect.html.0.texts_file",
              "no .."),
    workload("sent/order.json", "sent/nichts.json", "endpoints.order", "no such file"),
    workload("sent/order.json", "~/order.json", "endpoints.order.send.file", "no .."),
    workload("sent/nothing.json", "sent/nichts.json", "endpoints.order.also.0", "no such file"),
    workload("status: 201", "status: 99999", "endpoints.order.expect.status", "equal to 599"),
    workload("status: 201", "status: 100", "endpoints.order.expect.status", "equal to 200"),
    workload("status: 201", "status: true", "endpoints.order.expect.status", "valid integer"),
    workload("status: 400", "status: 204", "endpoints.order.also.0.expect", "has no body"),
    workload("content_type: text/html", "content_type: html", "endpoints.page.expect.content_type",
              "media type"),
    workload("content_type: text/html", "content_type: 'text/html; charset=utf-8'",
              "endpoints.page.expect.content_type", "without parameters"),
    workload("content_type: text/html", "content_type: Text/HTML",
              "endpoints.page.expect.content_type", "lower case"),
    workload("send: {file: sent/order.json}",
              r'send: {file: sent/order.json, content_type: "a/b\"\r\nX: y"}',
              "endpoints.order.send.content_type", "media type"),
    workload("#products > li", "li[", "endpoints.page.expect.html.0.selector", "CSS selector"),
    workload("#products > li", "", "endpoints.page.expect.html.0.selector", "at least 1"),
    workload("#products > li", ":::", "endpoints.page.expect.html.0.selector", "CSS selector"),
    workload("#products > li", ":nope(x)", "endpoints.page.expect.html.0.selector",
              "CSS selector"),
    workload("#products > li", ":not(" * 90, "endpoints.page.expect.html.0.selector",
              "CSS selector"),
    workload("count: 2", "count: -1", "endpoints.page.expect.html.0.count", "equal to 0"),
    workload("count: 2", "count: 3", "endpoints.page", "has 2 texts, but count says 3"),
    workload("count: 2", "count: true", "endpoints.page.expect.html.0.count", "valid integer"),
    workload("count: 2", "count: 1000000000", "endpoints.page.expect.html.0.count", "100000"),
    workload("calls_per_request: 1", "calls_per_request: .inf",
              "endpoints.product.sql.0.calls_per_request", "finite number"),
    workload("calls_per_request: 1", "calls_per_request: 0",
              "endpoints.product.sql.0.calls_per_request", "greater than 0"),
    workload("calls_per_request: 1", "calls_per_request: true",
              "endpoints.product.sql.0.calls_per_request", "valid number"),
    workload('"SELECT * FROM product WHERE id = $1"', '""',
              "endpoints.product.sql.0.texts.0", "at least 1 character"),
    workload("method: POST", "method: CONNECT", "endpoints.order.method", "proxy for a tunnel"),
    workload("method: POST", "method: post", "endpoints.order.method", "write POST"),
    workload("method: POST", "method: Trace", "endpoints.order.method", "write TRACE"),
    workload("method: POST", "method: P OST", "endpoints.order.method", "the name of a method"),
    workload("method: POST", "method: ''", "endpoints.order.method", "the name of a method"),
    workload("method: POST", "method: TRACE", "endpoints.order", "TRACE takes none"),
    workload("method: POST", "method: GET", "endpoints.order", "GET takes none"),
    workload("        send: {file: sent/nothing.json}\n", "", "endpoints.order",
              "also.0: POST takes a body"),
    workload("  product:\n", "  Product:\n", "endpoints.Product", "must be a name"),
]  # fmt: skip


def _app(old, new, key, says):
    return Edit(APP, old, new, key, says)


SERVE = 'serve: "{venv}/bin/python -m service --bind ${ADDRESS}:${PORT} --workers ${WORKERS}"'

APPS = [
    _app("title: The catalogue service", r'title: "A\nExecStartPre=+/bin/x"', "title", "U+000A"),
    _app("title: The catalogue service", r'title: "A\rUser=root"', "title", "U+000D"),
    _app("title: The catalogue service", r'title: "A\u2028B"', "title", "U+2028"),
    _app(SERVE, r'serve: "/bin/x\nUser=root"', "serve", "U+000A"),
    _app(SERVE, r'serve: "/bin/x\\\nUser=root"', "serve", "U+000A"),
    _app(SERVE, "serve: |\n  /bin/x\n  User=root\n", "serve", "U+000A"),
    _app(SERVE, "serve: ''", "serve", "at least 1 character"),
    _app(SERVE, "serve: +/bin/x", "serve", "must begin with a program"),
    _app(SERVE, "serve: '!!/bin/x'", "serve", "must begin with a program"),
    _app(SERVE, "serve: '@/bin/x y'", "serve", "must begin with a program"),
    _app(SERVE, "serve: python -m service", "serve", "must begin with a program"),
    _app(SERVE, "serve: ${WORKERS}/x", "serve", "must begin with a program"),
    _app(SERVE, "serve: /bin/x 'a", "serve", "no command line"),
    _app(SERVE, "serve: /bin/x a\\", "serve", "no command line"),
    _app(SERVE, "serve: /bin/x $WORKERS", "serve", "neither ${NAME} nor $$"),
    _app(SERVE, "serve: /bin/x $(id)", "serve", "neither ${NAME} nor $$"),
    _app(SERVE, "serve: '/bin/x ${WORKRES}'", "serve", "did you mean ${WORKERS}"),
    _app(SERVE, "serve: '{vevn}/bin/x'", "serve", "must begin with a program"),
    _app(SERVE, "serve: '/bin/x {ap}'", "serve", "has {ap}"),
    _app(SERVE, "serve: '/bin/x ${port}'", "serve", "did you mean ${PORT}"),
    *(_app(SERVE, f"serve: /bin/x {word} y", "serve",
           f"has {word.split()[0]}, which only a shell knows")
      for word in ("&&", "||", "|", "&", ";", "> /tmp/x 2>&1", "<")),
    _app(SERVE, "serve: /bin/x --port 8000", "serve", "on port 8000, which nobody asks"),
    _app(SERVE, "serve: /bin/x -b=0.0.0.0:8000", "serve", "on port 8000, which nobody asks"),
    _app(SERVE, "serve: '/bin/x --host ${ADDRESS} --port=80'", "serve", "listens on port 80"),
    _app(SERVE, "serve: '/bin/x -b localhost:${PORT}'", "serve", "on localhost, which"),
    _app(SERVE, "serve: '/bin/x --host ::1 --port ${PORT}'", "serve", "listens on ::1, which no"),
    _app(SERVE, "serve: [/bin/x]", "serve", "valid string"),
    _app(SERVE, f"serve: /bin/x {'y' * 5000}", "serve", "at most 4000"),
    _app(SERVE, "serve: '{app}/serv'", "serve", "{app}/serv is not in the app's code"),
    _app(SERVE, "serve: '/bin/sh {app}/nothing.sh'", "serve", "{app}/nothing.sh is not in"),
    _app(SERVE, "serve: '{app}/service.py'", "serve", "no file that may be executed"),
    _app(SERVE, "serve: '{app}/'", "serve", "no file that may be executed"),
    _app(SERVE, "serve: /bin/x ${REDIS_URL}", "serve", "does not name the service redis"),
    _app("  pool_size:\n", "  pool-size:\n", "settings.pool-size", "'pool_size' is one"),
    _app("{GREETING: hello}", "{DATABASE_URL: x}", "DATABASE_URL", "set by the testbed"),
    _app("requirements: requirements.txt\n", "", "serve", "{venv} is made of requirements"),
    _app("requirements.txt", "../requirements.txt", "requirements", "no .."),
    _app("requirements.txt", "missing.txt", "requirements", "no such file"),
    _app("requirements.txt", "/etc/hosts", "requirements", "no .."),
    _app("[libpq5]", "[libpq5]\npython: ruby", "python", "a Python of the host"),
    _app("[libpq5]", "[libpq5]\npython: python3.13 -c x", "python", "a Python of the host"),
    _app("[libpq5]", "[libpq5]\npython: -python3", "python", "a Python of the host"),
    _app("[libpq5]", "[libpq5]\npython: ../bin/python3", "python", "a Python of the host"),
    _app("[libpq5]", "[libpq5]\npython: /root/.x/bin/python3", "python", "apps do not see"),
    _app("[libpq5]", "[libpq5]\npython: /home/me/py/bin/python3", "python", "apps do not see"),
    _app("[libpq5]", "[libpq5]\npython: 3.13", "python", "valid string"),
    _app("code: .", "code: ../nothing", "code", "no folder"),
    _app("code: .", "code: service.py", "code", "no folder"),
    _app("code: .", "code: ../../../own", "code", "beside it"),
    _app("code: .", "code: /etc", "code", "beside it"),
    _app("[libpq5]", '["-o=x"]', "apt_packages.0", "Debian package"),
    _app("[libpq5]", "[./x.deb]", "apt_packages.0", "Debian package"),
    _app("[libpq5]", "[/tmp/x.deb]", "apt_packages.0", "Debian package"),
    _app("[libpq5]", "[nginx-]", "apt_packages.0", "Debian package"),
    _app("[libpq5]", "['nginx libpq5']", "apt_packages.0", "Debian package"),
    _app("[libpq5]", "['nginx*']", "apt_packages.0", "Debian package"),
    _app("[libpq5]", "['']", "apt_packages.0", "Debian package"),
    _app("[libpq5]", "[libpq5, libpq5]", "apt_packages", "named twice"),
    _app("[libpq5]", "libpq5", "apt_packages", "valid list"),
    _app("{GREETING: hello}", r'{GREETING: "a\nUser=root"}', "environment.GREETING", "U+000A"),
    _app("{GREETING: hello}", r'{GREETING: "a\0b"}', "environment.GREETING", "U+0000"),
    _app("{GREETING: hello}", "{GREETING: 5}", "environment.GREETING", "valid string"),
    _app("hello}", f"{'x' * 5000}}}", "environment.GREETING", "at most 4000"),
    _app("{GREETING: hello}", "{greeting: hello}", "environment.greeting", "capital letters"),
    _app("{GREETING: hello}", r'{"A=B\nC": hello}', r"environment.A=B\nC", "capital letters"),
    _app("{GREETING: hello}", "{PORT: '1'}", "PORT", "set by the testbed"),
    _app("{GREETING: hello}", "{NOTIFY_SOCKET: /x}", "NOTIFY_SOCKET", "set by the app's unit"),
    _app("env: POOL_SIZE", "env: LISTEN_FDS", "LISTEN_FDS", "set by the app's unit"),
    _app("{GREETING: hello}", "{WORKERS: '1'}", "WORKERS", "set twice"),
    _app("env: POOL_SIZE", "env: WORKERS", "WORKERS", "set twice"),
    _app("env: POOL_SIZE", "env: ADDRESS", "ADDRESS", "set by the testbed"),
    _app("env: POOL_SIZE", "env: pool-size", "settings.pool_size.env", "capital letters"),
    _app("default: sync", "default: slow", "settings.mode", "none of the choices"),
    _app("default: sync", r'default: "sync\nX=y"', "settings.mode.default", "U+000A"),
    _app("choices: [sync, async]", "choices: []", "settings.mode.choices", "at least 1 item"),
    _app("choices: [sync, async]", "choices: [sync, sync]", "settings.mode.choices", "twice"),
    _app("choices: [sync, async]", "choices: [sync, 1]", "settings.mode.choices.1",
         "choices are texts, in quotes, as the default is 'sync'"),
    _app("least: 2, most: 50", "choices: [5, '5']", "settings.pool_size.choices.1",
         "choices are whole numbers, as the default is 5"),
    _app("default: 4", "default: 0", "workers", "from 1 to 1,024"),
    _app("default: 4", "default: -5", "workers", "from 0 to 1,000,000"),
    _app("default: 4", "default: 1000000000", "workers", "from 0 to 1,000,000"),
    _app("default: 4", "default: many", "workers", "from 1 to 1,024"),
    _app("default: 4", "default: 2 per cpu", "workers", "a plain number"),
    _app("default: 4", "default: true", "workers", "in quotes"),
    _app("default: 4", "default: 1.5", "workers", "text or a whole number"),
    _app("default: 5", "default: 1", "settings.pool_size.default", "from 2 to 50"),
    _app("default: 5", "default: 51", "settings.pool_size.default", "from 2 to 50"),
    _app("least: 2", "least: 51", "settings.pool_size.most", "must be 51 or more"),
    _app("least: 2", "least: -1", "settings.pool_size.least", "equal to 0"),
    _app("least: 2", "least: true", "settings.pool_size.least", "valid integer"),
    _app("least: 2", "least: 1.5", "settings.pool_size.least", "valid integer"),
    _app("least: 2", "leest: 2", "settings.pool_size.leest", "did you mean 'least'"),
    _app("most: 50", "most: 1000001", "settings.pool_size.most", "equal to 1000000"),
    _app("choices: [sync, async]", "least: 1", "settings.mode.least", "for whole numbers"),
    _app("choices: [sync, async]", "choices: [sync, async], most: 1", "settings.mode.most",
         "for whole numbers"),
    _app("least: 2, most: 50", "choices: [5, 6], most: 6", "settings.pool_size.most",
         "choices are the only values"),
    _app("default: 4", "default: 4, least: 0", "settings.workers", "from 1 to 1,024"),
    _app("default: 4", "default: 4, most: 2000", "settings.workers", "from 1 to 1,024"),
    _app("default: 4", "default: 4, most: 3", "settings.workers.default", "from 0 to 3"),
    _app("per_worker: [requests, 5]", "when: {pool_size: 1}, per_worker: [5]", "when",
         "pool_size is never 1"),
    _app("default: 5", "default: 99999999", "settings.pool_size.default", "1,000,000"),
    _app("per_worker: 5", "per_worker: -1", "database_connections_per_worker", "equal to 0"),
    _app("per_worker: 5", "per_worker: 1000000", "database_connections_per_worker", "10000"),
    _app("per_worker: 5", "per_worker: true", "database_connections_per_worker", "valid integer"),
    _app("per_worker: [pool_size]", "per_worker: [mode]", "mode", "is no number"),
    _app("per_worker: [pool_size]", "per_worker: [pool]", "pool", "none of the settings"),
    _app("per_worker: [pool_size]", "per_worker: []", "per_worker", "at least 1 item"),
    _app("per_worker: [pool_size]", "per_worker: [-1]", "per_worker.0", "from 0 to"),
    _app("per_worker: [pool_size]", "per_worker: [true]", "per_worker.0", "from 0 to"),
    _app("when: {mode: async}", "when: {mode: asink}", "mode", "one of: sync, async"),
    _app("when: {mode: async}", "when: {requests: 1}", "requests", "none of the settings"),
    _app("when: {mode: async}", "when: {workers: four}", "workers", "is never 'four'"),
    _app('"RESET ALL|UNLISTEN \\\\*"', "'RESET ('", "housekeeping_sql.0.pattern",
         "no regular expression"),
    _app('"RESET ALL|UNLISTEN \\\\*"', "'(a+)+b'", "housekeeping_sql.0.pattern", "for ever"),
    _app('"RESET ALL|UNLISTEN \\\\*"', "'a{99999999999}'", "housekeeping_sql.0.pattern",
         "no regular expression"),
    _app("reason: The driver resets connections.", "reason: ''", "housekeeping_sql.0.reason",
         "at least 1 character"),
    _app("product: /product/1", "product: /product/{id}", "endpoints.product", "drawn nowhere"),
    _app("product: /product/1", "product: /product/{Id}", "endpoints.product", "path as in a URL"),
    _app("item: /product/{id}", "item: /product/1", "endpoints.item", "but neither this path nor"),
    _app("product: /product/1", "product: product/1", "endpoints.product", "path as in a URL"),
    _app("product: /product/1", "product: '/a b'", "endpoints.product", "path as in a URL"),
    _app("product: /product/1", r'product: "/a\r\nHost: x"', "endpoints.product", "in a URL"),
    _app("product: /product/1", "product: /a#b", "endpoints.product", "path as in a URL"),
    _app("product: /product/1", "product: /größe", "endpoints.product", "path as in a URL"),
    _app("product: /product/1", "product: /a/../b", "endpoints.product", "has the segment .., "),
    _app("product: /product/1", "product: '/a/%2E?x'", "endpoints.product", "the segment %2E, "),
    _app("product: /product/1", "product: '/%zz'", "endpoints.product", "path as in a URL"),
    _app("product: /product/1", "produkt: /product/1", "produkt", "did you mean 'product'"),
    _app(_APP_ENDPOINTS, "endpoints: {}", "endpoints",
         "at least 1 item"),
]  # fmt: skip

EDITS = [*YAML, *WORKLOADS, *APPS]
