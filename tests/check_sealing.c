/* SPDX-License-Identifier: BSD-2-Clause */
/* Data sealed to the PIN on a live software TPM. */
#include <string.h>

#include "tests/cardtpm.h"
#include "tests/suite.h"

#define LABEL 0x5fc103
#define CLEAR_MAX 13000

static struct cardtpm c;
static uint8_t clear_octets[CLEAR_MAX];
static struct wbuf sealed, opened;
static uint8_t sealed_octets[CLEAR_MAX + VAULT_SEAL_MAX], opened_octets[CLEAR_MAX];

static struct rbuf
clear(size_t n)
{
	memset(clear_octets, 0xa5, sizeof clear_octets);
	return rbuf_of(clear_octets, n);
}

static enum vault_err
seal(size_t n)
{
	sealed = wbuf_over(sealed_octets, sizeof sealed_octets);
	return vault_seal(c.vault, wbuf_view(&c.key), LABEL, clear(n), &sealed);
}

static enum vault_err
unseal(uint32_t label)
{
	opened = wbuf_over(opened_octets, sizeof opened_octets);
	return vault_unseal(c.vault, wbuf_view(&c.key), label, wbuf_view(&sealed), &opened);
}

static void
setup(void)
{
	cardtpm_begin(&c, &cardtpm_usual);
	cardtpm_generate(&c, VAULT_SEALING_ALGORITHM, PIN_ONCE);
}

static void
teardown(void)
{
	cardtpm_end(&c);
}

START_TEST(only_the_pin_opens)
{
	static const size_t sizes[] = { 0, 1, 511, 512, 513, CLEAR_MAX };

	ck_assert_int_eq(seal(sizes[_i]), VAULT_OK);
	ck_assert_uint_le(sealed.len, sizes[_i] + VAULT_SEAL_MAX);
	ck_assert_int_eq(unseal(LABEL), VAULT_AUTH);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	ck_assert_int_eq(unseal(LABEL), VAULT_OK);
	ck_assert(rbuf_eq(wbuf_view(&opened), clear(sizes[_i])));
	ck_assert_int_eq(unseal(LABEL + 1), VAULT_MISMATCH);
	ck_assert_uint_eq(opened.len, 0);
	vault_forget(c.vault);
	ck_assert_int_eq(unseal(LABEL), VAULT_AUTH);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sealing");
	TCase *tcase = tcase_create("sealing");

	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, only_the_pin_opens, 0, 6);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
