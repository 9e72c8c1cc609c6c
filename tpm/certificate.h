/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The X.509 certificates that an AK signs: its own, and one for a key of its
 * card.  The second carries the evidence for what it says, for whoever signs as
 * a CA says what he likes.  Pure: octets in and out; certify.c asks the TPM.
 *
 * The extension OID_EVIDENCE, not critical:
 *
 * TpmEvidence ::= SEQUENCE {
 *	version		INTEGER (1),
 *	ak		OCTET STRING,	-- TPMT_PUBLIC
 *	authority	OCTET STRING,	-- x || y, P-256: who approves of writing to pin
 *	change		OCTET STRING,	-- r || s: its approval that the PIN's owner changes it
 *	pin		Index,
 *	life		Index,
 *	reference	INTEGER,	-- of the key, e.g. 9a
 *	key		OCTET STRING,	-- TPMT_PUBLIC
 *	creation	OCTET STRING,	-- TPMS_CREATION_DATA
 *	statement	Statement }	-- of TPM2_CertifyCreation
 * Index ::= SEQUENCE {
 *	area		OCTET STRING,	-- TPMS_NV_PUBLIC
 *	statement	Statement }	-- of TPM2_NV_Certify, its eight octets
 * Statement ::= SEQUENCE {
 *	attest		OCTET STRING,	-- TPMS_ATTEST
 *	signature	OCTET STRING }	-- TPMT_SIGNATURE
 *
 * All statements are the AK's, and the qualifyingData of each is
 * evidence_digest() of evidence that has these fields and no other.  Who besides
 * its owner may set the PIN is not in it: that is for tpmvscmgr attest to show.
 */
#ifndef TPMVSC_TPM_CERTIFICATE_H
#define TPMVSC_TPM_CERTIFICATE_H

#include <time.h>
#include <tss2/tss2_tpm2_types.h>

#include "tpm/evidence.h"

/* The longest certificate; what it is made of is shorter. */
#define CERTIFICATE_MAX VAULT_CERTIFICATE_MAX

struct certificate_spec {
	struct rbuf ak_area;   /* TPMT_PUBLIC: who signs */
	struct rbuf key_area;  /* whose certificate it is; the AK's own: a CA's, signed by itself */
	const char *subject;   /* common name; NULL: the signer's */
	struct rbuf extension; /* DER; empty: none */
	time_t from;	       /* valid from here on, without an end */
};

/* Append the extension's octets.  False when memory is out or evidence is of no such key. */
MUST_CHECK bool certificate_extension(const struct evidence *e, struct wbuf *out);

/* Append the TBSCertificate: what is to be signed.  False when memory is out or an area is no key's. */
MUST_CHECK bool certificate_begin(const struct certificate_spec *spec, struct wbuf *out);

/* Append the certificate: what certificate_begin() made, and its signature. */
MUST_CHECK bool certificate_finish(
    struct rbuf tbs, const TPMS_SIGNATURE_ECDSA *signature, struct wbuf *out);

#endif
