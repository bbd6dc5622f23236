"""The decoder child's allow-list of system calls (seccomp), and what happens to all others.

What decoding needs: reading descriptors that are already open, writing to pipes that are already open, memory without
the right to execute it, threads of its own, clocks. Everything else answers EPERM, because a library that merely looks
around (a terminal, a processor count, a locale) must not end the reading of genuine evidence. A few calls that no
library makes on its way to a picture, and that a taken-over decoder would make first, end the child at once (SIGSYS):
then the refusal names an attack and not a damaged file.

Traps that were measured: glibc starts threads with clone3, whose flags lie in memory where a filter cannot see them, so
it is answered ENOSYS and glibc falls back to clone, which is let through only with CLONE_THREAD; a call of another
architecture or of the x32 table ends the child (libseccomp's default).
"""

from __future__ import annotations

import errno
import mmap
import sys
from typing import Any

_PLAIN = (
    "read", "readv", "pread64", "preadv", "preadv2", "write", "writev", "lseek", "close", "dup", "dup2", "dup3",
    "fstat", "poll", "ppoll", "select", "pselect6", "futex", "sched_yield", "sched_getaffinity", "clock_gettime",
    "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "times", "getpid", "gettid", "getuid",
    "geteuid", "getgid", "getegid", "getcpu", "getrandom", "getrusage", "getrlimit", "rt_sigaction", "rt_sigprocmask",
    "rt_sigreturn", "sigaltstack", "brk", "munmap", "mremap", "madvise", "exit", "exit_group", "set_robust_list",
    "rseq", "membarrier", "restart_syscall", "uname", "sysinfo",
)  # fmt: skip
_DEADLY = (
    "execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "bpf",
    "userfaultfd", "perf_event_open", "mount", "umount2", "pivot_root", "chroot", "unshare", "setns", "init_module",
    "finit_module", "kexec_load", "keyctl", "add_key", "request_key", "io_uring_setup", "kill", "tkill",
    "pidfd_send_signal", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
)  # fmt: skip
_CLONE_THREAD = 0x00010000
_AT_EMPTY_PATH = 0x1000
_ASKING = (1, 3, 1030)  # F_GETFD, F_GETFL, F_DUPFD_CLOEXEC


class CallFilter:
    """A filter that is built once and can be laid on many children after a fork."""

    def __init__(self) -> None:
        """Raises: RuntimeError, OSError or ImportError when libseccomp is missing or does not know this system."""
        if not sys.platform.startswith("linux"):
            raise RuntimeError("no seccomp on this system")
        import pyseccomp

        self._filter = _built(pyseccomp)

    def load(self) -> None:
        """Lay the filter on this process, all its threads and whatever comes of them; it cannot be taken off."""
        self._filter.load()


def _built(seccomp: Any) -> Any:
    allow = seccomp.ALLOW
    made = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    made.set_attr(seccomp.Attr.CTL_TSYNC, 1)
    for name in _PLAIN:
        _add(made, allow, name)
    for name in _DEADLY:
        _add(made, seccomp.KILL_PROCESS, name)
    arg = seccomp.Arg
    for name in ("mmap", "mprotect"):
        _add(made, allow, name, arg(2, seccomp.MASKED_EQ, mmap.PROT_EXEC, 0))
    _add(made, allow, "clone", arg(0, seccomp.MASKED_EQ, _CLONE_THREAD, _CLONE_THREAD))
    _add(made, seccomp.ERRNO(errno.ENOSYS), "clone3")
    _add(made, allow, "newfstatat", arg(3, seccomp.MASKED_EQ, _AT_EMPTY_PATH, _AT_EMPTY_PATH))
    for name in ("prlimit64", "setrlimit"):
        # Its own limits only, which can go down but never above the hard ones.
        _add(made, allow, name, *([arg(0, seccomp.EQ, 0)] if name == "prlimit64" else []))
    for command in _ASKING:
        _add(made, allow, "fcntl", arg(1, seccomp.EQ, command))
    return made


def _add(made: Any, action: int, name: str, *arguments: Any) -> None:
    try:
        made.add_rule(action, name, *arguments)
    except (ValueError, OSError):
        # Not a call of this architecture (aarch64 has no "time", for one): then nothing can call it either.
        return
