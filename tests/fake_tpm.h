/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tpm/tpm.h in memory that child processes share, for tests of card/: what is
 * in the "TPM" outlives a killed child.  Every step that changes it is a
 * fault_point(), so an accident can happen there too.
 */
#ifndef TPMVSC_TESTS_FAKE_TPM_H
#define TPMVSC_TESTS_FAKE_TPM_H

#include "tests/fake_vault.h"
#include "tpm/tpm.h"

#define FAKE_INDICES 4  /* of one card */
#define FAKE_SLOTS   64 /* of the TPM */

struct fake_tpm {
	struct {
		uint32_t card; /* 0: free */
		uint32_t which;
	} nv[FAKE_SLOTS];
	struct fake_memory memory[FAKE_SLOTS]; /* of card n at n % FAKE_SLOTS */
	uint32_t parent; /* its number; 0: none */
	uint32_t cards;  /* made or planned so far */
	bool away;       /* nothing reaches the TPM */
	bool denied;     /* the owner's authorisation is wrong: nothing can be made or erased */
	unsigned room;   /* indices that still fit */

	uint32_t challenges; /* opened so far */
	bool forgetful;	     /* it has forgotten every challenge */

	/* What this TPM was last told, for tests to look at. */
	unsigned pin_tries, puk_tries;
	bool had_puk, had_admin_key;
	uint8_t admin_algorithm;
	char tcti[64], lease[300], owner_auth_file[64];
	_Atomic unsigned open; /* clients and vaults not yet freed; a driver has threads */
	unsigned rests;
};

extern struct fake_tpm *fake_tpm;

/* An empty TPM with room for FAKE_SLOTS indices. */
void fake_tpm_reset(void);

/* How many indices are there, of one card or (0) of all. */
unsigned fake_tpm_count(uint32_t card);

/* The card's number in a record. */
uint32_t fake_tpm_number(struct rbuf record);

/* The vault behind a vault opened here, to make it fail. */
struct fake_vault *fake_tpm_vault(void);

#endif
