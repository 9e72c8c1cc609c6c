/* SPDX-License-Identifier: BSD-2-Clause */
/* Unblocking with a help desk: challenge and response on a live software TPM. */
#include <string.h>

#include "tests/cardtpm.h"
#include "tests/suite.h"

static struct cardtpm c;

START_TEST(happy)
{
	uint8_t a[TPM_CHALLENGE_MAX], b[TPM_RESPONSE_MAX];
	struct wbuf challenge = wbuf_over(a, sizeof a), response = wbuf_over(b, sizeof b);
	struct tpm_challenge *open = NULL;
	struct failure why = { "" };
	SECRET(key);
	SECRET(pin);
	int i;

	cardtpm_begin(&c, &cardtpm_usual);
	for (i = 0; _i == 1 && i < 5; i++)
		ck_assert_int_eq(cardtpm_verify(&c, "00000000"), VAULT_AUTH);
	ck_assert(secret_set(&key, rbuf_of(cardtpm_admin_key, 24)));
	ck_assert(secret_set(&pin, rbuf_str("55555555")));
	ck_assert_msg(tpm_challenge_open(c.vault, &open, &challenge, &why) == TPM_OK, "%s", why.text);
	ck_assert_uint_eq(challenge.len, _i == 0 ? 46 : 82);
	ck_assert_msg(tpm_challenge_respond(wbuf_view(&c.record), wbuf_view(&challenge), &key,
			  &response, &why) == TPM_OK, "%s", why.text);
	ck_assert_int_eq(tpm_challenge_answer(open, wbuf_view(&response), &pin), VAULT_OK);
	ck_assert_int_eq(cardtpm_verify(&c, "55555555"), VAULT_OK);
	tpm_challenge_close(open);
	cardtpm_end(&c);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("challenge");
	TCase *tcase = tcase_create("challenge");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, happy, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
