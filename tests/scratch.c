/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/scratch.h"

#include "tests/suite.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_ROOM 512

static char base[PATH_ROOM];
static unsigned descriptors;

#define MUST(what) ck_assert_msg((what), #what ": %s", strerror(errno))

static unsigned
count_entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned n = 0;

	MUST(dir != NULL);
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n - 2;
}

void
scratch_setup(void)
{
	const char *parent = getenv("TMPDIR");

	/* In memory: some tests sync ten thousand times. */
	if (parent == NULL || parent[0] != '/')
		parent = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
	(void)snprintf(base, sizeof base, "%s/tpmvsc-check.XXXXXX", parent);
	MUST(mkdtemp(base) != NULL);
	descriptors = count_entries("/proc/self/fd");
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

void
scratch_teardown(void)
{
	unsigned now = count_entries("/proc/self/fd");

	(void)nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	ck_assert_msg(now == descriptors, "descriptors left open: %u, were %u", now, descriptors);
}

const char *
scratch_path(const char *name)
{
	static char paths[4][PATH_ROOM + 64];
	static unsigned next;
	char *path = paths[next++ % 4];

	(void)snprintf(path, sizeof paths[0], "%s%s%s", base, name[0] != '\0' ? "/" : "", name);
	return path;
}

void
scratch_mkdir(const char *name, mode_t mode)
{
	MUST(mkdir(scratch_path(name), 0700) == 0);
	MUST(chmod(scratch_path(name), mode) == 0);
}

void
scratch_write(const char *name, struct rbuf content, mode_t mode)
{
	int fd = open(scratch_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	MUST(fd >= 0);
	MUST(write(fd, content.len != 0 ? content.data : (const uint8_t *)"", content.len) ==
	     (ssize_t)content.len);
	MUST(fchmod(fd, mode) == 0);
	(void)close(fd);
}

size_t
scratch_read(const char *name, uint8_t *out, size_t cap)
{
	int fd = open(scratch_path(name), O_RDONLY);
	ssize_t n;

	MUST(fd >= 0);
	n = read(fd, out, cap);
	MUST(n >= 0);
	(void)close(fd);
	return (size_t)n;
}

void
scratch_symlink(const char *target, const char *name)
{
	MUST(symlink(target, scratch_path(name)) == 0);
}

void
scratch_hardlink(const char *from, const char *name)
{
	MUST(link(scratch_path(from), scratch_path(name)) == 0);
}

void
scratch_fifo(const char *name)
{
	MUST(mkfifo(scratch_path(name), 0600) == 0);
}

void
scratch_socket(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	MUST(fd >= 0);
	ck_assert_int_lt(snprintf(at.sun_path, sizeof at.sun_path, "%s", scratch_path(name)),
	    (int)sizeof at.sun_path);
	MUST(bind(fd, (struct sockaddr *)&at, sizeof at) == 0);
	(void)close(fd);
}

void
scratch_chown(const char *name, uid_t owner)
{
	MUST(lchown(scratch_path(name), owner, (gid_t)-1) == 0);
}

void
scratch_chmod(const char *name, mode_t mode)
{
	MUST(chmod(scratch_path(name), mode) == 0);
}

void
scratch_remove(const char *name)
{
	(void)nftw(scratch_path(name), remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

bool
scratch_exists(const char *name)
{
	struct stat st;

	return lstat(scratch_path(name), &st) == 0;
}

unsigned
scratch_count(const char *name)
{
	return count_entries(scratch_path(name));
}

static uint64_t sum;

static void
add(const void *data, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		sum = (sum ^ ((const uint8_t *)data)[i]) * UINT64_C(0x100000001b3);
}

static int
add_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	char octets[4096];
	ssize_t n;
	int fd;

	(void)at;
	add(path, strlen(path));
	add(&st->st_mode, sizeof st->st_mode);
	add(&st->st_uid, sizeof st->st_uid);
	if (kind != FTW_F || !S_ISREG(st->st_mode))
		return 0;
	fd = open(path, O_RDONLY);
	MUST(fd >= 0);
	while ((n = read(fd, octets, sizeof octets)) > 0)
		add(octets, (size_t)n);
	(void)close(fd);
	return 0;
}

uint64_t
scratch_sum(const char *name)
{
	sum = UINT64_C(0xcbf29ce484222325);
	MUST(nftw(scratch_path(name), add_one, 16, FTW_PHYS) == 0);
	return sum;
}

static int
in_child(int (*prepare)(void), int (*body)(void *), void *context)
{
	int status = -1;
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	MUST(pid >= 0);
	if (pid == 0) {
		if (prepare() != 0) {
			perror("scratch");
			_exit(254);
		}
		_exit(body(context));
	}
	MUST(waitpid(pid, &status, 0) == pid);
	ck_assert_msg(WIFEXITED(status), "the child died of signal %d", WTERMSIG(status));
	ck_assert_msg(WEXITSTATUS(status) != 254, "the child could not be prepared");
	return WEXITSTATUS(status);
}

static int
become_stranger(void)
{
	if (!scratch_is_root())
		return 0;
	return setgroups(0, NULL) == 0 && setgid(SCRATCH_STRANGER) == 0 &&
		       setuid(SCRATCH_STRANGER) == 0
		   ? 0
		   : -1;
}

static int
leave_mounts(void)
{
	if (unshare(CLONE_NEWNS) != 0)
		return -1;
	return mount("none", "/", "none", MS_REC | MS_PRIVATE, "");
}

int
scratch_as_stranger(int (*body)(void *), void *context)
{
	return in_child(become_stranger, body, context);
}

int
scratch_in_mounts(int (*body)(void *), void *context)
{
	return in_child(leave_mounts, body, context);
}

bool
scratch_is_root(void)
{
	return geteuid() == 0;
}
