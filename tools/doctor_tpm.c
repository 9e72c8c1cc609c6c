/* SPDX-License-Identifier: BSD-2-Clause */
/* What doctor finds out about the configuration and the TPM it names. */
#include "tools/doctor.h"

#include "tools/names.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
check_configuration(struct doctor *d)
{
	const char *path = doctor_config_path(d);
	struct failure why = { "" };
	enum outcome outcome;

	if (access(path, F_OK) != 0 && errno == ENOENT && d->options->config != NULL) {
		found(d, LEVEL_PROBLEM, "there is no %s", path);
		return;
	}
	outcome = config_load(path, &d->config, &why);
	d->has_config = outcome == DONE;
	if (outcome == NOT_PERMITTED)
		denied(found(d, LEVEL_PROBLEM, "%s", why.text));
	else if (outcome != DONE)
		remedy(found(d, LEVEL_PROBLEM, "%s", why.text),
		    "correct it, man tpmvsc.conf says how; until then neither tpmvscmgr nor the "
		    "driver works, and most checks cannot be made");
	else if (access(path, F_OK) == 0)
		found(d, LEVEL_OK, "%s is good", path);
	else
		found(d, LEVEL_OK, "there is no %s: the defaults hold", path);
}

/* What follows a prefix of the TCTI's name, or NULL. */
static const char *
tcti_rest(const struct doctor *d, const char *prefix)
{
	const size_t n = strlen(prefix);

	return strncmp(d->config.tcti, prefix, n) == 0 ? d->config.tcti + n : NULL;
}

static void
blame_device(struct finding *f, const char *path)
{
	struct group *group;
	struct stat st;

	if (stat(path, &st) != 0) {
		remedy(f,
		    "see that the machine has a TPM 2.0 and that it is switched on in the "
		    "firmware's set-up (there it may be called PTT, fTPM or security device); "
		    "man tpmvsc.conf shows how to start a software one");
	} else if (access(path, R_OK | W_OK) != 0) {
		group = getgrgid(st.st_gid);
		f->denied = true;
		remedy(f, "run this as root; who uses %s must be in the group %s (usermod -aG)",
		    path, group != NULL ? group->gr_name : "that it belongs to");
	} else {
		remedy(f, "see what the kernel says of it (journalctl -k -g tpm), and restart the "
			  "machine");
	}
}

/* The lock that the users of one TPM share is among the cards. */
static bool
may_enter(const char *directory)
{
	return access(directory, R_OK | W_OK | X_OK) == 0 || errno != EACCES;
}

void
check_tpm(struct doctor *d)
{
	struct failure why = { "" };
	const char *device = tcti_rest(d, "device:");
	const enum outcome outcome = cards_tpm(&d->config, &d->tpm, &why);
	struct finding *f;

	d->has_tpm = outcome == DONE;
	if (outcome == DONE) {
		found(d, LEVEL_OK, "%s %s, firmware %lu.%lu, reached by %s", d->tpm.manufacturer,
		    d->tpm.model, (unsigned long)(d->tpm.firmware[0] >> 16),
		    (unsigned long)(d->tpm.firmware[0] & 0xffff), d->config.tcti);
		return;
	}
	f = found(d, LEVEL_PROBLEM, "%s (%s)", why.text, d->config.tcti);
	if (device != NULL)
		blame_device(f, device);
	else if (access(d->config.state_dir, F_OK) != 0 && errno == ENOENT)
		remedy(f,
		    "make the state directory, where the TPM's users have their lock: install -d "
		    "-m 0700 %s; create does so as well",
		    d->config.state_dir);
	else if (outcome == NOT_PERMITTED || !may_enter(d->config.state_dir))
		denied(f);
	else if (tcti_rest(d, "swtpm:") != NULL)
		remedy(f,
		    "start swtpm before pcscd (man tpmvsc.conf shows how), or correct tcti "
		    "in %s",
		    doctor_config_path(d));
	else
		remedy(f,
		    "start the resource manager (systemctl start tpm2-abrmd), or use "
		    "tcti = device:/dev/tpmrm0 in %s",
		    doctor_config_path(d));
}

void
check_device(struct doctor *d)
{
	const char *path = tcti_rest(d, "device:");
	struct group *group;
	struct finding *f;
	struct stat st;

	if (path == NULL || stat(path, &st) != 0)
		return; /* that it is not there is told already */
	group = getgrgid(st.st_gid);
	f = found(d, (st.st_mode & 0006) != 0 ? LEVEL_WARNING : LEVEL_OK,
	    "%s has mode %04o and group %s", path, (unsigned)(st.st_mode & 07777),
	    group != NULL ? group->gr_name : "?");
	if (f->level == LEVEL_WARNING)
		remedy(f,
		    "chmod 0660 it, by a udev rule that lasts: now every user can clear the TPM, "
		    "and all cards with it");
}

void
check_tpm_abilities(struct doctor *d)
{
	const struct {
		bool has;
		const char *name;
	} algorithms[] = {
		{ d->tpm.has_p256, ", P-256" },
		{ d->tpm.has_p384, ", P-384" },
		{ d->tpm.has_rsa3072, ", RSA-3072" },
		{ d->tpm.has_rsa4096, ", RSA-4096" },
	};
	char text[128] = "RSA-2048";
	struct wbuf out = wbuf_over(text, sizeof text - 1);
	size_t i;

	out.len = strlen(text);
	for (i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
		if (algorithms[i].has)
			wbuf_put(&out, rbuf_str(algorithms[i].name));
	}
	if (!d->tpm.has_pin_indices || !d->tpm.has_p256)
		remedy(found(d, LEVEL_PROBLEM, "the TPM lacks %s, which every card is built on",
			   d->tpm.has_pin_indices ? "P-256" : "counters for a PIN (PIN_FAIL)"),
		    "update its firmware: what its specification calls revision 1.38 has them, "
		    "this one has %u.%02u",
		    d->tpm.revision / 100, d->tpm.revision % 100);
	else
		found(d, LEVEL_OK, "keys it can have: %s", text);
	if (!d->tpm.has_encrypt)
		found(d, LEVEL_NOTE,
		    "it does not encrypt: AES administrator keys are only sealed by it, as others "
		    "are, and root can use them");
	found(d, LEVEL_OK, "%lu NV indices are in use; a card takes up to four",
	    (unsigned long)d->tpm.nv_indices);
}

void
check_lockout(struct doctor *d)
{
	const struct tpm_facts *t = &d->tpm;

	if (t->in_lockout)
		remedy(found(d, LEVEL_PROBLEM,
			   "the TPM has locked itself after %lu wrong tries at other objects than "
			   "the cards: no card can be made",
			   (unsigned long)t->lockout_counter),
		    "wait, it forgives one try in %lu seconds, or tpm2_dictionarylockout "
		    "--clear-lockout with the lockout authorisation",
		    (unsigned long)t->lockout_recovery);
	else
		found(d, LEVEL_OK,
		    "not locked; %lu of %lu wrong tries at other objects than the cards",
		    (unsigned long)t->lockout_counter, (unsigned long)t->lockout_limit);
	if (!t->lockout_auth_set)
		remedy(
		    found(d, LEVEL_NOTE,
			"the lockout authorisation is not set: whoever reaches the TPM can clear "
			"it, and all cards with it"),
		    "tpm2_changeauth -c lockout, where the site keeps such passwords");
}

void
check_owner(struct doctor *d)
{
	const bool file = d->config.owner_auth_file[0] != '\0';

	if (d->tpm.owner_auth_works)
		found(d, LEVEL_OK, "the owner's authorisation %s",
		    d->tpm.owner_auth_set ? "is set, and ours works" : "is empty");
	else
		remedy(
		    found(d, LEVEL_PROBLEM,
			"the TPM's owner has an authorisation, and %s: cards can neither be made "
			"nor destroyed",
			file ? "the one we have is another" : "we have none"),
		    "put it into a file only root can read, and owner_auth_file = FILE into %s",
		    doctor_config_path(d));
}

void
check_software_tpm(struct doctor *d)
{
	if (tcti_rest(d, "swtpm:") != NULL)
		found(d, LEVEL_NOTE,
		    "the TPM is a program (swtpm): who copies its state directory has the keys and "
		    "the wrong tries back, and a loss of power can undo the last ones");
}
