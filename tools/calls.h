/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two calls by which a machine gets a certificate for an AK over HTTPS, as
 * JSON: /attest and /secret of the attestation client in smallstep's
 * go.step.sm/crypto (tpm/attestation).  Octets are base64.
 *
 *	POST /attest  { "tpmInfo": { "version": 2, "manufacturer": "1229081856",
 *	                  "model": "...", "firmwareVersion": "..." },
 *	                "ek": SubjectPublicKeyInfo, "ekCerts": [ DER, ... ],
 *	                "params": { "public": TPMT_PUBLIC, "createData": TPMS_CREATION_DATA,
 *	                  "createAttestation": TPMS_ATTEST, "createSignature": TPMT_SIGNATURE } }
 *	          ->  { "credential": TPM2B_ID_OBJECT, "secret": TPM2B_ENCRYPTED_SECRET }
 *	POST /secret  { "secret": octets }
 *	          ->  { "chain": [ DER, ... ] }, the AK's certificate first
 *
 * Members that nobody knows are nobody's concern here: the other side is a
 * program of somebody else's.
 */
#ifndef TPMVSC_TOOLS_CALLS_H
#define TPMVSC_TOOLS_CALLS_H

#include "card/attest.h"

/* The longest of these texts. */
#define CALL_TEXT_MAX 65536

/* Append the body of /attest.  False when something is missing, or out is full. */
MUST_CHECK bool call_attest_write(
    const struct evidence *e, const struct tpm_facts *tpm, struct wbuf *text);

/*
 * Read one, at the CA: ek, ek_area (as the TCG's template has it) and ak_area.
 *
 * octets what out has views of is appended
 * why    a clause about the request
 */
MUST_CHECK bool call_attest_read(
    struct rbuf text, struct wbuf *octets, struct evidence *out, struct failure *why);

/* Read the answer to /attest. */
MUST_CHECK bool call_credential_read(struct rbuf text, struct wbuf *octets, struct rbuf *blob,
    struct rbuf *encrypted, struct failure *why);

/* Append the body of /secret. */
MUST_CHECK bool call_secret_write(const struct secret *secret, struct wbuf *text);

/* Read the answer to /secret. */
MUST_CHECK bool call_chain_read(
    struct rbuf text, struct wbuf *octets, struct chain *out, struct failure *why);

/*
 * Append what a server is to do with a request that is good:
 *
 *	{ "answer": what /attest answers, "expect": SHA-256 of the secret, hexadecimal,
 *	  "then": what /secret answers to that secret }
 */
MUST_CHECK bool call_plan_write(struct rbuf blob, struct rbuf encrypted,
    const struct secret *secret, const struct chain *ak, struct wbuf *text);

#endif
