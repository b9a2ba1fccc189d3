"""Make the hosts' root file systems from the image, each with an identity of its own."""

import shutil
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

from testbed.errors import Exit, TestbedError
from testbed.lab import takeover
from testbed.lab.command import delete, run
from testbed.lab.names import HostNames, LabNames

# In pip's own order: a later file overrides an earlier one.
PIP_FILES = ("/etc/xdg/pip/pip.conf", "/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf")
RESOLVERS = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))
# This runs in a mount namespace of its own, so that only the host's processes see its mounts, which
# end with the last of them. systemd-nspawn keeps lock files and mount points in its own folder. If
# it is killed, it leaves them behind, and they would disturb the next start.
ENTER = """set -e
mkdir -p /run/systemd/nspawn
mount -t tmpfs -o mode=755 tmpfs /run/systemd/nspawn
if [ -n "$0" ]; then mount -t overlay overlay -o "$0" "$1"; fi
shift
exec "$@"
"""


def make(image: Path, lab: LabNames) -> None:
    """Give each host a root: the image with a layer for changes, which takes no time, or a copy.

    Layers need a kernel and a file system that can join them. Raises TestbedError, with cp's last
    lines, if the image cannot be copied.
    """
    for host in lab.hosts:
        for folder in (host.root, host.changes, host.work):
            folder.mkdir(parents=True)
        shutil.copystat(image, host.changes)
    if not _can_be_joined(image, lab.server):
        for host in lab.hosts:
            delete(host.folder)
            host.folder.mkdir()
        _copy(image, lab)


def _can_be_joined(image: Path, host: HostNames) -> bool:
    return run([*enter(image, host), "true"], check=False).returncode == 0


def _copy(image: Path, lab: LabNames) -> None:
    copies = [
        subprocess.Popen(  # it ends with this process, so that a killed `up` does not go on writing
            ["setpriv", "--pdeathsig", "SIGKILL", "cp", "-a", "--reflink=auto", image, host.root],
            stderr=subprocess.PIPE,
            text=True,
        )
        for host in lab.hosts
    ]
    words = [copy.communicate()[1] for copy in copies]
    if any(copy.returncode != 0 for copy in copies):
        raise TestbedError(
            f"the hosts' files could not be copied: {' '.join(words).strip()}",
            exit_code=Exit.NOT_READY,
        )


def is_layered(host: HostNames) -> bool:
    """Return whether the host's root is the image with a layer for changes."""
    return host.changes.exists()


def enter(image: Path, host: HostNames) -> list[str]:
    """Return a command prefix that lets the command after it see the host's root.

    If the root has layers, it is joined of them.
    """
    layers = f"lowerdir={image},upperdir={host.changes},workdir={host.work}"
    script = ["sh", "-c", ENTER, layers if is_layered(host) else "", str(host.root)]
    return ["unshare", "--mount", *script]


def make_keys(image: Path, lab: LabNames) -> None:
    """Make the lab's own SSH key, a host key for each host, and the matching known_hosts file.

    So no key is ever trusted on first use.
    """
    lab.private_key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _make_key(lab.private_key, f"testbed-{lab.name}")
    known = []
    for host in lab.hosts:
        host_key = _folder(image, host, "/etc/ssh") / "ssh_host_ed25519_key"
        _make_key(host_key, host.hostname)
        known.append(f"{host.address} {host_key.with_suffix('.pub').read_text()}")
    lab.known_hosts.write_text("".join(known))


def _make_key(path: Path, comment: str) -> None:
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])


def personalize(
    image: Path, host: HostNames, lab: LabNames, environment: Mapping[str, str]
) -> list[str]:
    """Give the root its own identity and the machine's settings.

    Returns the folders of the machine that the host needs to see (pip's local indexes). Raises
    TestbedError if the machine has no name server that the host could reach.
    """
    settings = pip_settings(environment)
    files = {
        "/etc/hostname": f"{host.hostname}\n",
        "/etc/machine-id": f"{uuid.uuid4().hex}\n",
        "/etc/hosts": takeover.hosts_file(
            host.hostname,
            {peer.hostname: peer.bench_address for peer in lab.hosts if peer != host},
        ),
        "/etc/resolv.conf": resolver(),
        "/etc/pip.conf": takeover.pip_conf(settings),
        "/etc/environment": environment_file(image, environment),
        "/etc/ssh/sshd_config.d/testbed-address.conf": f"ListenAddress {host.address}\n",
        "/root/.ssh/authorized_keys": lab.private_key.with_suffix(".pub").read_text(),
    }
    for name, text in files.items():
        target = _folder(image, host, name.rpartition("/")[0]) / Path(name).name
        target.unlink(missing_ok=True)  # a symbolic link might lead out of the root
        target.write_text(text)
        target.chmod(0o644)  # independent of the umask
    return [folder for folder in takeover.local_folders(settings) if Path(folder).is_dir()]


def pip_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return pip's settings on this machine."""
    files = [Path(name).expanduser() for name in PIP_FILES]
    if environment.get("PIP_CONFIG_FILE"):
        files.append(Path(environment["PIP_CONFIG_FILE"]))
    return takeover.pip_settings([f.read_text() for f in files if f.is_file()], environment)


def environment_file(image: Path, environment: Mapping[str, str]) -> str:
    """Return the text of the hosts' /etc/environment."""
    return takeover.environment_file(environment, lambda path: (image / path.lstrip("/")).exists())


def resolver() -> str:
    """Return the text of the hosts' resolv.conf.

    Raises TestbedError if it would name no server that they could reach.
    """
    text = takeover.resolver(path.read_text() for path in RESOLVERS if path.is_file())
    if text is None:
        raise TestbedError(
            "the machine's resolv.conf names no server that a lab host could reach",
            remedy="name one that is not on a loopback address",
            exit_code=Exit.NOT_READY,
        )
    return text


def _folder(image: Path, host: HostNames, name: str) -> Path:
    """Return the folder of that name in the host's root, to write to before the host boots.

    A layer's folders give the joined ones their owner and mode, so they get those of the image.
    """
    folder, like = host.changes if is_layered(host) else host.root, image
    for part in Path(name.lstrip("/")).parts:
        folder, like = folder / part, like / part
        if not folder.exists():
            folder.mkdir()
            shutil.copystat(like, folder)
    return folder
