/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm/parts.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <string.h>

#include "tpm/key.h"
#include "tpm/rc.h"

#define EXPONENT 65537
#define EXPONENT_BITS 17

/* FIPS 186-4, B.3.1: |p - q| is more than 2^(nlen/2 - 100). */
#define CLOSE_BITS 100

void
private_part_clear(struct private_part *part)
{
	if (part != NULL)
		explicit_bzero(part, sizeof *part);
}

/* ---- RSA ---- */

/* All of these are the context's; it clears them when it is freed. */
struct rsa {
	BN_CTX *ctx;
	BIGNUM *p, *q, *n, *p1, *q1, *e, *t, *u;
};

static bool
rsa_begin(struct rsa *r)
{
	r->ctx = BN_CTX_secure_new();
	if (r->ctx == NULL)
		return false;
	BN_CTX_start(r->ctx);
	r->p = BN_CTX_get(r->ctx);
	r->q = BN_CTX_get(r->ctx);
	r->n = BN_CTX_get(r->ctx);
	r->p1 = BN_CTX_get(r->ctx);
	r->q1 = BN_CTX_get(r->ctx);
	r->e = BN_CTX_get(r->ctx);
	r->t = BN_CTX_get(r->ctx);
	r->u = BN_CTX_get(r->ctx);
	return r->u != NULL;
}

static void
rsa_end(struct rsa *r)
{
	if (r->ctx != NULL)
		BN_CTX_end(r->ctx);
	BN_CTX_free(r->ctx);
}

/* Longer than any number may be, leading zeros or not: not even looked at. */
static bool
read_number(struct rbuf in, BIGNUM *out)
{
	return in.len <= VAULT_RESULT_MAX && BN_bin2bn(in.data, (int)in.len, out) != NULL;
}

static bool
rsa_read(struct rsa *r, const struct key_parts *parts)
{
	if (!read_number(parts->p, r->p) || !read_number(parts->q, r->q))
		return false;
	BN_set_flags(r->p, BN_FLG_CONSTTIME);
	BN_set_flags(r->q, BN_FLG_CONSTTIME);
	BN_set_flags(r->p1, BN_FLG_CONSTTIME);
	BN_set_flags(r->q1, BN_FLG_CONSTTIME);
	return BN_set_word(r->e, EXPONENT) == 1 && BN_mul(r->n, r->p, r->q, r->ctx) == 1 &&
	    BN_sub(r->p1, r->p, BN_value_one()) == 1 && BN_sub(r->q1, r->q, BN_value_one()) == 1;
}

static bool
sizes_fit(const struct rsa *r, int bits)
{
	return BN_num_bits(r->n) == bits && BN_num_bits(r->p) == bits / 2 &&
	    BN_num_bits(r->q) == bits / 2 && BN_sub(r->t, r->p, r->q) == 1 &&
	    BN_num_bits(r->t) > bits / 2 - CLOSE_BITS;
}

/* Whether a part that may be left out is what it should be. */
static bool
part_is(struct rsa *r, struct rbuf given, const BIGNUM *expected)
{
	return given.len == 0 || (read_number(given, r->u) && BN_cmp(r->u, expected) == 0);
}

/* Whether the exponents fit 65537, and d is not short (FIPS 186-4, B.3.1). */
static bool
exponents_fit(struct rsa *r, const struct key_parts *parts, int bits)
{
	if (BN_mod_inverse(r->t, r->e, r->p1, r->ctx) == NULL || !part_is(r, parts->dp, r->t) ||
	    BN_mod_inverse(r->t, r->e, r->q1, r->ctx) == NULL || !part_is(r, parts->dq, r->t) ||
	    BN_mod_inverse(r->t, r->q, r->p, r->ctx) == NULL || !part_is(r, parts->qinv, r->t))
		return false;
	/* e * d is more than the least common multiple of p - 1 and q - 1. */
	return BN_gcd(r->t, r->p1, r->q1, r->ctx) == 1 &&
	    BN_div(r->u, NULL, r->p1, r->t, r->ctx) == 1 &&
	    BN_mul(r->t, r->u, r->q1, r->ctx) == 1 &&
	    BN_num_bits(r->t) > bits / 2 + EXPONENT_BITS;
}

/* Whether a residue is a power of 65537, modulo a small prime. */
static bool
is_power(BN_ULONG residue, unsigned prime)
{
	unsigned x = 1;

	do {
		if (x == residue)
			return true;
		x = x * (EXPONENT % prime) % prime;
	} while (x != 1);
	return false;
}

/*
 * Whether a modulus is of the kind that a chip's library made for years, and
 * that can be factored: CVE-2017-15361.  Modulo every small prime it is a
 * power of 65537, which happens by chance to one of some 2^30 others.
 */
static bool
is_roca(const BIGNUM *n)
{
	static const uint8_t primes[] = { 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53,
		59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149,
		151, 157, 163, 167 };
	size_t i;

	for (i = 0; i < sizeof primes; i++) {
		if (!is_power(BN_mod_word(n, primes[i]), primes[i]))
			return false;
	}
	return true;
}

static TSS2_RC
rsa_check(struct rsa *r, const struct key_parts *parts, int bits)
{
	int p, q;

	if (!rsa_read(r, parts) || !sizes_fit(r, bits) || !exponents_fit(r, parts, bits) ||
	    is_roca(r->n))
		return RC_MISMATCH;
	p = BN_check_prime(r->p, r->ctx, NULL);
	q = p == 1 ? BN_check_prime(r->q, r->ctx, NULL) : 0;
	if (p < 0 || q < 0)
		return RC_CRYPTO;
	return p == 1 && q == 1 ? TSS2_RC_SUCCESS : RC_MISMATCH;
}

static TSS2_RC
rsa_take(size_t n, const struct key_parts *parts, TPM2B_PUBLIC_KEY_RSA *modulus,
    struct private_part *part)
{
	struct rsa r = { .ctx = NULL };
	TSS2_RC rc = RC_CRYPTO;

	if (rsa_begin(&r))
		rc = rsa_check(&r, parts, 8 * (int)n);
	modulus->size = (UINT16)n;
	part->len = n / 2;
	if (rc == TSS2_RC_SUCCESS &&
	    (BN_bn2binpad(r.n, modulus->buffer, (int)n) != (int)n ||
		BN_bn2binpad(r.p, part->octets, (int)part->len) != (int)part->len))
		rc = RC_CRYPTO;
	rsa_end(&r);
	return rc;
}

/* ---- ECC ---- */

static TSS2_RC
ecc_work_out(const EC_GROUP *group, const BIGNUM *scalar, size_t n, TPMS_ECC_POINT *point,
    BN_CTX *ctx)
{
	EC_POINT *at = EC_POINT_new(group);
	BIGNUM *x = BN_CTX_get(ctx), *y = BN_CTX_get(ctx);
	TSS2_RC rc = RC_CRYPTO;

	point->x.size = point->y.size = (UINT16)n;
	if (at != NULL && y != NULL && EC_POINT_mul(group, at, scalar, NULL, NULL, ctx) == 1 &&
	    EC_POINT_get_affine_coordinates(group, at, x, y, ctx) == 1 &&
	    BN_bn2binpad(x, point->x.buffer, (int)n) == (int)n &&
	    BN_bn2binpad(y, point->y.buffer, (int)n) == (int)n)
		rc = TSS2_RC_SUCCESS;
	EC_POINT_clear_free(at);
	return rc;
}

static TSS2_RC
ecc_take(uint8_t algorithm, const struct key_parts *parts, TPMS_ECC_POINT *point,
    struct private_part *part)
{
	const int nid = algorithm == ALG_ECC_P384 ? NID_secp384r1 : NID_X9_62_prime256v1;
	EC_GROUP *group = EC_GROUP_new_by_curve_name(nid);
	BN_CTX *ctx = BN_CTX_secure_new();
	BIGNUM *scalar = BN_secure_new();
	TSS2_RC rc = RC_CRYPTO;

	part->len = key_size(algorithm);
	if (group == NULL || ctx == NULL || scalar == NULL)
		goto out;
	BN_CTX_start(ctx);
	if (!read_number(parts->scalar, scalar) || BN_is_zero(scalar) ||
	    BN_cmp(scalar, EC_GROUP_get0_order(group)) >= 0)
		rc = RC_MISMATCH;
	else if (BN_bn2binpad(scalar, part->octets, (int)part->len) == (int)part->len)
		rc = ecc_work_out(group, scalar, part->len, point, ctx);
	BN_CTX_end(ctx);
out:
	BN_clear_free(scalar);
	BN_CTX_free(ctx);
	EC_GROUP_free(group);
	return rc;
}

TSS2_RC
parts_take(uint8_t algorithm, const struct key_parts *parts, TPMU_PUBLIC_ID *id,
    struct private_part *part)
{
	TSS2_RC rc = RC_MISMATCH;

	if (key_is_rsa(algorithm))
		rc = rsa_take(key_size(algorithm), parts, &id->rsa, part);
	else if (key_is_ecc(algorithm))
		rc = ecc_take(algorithm, parts, &id->ecc, part);
	if (rc != TSS2_RC_SUCCESS)
		private_part_clear(part);
	return rc;
}
