/* Stands between a child and the C library: counts the calls that change a folder, ends the process at one of them, or
 * lets them fail as a full, unplugged or write-protected disk would. Loaded with LD_PRELOAD by tests/harness/workbench.py;
 * does nothing until harness_arm is called. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char under[PATH_MAX];
static long kill_at, fail_at, fail_for;
static int kill_group, fail_errno, armed;
static long points, calls;

void harness_arm(const char *folder, long kill_number, int group, long fail_number, long count, int error) {
    strncpy(under, folder, sizeof under - 1);
    kill_at = kill_number;
    kill_group = group;
    fail_at = fail_number;
    fail_for = count;
    fail_errno = error;
    armed = 1;
}

long harness_points(void) { return points; }
long harness_calls(void) { return calls; }

static int ours(const char *path) { return path && strncmp(path, under, strlen(under)) == 0; }

static int ours_fd(int fd) {
    char name[64], path[PATH_MAX];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(name, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return ours(path);
}

static void point(void) {
    if (__atomic_add_fetch(&points, 1, __ATOMIC_SEQ_CST) != kill_at) return;
    if (kill_group) kill(0, SIGKILL);
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* Whether this call is to fail. Freeing room always works; a write-protected or unplugged disk refuses that too. */
static int fails(int frees) {
    long now = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
    if (!fail_at || now < fail_at || now >= fail_at + fail_for) return 0;
    if (frees && (fail_errno == ENOSPC || fail_errno == EDQUOT)) return 0;
    errno = fail_errno;
    return 1;
}

#define REAL(type, name, ...)                                    \
    static type (*real)(__VA_ARGS__);                            \
    if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

#define AROUND(mine, frees, type, call)     \
    if (!armed || !(mine)) return call;     \
    if (fails(frees)) return (type)-1;      \
    point();                                \
    type value = call;                      \
    int kept = errno;                       \
    point();                                \
    errno = kept;                           \
    return value

ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, write, int, const void *, size_t);
    AROUND(ours_fd(fd), 0, ssize_t, real(fd, data, size));
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, writev, int, const struct iovec *, int);
    AROUND(ours_fd(fd), 0, ssize_t, real(fd, parts, count));
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
    AROUND(ours_fd(fd), 0, ssize_t, real(fd, data, size, at));
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
    AROUND(ours_fd(fd), 0, ssize_t, real(fd, data, size, at));
}
int fsync(int fd) {
    REAL(int, fsync, int);
    AROUND(ours_fd(fd), 0, int, real(fd));
}
int fdatasync(int fd) {
    REAL(int, fdatasync, int);
    AROUND(ours_fd(fd), 0, int, real(fd));
}
int ftruncate(int fd, off_t size) {
    REAL(int, ftruncate, int, off_t);
    AROUND(ours_fd(fd), 1, int, real(fd, size));
}
int ftruncate64(int fd, off64_t size) {
    REAL(int, ftruncate64, int, off64_t);
    AROUND(ours_fd(fd), 1, int, real(fd, size));
}
int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    AROUND(ours(to), 0, int, real(from, to));
}
int link(const char *from, const char *to) {
    REAL(int, link, const char *, const char *);
    AROUND(ours(to), 0, int, real(from, to));
}
int unlink(const char *path) {
    REAL(int, unlink, const char *);
    AROUND(ours(path), 1, int, real(path));
}
int mkdir(const char *path, mode_t mode) {
    REAL(int, mkdir, const char *, mode_t);
    AROUND(ours(path), 0, int, real(path, mode));
}
int chmod(const char *path, mode_t mode) {
    REAL(int, chmod, const char *, mode_t);
    AROUND(ours(path), 1, int, real(path, mode));
}

#define WRITES(flags) ((flags) & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC))
#define OPENS(name)                                                              \
    int name(const char *path, int flags, ...) {                                 \
        REAL(int, name, const char *, int, ...);                                 \
        va_list rest;                                                            \
        va_start(rest, flags);                                                   \
        int mode = va_arg(rest, int);                                            \
        va_end(rest);                                                            \
        AROUND(WRITES(flags) && ours(path), !((flags) & O_CREAT), int, real(path, flags, mode)); \
    }
OPENS(open)
OPENS(open64)
