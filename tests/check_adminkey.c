/* SPDX-License-Identifier: BSD-2-Clause */
/* A new card management key on a live software TPM, and whether ADMIN follows it. */
#include <string.h>

#include "tests/cardtpm.h"
#include "tests/suite.h"

static struct cardtpm c;
static const uint8_t fresh_octets[32] = "a new key of the administrator's";

static size_t
octets_of(uint8_t algorithm)
{
	return algorithm == ALG_AES_128 ? 16 : algorithm == ALG_AES_256 ? 32 : 24;
}

/* Make a new key into c.key. */
static enum vault_err
make(uint8_t algorithm, size_t n)
{
	SECRET(octets);

	ck_assert(secret_set(&octets, rbuf_of(fresh_octets, n)));
	c.key = wbuf_over(c.key_octets, sizeof c.key_octets);
	return vault_admin_make(c.vault, algorithm, &octets, wbuf_view(&c.admin), &c.key);
}

static enum vault_err
follow(size_t n)
{
	SECRET(octets);

	ck_assert(secret_set(&octets, rbuf_of(fresh_octets, n)));
	return vault_admin_follow(c.vault, wbuf_view(&c.admin), &octets);
}

static void
teardown(void)
{
	cardtpm_end(&c);
}

static const struct row {
	const char *why;
	uint8_t old, fresh;
	bool random, unblock; /* the card: a random key; ADMIN may unblock */
	enum vault_err follow, old_holds, fresh_holds;
} rows[] = {
	{ "3DES to 3DES", ALG_3DES, ALG_3DES, false, true, VAULT_OK, VAULT_AUTH, VAULT_OK },
	{ "3DES to AES-192", ALG_3DES, ALG_AES_192, false, true, VAULT_OK, VAULT_AUTH, VAULT_OK },
	{ "3DES to the TPM's AES-256", ALG_3DES, ALG_AES_256, false, true, VAULT_OK, VAULT_AUTH,
	    VAULT_UNSUPPORTED },
	{ "the TPM's AES-128 to 3DES", ALG_AES_128, ALG_3DES, false, true, VAULT_UNSUPPORTED,
	    VAULT_UNSUPPORTED, VAULT_AUTH },
	{ "ADMIN may do nothing", ALG_AES_256, ALG_3DES, false, false, VAULT_OK, VAULT_OK, VAULT_OK },
	{ "random key, no ADMIN", ALG_3DES, ALG_AES_256, true, true, VAULT_OK, VAULT_OK, VAULT_OK },
};

START_TEST(admin_follows)
{
	const struct row *row = &rows[_i];
	struct cardtpm_kind kind = cardtpm_usual;
	struct key_info info;

	kind.admin_algorithm = row->old;
	kind.random_admin = row->random;
	kind.admin_unblock = row->unblock;
	cardtpm_begin(&c, &kind);
	ck_assert_int_eq(make(row->fresh, octets_of(row->fresh)), VAULT_OK);
	ck_assert_int_eq(vault_describe(c.vault, wbuf_view(&c.key), &info), VAULT_OK);
	ck_assert_uint_eq(info.algorithm, row->fresh);
	ck_assert_int_eq(info.pin, row->random ? PIN_ONCE : PIN_NEVER);
	ck_assert_msg(follow(octets_of(row->fresh)) == row->follow, "%s", row->why);
	ck_assert_msg(vault_admin_holds(c.vault, wbuf_view(&c.admin)) == row->old_holds, "%s",
	    row->why);
	ck_assert_msg(vault_admin_holds(c.vault, wbuf_view(&c.key)) == row->fresh_holds, "%s",
	    row->why);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("adminkey");
	TCase *tcase = tcase_create("adminkey");

	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_rows(tcase, admin_follows, rows);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
