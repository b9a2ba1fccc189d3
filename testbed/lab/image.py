"""Make the root file system that hosts are copied from, once per release and recipe."""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path

from testbed.errors import Exit, TestbedError
from testbed.lab import sources
from testbed.lab.command import delete, output, run
from testbed.lab.machine import Release, Say
from testbed.lab.names import CACHE_FOLDER

# Only what Ansible and a look around need. The roles install the rest, as on real hosts.
PACKAGES = {
    "systemd": "units, as on a real host",
    "systemd-sysv": "/sbin/init",
    "dbus": "systemctl talks over it",
    "openssh-server": "the way in",
    "python3": "Ansible's modules",
    "python3-apt": "Ansible's apt module",
    "sudo": "Ansible's become; the bench user's rights",
    "iproute2": "addresses and queues",
    "iputils-ping": "round-trip times",
    "ca-certificates": "TLS to package indexes",
    "procps": "ps and sysctl",
    "netbase": "names of protocols and services",
    "kmod": "asked for by tools that look for kernel modules",
}
# Units that take time at boot, or that wake up during a measurement.
MASKED = {
    "console-getty.service": "nobody logs in on the console",
    "getty@tty1.service": "as above",
    "systemd-logind.service": "no seats and no sessions to keep",
    "systemd-networkd.service": "the lab configures the interfaces",
    "systemd-networkd.socket": "as above",
    "systemd-networkd-wait-online.service": "as above",
    "systemd-resolved.service": "resolv.conf is taken over from the machine",
    "systemd-timesyncd.service": "the clock is the machine's",
    "systemd-pstore.service": "no crash store in a container",
    "systemd-firstboot.service": "the lab gives name and identity",
    "apt-daily.timer": "would load the host at a time of its own",
    "apt-daily-upgrade.timer": "as above",
    "dpkg-db-backup.timer": "as above",
    "e2scrub_all.timer": "as above",
    "e2scrub_reap.service": "as above",
    "fstrim.timer": "as above",
    "man-db.timer": "as above",
    "motd-news.timer": "as above",
    "systemd-tmpfiles-clean.timer": "as above",
    "ssh.socket": "sshd runs as a service, on every release alike",
}
DPKG_OPTIONS = [
    "force-unsafe-io",  # no host needs to survive a power cut: it is made anew
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/info/*",
]
SSHD_CONFIG = """\
PermitRootLogin prohibit-password
PasswordAuthentication no
UseDNS no
"""
# A command runs in its own process and mount namespaces, which end with this process, however it
# ends. So a killed `up` leaves neither a running mmdebstrap nor its mounts behind.
BOUNDED = ["setpriv", "--pdeathsig", "SIGKILL", "unshare", "--mount", "--pid", "--fork"]
BOUNDED += ["--kill-child", "--mount-proc"]
UNUSED_KEPT_D = 30
CERTIFICATES = Path("/usr/local/share/ca-certificates")
BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True)
class Recipe:
    """Everything that an image depends on. Another digest means another image."""

    release: Release
    architecture: str
    apt_sources: str
    apt_settings: list[str]
    certificates: str  # digest of the machine's CA certificates
    packages: list[str]
    masked: list[str]
    dpkg_options: list[str]
    code: str  # digest of this module, which finishes the image

    @property
    def folder(self) -> Path:
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
        release = f"{self.release.distribution}-{self.release.version}"
        return CACHE_FOLDER / f"{release}-{digest[:12]}"


def recipe(release: Release) -> Recipe:
    """Return the recipe of the image that this machine's hosts need.

    Raises TestbedError if no apt source of the distribution is found.
    """
    return Recipe(
        release=release,
        architecture=platform.machine(),
        apt_sources=_apt_sources(release),
        apt_settings=sources.apt_settings(output(["apt-config", "dump"])),
        certificates=_certificates_digest(),
        packages=sorted(PACKAGES),
        masked=sorted(MASKED),
        dpkg_options=DPKG_OPTIONS,
        code=hashlib.sha256(Path(__file__).read_bytes()).hexdigest(),
    )


def _apt_sources(release: Release) -> str:
    folder = Path("/etc/apt")
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    entries = [
        entry
        for file in files
        if file.is_file() and file.suffix in (".list", ".sources")
        for entry in sources.stanzas(file.name, file.read_text())
    ]
    own = sources.of_distribution(entries, release.distribution, release.codename)
    if not own:
        raise TestbedError(
            f"no apt source of {release.distribution} {release.codename} in /etc/apt",
            remedy="add the distribution's own archive: lab hosts are made from it",
            exit_code=Exit.NOT_READY,
        )
    return sources.as_text(sources.expand_mirrors(own, lambda path: Path(path).read_text()))


def _certificates_digest() -> str:
    digest = hashlib.sha256()
    local = sorted(CERTIFICATES.rglob("*.crt")) if CERTIFICATES.is_dir() else []
    for path in [*local, BUNDLE]:
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


def provide(recipe: Recipe, in_use: Collection[Path], say: Say) -> Path:
    """Return the image's folder, and make the image first if it does not exist.

    The caller must hold the machine's lock. `in_use` are the images of existing labs, which are
    kept. Raises TestbedError with the last lines of the tool that failed.
    """
    for partial in CACHE_FOLDER.glob("*.partial"):  # an earlier `up` was killed
        delete(partial)
    if recipe.folder.is_dir():
        os.utime(recipe.folder)  # in use: see _forget_unused
        return recipe.folder
    _forget_unused(in_use, say)
    release = f"{recipe.release.distribution} {recipe.release.version}"
    say(f"making the hosts' root file system ({release}; once, kept in {CACHE_FOLDER})")
    partial = recipe.folder.with_name(recipe.folder.name + ".partial")
    try:
        _bootstrap(recipe, partial, say)
        _customize(recipe, partial)
        partial.rename(recipe.folder)
    except BaseException:
        delete(partial)
        raise
    return recipe.folder


def _forget_unused(in_use: Collection[Path], say: Say) -> None:
    """Delete images, some 300 MB each, that no lab has used for a long time."""
    for folder in CACHE_FOLDER.iterdir():
        age_d = (time.time() - folder.stat().st_mtime) / 86400
        if folder not in in_use and age_d > UNUSED_KEPT_D:
            say(f"deleting {folder}, unused for {age_d:.0f} days")
            delete(folder)


def _bootstrap(recipe: Recipe, target: Path, say: Say) -> None:
    apt_sources = CACHE_FOLDER / "apt.sources"
    apt_sources.write_text(recipe.apt_sources)
    command = [*BOUNDED, "mmdebstrap", "--mode=root"]
    command += ["--format=directory", "--variant=minbase", "--skip=cleanup/apt/lists"]
    command += [f"--include={','.join(recipe.packages)}"]
    command += [f"--dpkgopt={option}" for option in recipe.dpkg_options]
    command += [f"--aptopt={setting}" for setting in recipe.apt_settings]
    command += ['--aptopt=Acquire::Languages "none"']
    command += [recipe.release.codename, str(target), str(apt_sources)]
    words: deque[str] = deque(maxlen=12)
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stderr or ():
            words.append(line.rstrip())
            if line.startswith("I: ") and line.endswith("...\n"):
                say(f"  {line[3:-4]}")
    apt_sources.unlink()
    if process.returncode != 0:
        raise TestbedError(
            "mmdebstrap could not make the hosts' root file system:\n  " + "\n  ".join(words),
            remedy="check that the machine's own `apt-get update` works",
            exit_code=Exit.NOT_READY,
        )


def _customize(recipe: Recipe, root: Path) -> None:
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    _write(root / "etc/ssh/sshd_config.d/testbed.conf", SSHD_CONFIG)
    _write(root / "etc/default/locale", "LANG=C.UTF-8\n")
    for stray in (root / "etc/apt/sources.list.d").iterdir():
        stray.unlink()
    (root / "etc/apt/sources.list").unlink(missing_ok=True)
    _write(root / "etc/apt/sources.list.d/machine.sources", recipe.apt_sources)
    (root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    for unit in recipe.masked:
        (root / "etc/systemd/system" / unit).unlink(missing_ok=True)
        (root / "etc/systemd/system" / unit).symlink_to("/dev/null")
    run(["chroot", str(root), "systemctl", "enable", "--quiet", "ssh.service"])
    if CERTIFICATES.is_dir():
        shutil.copytree(CERTIFICATES, root / CERTIFICATES.relative_to("/"), dirs_exist_ok=True)
        run(["chroot", str(root), "update-ca-certificates"])
    if BUNDLE.is_file():
        shutil.copyfile(BUNDLE, root / BUNDLE.relative_to("/"))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o644)  # whatever the umask
