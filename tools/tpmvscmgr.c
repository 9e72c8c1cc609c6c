/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tpmvscmgr: makes, unmakes and lists TPM virtual smart cards.  The exit
 * status is the outcome.
 */
#include "tools/commands.h"
#include "tools/message.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Locked memory for the policy authority's private key, which lives for one create. */
#define SECURE_OCTETS 65536
#define SECURE_LEAST  32

/* clang-format off */
static command_run *const commands[VERBS] = {
	[VERB_CREATE] = create_run,
	[VERB_DESTROY] = destroy_run,
	[VERB_LIST] = list_run,
	[VERB_ENROLL] = enroll_run,
	[VERB_CHANGE_PIN] = change_pin_run,
	[VERB_CHANGE_PUK] = change_puk_run,
	[VERB_CHANGE_ADMIN_KEY] = change_admin_key_run,
	[VERB_UNBLOCK] = unblock_run,
	[VERB_RESPOND] = respond_run,
	[VERB_CA_RESPOND] = ca_respond_run,
	[VERB_SHOW] = show_run,
	[VERB_ATTEST] = attest_run,
	[VERB_VERIFY] = verify_run,
	[VERB_DOCTOR] = doctor_run,
	[VERB_REPAIR] = repair_run,
};
/* clang-format on */

/* A file opened later must not become standard output or error. */
static void
keep_standard_streams(void)
{
	/* Each the wrong way round: using what was closed goes on failing. */
	static const int flags[] = { O_WRONLY, O_RDONLY, O_WRONLY };
	int fd;

	for (fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", flags[fd]) != fd)
			_exit(FAILED);
	}
}

/* Whether a variable steers what libraries load, trust or print. */
static bool
steers(const char *variable)
{
	static const char *const prefixes[] = { "OPENSSL_", "SSL", "CURL_", "TSS2_", "TPM2TOOLS_",
		"TPM2_" };
	size_t i;

	for (i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
		if (strncmp(variable, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	}
	return false;
}

static bool
drop(const char *variable)
{
	const size_t n = strcspn(variable, "=");
	char name[256];

	if (n >= sizeof name)
		return false; /* no library asks for such a one */
	(void)snprintf(name, sizeof name, "%.*s", (int)n, variable);
	return unsetenv(name) == 0;
}

static void
clean_environment(void)
{
	size_t v = 0;

	while (environ != NULL && environ[v] != NULL) {
		if (!steers(environ[v]) || !drop(environ[v]))
			v++;
	}
}

/* Before anything else runs: nothing of this process may end up in a file. */
static void
harden(void)
{
	const struct rlimit none = { 0, 0 };

	keep_standard_streams();
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)umask(077);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error as others are */
	clean_environment();
	(void)CRYPTO_secure_malloc_init(SECURE_OCTETS, SECURE_LEAST);
}

static enum outcome
load_config(const struct options *options, struct config *out, struct failure *why)
{
	const char *path = options->config != NULL ? options->config : TPMVSC_CONF;

	/* No configuration is the defaults, but one that was asked for must be there. */
	if (options->config != NULL && access(path, F_OK) != 0) {
		fail(why, "%s: %s", path, strerror(errno));
		return errno == EACCES ? NOT_PERMITTED : FAILED;
	}
	return config_load(path, out, why);
}

enum outcome
command_run_here(const struct options *options, struct failure *why)
{
	struct config config = { .tcti = "" };
	enum outcome outcome = DONE;

	/*
	 * The help desk and a CA have no cards, and not always the right to read what is said
	 * of some; a verifier has nothing but the bundle; what is wrong with the
	 * configuration is for doctor to say.
	 */
	if (options->verb != VERB_RESPOND && options->verb != VERB_CA_RESPOND &&
	    options->verb != VERB_VERIFY &&
	    options->verb != VERB_DOCTOR)
		outcome = load_config(options, &config, why);
	if (outcome != DONE)
		return outcome;
	if (commands[options->verb] == NULL)
		return WRONG_USAGE;
	return commands[options->verb](&config, options, why);
}

/* What the far side of /machine has told is not told twice. */
static enum outcome
run(int argc, char *const argv[], const struct options *options)
{
	struct failure why = { .text = "" };
	enum outcome outcome;

	message_log(options->verbose);
	if (options->machine != NULL)
		outcome = machine_run(argc, argv, options, &why);
	else if (options->stdio)
		outcome = stdio_run(options, &why);
	else
		outcome = command_run_here(options, &why);
	if (outcome != DONE && (options->machine == NULL || failed(&why)))
		message_failure(outcome, &why);
	return outcome;
}

static enum outcome
print(const char *text)
{
	if (fputs(text, stdout) >= 0 && fclose(stdout) == 0)
		return DONE;
	message_error("cannot write to standard output: %s", strerror(errno));
	return FAILED;
}

int
main(int argc, char *argv[])
{
	struct failure why = { .text = "" };
	struct options options;
	enum outcome outcome;

	harden();
	if (argc < 2) {
		(void)fputs(help_text(VERB_NONE), stderr);
		return WRONG_USAGE;
	}
	outcome = options_parse(argc, argv, &options, &why);
	if (outcome == DONE && options.help)
		return (int)print(help_text(options.verb));
	if (outcome == DONE && options.version)
		return (int)print("tpmvscmgr " PACKAGE_VERSION "\n");
	if (outcome == DONE)
		return (int)run(argc, argv, &options);
	message_failure(outcome, &why);
	return (int)outcome;
}
