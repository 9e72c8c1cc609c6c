/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vault in memory, for tests of applet/: it counts tries, keeps proofs as
 * the port says, and any of its calls can be told to fail.  Its ciphers are
 * toys whose results a test can write down.
 */
#ifndef TPMVSC_TESTS_FAKE_VAULT_H
#define TPMVSC_TESTS_FAKE_VAULT_H

#include "applet/vault.h"

#define FAKE_REFERENCES 3
#define FAKE_KEYS 32

/* What outlives a vault that is closed: it may be elsewhere, for the next one to be opened on. */
struct fake_memory {
	struct fake_reference {
		bool present;
		struct secret value;
		unsigned left, limit;
	} references[FAKE_REFERENCES];
	uint8_t serial;       /* of the next key */
	uint8_t admin_serial; /* of the 9B that ADMIN knows; 0: there is no ADMIN */
	bool broken;          /* every call fails */
	bool hidden;          /* the octets of 9B cannot be had */
	struct secret octets[FAKE_KEYS]; /* of card management keys, by serial number */
};

struct fake_vault {
	struct vault port; /* first: the applet sees this */

	struct fake_memory own, *memory;
	struct fake_reference *references; /* of the memory */
	bool unreadable;      /* tries cannot be told */
	bool once, always;    /* PIN proofs */
	uint8_t random;       /* the next random octet */
	bool long_public;     /* a generated key's public value is longer than any */
	uint8_t oversize;     /* octets too many in every key and result */
	bool admin_hidden;    /* the octets of 9B cannot be had */
	bool admin_broken;    /* following is done, and then fails */

	unsigned calls;   /* that can fail, so far */
	unsigned fail_at; /* the call that fails; 0: none */
	enum vault_err fail_with;
	bool late; /* a failing unseal or operation writes its result, and takes it back */
	unsigned forgets, disarms;

	unsigned *power; /* calls left of all ports until the power goes; NULL: it stays */
};

/* PIN 12345678 and PUK 87654321 with five tries, no keys. */
void fake_vault_init(struct fake_vault *v);

/* Go on with what another vault, perhaps of another process, has left in memory. */
void fake_vault_share(struct fake_vault *v, struct fake_memory *memory);

/* Tell the vault the octets of a key that was made elsewhere. */
void fake_vault_tell(struct fake_memory *memory, uint8_t serial, const struct secret *octets);

/* Let the nth call from now on fail with err, without doing anything. */
void fake_vault_fail(struct fake_vault *v, unsigned n, enum vault_err err);

/* Append a key as vault_generate() would make it. */
void fake_vault_key(struct fake_vault *v, uint8_t algorithm, enum pin_rule pin, struct wbuf *key);

/* The toy block cipher: each octet of the block with 5a and the algorithm mixed in. */
uint8_t fake_vault_mix(uint8_t algorithm, uint8_t octet);

#endif
