/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/keyfile.h"

#include <limits.h>
#include <openssl/asn1t.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#define PEM_LABEL "TSS2 PRIVATE KEY"
#define PEM_LABEL_CREATION "TPMVSC CREATION"
#define OID_LOADABLE "2.23.133.10.1.3"
#define OID_SEALED "2.23.133.10.1.5"
#define OID_TEXT_MAX 32

/*
 * TPMKey ::= SEQUENCE {
 *	type		OBJECT IDENTIFIER,
 *	emptyAuth	[0] EXPLICIT BOOLEAN OPTIONAL,
 *	description	[4] EXPLICIT UTF8String OPTIONAL,
 *	parent		INTEGER,
 *	pubkey		OCTET STRING,	-- TPM2B_PUBLIC
 *	privkey		OCTET STRING }	-- TPM2B_PRIVATE
 * The fields [1] to [3] (policy, secret, authPolicy) are not written, and a
 * file that has them is not one of ours.
 */
typedef struct {
	ASN1_OBJECT *type;
	ASN1_BOOLEAN empty_auth;
	ASN1_UTF8STRING *description;
	ASN1_INTEGER *parent;
	ASN1_OCTET_STRING *pubkey;
	ASN1_OCTET_STRING *privkey;
} TPM_KEY;

/*
 * Creation ::= SEQUENCE {
 *	data		OCTET STRING,	-- TPMS_CREATION_DATA
 *	ticket		OCTET STRING }	-- TPMT_TK_CREATION
 */
typedef struct {
	ASN1_OCTET_STRING *data;
	ASN1_OCTET_STRING *ticket;
} TPM_CREATION;

DECLARE_ASN1_FUNCTIONS(TPM_KEY)
DECLARE_ASN1_FUNCTIONS(TPM_CREATION)

/* OpenSSL's macros define more functions than we use and cast as they like. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wunused-function"
ASN1_SEQUENCE(TPM_KEY) = {
	ASN1_SIMPLE(TPM_KEY, type, ASN1_OBJECT),
	ASN1_EXP_OPT(TPM_KEY, empty_auth, ASN1_BOOLEAN, 0),
	ASN1_EXP_OPT(TPM_KEY, description, ASN1_UTF8STRING, 4),
	ASN1_SIMPLE(TPM_KEY, parent, ASN1_INTEGER),
	ASN1_SIMPLE(TPM_KEY, pubkey, ASN1_OCTET_STRING),
	ASN1_SIMPLE(TPM_KEY, privkey, ASN1_OCTET_STRING),
} ASN1_SEQUENCE_END(TPM_KEY)
IMPLEMENT_ASN1_FUNCTIONS(TPM_KEY)
ASN1_SEQUENCE(TPM_CREATION) = {
	ASN1_SIMPLE(TPM_CREATION, data, ASN1_OCTET_STRING),
	ASN1_SIMPLE(TPM_CREATION, ticket, ASN1_OCTET_STRING),
} ASN1_SEQUENCE_END(TPM_CREATION)
IMPLEMENT_ASN1_FUNCTIONS(TPM_CREATION)
#pragma GCC diagnostic pop

/* The description of a sealed card management key says what it is: "card management key, algorithm 03". */
#define DESCRIPTION "card management key, algorithm "

static bool
fill(TPM_KEY *der, const struct keyfile *key)
{
	uint8_t area[sizeof key->public_area + sizeof key->private_area];
	char description[sizeof DESCRIPTION + 2];
	size_t len = 0;
	int n;

	ASN1_OBJECT_free(der->type);
	der->type = OBJ_txt2obj(key->sealed ? OID_SEALED : OID_LOADABLE, 1);
	der->empty_auth = 0xff;
	if (key->algorithm != 0) {
		n = snprintf(description, sizeof description, DESCRIPTION "%02x",
		    (unsigned)key->algorithm);
		der->description = ASN1_UTF8STRING_new();
		if (der->description == NULL ||
		    ASN1_STRING_set(der->description, description, n) != 1)
			return false;
	}
	if (der->type == NULL || ASN1_INTEGER_set_uint64(der->parent, key->parent) != 1 ||
	    Tss2_MU_TPM2B_PUBLIC_Marshal(&key->public_area, area, sizeof area, &len) !=
		TSS2_RC_SUCCESS ||
	    ASN1_OCTET_STRING_set(der->pubkey, area, (int)len) != 1)
		return false;
	len = 0;
	return Tss2_MU_TPM2B_PRIVATE_Marshal(&key->private_area, area, sizeof area, &len) ==
	    TSS2_RC_SUCCESS &&
	    ASN1_OCTET_STRING_set(der->privkey, area, (int)len) == 1;
}

/* ---- creation ---- */

bool
keyfile_creation(const struct keyfile *key, struct wbuf *out)
{
	uint8_t octets[sizeof key->creation];
	size_t len = 0;

	if (!key->has_creation ||
	    Tss2_MU_TPMS_CREATION_DATA_Marshal(&key->creation, octets, sizeof octets, &len) !=
		TSS2_RC_SUCCESS)
		return false;
	wbuf_put(out, rbuf_of(octets, len));
	return true;
}

static bool
fill_creation(TPM_CREATION *der, const struct keyfile *key)
{
	uint8_t octets[sizeof key->creation + sizeof key->ticket];
	struct wbuf data = wbuf_over(octets, sizeof octets);
	size_t len = 0;

	if (!keyfile_creation(key, &data) ||
	    ASN1_OCTET_STRING_set(der->data, data.data, (int)data.len) != 1)
		return false;
	return Tss2_MU_TPMT_TK_CREATION_Marshal(&key->ticket, octets, sizeof octets, &len) ==
	    TSS2_RC_SUCCESS &&
	    ASN1_OCTET_STRING_set(der->ticket, octets, (int)len) == 1;
}

static bool
write_creation(BIO *bio, const struct keyfile *key)
{
	TPM_CREATION *der = TPM_CREATION_new();
	uint8_t *octets = NULL;
	int len = -1;
	bool ok;

	if (der != NULL && fill_creation(der, key))
		len = i2d_TPM_CREATION(der, &octets);
	ok = len > 0 && PEM_write_bio(bio, PEM_LABEL_CREATION, "", octets, len) > 0;
	OPENSSL_free(octets);
	TPM_CREATION_free(der);
	return ok;
}

/* ---- the whole ---- */

bool
keyfile_write(const struct keyfile *key, struct wbuf *out)
{
	TPM_KEY *der = TPM_KEY_new();
	BIO *bio = BIO_new(BIO_s_mem());
	uint8_t *octets = NULL;
	char *text = NULL;
	bool ok = false;
	long text_len;
	int len = -1;

	if (der != NULL && bio != NULL && fill(der, key))
		len = i2d_TPM_KEY(der, &octets);
	if (len > 0 && PEM_write_bio(bio, PEM_LABEL, "", octets, len) > 0 &&
	    (!key->has_creation || write_creation(bio, key))) {
		text_len = BIO_get_mem_data(bio, &text);
		ok = text_len > 0;
		if (ok)
			wbuf_put(out, rbuf_of(text, (size_t)text_len));
	}
	OPENSSL_free(octets);
	(void)BIO_free(bio);
	TPM_KEY_free(der);
	return ok;
}

/* The DER of the next PEM block, which must have that label; NULL when it is anything else. */
static uint8_t *
next_block(BIO *bio, const char *label, long *len)
{
	char *name = NULL, *header = NULL;
	uint8_t *octets = NULL;

	if (PEM_read_bio(bio, &name, &header, &octets, len) == 1 &&
	    (strcmp(name, label) != 0 || header[0] != '\0')) {
		OPENSSL_free(octets);
		octets = NULL;
	}
	OPENSSL_free(name);
	OPENSSL_free(header);
	return octets;
}

static TPM_KEY *
decode_key(BIO *bio)
{
	long len = 0;
	uint8_t *octets = next_block(bio, PEM_LABEL, &len);
	const uint8_t *at = octets;
	TPM_KEY *der = octets != NULL ? d2i_TPM_KEY(NULL, &at, len) : NULL;

	if (der != NULL && at != octets + len) {
		TPM_KEY_free(der);
		der = NULL;
	}
	OPENSSL_free(octets);
	return der;
}

static TPM_CREATION *
decode_creation(BIO *bio)
{
	long len = 0;
	uint8_t *octets = next_block(bio, PEM_LABEL_CREATION, &len);
	const uint8_t *at = octets;
	TPM_CREATION *der = octets != NULL ? d2i_TPM_CREATION(NULL, &at, len) : NULL;

	if (der != NULL && at != octets + len) {
		TPM_CREATION_free(der);
		der = NULL;
	}
	OPENSSL_free(octets);
	return der;
}

static bool
read_type(const TPM_KEY *der, struct keyfile *out)
{
	char oid[OID_TEXT_MAX];

	(void)OBJ_obj2txt(oid, sizeof oid, der->type, 1);
	out->sealed = strcmp(oid, OID_SEALED) == 0;
	return out->sealed || strcmp(oid, OID_LOADABLE) == 0;
}

static bool
read_description(const TPM_KEY *der, struct keyfile *out)
{
	char text[sizeof DESCRIPTION + 2] = { 0 };
	struct rbuf in;
	unsigned algorithm;

	if (der->description == NULL)
		return true;
	in = rbuf_of(ASN1_STRING_get0_data(der->description),
	    (size_t)ASN1_STRING_length(der->description));
	if (in.len != sizeof text - 1 || !rbuf_copy(&in, text, sizeof text - 1) ||
	    sscanf(text, DESCRIPTION "%2x", &algorithm) != 1)
		return false;
	out->algorithm = (uint8_t)algorithm;
	return true;
}

static struct rbuf
octets_of(const ASN1_OCTET_STRING *string)
{
	return rbuf_of(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string));
}

static bool
read_key(BIO *bio, struct keyfile *out)
{
	TPM_KEY *der = decode_key(bio);
	struct rbuf pub, priv;
	size_t pub_len = 0, priv_len = 0;
	uint64_t parent;
	bool ok;

	if (der == NULL)
		return false;
	pub = octets_of(der->pubkey);
	priv = octets_of(der->privkey);
	ok = read_type(der, out) && read_description(der, out) &&
	    ASN1_INTEGER_get_uint64(&parent, der->parent) == 1 && parent <= UINT32_MAX &&
	    Tss2_MU_TPM2B_PUBLIC_Unmarshal(pub.data, pub.len, &pub_len, &out->public_area) ==
		TSS2_RC_SUCCESS &&
	    pub_len == pub.len &&
	    Tss2_MU_TPM2B_PRIVATE_Unmarshal(priv.data, priv.len, &priv_len, &out->private_area) ==
		TSS2_RC_SUCCESS &&
	    priv_len == priv.len;
	out->parent = ok ? (TPM2_HANDLE)parent : 0;
	TPM_KEY_free(der);
	return ok;
}

/* Only what is written again as it was read: the TPM hashed those octets and no others. */
static bool
read_creation(BIO *bio, struct keyfile *out)
{
	TPM_CREATION *der = decode_creation(bio);
	uint8_t octets[sizeof out->creation];
	struct wbuf again = wbuf_over(octets, sizeof octets);
	size_t data_len = 0, ticket_len = 0;
	struct rbuf data, ticket;

	if (der == NULL)
		return false;
	data = octets_of(der->data);
	ticket = octets_of(der->ticket);
	out->has_creation = Tss2_MU_TPMS_CREATION_DATA_Unmarshal(data.data, data.len, &data_len,
				&out->creation) == TSS2_RC_SUCCESS &&
	    Tss2_MU_TPMT_TK_CREATION_Unmarshal(ticket.data, ticket.len, &ticket_len,
		&out->ticket) == TSS2_RC_SUCCESS &&
	    ticket_len == ticket.len && out->ticket.tag == TPM2_ST_CREATION;
	out->has_creation = out->has_creation && keyfile_creation(out, &again) &&
	    rbuf_eq(wbuf_view(&again), data);
	TPM_CREATION_free(der);
	return out->has_creation;
}

bool
keyfile_read(struct rbuf in, struct keyfile *out)
{
	BIO *bio = BIO_new_mem_buf(in.data, in.len <= INT_MAX ? (int)in.len : 0);
	bool ok;

	memset(out, 0, sizeof *out);
	ok = bio != NULL && read_key(bio, out) &&
	    (BIO_pending(bio) == 0 || (read_creation(bio, out) && BIO_pending(bio) == 0));
	(void)BIO_free(bio);
	return ok;
}
