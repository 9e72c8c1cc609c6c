/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a TPM has certified about a card, for anybody to check who has neither:
 * the AK (the card's attestation key), the indices that count its secrets, the
 * authority that says who may reset them, and its keys.  Pure; every octet of
 * it is hostile.  docs/attestation.md says what it proves.
 */
#ifndef TPMVSC_TPM_EVIDENCE_H
#define TPMVSC_TPM_EVIDENCE_H

#include "applet/vault.h"
#include "base/log.h"
#include "base/secret.h"
#include "tpm/oids.h"

#define EVIDENCE_VERSION 1
#define EVIDENCE_KEYS_MAX 24
#define EVIDENCE_CHAIN_MAX 4
#define EVIDENCE_INDICES 4   /* PIN, PUK, ADMIN, LIFE: as enum card_index */
#define EVIDENCE_APPROVALS 7 /* as enum approval_id */
#define EVIDENCE_NONCE_MAX 64

/* Room for all that one card's evidence can hold. */
#define EVIDENCE_OCTETS_MAX (256UL << 10)

/* A statement of the AK: TPMS_ATTEST and TPMT_SIGNATURE, marshalled.  Empty where there is none. */
struct statement {
	struct rbuf attest, signature;
};

/* A certificate and those of the authorities above it, without the root; DER.  Empty: none. */
struct chain {
	struct rbuf certificate;
	struct rbuf above[EVIDENCE_CHAIN_MAX];
};

struct evidence_index {
	struct rbuf area;	    /* TPMS_NV_PUBLIC; empty: the card has no such index */
	struct statement statement; /* NV_Certify of its eight octets */
};

struct evidence_key {
	uint8_t reference;	    /* e.g. 0x9a */
	struct rbuf area;	    /* TPMT_PUBLIC */
	struct rbuf creation;	    /* TPMS_CREATION_DATA; empty when the key was imported */
	struct statement statement; /* CertifyCreation; empty when it was imported */
	struct rbuf certificate;    /* what the card keeps for it, DER; empty: nothing */
};

/* Views of octets that somebody else keeps. */
struct evidence {
	struct rbuf name, guid; /* as the card's record says: UTF-8; 16 octets */
	struct rbuf nonce;	/* the verifier's, for freshness; may be empty */
	struct chain ek;	/* the endorsement key's certificate; may be empty */
	struct rbuf ek_area;	/* TPMT_PUBLIC; may be empty */
	struct chain ak;	/* the AK's certificate; may be empty */
	struct rbuf ak_area;	/* TPMT_PUBLIC */
	struct rbuf authority;	/* K: x || y, P-256 */
	struct rbuf approval[EVIDENCE_APPROVALS]; /* r || s; empty: not given */
	struct evidence_index index[EVIDENCE_INDICES];
	struct evidence_key key[EVIDENCE_KEYS_MAX];
	size_t keys; /* in the order of their references */
};

/*
 * Append the canonical form: everything but the statements.  A number is four
 * octets, big-endian; an item is its length as a number, then its octets; what
 * is not there is an item of length 0.
 *
 * "tpmvsc: evidence about a card\n"	30 octets, without length or NUL
 * EVIDENCE_VERSION			number
 * name, guid, nonce			three items
 * the EK's certificate			item
 * those above it			number: how many; that many items
 * ek_area				item
 * the AK's certificate			item
 * those above it			number: how many; that many items
 * ak_area				item
 * authority				item: x || y
 * approvals				number: 7; items r || s, as enum approval_id
 * indices				number: 4; items: PIN's, PUK's, ADMIN's, LIFE's area
 * keys					number: how many; of each:
 *     reference			number
 *     area, creation, certificate	three items
 *
 * False when it does not fit, for too many keys, and for a chain with a hole.
 */
MUST_CHECK bool evidence_canonical(const struct evidence *e, struct wbuf *out);

/* SHA-256 of the canonical form: the qualifyingData of every statement.  False also when memory is out. */
struct digest;
MUST_CHECK bool evidence_digest(const struct evidence *e, struct digest *out);

/* What was found about each part; a fault is empty where nothing is wrong. */
struct evidence_report {
	struct failure ak;	  /* a restricted signing key of a TPM, made in it, this card's and no other's */
	struct failure authority; /* each approval is K's and is for one of the things a card allows */
	struct {
		bool present;
		struct failure fault;
		uint32_t count, limit; /* as certified; zero for LIFE */
	} index[EVIDENCE_INDICES];
	struct {
		struct failure fault;
		struct key_info info;
	} key[EVIDENCE_KEYS_MAX];
	bool puk_resets, admin_resets; /* who may give the PIN its tries back, by the approvals shown */
};

/* In the fault of a statement that is about other evidence than this, as all are when some of it was altered. */
#define EVIDENCE_ALTERED "was made for other evidence"

/*
 * Check all that can be checked without a certificate: signatures, magic and
 * types, qualifyingData, Names, whole public areas, policies, offsets and sizes.
 * True when no part has a fault.  An imported key is no fault: info says so.
 */
MUST_CHECK bool evidence_check(const struct evidence *e, struct evidence_report *out);

/*
 * Take the evidence out of a certificate that INS F9 gave, for evidence_check().
 * That the certificate is for the key in it, and signed by the AK in it, is
 * checked here.  Who besides its owner may set the PIN is not part of it.
 *
 * certificate X.509 in DER, hostile
 * octets      has room for EVIDENCE_OCTETS_MAX; what out has views of is appended
 * why         a sentence about the certificate
 */
MUST_CHECK bool evidence_of_certificate(struct rbuf certificate, struct wbuf *octets,
    struct evidence *out, struct failure *why);

/* Append the public key of a TPMT_PUBLIC (RSA, ECC) as SubjectPublicKeyInfo in DER. */
MUST_CHECK bool evidence_public_key(struct rbuf area, struct wbuf *out);

/* Whether an area is that of an AK: restricted, signing, fixed to its TPM, P-256 with ECDSA and SHA-256. */
MUST_CHECK bool evidence_is_ak(struct rbuf area);

/* ---- credentials: what only the TPM with that EK and that AK can read ---- */

#define CREDENTIAL_SECRET_MAX 32
#define CREDENTIAL_OCTETS_MAX 1024

/*
 * Append the TPMT_PUBLIC of an EK by its public key (SubjectPublicKeyInfo, DER:
 * RSA-2048, P-256 or P-384), if it was made by the TCG's default template: for
 * protocols that bring the key alone.  A wrong guess makes a credential that no TPM reads.
 */
MUST_CHECK bool evidence_ek_area(struct rbuf spki, struct wbuf *area);

/*
 * TPM2_MakeCredential in software; TCG TPM 2.0 Part 1, 24.
 *
 * ek_area   TPMT_PUBLIC: RSA-2048, P-256 or P-384, storage key
 * ak_area   TPMT_PUBLIC: its Name is bound in
 * secret    1 to CREDENTIAL_SECRET_MAX octets
 * blob      appended: TPM2B_ID_OBJECT
 * encrypted appended: TPM2B_ENCRYPTED_SECRET
 */
MUST_CHECK bool credential_make(struct rbuf ek_area, struct rbuf ak_area,
    const struct secret *secret, struct wbuf *blob, struct wbuf *encrypted);

#endif
