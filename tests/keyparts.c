/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/keyparts.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <string.h>

#include "tests/suite.h"

/* A number of an OpenSSL key, in n octets. */
static void
take(const EVP_PKEY *key, const char *name, size_t n, struct part *out)
{
	BIGNUM *number = NULL;

	ck_assert_int_eq(EVP_PKEY_get_bn_param(key, name, &number), 1);
	out->len = n;
	ck_assert_int_eq(BN_bn2binpad(number, out->octets, (int)n), (int)n);
	BN_clear_free(number);
}

static void
make_rsa(struct keyparts *k, size_t bits)
{
	k->key = EVP_RSA_gen((unsigned)bits);
	take(k->key, OSSL_PKEY_PARAM_RSA_FACTOR1, bits / 16, &k->p);
	take(k->key, OSSL_PKEY_PARAM_RSA_FACTOR2, bits / 16, &k->q);
	take(k->key, OSSL_PKEY_PARAM_RSA_EXPONENT1, bits / 16, &k->dp);
	take(k->key, OSSL_PKEY_PARAM_RSA_EXPONENT2, bits / 16, &k->dq);
	take(k->key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, bits / 16, &k->qinv);
}

static void
make_ecc(struct keyparts *k, const char *curve, size_t n)
{
	k->key = EVP_EC_gen(curve);
	take(k->key, OSSL_PKEY_PARAM_PRIV_KEY, n, &k->scalar);
}

void
keyparts_make(struct keyparts *k, uint8_t algorithm)
{
	memset(k, 0, sizeof *k);
	if (algorithm == ALG_ECC_P256)
		make_ecc(k, "P-256", 32);
	else if (algorithm == ALG_ECC_P384)
		make_ecc(k, "P-384", 48);
	else
		make_rsa(k, algorithm == ALG_RSA_2048 ? 2048 : 3072);
}

void
keyparts_set(struct keyparts *k, const BIGNUM *p, const BIGNUM *q)
{
	memset(k, 0, sizeof *k);
	k->p.len = (size_t)BN_bn2bin(p, k->p.octets);
	k->q.len = (size_t)BN_bn2bin(q, k->q.octets);
}

void
keyparts_free(struct keyparts *k)
{
	EVP_PKEY_free(k->key);
	explicit_bzero(k, sizeof *k);
}

void
part_pad(struct part *p, size_t zeros)
{
	ck_assert_uint_le(p->len + zeros, sizeof p->octets);
	memmove(p->octets + zeros, p->octets, p->len);
	memset(p->octets, 0, zeros);
	p->len += zeros;
}

static struct rbuf
view(const struct part *p)
{
	return rbuf_of(p->octets, p->len);
}

struct key_parts
keyparts_view(const struct keyparts *k)
{
	return (struct key_parts){ .p = view(&k->p), .q = view(&k->q), .dp = view(&k->dp),
		.dq = view(&k->dq), .qinv = view(&k->qinv), .scalar = view(&k->scalar) };
}
