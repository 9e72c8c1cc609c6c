/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/recipe.h"

#include <stdio.h>
#include <string.h>

#include "tests/suite.h"

static void
add_extension(X509 *certificate, const char *text)
{
	char name[128];
	const char *value = strchr(text, '=');
	X509_EXTENSION *extension;
	X509V3_CTX context;

	ck_assert_ptr_nonnull(value);
	(void)snprintf(name, sizeof name, "%.*s", (int)(value - text), text);
	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_nconf(NULL, &context, name, value + 1);
	ck_assert_msg(extension != NULL, "%s", text);
	ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static void
name_it(X509_NAME *name, const char *common)
{
	if (common != NULL)
		ck_assert_int_eq(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
				     (const unsigned char *)common, -1, -1, 0),
		    1);
}

X509 *
recipe_make(const struct recipe *r, EVP_PKEY *const keys[])
{
	const EVP_MD *md = r->digest != NULL ? EVP_get_digestbyname(r->digest) : EVP_sha256();
	X509 *certificate = X509_new();
	size_t i;

	ck_assert_int_eq(X509_set_version(certificate, 2), 1);
	ck_assert_int_eq(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 4711), 1);
	name_it(X509_get_subject_name(certificate), r->subject);
	name_it(X509_get_issuer_name(certificate), r->issuer);
	ck_assert_ptr_nonnull(X509_time_adj_ex(X509_getm_notBefore(certificate), r->from, 0, NULL));
	ck_assert_ptr_nonnull(X509_time_adj_ex(
	    X509_getm_notAfter(certificate), r->until != 0 ? r->until : 30, 0, NULL));
	ck_assert_int_eq(X509_set_pubkey(certificate, keys[r->key]), 1);
	for (i = 0; i < RECIPE_EXTENSIONS && r->extensions[i] != NULL; i++)
		add_extension(certificate, r->extensions[i]);
	ck_assert_int_gt(X509_sign(certificate, keys[r->signer], md), 0);
	return certificate;
}

/* A number of a key, filled up with zeros in front. */
static void
put_number(struct wbuf *out, const EVP_PKEY *key, const char *name, size_t size)
{
	uint8_t octets[512];
	BIGNUM *number = NULL;

	ck_assert_int_eq(EVP_PKEY_get_bn_param(key, name, &number), 1);
	ck_assert_int_eq(BN_bn2binpad(number, octets, (int)size), (int)size);
	wbuf_u16(out, (uint16_t)size);
	wbuf_put(out, rbuf_of(octets, size));
	BN_free(number);
}

void
recipe_area(const EVP_PKEY *key, bool signs, struct wbuf *out)
{
	const bool rsa = EVP_PKEY_is_a(key, "RSA") == 1;

	wbuf_u16(out, rsa ? 0x0001 : 0x0023);
	wbuf_u16(out, 0x000b);
	wbuf_u32(out, signs ? 0x00050472 : 0x000300b2);
	wbuf_u16(out, 32);
	wbuf_fill(out, 0xa5, 32);
	wbuf_u16(out, signs ? 0x0010 : 0x0006);
	if (!signs) {
		wbuf_u16(out, 128);
		wbuf_u16(out, 0x0043);
	}
	wbuf_u16(out, signs ? 0x0018 : 0x0010);
	if (signs)
		wbuf_u16(out, 0x000b);
	if (rsa) {
		wbuf_u16(out, 2048);
		wbuf_u32(out, 0);
		put_number(out, key, "n", 256);
	} else {
		wbuf_u16(out, 0x0003);
		wbuf_u16(out, 0x0010);
		put_number(out, key, "qx", 32);
		put_number(out, key, "qy", 32);
	}
	ck_assert(wbuf_ok(out));
}

static void
put_hex(char *text, size_t size, const uint8_t *octets, size_t n)
{
	size_t i;

	ck_assert_uint_ge(size, 3 * n + 1);
	for (i = 0; i < n; i++)
		(void)snprintf(text + 3 * i, 4, "%02x:", octets[i]);
	text[3 * n - 1] = '\0';
}

const char *
recipe_seen(EVP_PKEY *key, uint8_t change, size_t n)
{
	static char text[256];
	uint8_t octets[34] = { 0x04, (uint8_t)n };
	unsigned char *der = NULL;
	char hex[128];
	const int len = i2d_PUBKEY(key, &der);

	ck_assert_int_gt(len, 0);
	ck_assert_int_eq(EVP_Digest(der, (size_t)len, octets + 2, NULL, EVP_sha256(), NULL), 1);
	OPENSSL_free(der);
	octets[9] ^= change;
	put_hex(hex, sizeof hex, octets, n + 2);
	(void)snprintf(text, sizeof text, OID_SEEN_EK "=DER:%s", hex);
	return text;
}
