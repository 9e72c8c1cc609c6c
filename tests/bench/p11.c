/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time one operation of a key in a token, through any PKCS#11 module:
 *
 *	p11 [-n COUNT] [-s SAMPLES] MODULE TOKEN KEY-ID CASE AT <pin
 *
 * TOKEN is the token's label or serial number, KEY-ID the key's CKA_ID in
 * hexadecimal, CASE a row of works below; CASE and AT go into the line that is
 * printed.  The PIN is standard input's first line.  What is timed is what a
 * program waits for: C_SignInit and C_Sign, or C_DeriveKey.  Afterwards OpenSSL
 * checks every result with the token's public key.  Exit status 1 when anything
 * fails.
 */
#include "base/secret.h"
#include "tests/bench/measure.h"

#include <dlfcn.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIGEST     32
#define POINT      65 /* uncompressed, P-256 */
#define COORDINATE 32
#define RESULT_MAX 256

/* Not timed: the first finds a key that is not loaded. */
#define WARM_UP 3

struct result {
	uint8_t octets[RESULT_MAX];
	size_t len;
};

struct bench {
	CK_FUNCTION_LIST *module;
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;
	EVP_PKEY *public;
	EVP_PKEY *peer; /* of a key agreement */
	uint8_t peer_point[POINT];
	uint8_t id[64];
	size_t id_len;
	struct result *results;
	struct samples samples;
};

static bool
ck(const char *call, CK_RV rv)
{
	if (rv == CKR_OK)
		return true;
	(void)fprintf(stderr, "p11: %s: 0x%lx\n", call, rv);
	return false;
}

static bool
fail(const char *what)
{
	(void)fprintf(stderr, "p11: %s\n", what);
	return false;
}

/* ---- the module, the token and its keys ---- */

static bool
load(struct bench *b, const char *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get = NULL;

	if (library == NULL)
		return fail(dlerror());
	/* ISO C has no conversion from an object's address to a function's; POSIX has this one. */
	*(void **)&get = dlsym(library, "C_GetFunctionList");
	if (get == NULL)
		return fail("not a PKCS#11 module");
	return ck("C_GetFunctionList", get(&b->module)) &&
	       ck("C_Initialize", b->module->C_Initialize(NULL));
}

/* Whether a field padded with blanks is that text. */
static bool
is(const unsigned char *field, size_t size, const char *text)
{
	while (size > 0 && field[size - 1] == ' ')
		size--;
	return size == strlen(text) && memcmp(field, text, size) == 0;
}

static bool
find_slot(struct bench *b, const char *token)
{
	CK_SLOT_ID slots[32];
	CK_ULONG n = sizeof slots / sizeof slots[0], i;
	CK_TOKEN_INFO info;

	if (!ck("C_GetSlotList", b->module->C_GetSlotList(CK_TRUE, slots, &n)))
		return false;
	for (i = 0; i < n; i++) {
		if (b->module->C_GetTokenInfo(slots[i], &info) != CKR_OK)
			continue;
		b->slot = slots[i];
		if (is(info.label, sizeof info.label, token) ||
		    is(info.serialNumber, sizeof info.serialNumber, token))
			return true;
	}
	return fail("no such token");
}

/* The first line of standard input, by read(): stdio would keep a copy. */
static bool
read_pin(struct secret *pin)
{
	ssize_t n = 0;

	while (pin->len < sizeof pin->data) {
		n = read(STDIN_FILENO, pin->data + pin->len, 1);
		if (n == -1 && errno == EINTR)
			continue;
		if (n != 1 || pin->data[pin->len] == '\n')
			break;
		pin->len++;
	}
	return (n == 0 || n == 1) && pin->len > 0 ? true : fail("no PIN");
}

static bool
login(struct bench *b)
{
	SECRET(pin);

	return read_pin(&pin) &&
	       ck("C_OpenSession",
		   b->module->C_OpenSession(b->slot, CKF_SERIAL_SESSION, NULL, NULL, &b->session)) &&
	       ck("C_Login", b->module->C_Login(b->session, CKU_USER, pin.data, pin.len));
}

static bool
find_key(struct bench *b, CK_OBJECT_CLASS class, CK_KEY_TYPE type, CK_OBJECT_HANDLE *out)
{
	CK_ATTRIBUTE like[] = {
		{ CKA_CLASS, &class, sizeof class },
		{ CKA_KEY_TYPE, &type, sizeof type },
		{ CKA_ID, b->id, b->id_len },
	};
	CK_ULONG n = 0;

	if (!ck("C_FindObjectsInit",
		b->module->C_FindObjectsInit(b->session, like, sizeof like / sizeof like[0])) ||
	    !ck("C_FindObjects", b->module->C_FindObjects(b->session, out, 1, &n)) ||
	    !ck("C_FindObjectsFinal", b->module->C_FindObjectsFinal(b->session)))
		return false;
	return n == 1 ? true : fail("no such key");
}

/* The value of an attribute, at most cap octets, or 0. */
static size_t
attribute(const struct bench *b, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, uint8_t *out,
    size_t cap)
{
	CK_ATTRIBUTE a = { type, out, cap };

	return ck("C_GetAttributeValue",
		   b->module->C_GetAttributeValue(b->session, object, &a, 1)) &&
			a.ulValueLen <= cap
		    ? a.ulValueLen
		    : 0;
}

static EVP_PKEY *
public_of(const char *algorithm, OSSL_PARAM_BLD *builder)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL);
	EVP_PKEY *key = NULL;

	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		(void)fail("the public key is malformed");
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return key;
}

/* A point as an OCTET STRING: X9.62's own form, uncompressed, is at its end. */
static EVP_PKEY *
public_ec(const struct bench *b, CK_OBJECT_HANDLE object)
{
	uint8_t octets[POINT + 2];
	size_t n = attribute(b, object, CKA_EC_POINT, octets, sizeof octets);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;

	if (n < POINT)
		(void)fail("not a point of P-256");
	else if (builder != NULL &&
		 OSSL_PARAM_BLD_push_utf8_string(
		     builder, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
		 OSSL_PARAM_BLD_push_octet_string(
		     builder, OSSL_PKEY_PARAM_PUB_KEY, octets + n - POINT, POINT) == 1)
		key = public_of("EC", builder);
	OSSL_PARAM_BLD_free(builder);
	return key;
}

static EVP_PKEY *
public_rsa(const struct bench *b, CK_OBJECT_HANDLE object)
{
	uint8_t octets[RESULT_MAX];
	BIGNUM *modulus, *exponent;
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;
	size_t n = attribute(b, object, CKA_MODULUS, octets, sizeof octets);

	modulus = BN_bin2bn(octets, (int)n, NULL);
	n = attribute(b, object, CKA_PUBLIC_EXPONENT, octets, sizeof octets);
	exponent = BN_bin2bn(octets, (int)n, NULL);
	if (builder != NULL && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
		key = public_of("RSA", builder);
	OSSL_PARAM_BLD_free(builder);
	BN_free(exponent);
	BN_free(modulus);
	return key;
}

/* ---- what is timed ---- */

/* A digest that is another one each time. */
static void
digest_of(size_t i, struct wbuf *out)
{
	wbuf_u32(out, (uint32_t)i);
	wbuf_fill(out, 0x5a, DIGEST - 4);
}

static bool
sign(struct bench *b, CK_MECHANISM_TYPE type, struct rbuf prefix, size_t i, struct result *out)
{
	uint8_t octets[128];
	struct wbuf input = wbuf_over(octets, sizeof octets);
	CK_MECHANISM mechanism = { type, NULL, 0 };
	CK_ULONG len = sizeof out->octets;
	int64_t start;
	bool ok;

	wbuf_put(&input, prefix);
	digest_of(i, &input);
	start = measure_now();
	ok = ck("C_SignInit", b->module->C_SignInit(b->session, &mechanism, b->key)) &&
	     ck("C_Sign", b->module->C_Sign(b->session, octets, input.len, out->octets, &len));
	samples_add(&b->samples, measure_now() - start);
	out->len = len;
	return ok;
}

static bool
sign_ec(struct bench *b, size_t i, struct result *out)
{
	return sign(b, CKM_ECDSA, rbuf_of(NULL, 0), i, out);
}

static bool
sign_rsa(struct bench *b, size_t i, struct result *out)
{
	/* RFC 8017, 9.2, note 1: DigestInfo of SHA-256, up to the digest */
	static const uint8_t info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
		0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };

	return sign(b, CKM_RSA_PKCS, rbuf_of(info, sizeof info), i, out);
}

static bool
derive(struct bench *b, size_t i, struct result *out)
{
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ULONG len = COORDINATE;
	CK_ATTRIBUTE template[] = {
		{ CKA_CLASS, &class, sizeof class },
		{ CKA_KEY_TYPE, &type, sizeof type },
		{ CKA_TOKEN, &no, sizeof no },
		{ CKA_SENSITIVE, &no, sizeof no },
		{ CKA_EXTRACTABLE, &yes, sizeof yes },
		{ CKA_VALUE_LEN, &len, sizeof len },
	};
	CK_ECDH1_DERIVE_PARAMS params = { CKD_NULL, 0, NULL, POINT, b->peer_point };
	CK_MECHANISM mechanism = { CKM_ECDH1_DERIVE, &params, sizeof params };
	CK_OBJECT_HANDLE secret = 0;
	int64_t start = measure_now();
	bool ok = ck("C_DeriveKey", b->module->C_DeriveKey(b->session, &mechanism, b->key, template,
					sizeof template / sizeof template[0], &secret));

	(void)i;
	samples_add(&b->samples, measure_now() - start);
	if (!ok)
		return false;
	out->len = attribute(b, secret, CKA_VALUE, out->octets, sizeof out->octets);
	return ck("C_DestroyObject", b->module->C_DestroyObject(b->session, secret));
}

/* ---- whether it is right ---- */

static bool
verify(const struct bench *b, int padding, size_t i, const uint8_t *signature, size_t len)
{
	uint8_t digest[DIGEST];
	struct wbuf input = wbuf_over(digest, sizeof digest);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(b->public, NULL);
	bool ok = ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
		  (padding == 0 || EVP_PKEY_CTX_set_rsa_padding(ctx, padding) == 1) &&
		  EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1;

	digest_of(i, &input);
	ok = ok && EVP_PKEY_verify(ctx, signature, len, digest, sizeof digest) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static bool
check_ec(const struct bench *b, size_t i, const struct result *result)
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	uint8_t *der = NULL;
	int len = 0;
	bool ok = false;

	if (pair != NULL && result->len == 2 * (size_t)COORDINATE &&
	    ECDSA_SIG_set0(pair, BN_bin2bn(result->octets, COORDINATE, NULL),
		BN_bin2bn(result->octets + COORDINATE, COORDINATE, NULL)) == 1)
		len = i2d_ECDSA_SIG(pair, &der);
	if (len > 0)
		ok = verify(b, 0, i, der, (size_t)len);
	OPENSSL_free(der);
	ECDSA_SIG_free(pair);
	return ok;
}

static bool
check_rsa(const struct bench *b, size_t i, const struct result *result)
{
	return verify(b, RSA_PKCS1_PADDING, i, result->octets, result->len);
}

static bool
check_shared(const struct bench *b, size_t i, const struct result *result)
{
	uint8_t shared[COORDINATE];
	size_t len = sizeof shared;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(b->peer, NULL);
	bool ok = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
		  EVP_PKEY_derive_set_peer(ctx, b->public) == 1 &&
		  EVP_PKEY_derive(ctx, shared, &len) == 1;

	(void)i;
	EVP_PKEY_CTX_free(ctx);
	return ok && rbuf_eq(rbuf_of(shared, len), rbuf_of(result->octets, result->len));
}

/* ---- a run ---- */

static const struct work {
	const char *name;
	CK_KEY_TYPE type;
	EVP_PKEY *(*public)(const struct bench *b, CK_OBJECT_HANDLE object);
	bool (*once)(struct bench *b, size_t i, struct result *out);
	bool (*check)(const struct bench *b, size_t i, const struct result *result);
} works[] = {
	{ "sign P-256", CKK_EC, public_ec, sign_ec, check_ec },
	{ "sign RSA-2048", CKK_RSA, public_rsa, sign_rsa, check_rsa },
	{ "ECDH P-256", CKK_EC, public_ec, derive, check_shared },
};

static const struct work *
work_named(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof works / sizeof works[0]; i++) {
		if (strcmp(works[i].name, name) == 0)
			return &works[i];
	}
	return NULL;
}

static bool
prepare(struct bench *b, const struct work *work)
{
	CK_OBJECT_HANDLE object;
	size_t len;

	if (!find_key(b, CKO_PUBLIC_KEY, work->type, &object) ||
	    !find_key(b, CKO_PRIVATE_KEY, work->type, &b->key))
		return false;
	b->public = work->public(b, object);
	b->peer = EVP_EC_gen("P-256");
	return b->public != NULL && b->peer != NULL &&
	       EVP_PKEY_get_octet_string_param(b->peer, OSSL_PKEY_PARAM_PUB_KEY, b->peer_point,
		   sizeof b->peer_point, &len) == 1;
}

static bool
run(struct bench *b, const struct work *work, size_t n)
{
	struct result first;
	size_t i;

	for (i = 0; i < WARM_UP; i++) {
		if (!work->once(b, i, &first) || !work->check(b, i, &first))
			return fail("the first one is wrong");
	}
	samples_free(&b->samples);
	b->results = calloc(n, sizeof *b->results);
	if (b->results == NULL)
		return fail("out of memory");
	for (i = 0; i < n; i++) {
		if (!work->once(b, i, &b->results[i]))
			return false;
	}
	for (i = 0; i < n; i++) {
		if (!work->check(b, i, &b->results[i]))
			return fail("a result is wrong");
	}
	return true;
}

static int
usage(void)
{
	(void)fprintf(stderr,
	    "usage: p11 [-n COUNT] [-s SAMPLES] MODULE TOKEN KEY-ID CASE AT <pin\n");
	return 2;
}

int
main(int argc, char **argv)
{
	struct bench b = { 0 };
	const struct work *work;
	const char *file = NULL;
	size_t n = 1000;
	bool ok;
	int c;

	while ((c = getopt(argc, argv, "n:s:")) != -1) {
		if (c == 'n')
			n = strtoul(optarg, NULL, 10);
		else if (c == 's')
			file = optarg;
		else
			return usage();
	}
	argv += optind;
	if (argc - optind != 5 || n == 0 ||
	    OPENSSL_hexstr2buf_ex(b.id, sizeof b.id, &b.id_len, argv[2], '\0') != 1)
		return usage();
	work = work_named(argv[3]);
	if (work == NULL)
		return usage();
	ok = load(&b, argv[0]) && find_slot(&b, argv[1]) && login(&b) && prepare(&b, work) &&
	     run(&b, work, n) && measure_print(work->name, argv[4], &b.samples, 0, file) &&
	     ck("C_Finalize", b.module->C_Finalize(NULL));
	EVP_PKEY_free(b.peer);
	EVP_PKEY_free(b.public);
	free(b.results);
	samples_free(&b.samples);
	return ok ? 0 : 1;
}
