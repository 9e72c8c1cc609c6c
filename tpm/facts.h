/* SPDX-License-Identifier: BSD-2-Clause */
/* What a TPM says of itself: for show and doctor.  Knows libc only. */
#ifndef TPMVSC_TPM_FACTS_H
#define TPMVSC_TPM_FACTS_H

#include <stdbool.h>
#include <stdint.h>

struct tpm_facts {
	char manufacturer[5]; /* four characters, e.g. "IBM " trimmed to "IBM"; nothing unprintable */
	char model[17];	      /* the vendor's string, trimmed */
	uint32_t firmware[2]; /* TPM_PT_FIRMWARE_VERSION_1 and _2 */
	unsigned revision;    /* of the specification, times 100: 138 */

	bool has_pin_indices; /* PIN_FAIL: what a card is built on */
	bool has_p256, has_p384, has_rsa3072, has_rsa4096; /* RSA-2048 every TPM has */
	bool has_encrypt;     /* EncryptDecrypt2: AES management keys live in the TPM */

	bool owner_auth_set, endorsement_auth_set, lockout_auth_set;
	bool owner_auth_works; /* what we have been given, or the empty one */
	bool in_lockout;
	uint32_t lockout_counter, lockout_limit, lockout_recovery; /* tries, tries, seconds per try */
	bool orderly; /* the last shutdown was announced */

	uint32_t nv_indices;	  /* defined now */
	uint32_t nv_counters_max; /* 0: not told */
	uint32_t persistent_free; /* handles, about */
};

#endif
