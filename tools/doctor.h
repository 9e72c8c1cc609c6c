/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to doctor: what its checks find, and what they know from each other. */
#ifndef TPMVSC_TOOLS_DOCTOR_H
#define TPMVSC_TOOLS_DOCTOR_H

#include "tools/commands.h"
#include "tools/readers.h"

/* Only a problem makes the exit status. */
enum level { LEVEL_OK, LEVEL_NOTE, LEVEL_WARNING, LEVEL_PROBLEM, LEVELS };

struct finding {
	enum level level;
	const char *check; /* which check it is of */
	char text[768];
	char remedy[512]; /* empty: none, or in the text */
	bool denied;	  /* a problem of this user only */
};

/* More than the checks can find on a machine with CARDS_MAX cards. */
#define FINDINGS_MAX 256

struct doctor {
	const struct options *options;
	const char *check; /* the one at work */

	bool has_config; /* set once the check that finds it out has run; so are the others */
	struct config config;
	bool has_tpm;
	struct tpm_facts tpm;
	bool has_readers, pcscd_hangs;
	struct readers readers;
	bool has_cards;
	struct card_summary cards[CARDS_MAX];
	size_t card_count;
	struct repair repair; /* what interrupted runs had left */
	struct failure repair_problem;

	struct finding findings[FINDINGS_MAX];
	size_t count;
};

/* Note a finding; its remedy, if there is one, follows. */
struct finding *found(struct doctor *d, enum level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void remedy(struct finding *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
void denied(struct finding *f); /* it is for root: the remedy, too */

/* The configuration file that the command line or the installation names. */
const char *doctor_config_path(const struct doctor *d);

/* Whether a reader of that instance is listed; position counts from 0. */
MUST_CHECK bool doctor_reader(const struct doctor *d, unsigned instance, size_t *position);

/* One check. */
typedef void check_function(struct doctor *d);
check_function check_configuration, check_state, check_tpm, check_device, check_tpm_abilities, check_lockout,
    check_owner, check_software_tpm, check_pcscd, check_polkit, check_entry, check_driver,
    check_room, check_opensc, check_unfinished, check_cards, check_contents;

#endif
