"""What lab hosts take over from the machine: apt sources, pip settings, resolver, environment."""

import configparser

import pytest

from testbed.lab import sources, takeover

# --- apt ------------------------------------------------------------------------------------------

DEB822 = """\
# See the manual
Types: deb deb-src
URIs: http://archive.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://archive.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: https://vendor.example/apt
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
 -----END PGP PUBLIC KEY BLOCK-----
"""
ONE_LINE = """\
deb [arch=amd64,arm64 signed-by=/etc/apt/d.gpg] https://d.example/linux bookworm stable
deb http://archive.example/debian bookworm main contrib # ours
  deb [ arch=amd64 ] http://archive.example/debian bookworm-security main
deb-src http://archive.example/debian bookworm main
# deb http://off.example/debian bookworm main
deb https://node.example/node_20.x nodistro main
"""


def own(name, text):
    return sources.of_distribution(sources.stanzas(name, text), "debian", "bookworm")


def test_only_the_distribution_s_own_sources_are_taken_from_deb822():
    found = own("debian.sources", DEB822)
    assert [(entry["Types"], entry["Suites"]) for entry in found] == [
        ("deb", "bookworm bookworm-updates"),
        ("deb", "bookworm-security"),
    ]


def test_only_the_distribution_s_own_sources_are_taken_from_one_line_lists():
    found = own("sources.list", ONE_LINE)
    assert [(entry["Suites"], entry["Components"]) for entry in found] == [
        ("bookworm", "main contrib"),
        ("bookworm-security", "main"),
    ]
    assert found[1]["Architectures"] == "amd64"


@pytest.mark.parametrize(("name", "text"), [("a.sources", DEB822), ("a.list", ONE_LINE)])
def test_what_is_written_reads_back_the_same(name, text):
    entries = sources.stanzas(name, text)
    assert sources.stanzas("a.sources", sources.as_text(entries)) == entries


def test_a_vendor_s_key_in_the_source_itself_is_kept_whole():
    vendor = sources.stanzas("a.sources", DEB822)[-1]
    assert vendor["Signed-By"].splitlines()[-1] == " -----END PGP PUBLIC KEY BLOCK-----"


def test_a_list_of_mirrors_on_this_machine_becomes_its_first_mirror():
    entry = {"URIs": "mirror+file:/etc/apt/mirrors/debian.list", "Suites": "bookworm"}
    text = "# first\nhttp://one.example/debian\tpriority:1\nhttp://two.example/debian\n"
    (expanded,) = sources.expand_mirrors(
        [entry], lambda path: {"/etc/apt/mirrors/debian.list": text}[path]
    )
    assert expanded == {"URIs": "http://one.example/debian", "Suites": "bookworm"}


def test_apt_settings_that_reach_the_archive_are_taken():
    dump = """\
APT::Architecture "amd64";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::https::archive.example::Verify-Peer "false";
Acquire::Check-Valid-Until "false";
Acquire::GzipIndexes "true";
DPkg::Post-Invoke:: "rm -f /x";
"""
    assert sources.apt_settings(dump) == [
        'Acquire::http::Proxy "http://proxy.example:3128"',
        'Acquire::https::archive.example::Verify-Peer "false"',
        'Acquire::Check-Valid-Until "false"',
    ]


# --- pip ------------------------------------------------------------------------------------------


def test_pip_settings_rank_as_pip_ranks_them():
    system = "[global]\nindex-url = https://system.example/simple\ntimeout = 5\n"
    user = "[global]\nindex_url = https://user.example/simple\n[install]\nno-index = true\n"
    environment = {"PIP_TIMEOUT": "60", "PIP_CACHE_DIR": "/x", "PIPELINE": "no", "PIP_RETRIES": ""}
    assert takeover.pip_settings([system, user], environment) == {
        "index-url": "https://user.example/simple",
        "timeout": "60",
        "no-index": "true",
    }


def test_pip_settings_that_are_no_way_to_packages_stay_with_the_machine():
    system = "[global]\nconstraint = /etc/xdg/pip/caps.txt\nuser = true\nretries = 9\n"
    environment = {"PIP_REQUIREMENT": "/srv/all.txt", "PIP_LOG": "/var/log/pip"}
    assert takeover.pip_settings([system], environment) == {"retries": "9"}


def test_pip_conf_reads_back_the_same():
    settings = {
        "cert": "/etc/ssl/certs/ca.crt",
        "extra-index-url": "https://a.example\nhttps://b%20.example",
    }
    assert takeover.pip_settings([takeover.pip_conf(settings)], {}) == settings
    parser = configparser.RawConfigParser()
    parser.read_string(takeover.pip_conf({}))
    assert parser.sections() == ["global"]


def test_folders_that_pip_looks_into_are_shown_to_the_host():
    settings = {
        "find-links": "/srv/wheels https://elsewhere.example/wheels",
        "index-url": "file:///srv/index/simple",
        "extra-index-url": "https://mirror.example/simple\nfile:///simple",
        "cert": "/etc/ssl/certs/ca.crt",
    }
    assert takeover.local_folders(settings) == ["/srv/index", "/srv/wheels"]


# --- resolver, environment, names -----------------------------------------------------------------


def test_a_stub_resolver_on_loopback_is_passed_over():
    stub = "nameserver 127.0.0.53\noptions edns0\n"
    real = "search example\nnameserver 192.0.2.1\n"
    assert takeover.resolver([stub, real]) == real
    assert takeover.resolver([real, stub]) == real
    assert takeover.resolver([stub, "nameserver ::1\n"]) is None
    assert takeover.resolver(["", "# nothing\n"]) is None
    linked = "nameserver fe80::1%eth0\n"
    assert takeover.resolver([linked]) == linked


def test_environment_takes_certificates_that_exist_and_proxies():
    environment = {
        "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
        "CURL_CA_BUNDLE": "/home/me/ca.crt",
        "HTTPS_PROXY": "http://proxy.example:3128",
        "PATH": "/bin",
        "SECRET": "x",
    }
    text = takeover.environment_file(environment, lambda path: path.startswith("/etc/ssl"))
    assert text.splitlines() == [
        "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
        "https_proxy=http://proxy.example:3128",
        "HTTPS_PROXY=http://proxy.example:3128",
    ]


def test_proxies_on_loopback_are_noticed():
    environment = {
        "http_proxy": "http://127.0.0.1:3128",
        "HTTPS_PROXY": "http://user:word@localhost:3128",
        "ftp_proxy": "http://proxy.example:3128",
        "no_proxy": "localhost",
    }
    assert takeover.unreachable_proxies(environment) == ["http_proxy", "HTTPS_PROXY"]


def test_hosts_file_names_the_host_and_its_peer():
    text = takeover.hosts_file("lab-server", {"lab-client": "198.19.0.20"})
    assert "127.0.1.1 lab-server" in text.splitlines()
    assert "198.19.0.20 lab-client" in text.splitlines()
