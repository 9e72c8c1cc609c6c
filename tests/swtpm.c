/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/swtpm.h"

#include <signal.h>
#include <stdarg.h>
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

static void
prepare(struct swtpm *s)
{
	memset(s, 0, sizeof *s);
	(void)snprintf(s->dir, sizeof s->dir, "/tmp/tpmvsc-XXXXXX");
	if (mkdtemp(s->dir) == NULL)
		die("mkdtemp");
	(void)snprintf(s->tcti, sizeof s->tcti, "swtpm:path=%s/sock", s->dir);
	(void)snprintf(s->lease, sizeof s->lease, "%s/lock", s->dir);
}

void
swtpm_begin(struct swtpm *s)
{
	prepare(s);
	swtpm_start(s);
}

/* ---- manufactured ---- */

/* Write a file of the directory. */
static void __attribute__((format(printf, 3, 4)))
write_file(const struct swtpm *s, const char *name, const char *format, ...)
{
	char path[160];
	va_list arguments;
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", s->dir, name);
	f = fopen(path, "w");
	if (f == NULL)
		die(path);
	va_start(arguments, format);
	(void)vfprintf(f, format, arguments);
	va_end(arguments);
	(void)fclose(f);
}

static void
manufacture(const struct swtpm *s)
{
	const bool root = geteuid() == 0;
	char state[160], config[160], log[160];

	(void)snprintf(state, sizeof state, "dir://%s", s->dir);
	(void)snprintf(config, sizeof config, "%s/setup.conf", s->dir);
	(void)snprintf(log, sizeof log, "%s/setup.log", s->dir);
	/* It says a little before it opens its log. */
	if (freopen("/dev/null", "w", stdout) == NULL)
		die("/dev/null");
	(void)execlp("swtpm_setup", "swtpm_setup", "--tpm2", "--tpmstate", state,
	    "--create-ek-cert", "--lock-nvram", "--config", config, "--logfile", log,
	    root ? "--runas" : (char *)NULL, "root", (char *)NULL);
	die("swtpm_setup");
}

void
swtpm_begin_certified(struct swtpm *s)
{
	int status = 1;
	pid_t pid;

	prepare(s);
	write_file(s, "localca.conf", "statedir = %s\nsigningkey = %s/signkey.pem\n"
	    "issuercert = %s/" SWTPM_ISSUER "\ncertserial = %s/certserial\n",
	    s->dir, s->dir, s->dir, s->dir);
	write_file(s, "localca.options", "--platform-manufacturer tpmvsc\n"
	    "--platform-version 1\n--platform-model tests\n");
	write_file(s, "setup.conf", "create_certs_tool = swtpm_localca\n"
	    "create_certs_tool_config = %s/localca.conf\n"
	    "create_certs_tool_options = %s/localca.options\nactive_pcr_banks = sha256\n",
	    s->dir, s->dir);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0)
		manufacture(s);
	if (waitpid(pid, &status, 0) != pid || status != 0) {
		(void)fprintf(stderr, "swtpm_setup fails: is swtpm-tools installed?\n");
		swtpm_end(s);
		exit(EXIT_FAILURE);
	}
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
		"tpm2-00.permall", "tpm2-00.volatilestate", "tpm2-00.savestate",
		/* of one that was manufactured */
		"localca.conf", "localca.options", "setup.conf", "setup.log", "certserial",
		".lock.swtpm-localca", "signkey.pem", "swtpm-localca-rootca-privkey.pem",
		SWTPM_ISSUER, SWTPM_ROOT };
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
