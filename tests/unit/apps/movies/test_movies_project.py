"""The Django project, and that the data set is what its migrations make."""

import contextlib
import json
import subprocess
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.unit.apps import cluster, serving
from tests.unit.apps.cluster import Cluster
from tests.unit.apps.serving import CATALOGUE, RunningApp, ask

MOVIES = CATALOGUE.apps_of("movies")
DATASET = CATALOGUE.folders["movies"] / "dataset.sql"
DJANGO = MOVIES["django"]
# What `migrate` writes besides tables; when it did is its own affair
ROWS_OF_DJANGO = {
    "django_migrations": "id, app, name",
    "django_content_type": "*",
    "auth_permission": "*",
}


def manage(
    database: Cluster, *arguments: str, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run the project's manage.py, given nothing but its database unless told otherwise."""
    return subprocess.run(
        [*serving.python_of(DJANGO), "manage.py", *arguments],
        cwd=DJANGO.folder,
        env={"DATABASE_URL": database.url, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def schema(database: Cluster) -> list[str]:
    """All that pg_dump knows of the database's tables, but for comments and its own random mark."""
    lines = cluster.output(
        [
            *(str(database.binaries / "pg_dump"), "--schema-only", "--no-comments"),
            *("--schema=public", database.url),
        ]
    ).splitlines()
    return [line for line in lines if not line.startswith(("--", "\\"))]


@pytest.fixture(scope="module")
def migrated(postgresql: Cluster) -> Cluster:
    """A database that `migrate` has filled."""
    database = postgresql.create("movies_migrated")
    done = manage(database, "migrate", "--no-input")
    assert done.returncode == 0, done.stderr
    return database


def test_all_apps_serve_the_one_project() -> None:
    assert {app.folder for app in MOVIES.values()} == {str(DATASET.parent / "project")}


def test_the_data_set_s_tables_are_those_that_migrations_make(
    database: Cluster, migrated: Cluster
) -> None:
    made = schema(migrated)
    assert any(line.startswith("CREATE TABLE public.movies_movie") for line in made)
    assert schema(database) == made


@pytest.mark.parametrize("table", ROWS_OF_DJANGO)
def test_the_data_set_s_rows_of_django_are_those_that_migrations_make(
    database: Cluster, migrated: Cluster, table: str
) -> None:
    query = f"SELECT {ROWS_OF_DJANGO[table]} FROM {table} ORDER BY id"  # noqa: S608
    made = migrated.query(query)
    assert made
    assert database.query(query) == made
    last = f"SELECT last_value, is_called FROM {table}_id_seq"  # noqa: S608
    assert database.query(last) == migrated.query(last) == [f"{len(made)}|t"]


def test_migrate_finds_nothing_to_do(database: Cluster) -> None:
    assert manage(database, "migrate", "--check").returncode == 0


def test_migrate_would_find_what_is_missing(postgresql: Cluster) -> None:
    empty = postgresql.create("movies_empty")
    assert manage(empty, "migrate", "--check").returncode != 0


def test_the_models_have_no_change_without_a_migration(database: Cluster) -> None:
    done = manage(database, "makemigrations", "--check", "--dry-run")
    assert done.stdout == "No changes detected\n", done.stderr
    assert done.returncode == 0


def test_django_s_check_of_a_deployment_is_content(database: Cluster) -> None:
    done = manage(database, "check", "--deploy", "--fail-level", "DEBUG")
    assert done.returncode == 0, done.stderr
    # of those, each with its reason in settings.py; what is silenced in vain is none
    assert "no issues (4 silenced)" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM movies_movie WHERE id = 7",
        "UPDATE movies_movie SET title = 'Something Else' WHERE id = 7",
        "INSERT INTO movies_movie VALUES (11, 'One', 'Too Many', '2020-01-01', 90, '')",
        "DROP TABLE django_session",
        "DELETE FROM django_migrations WHERE app = 'movies'",
        "UPDATE auth_permission SET codename = 'burn_movie' WHERE id = 28",
        "UPDATE django_content_type SET model = 'film' WHERE id = 7",
        "COMMENT ON TABLE movies_movie IS 'an older version'",
    ],
)
def test_what_differs_is_repaired(database: Cluster, migrated: Cluster, damage: str) -> None:
    rows = database.query("SELECT * FROM movies_movie ORDER BY id")
    assert len(rows) == 10
    database.query(damage)
    assert database.load(DATASET) == "changed\n"
    assert database.query("SELECT * FROM movies_movie ORDER BY id") == rows
    assert schema(database) == schema(migrated)
    assert manage(database, "migrate", "--check").returncode == 0
    assert database.load(DATASET) == "unchanged\n"


def test_a_load_that_repairs_movies_leaves_the_admin_s_users_alone(database: Cluster) -> None:
    database.query(
        "INSERT INTO auth_user (username, password, is_superuser, first_name, last_name, email, "
        "is_staff, is_active, date_joined) VALUES ('ada', '!', true, '', '', '', true, true, now())"
    )
    try:
        database.query("DELETE FROM movies_movie")
        assert database.load(DATASET) == "changed\n"
        assert database.query("SELECT username FROM auth_user") == ["ada"]
    finally:
        database.query("DELETE FROM auth_user")


def test_the_admin_lists_the_movies_for_who_is_logged_in_whichever_worker_answers(
    defaults: dict[str, RunningApp], database: Cluster
) -> None:
    running = defaults["django"]
    assert running.get("/admin/movies/movie/").status == 302  # to the login
    made = manage(
        *(database, "createsuperuser", "--no-input", "--username=ada", "--email=ada@example.org"),
        DJANGO_SUPERUSER_PASSWORD="lovelace",  # noqa: S106 - of a database that is thrown away
    )
    assert made.returncode == 0, made.stderr
    try:
        cookies = SimpleCookie()
        login = "/admin/login/?next=/admin/movies/movie/"
        assert browse(running, cookies, "GET", login)[0] == 200
        form = {
            "username": "ada",
            "password": "lovelace",
            "csrfmiddlewaretoken": cookies["csrftoken"].value,
        }
        assert browse(running, cookies, "POST", login, form)[0] == 302
        for _ in range(6):  # two workers: both must know the session
            status, page = browse(running, cookies, "GET", "/admin/movies/movie/")
            assert status == 200
            assert "The Lighthouse Clerk" in page
    finally:
        database.query("TRUNCATE auth_user, django_session CASCADE")


def browse(
    running: RunningApp,
    cookies: SimpleCookie,
    method: str,
    path: str,
    form: dict[str, str] | None = None,
) -> tuple[int, str]:
    """Status and page, as a browser would ask; `cookies` are sent and kept up to date."""
    sent = "; ".join(f"{name}={cookie.value}" for name, cookie in cookies.items())
    headers = {"Cookie": sent, "Content-Type": "application/x-www-form-urlencoded"}
    with contextlib.closing(running.connect()) as connection:
        connection.request(method, path, urlencode(form or {}), headers)
        response = connection.getresponse()
        for cookie in response.headers.get_all("Set-Cookie", []):
            cookies.load(cookie)
        return response.status, response.read().decode()


def test_all_apps_answer_the_same_bytes_as_much_as_in_the_article(
    defaults: dict[str, RunningApp],
) -> None:
    bodies = {
        running.get(MOVIES[name].spec.endpoints["movies"]).body
        for name, running in defaults.items()
    }
    (body,) = bodies
    assert 2_000 <= len(body) <= 2_300  # 17.91 MB in 7855 requests, headers included
    assert len(json.loads(body)) == 10


def test_a_database_that_is_not_there_is_an_error_that_reaches_the_journal(
    tmp_path: Path,
) -> None:
    nowhere = {"DATABASE_URL": "postgresql://nobody:nothing@127.0.0.1:9/none"}
    for name, app in MOVIES.items():
        path = app.spec.endpoints["movies"]
        with serving.starting(app, nowhere, tmp_path / name) as running:

            def failed(running: RunningApp = running, path: str = path) -> bool:
                try:
                    with contextlib.closing(running.connect()) as connection:
                        return ask(connection, path).status == 500
                except OSError:
                    return False

            serving.wait_until(failed, f"{name} answers 500")
            assert "Traceback" in running.log()
