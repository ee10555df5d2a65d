/* Makes a chosen system call of the process fail or be its last one. Loaded with LD_PRELOAD; the order stands in a file
 * that the test maps too, so it can be given at any time:
 *
 *   int32 call    which call, by its number below; 0: none
 *   int32 deed    what happens, by its number below
 *   int64 after   it happens to the call that counts this down to 0; FULL: and to all after it
 *   int64 inode   filled in: of the file that was to be synced by the last call of all
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WRITE = 1, FDATASYNC, FSYNC, RENAME, UNLINK, ALLOCATE, TRUNCATE };
enum { KILL = 1, TEAR, ERROR, FULL };

static volatile struct { int32_t call, deed; int64_t after, inode; } *order;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *at = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED) order = at;
    if (fd >= 0) close(fd);
}

/* What happens to this call; KILL does not return. */
static int due(int call, int fd) {
    struct stat about;
    int64_t left;
    if (!order || order->call != call) return 0;
    left = __sync_sub_and_fetch(&order->after, 1);
    if (left > 0 || (left < 0 && order->deed != FULL)) return 0;
    if (fd >= 0 && fstat(fd, &about) == 0) order->inode = about.st_ino;
    if (order->deed == KILL) kill(getpid(), SIGKILL);
    errno = order->deed == FULL ? ENOSPC : EIO;
    return order->deed;
}

#define REAL(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))

/* How much of this write may still be done; -1: it fails. TEAR does half of it, and that is all. */
static ssize_t allowed(int fd, size_t size, int *tear) {
    struct stat about;
    int deed = 0;
    if (order && order->call == WRITE && fstat(fd, &about) == 0 && S_ISREG(about.st_mode)) deed = due(WRITE, fd);
    *tear = deed == TEAR;
    if (deed == TEAR || (deed == FULL && size > 64)) return size / 2;
    return deed ? -1 : (ssize_t) size;
}

ssize_t write(int fd, const void *data, size_t size) {
    int tear;
    ssize_t part = allowed(fd, size, &tear);
    ssize_t wrote = part < 0 ? -1 : REAL(write)(fd, data, part);
    if (tear) kill(getpid(), SIGKILL);
    return wrote;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    int tear;
    ssize_t part = allowed(fd, size, &tear);
    ssize_t wrote = part < 0 ? -1 : REAL(pwrite64)(fd, data, part, at);
    if (tear) kill(getpid(), SIGKILL);
    return wrote;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return pwrite64(fd, data, size, at); }
int fdatasync(int fd) { return due(FDATASYNC, fd) ? -1 : REAL(fdatasync)(fd); }
int fsync(int fd) { return due(FSYNC, fd) ? -1 : REAL(fsync)(fd); }
int rename(const char *from, const char *to) { return due(RENAME, -1) ? -1 : REAL(rename)(from, to); }
int unlink(const char *path) { return due(UNLINK, -1) ? -1 : REAL(unlink)(path); }
int posix_fallocate(int fd, off_t at, off_t size) {
    return due(ALLOCATE, fd) ? errno : REAL(posix_fallocate)(fd, at, size);
}
int posix_fallocate64(int fd, off64_t at, off64_t size) {
    return due(ALLOCATE, fd) ? errno : REAL(posix_fallocate64)(fd, at, size);
}
int ftruncate(int fd, off_t size) { return due(TRUNCATE, fd) ? -1 : REAL(ftruncate)(fd, size); }
int ftruncate64(int fd, off64_t size) { return due(TRUNCATE, fd) ? -1 : REAL(ftruncate64)(fd, size); }
