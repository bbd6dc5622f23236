"""The command line of bubblewrap around the starter: a file system of libraries, and nothing else.

What is bound, all of it read-only: the interpreter with its library, the virtual environment, this package, the
system's shared libraries. There is no home, no case, no temporary file of another program, no ``/proc``, no network, no
other process, no host name, and no capability even when the workstation runs as root.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path

_LIBRARIES = ("/lib", "/lib64", "/lib32", "/usr/lib", "/usr/lib64", "/usr/local/lib")
_LOADER = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d")
# Finding libseccomp by name asks this program for the loader's cache.
_FINDERS = ("/sbin/ldconfig", "/usr/sbin/ldconfig", "/sbin/ldconfig.real", "/usr/sbin/ldconfig.real")


def bubblewrap_command(
    program: str, package_root: Path, more_folders: Sequence[Path], environment: Mapping[str, str]
) -> list[str]:
    """Return the words that stand in front of the command to be confined.

    Args:
        program: path of ``bwrap``.
        package_root: the folder in which the package lies; only the package itself is bound.
        more_folders: bound too (tests).
    """
    words = [program, "--unshare-all", "--new-session", "--cap-drop", "ALL", "--clearenv"]
    for name, value in environment.items():
        words += ["--setenv", name, value]
    for place in _places(package_root, more_folders):
        words += _binding(place)
    return [*words, "--dev", "/dev", "--tmpfs", "/tmp", "--chdir", "/", "--"]


def _places(package_root: Path, more_folders: Sequence[Path]) -> list[Path]:
    found = [Path(name) for name in (*_LIBRARIES, *_LOADER, *_FINDERS)]
    executable = Path(sys.executable)
    # Every step of the chain of links from the virtual environment to the real interpreter must lead somewhere.
    while executable.is_symlink():
        found.append(executable)
        target = executable.readlink()
        executable = target if target.is_absolute() else executable.parent / target
    found += [executable, package_root / "workstation"]
    system = (Path("/usr"), Path("/usr/local"))
    if Path(sys.prefix) not in system:
        found.append(Path(sys.prefix))
    if Path(sys.base_prefix) in system:
        found += [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")]
    else:
        found.append(Path(sys.base_prefix))
    return [*found, *more_folders]


def _binding(place: Path) -> list[str]:
    if place.is_symlink() and not place.is_dir():
        return ["--ro-bind", str(place.resolve()), str(place)] if place.exists() else []
    if place.is_symlink():
        # Merged systems: /lib is a link to usr/lib, which is bound itself.
        return ["--symlink", str(place.readlink()), str(place)]
    return ["--ro-bind", str(place), str(place)] if place.exists() else []
