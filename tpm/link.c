/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/link.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tss2/tss2_sys.h>
#include <unistd.h>

#include "tpm/rc.h"

#define HANDLES_AT_ONCE 64

/* An authValue is as long as a digest at most. */
#define OWNER_AUTH_MAX sizeof((TPM2B_AUTH *)0)->buffer

/* Where TPM2_CAP_HANDLES begins to list; TCG TPM 2.0 Part 2, 7.4. */
#define HANDLES_TRANSIENT 0x80000000U
#define HANDLES_LOADED_SESSION 0x02000000U
#define HANDLES_SAVED_SESSION 0x03000000U

/* tss2 would print whole commands and answers, secrets included, if a user asked for it. */
static void
silence_tss2(void)
{
	(void)setenv("TSS2_LOG", "all+NONE", 1);
	(void)unsetenv("TSS2_LOGFILE");
}

struct tpm *
tpm_new(const struct tpm_config *config)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct tpm *t = calloc(1, sizeof *t);

	(void)pthread_once(&once, silence_tss2);
	if (t == NULL)
		return NULL;
	t->config = *config;
	t->lease = lease_new();
	if (t->lease == NULL) {
		free(t);
		return NULL;
	}
	return t;
}

void
tpm_spent(const struct tpm *t, struct tpm_spent *out)
{
	*out = t->spent;
	if (t->wire != NULL)
		wire_spent(t->wire, &out->ns, &out->commands);
	if (t->side.wire != NULL)
		wire_spent(t->side.wire, &out->ns, &out->commands);
	if (t->sunk != NULL)
		wire_spent(t->sunk, &out->ns, &out->commands);
}

/* Close a wire; what it spent stays counted.  One that is stuck is kept in sight until its answer is there. */
static void
let_go(struct tpm *t, struct wire **w)
{
	if (*w != NULL && wire_stuck(*w) && t->sunk == NULL) {
		t->sunk = *w;
	} else if (*w != NULL) {
		wire_spent(*w, &t->spent.ns, &t->spent.commands);
		wire_close(*w);
	}
	*w = NULL;
}

bool
link_shared(const struct tpm *t)
{
	return strncmp(t->config.tcti, "swtpm:", strlen("swtpm:")) == 0;
}

enum tpm_err
tpm_err_from_rc(TSS2_RC rc)
{
	switch (rc_base(rc)) {
	case TSS2_RC_SUCCESS:
		return TPM_OK;
	case TPM2_RC_NV_SPACE:
	case TPM2_RC_NV_DEFINED:
	case RC_ABSENT:
	case RC_DISK_FULL:
		return TPM_NO_ROOM;
	case TPM2_RC_BAD_AUTH:
	case TPM2_RC_AUTH_FAIL:
	case TSS2_TCTI_RC_NOT_PERMITTED:
	case RC_UNKNOWABLE:
		return TPM_DENIED;
	default:
		return TPM_UNUSABLE;
	}
}

/* Where the TCTI string says the TPM is, when that is a file; else NULL. */
static const char *
tpm_path(const char *tcti)
{
	static const char *const prefixes[] = { "device:", "swtpm:path=" };
	size_t i;

	for (i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
		if (strncmp(tcti, prefixes[i], strlen(prefixes[i])) == 0)
			return tcti + strlen(prefixes[i]);
	}
	return NULL;
}

/* tss2 says only "IO failure": find out in the administrator's words why the TPM cannot be opened. */
static TSS2_RC
explain_open(const struct tpm *t, TSS2_RC rc, struct failure *why)
{
	const char *path = tpm_path(t->config.tcti);

	if (path != NULL && access(path, R_OK | W_OK) != 0) {
		if (errno == EACCES || errno == EPERM) {
			fail(why, "no permission to use the TPM %s: run as root, or join the group that owns it (tss)", path);
			return TSS2_TCTI_RC_NOT_PERMITTED;
		}
		fail(why, "no TPM at %s (%s): is it enabled in the firmware, is its driver loaded, is tcti in the configuration right?",
		    path, strerror(errno));
		return rc;
	}
	fail(why, "the TPM at %s does not answer: %s", t->config.tcti,
	    path != NULL && strncmp(t->config.tcti, "swtpm:", 6) == 0 ?
		"is swtpm running?" : "is another program holding it? use /dev/tpmrm0");
	return rc;
}

bool
link_owner_auth(const struct tpm *t, struct secret *auth, struct failure *why)
{
	struct stat st;
	ssize_t n = -1;
	int fd;

	secret_clear(auth);
	if (t->config.owner_auth_file == NULL)
		return true;
	fd = open(t->config.owner_auth_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) == 0)
		n = read(fd, auth->data, sizeof auth->data);
	if (fd >= 0)
		(void)close(fd);
	while (n > 0 && rbuf_at(rbuf_of(auth->data, (size_t)n), (size_t)n - 1) == '\n')
		n--;
	if (n >= 0 && (size_t)n <= OWNER_AUTH_MAX) {
		auth->len = (size_t)n;
		return true;
	}
	secret_clear(auth);
	fail(why, "owner_auth_file %s must be a readable file of mode 0600 with at most %zu octets",
	    t->config.owner_auth_file, OWNER_AUTH_MAX);
	return false;
}

/* Whether there is something to authorise as the owner with. */
static void
look_for_owner_auth(struct tpm *t, struct failure *why)
{
	SECRET(auth);

	t->owner_unknown = !link_owner_auth(t, &auth, why);
	t->owner_has_auth = auth.len != 0;
	/* The card works without it; only what the owner alone may do does not. */
	if (t->owner_unknown)
		log_warning("cannot use owner_auth_file %s", t->config.owner_auth_file);
}

/* tss2's end of a wire; NULL when memory is out. */
static TSS2_SYS_CONTEXT *
sys_open(struct wire *w)
{
	const size_t size = Tss2_Sys_GetContextSize(0);
	TSS2_ABI_VERSION version = TSS2_ABI_VERSION_CURRENT;
	TSS2_SYS_CONTEXT *sys = calloc(1, size);

	if (sys == NULL || Tss2_Sys_Initialize(sys, size, wire_tcti(w), &version) == TSS2_RC_SUCCESS)
		return sys;
	free(sys);
	return NULL;
}

static void
sys_close(TSS2_SYS_CONTEXT **sys)
{
	if (*sys == NULL)
		return;
	Tss2_Sys_Finalize(*sys);
	/* The last command and its answer are in it. */
	explicit_bzero(*sys, Tss2_Sys_GetContextSize(0));
	free(*sys);
	*sys = NULL;
}

/* What is loaded from a handle on; false when the TPM does not say. */
static bool
list_handles(struct tpm *t, TPM2_HANDLE first, TPM2_HANDLE out[HANDLES_AT_ONCE], size_t *n)
{
	TPMS_CAPABILITY_DATA data;
	TPMI_YES_NO more;

	if (Tss2_Sys_GetCapability(t->sys, NULL, TPM2_CAP_HANDLES, first, HANDLES_AT_ONCE, &more,
		&data, NULL) != TSS2_RC_SUCCESS)
		return false;
	for (*n = 0; *n < data.data.handles.count && *n < HANDLES_AT_ONCE; ++*n)
		out[*n] = data.data.handles.handle[*n];
	return true;
}

static void
flush(struct tpm *t, const TPM2_HANDLE *handles, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (handles[i] != 0)
			(void)Tss2_Sys_FlushContext(t->sys, handles[i]);
	}
}

/*
 * Flush what another process (or a killed one) left, and this one forgot:
 * without a resource manager three leftovers stop everybody.  Only where the
 * lease makes us the TPM's one user.
 */
static void
flush_leftovers(struct tpm *t)
{
	TPM2_HANDLE handles[2 * HANDLES_AT_ONCE];
	size_t n, sessions;

	if (!list_handles(t, HANDLES_TRANSIENT, handles, &n) ||
	    !list_handles(t, HANDLES_LOADED_SESSION, handles + n, &sessions))
		return;
	flush(t, handles, lease_nobodys(t->lease, handles, n + sessions));
}

void
link_make_room(struct tpm *t)
{
	TPM2_HANDLE theirs[2];

	while (link_shared(t) && t->sys != NULL && lease_evict(t->lease, t->others, theirs))
		flush(t, theirs, 2);
}

void
link_flush_saved(struct tpm *t)
{
	TPM2_HANDLE handles[HANDLES_AT_ONCE];
	size_t n;

	if (!link_shared(t) || t->sys == NULL)
		return;
	log_warning("the TPM is full of sessions: flushing those that clients have saved");
	if (list_handles(t, HANDLES_SAVED_SESSION, handles, &n))
		flush(t, handles, n);
}

/* A TPM nobody has started up is ours to start only where it is ours alone. */
static TSS2_RC
start_up(struct tpm *t, struct failure *why)
{
	TSS2_RC rc = Tss2_Sys_SelfTest(t->sys, NULL, TPM2_NO, NULL);

	if (rc_base(rc) == TPM2_RC_INITIALIZE && link_shared(t))
		rc = Tss2_Sys_Startup(t->sys, TPM2_SU_CLEAR);
	if (rc == TSS2_RC_SUCCESS || rc_base(rc) == TPM2_RC_TESTING)
		return TSS2_RC_SUCCESS;
	if (rc_base(rc) == TPM2_RC_FAILURE)
		fail(why, "the TPM is in failure mode: restart the machine (0x%x)", (unsigned)rc);
	else if ((rc & TSS2_RC_LAYER_MASK) == TSS2_TCTI_RC_LAYER)
		return explain_open(t, rc, why);
	else
		fail(why, "the TPM refuses to work: error 0x%x", (unsigned)rc);
	return rc;
}

static TSS2_RC
connect_tpm(struct tpm *t, const struct timespec *deadline, struct failure *why)
{
	TSS2_RC rc = wire_open(t->config.tcti, deadline, &t->wire);

	t->epoch++;
	if (rc != TSS2_RC_SUCCESS) {
		link_drop(t);
		return explain_open(t, rc, why);
	}
	t->sys = sys_open(t->wire);
	rc = t->sys != NULL ? start_up(t, why) : TSS2_TCTI_RC_MEMORY;
	if (rc == TSS2_RC_SUCCESS)
		look_for_owner_auth(t, why);
	if (rc == TSS2_RC_SUCCESS && link_shared(t))
		flush_leftovers(t);
	if (rc != TSS2_RC_SUCCESS) {
		rc_log("connect to the TPM", rc);
		link_drop(t);
	}
	return rc;
}

static void
deadline_in(unsigned seconds, struct timespec *out)
{
	(void)clock_gettime(CLOCK_MONOTONIC, out);
	out->tv_sec += (time_t)seconds;
}

bool
link_late(struct tpm *t)
{
	if (t->sunk != NULL && !wire_stuck(t->sunk))
		let_go(t, &t->sunk);
	return t->sunk != NULL;
}

/* Wait for the turn; what others keep is not touched yet. */
static TSS2_RC
take_turn(struct tpm *t, bool alone, const struct timespec *deadline, struct failure *why)
{
	if (!link_shared(t))
		return TSS2_RC_SUCCESS;
	switch (lease_take(t->lease, t->config.lease, t->config.tcti, alone || t->sys == NULL,
	    deadline, why)) {
	case LEASE_KEPT:
		break;
	case LEASE_TAKEN:
		link_drop(t);
		break;
	case LEASE_FULL:
		return RC_DISK_FULL;
	case LEASE_LATE:
	case LEASE_FAULT:
		return RC_STUCK;
	}
	return TSS2_RC_SUCCESS;
}

/* others is how many may keep what they keep. */
static TSS2_RC
begin(struct tpm *t, bool alone, unsigned others, unsigned seconds, struct failure *why)
{
	struct timespec deadline;
	TSS2_RC rc;

	deadline_in(seconds, &deadline);
	if (link_late(t)) {
		fail(why, "the TPM has not answered an earlier command yet; try again later");
		return RC_STUCK;
	}
	rc = take_turn(t, alone, &deadline, why);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	/* Who would not wait long for the turn is not to cut the TPM short as well. */
	if (seconds < LINK_SECONDS)
		deadline_in(LINK_SECONDS, &deadline);
	if (t->sys == NULL)
		rc = connect_tpm(t, &deadline, why);
	else
		wire_deadline(t->wire, &deadline);
	if (t->side.wire != NULL)
		wire_deadline(t->side.wire, &deadline);
	t->others = others;
	if (rc != TSS2_RC_SUCCESS)
		lease_give(t->lease);
	else if (!wire_unread(t->wire))
		link_make_room(t);
	return rc;
}

TSS2_RC
link_begin(struct tpm *t, unsigned seconds, struct failure *why)
{
	return link_enter(t, LINK_ALONE, seconds, why);
}

TSS2_RC
link_enter(struct tpm *t, enum link_use use, unsigned seconds, struct failure *why)
{
	return begin(t, use != LINK_KEPT, use == LINK_ALONE ? 0 : LEASE_KEEPERS - 1, seconds, why);
}

void
link_keep(struct tpm *t, TPM2_HANDLE object, TPM2_HANDLE session)
{
	lease_keep(t->lease, object, session);
}

bool
link_keeps(const struct tpm *t, TPM2_HANDLE handle)
{
	return lease_keeps(t->lease, handle);
}

static void
side_close(struct tpm *t)
{
	sys_close(&t->side.sys);
	let_go(t, &t->side.wire);
}

static void
forget_salt(struct tpm *t)
{
	explicit_bzero(&t->salt, sizeof t->salt);
}

void
link_end(struct tpm *t)
{
	forget_salt(t);
	if (t->wire != NULL && wire_stuck(t->wire))
		link_drop(t);
	lease_give(t->lease);
}

bool
link_side(struct tpm *t)
{
	const struct timespec at_once = { .tv_sec = 0 };

	if (t->side.sys != NULL || !link_shared(t))
		return t->side.sys != NULL;
	if (wire_open(t->config.tcti, &at_once, &t->side.wire) == TSS2_RC_SUCCESS)
		t->side.sys = sys_open(t->side.wire);
	if (t->side.sys == NULL)
		side_close(t);
	return t->side.sys != NULL;
}

void
link_drop(struct tpm *t)
{
	forget_salt(t);
	side_close(t);
	sys_close(&t->sys);
	let_go(t, &t->wire);
	lease_keep(t->lease, 0, 0);
	t->epoch++;
}

/* tss2 takes no other command before it has had the answer to the last. */
static bool
reopen(struct tpm *t)
{
	if (!wire_unread(t->wire))
		return true;
	sys_close(&t->sys);
	t->sys = sys_open(t->wire);
	return t->sys != NULL;
}

void
tpm_rest(struct tpm *t)
{
	/* On a shared TPM the next client would have to flush what we leave: do it now. */
	if (link_shared(t) && t->sys != NULL &&
	    begin(t, true, UINT_MAX, LINK_SECONDS, NULL) == TSS2_RC_SUCCESS) {
		lease_keep(t->lease, 0, 0);
		if (reopen(t))
			flush_leftovers(t);
		link_end(t);
	}
	link_drop(t);
}

void
tpm_free(struct tpm *t)
{
	if (t == NULL)
		return;
	tpm_rest(t);
	wire_close(t->sunk);
	lease_free(t->lease);
	free(t);
}
