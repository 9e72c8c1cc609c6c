/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/swtpm.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void
die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static bool
answers(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool up;

	if (strlen(path) >= sizeof at.sun_path)
		die(path);
	memcpy(at.sun_path, path, strlen(path));
	up = fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof at) == 0;
	(void)close(fd);
	return up;
}

static void
run(const struct swtpm *s)
{
	char state[160], server[192], control[192], log[160];

	/* It must not outlive a test that crashed. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)snprintf(state, sizeof state, "dir=%s", s->dir);
	(void)snprintf(server, sizeof server, "type=unixio,path=%s/sock%s", s->dir,
	    s->disconnects ? ",disconnect" : "");
	(void)snprintf(control, sizeof control, "type=unixio,path=%s/sock.ctrl", s->dir);
	(void)snprintf(log, sizeof log, "file=%s/log", s->dir);
	(void)execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state, "--server", server,
	    "--log", log, "--flags", "startup-clear", s->no_control ? NULL : "--ctrl", control,
	    (char *)NULL);
	die("swtpm");
}

void
swtpm_start(struct swtpm *s)
{
	char path[160];
	int i;

	(void)snprintf(path, sizeof path, "%s/sock", s->dir);
	(void)unlink(path);
	s->pid = fork();
	if (s->pid < 0)
		die("fork");
	if (s->pid == 0)
		run(s);
	for (i = 0; i < 500 && !answers(path); i++) {
		if (waitpid(s->pid, NULL, WNOHANG) == s->pid) {
			s->pid = 0;
			break;
		}
		(void)usleep(10000);
	}
	if (s->pid != 0 && i < 500)
		return;
	(void)fprintf(stderr, "swtpm does not come up: is it installed?\n");
	swtpm_end(s);
	exit(EXIT_FAILURE);
}

void
swtpm_begin(struct swtpm *s)
{
	memset(s, 0, sizeof *s);
	(void)snprintf(s->dir, sizeof s->dir, "/tmp/tpmvsc-XXXXXX");
	if (mkdtemp(s->dir) == NULL)
		die("mkdtemp");
	(void)snprintf(s->tcti, sizeof s->tcti, "swtpm:path=%s/sock", s->dir);
	(void)snprintf(s->lease, sizeof s->lease, "%s/lock", s->dir);
	swtpm_start(s);
}

void
swtpm_kill(struct swtpm *s)
{
	if (s->pid <= 0)
		return;
	(void)kill(s->pid, SIGKILL);
	(void)waitpid(s->pid, NULL, 0);
	s->pid = 0;
}

void
swtpm_end(struct swtpm *s)
{
	static const char *const files[] = { "sock", "sock.ctrl", "lock", ".lock", "log", "tap", "tap.ctrl",
		"tpm2-00.permall", "tpm2-00.volatilestate", "tpm2-00.savestate" };
	char path[160];
	size_t i;

	swtpm_kill(s);
	for (i = 0; i < sizeof files / sizeof files[0]; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", s->dir, files[i]);
		(void)unlink(path);
	}
	if (rmdir(s->dir) != 0)
		perror(s->dir);
}
