"""Tell which system packages are missing, and the one ``apt-get`` line that brings them.

Runs on the bare interpreter, before anything is installed. Exit code 0 when everything is there, 1 when not. With
``--install`` and the rights of root the packages are installed instead of named. The list is ``system-packages.txt``.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).resolve().with_name("system-packages.txt")


@dataclass(frozen=True)
class Package:
    """One Debian package, the section it is listed in and what shows that it is there."""

    name: str
    section: str
    probe: str

    def present(self) -> bool:
        """Load the library or look for the program: the package's name differs between releases, these do not."""
        if ".so" not in self.probe:
            return shutil.which(self.probe) is not None
        try:
            ctypes.CDLL(self.probe)
        except OSError:
            return False
        return True


def read_list(path: Path = LIST) -> list[Package]:
    """Read the list: section headings in brackets, then ``package probe what-for`` lines."""
    packages, section = [], ""
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if not words or line.startswith("#"):
            continue
        if line.startswith("["):
            section = line.strip().strip("[]")
        else:
            packages.append(Package(words[0], section, words[1]))
    return packages


def missing(sections: set[str]) -> list[Package]:
    """Return what is not there; nothing on systems that bring these libraries themselves (Windows, macOS)."""
    if not sys.platform.startswith("linux"):
        return []
    return [package for package in read_list() if package.section in sections and not package.present()]


def apt_line(packages: list[Package]) -> str:
    return "sudo apt-get install --no-install-recommends " + " ".join(package.name for package in packages)


def may_install() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: list[Package]) -> None:
    """Install with apt-get; needs root. Its own output is shown only when it fails."""
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    options = ["-qq", "-o", "DPkg::Lock::Timeout=300"]
    names = [package.name for package in packages]
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *names]):
        done = subprocess.run(
            ["apt-get", *options, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode and arguments[0] == "install":
            sys.stderr.write(done.stdout)


def ensure(sections: set[str], *, do_install: bool) -> bool:
    """Install or name what is missing. Returns whether everything is there now."""
    absent = missing(sections)
    if absent and do_install and may_install():
        sys.stdout.write("Installing system packages with apt-get: ")
        sys.stdout.write(" ".join(package.name for package in absent) + "\n")
        sys.stdout.flush()
        install(absent)
        absent = missing(sections)
    if not absent:
        return True
    if shutil.which("apt-get"):
        sys.stderr.write(f"System packages are missing. Install them, then run this again:\n\n{apt_line(absent)}\n\n")
    else:
        probes = " ".join(package.probe for package in absent)
        sys.stderr.write(f"System libraries or programs are missing; install the packages that hold: {probes}\n")
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description="Check the system packages that the workstation needs.")
    parser.add_argument("--test", action="store_true", help="also what only the tests need")
    parser.add_argument("--install", action="store_true", help="install what is missing, when run as root")
    chosen = parser.parse_args()
    if not ensure({"run", "test"} if chosen.test else {"run"}, do_install=chosen.install):
        return 1
    sys.stdout.write("The system packages are all there.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
