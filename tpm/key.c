/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/key.h"

/* clang-format off */
static const struct algorithm_row {
	uint8_t id;
	TPMI_ALG_PUBLIC type;
	uint16_t detail;	/* RSA: bits; ECC: curve; AES: bits */
	size_t octets;
} algorithms[] = {
	{ ALG_RSA_2048, TPM2_ALG_RSA,       2048,               256 },
	{ ALG_RSA_3072, TPM2_ALG_RSA,       3072,               384 },
	{ ALG_RSA_4096, TPM2_ALG_RSA,       4096,               512 },
	{ ALG_ECC_P256, TPM2_ALG_ECC,       TPM2_ECC_NIST_P256,  32 },
	{ ALG_ECC_P384, TPM2_ALG_ECC,       TPM2_ECC_NIST_P384,  48 },
	{ ALG_3DES,     TPM2_ALG_KEYEDHASH, 0,                   24 },
	{ ALG_AES_128,  TPM2_ALG_SYMCIPHER, 128,                 16 },
	{ ALG_AES_192,  TPM2_ALG_SYMCIPHER, 192,                 24 },
	{ ALG_AES_256,  TPM2_ALG_SYMCIPHER, 256,                 32 },
};
/* clang-format on */

/* Of a key that was made in the TPM and never leaves it; of another one the TPM does not say so. */
#define MADE_HERE \
	(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN)

/* No user authorisation by value, no dictionary attack counter: the policy alone decides. */
#define KEY_ATTRIBUTES (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_NODA)
#define PAIR_ATTRIBUTES (TPMA_OBJECT_NODA | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_DECRYPT)

static const struct algorithm_row *
find(uint8_t algorithm)
{
	size_t i;

	for (i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
		if (algorithms[i].id == algorithm)
			return &algorithms[i];
	}
	return NULL;
}

static bool
is_type(uint8_t algorithm, TPMI_ALG_PUBLIC type)
{
	const struct algorithm_row *row = find(algorithm);

	return row != NULL && row->type == type;
}

bool
key_is_rsa(uint8_t algorithm)
{
	return is_type(algorithm, TPM2_ALG_RSA);
}

bool
key_is_ecc(uint8_t algorithm)
{
	return is_type(algorithm, TPM2_ALG_ECC);
}

size_t
key_size(uint8_t algorithm)
{
	const struct algorithm_row *row = find(algorithm);

	return row != NULL ? row->octets : 0;
}

bool
key_parameters(uint8_t algorithm, TPMT_PUBLIC_PARMS *out)
{
	const struct algorithm_row *row = find(algorithm);
	TPMT_PUBLIC_PARMS p = { .type = TPM2_ALG_NULL };

	if (!key_is_rsa(algorithm) && !key_is_ecc(algorithm))
		return false;
	p.type = row->type;
	if (row->type == TPM2_ALG_RSA) {
		p.parameters.rsaDetail.symmetric.algorithm = TPM2_ALG_NULL;
		p.parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL;
		p.parameters.rsaDetail.keyBits = row->detail;
	} else {
		p.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
		p.parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
		p.parameters.eccDetail.curveID = row->detail;
		p.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
	}
	*out = p;
	return true;
}

bool
key_template(uint8_t algorithm, enum key_origin origin, const struct digest *policy,
    TPM2B_PUBLIC *out)
{
	TPMT_PUBLIC_PARMS parms;

	if (!key_parameters(algorithm, &parms))
		return false;
	/* Sign and decrypt: the raw RSA operation PIV asks for is a decryption, whatever it serves. */
	*out = (TPM2B_PUBLIC){
		.publicArea = {
			.type = parms.type,
			.nameAlg = TPM2_ALG_SHA256,
			.objectAttributes = PAIR_ATTRIBUTES |
			    (origin == ORIGIN_GENERATED ? MADE_HERE : 0),
			.authPolicy = digest_tpm2b(policy),
			.parameters = parms.parameters,
		},
	};
	return true;
}

TPM2B_PUBLIC
key_admin_template(uint8_t algorithm, bool sealed, const struct digest *policy)
{
	const struct algorithm_row *row = find(algorithm);
	TPM2B_PUBLIC out = {
		.publicArea = {
			.type = sealed ? TPM2_ALG_KEYEDHASH : TPM2_ALG_SYMCIPHER,
			.nameAlg = TPM2_ALG_SHA256,
			.objectAttributes = KEY_ATTRIBUTES,
			.authPolicy = digest_tpm2b(policy),
		},
	};

	if (sealed) {
		out.publicArea.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
		return out;
	}
	out.publicArea.objectAttributes |= TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_DECRYPT;
	out.publicArea.parameters.symDetail.sym = (TPMT_SYM_DEF_OBJECT){
		.algorithm = TPM2_ALG_AES,
		.keyBits.aes = row != NULL ? row->detail : 0,
		.mode.aes = TPM2_ALG_NULL,
	};
	return out;
}

TPM2B_PUBLIC
key_attestation_template(const struct digest *policy)
{
	/* Restricted: it signs what the TPM says of itself, and nothing that only looks so. */
	return (TPM2B_PUBLIC){
		.publicArea = {
			.type = TPM2_ALG_ECC,
			.nameAlg = TPM2_ALG_SHA256,
			.objectAttributes = MADE_HERE | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED |
			    TPMA_OBJECT_SIGN_ENCRYPT,
			.authPolicy = digest_tpm2b(policy),
			.parameters.eccDetail = {
				.symmetric.algorithm = TPM2_ALG_NULL,
				.scheme = { .scheme = TPM2_ALG_ECDSA,
				    .details.ecdsa.hashAlg = TPM2_ALG_SHA256 },
				.curveID = TPM2_ECC_NIST_P256,
				.kdf.scheme = TPM2_ALG_NULL,
			},
		},
	};
}

/* The algorithm a public area speaks of; 0 when it is none of ours. */
static uint8_t
algorithm_of(const struct keyfile *key)
{
	const TPMT_PUBLIC *area = &key->public_area.publicArea;
	uint16_t detail = 0;
	size_t i;

	if (key->sealed)
		return area->type == TPM2_ALG_KEYEDHASH ? key->algorithm : 0;
	if (area->type == TPM2_ALG_RSA)
		detail = area->parameters.rsaDetail.keyBits;
	else if (area->type == TPM2_ALG_ECC)
		detail = area->parameters.eccDetail.curveID;
	else if (area->type == TPM2_ALG_SYMCIPHER &&
	    area->parameters.symDetail.sym.algorithm == TPM2_ALG_AES)
		detail = area->parameters.symDetail.sym.keyBits.aes;
	for (i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
		if (algorithms[i].type == area->type && algorithms[i].detail == detail &&
		    detail != 0)
			return algorithms[i].id;
	}
	return 0;
}

static enum key_origin
origin_of(const struct keyfile *key)
{
	return (key->public_area.publicArea.objectAttributes & MADE_HERE) == MADE_HERE ?
	    ORIGIN_GENERATED : ORIGIN_IMPORTED;
}

bool
key_describe(const struct record *r, const struct keyfile *key, struct key_info *out)
{
	const TPM2B_DIGEST *theirs = &key->public_area.publicArea.authPolicy;
	struct digest policy;
	int rule;

	for (rule = PIN_NEVER; rule <= PIN_ALWAYS; rule++) {
		if (!record_key_policy(r, (enum pin_rule)rule, &policy))
			return false;
		if (rbuf_eq(digest_view(&policy), rbuf_of(theirs->buffer, theirs->size))) {
			*out = (struct key_info){ algorithm_of(key), (enum pin_rule)rule,
				origin_of(key) };
			return out->algorithm != 0;
		}
	}
	return false;
}

/* A number of the TPM, which leaves out leading zeros, in n octets. */
static void
put_padded(struct wbuf *out, const uint8_t *octets, size_t len, size_t n)
{
	if (len > n) {
		out->overflow = true;
		return;
	}
	wbuf_fill(out, 0, n - len);
	wbuf_put(out, rbuf_of(octets, len));
}

bool
key_public_value(const TPM2B_PUBLIC *area, uint8_t algorithm, struct wbuf *out)
{
	const TPMU_PUBLIC_ID *id = &area->publicArea.unique;
	const size_t n = key_size(algorithm);

	if (key_is_rsa(algorithm)) {
		put_padded(out, id->rsa.buffer, id->rsa.size, n);
	} else if (key_is_ecc(algorithm)) {
		wbuf_u8(out, 0x04);
		put_padded(out, id->ecc.x.buffer, id->ecc.x.size, n);
		put_padded(out, id->ecc.y.buffer, id->ecc.y.size, n);
	} else {
		return false;
	}
	return wbuf_ok(out);
}
