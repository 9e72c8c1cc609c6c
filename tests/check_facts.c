/* SPDX-License-Identifier: BSD-2-Clause */
/* What a software TPM says of itself; and whether we are its owner, at no risk. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/cardtpm.h"
#include "tests/scratch.h"
#include "tests/suite.h"
#include "tests/tap.h"
#include "tpm/digest.h"
#include "tpm/link.h"
#include "tpm/rc.h"

#define WORD "the owner's word"

static struct cardtpm c;
static ESYS_CONTEXT *esys;

static void
setup(void)
{
	scratch_setup();
	cardtpm_prepare(&c);
	c.tpm = tpm_new(&c.config);
}

static void
teardown(void)
{
	tpm_free(c.tpm);
	c.tpm = NULL;
	cardtpm_end(&c);
	scratch_teardown();
}

static void
ask(struct tpm_facts *out)
{
	struct failure why = { .text = "" };

	memset(out, 0xff, sizeof *out);
	ck_assert_msg(tpm_ask(c.tpm, out, &why) == TPM_OK, "%s", why.text);
	ck_assert(!failed(&why) || strstr(why.text, "owner_auth_file") != NULL);
}

/* The owner's turn, by ESYS. */
static void
begin(void)
{
	ck_assert_uint_eq(link_begin(c.tpm, LINK_SECONDS, NULL), TSS2_RC_SUCCESS);
	esys = cardtpm_esys(c.tpm);
}

static void
end(void)
{
	Esys_Finalize(&esys);
	link_end(c.tpm);
}

/* Make the card's client anew, with another way to the TPM or another authorisation. */
static void
again(const char *tcti, const char *owner_auth_file)
{
	tpm_free(c.tpm);
	c.config.tcti = tcti;
	c.config.owner_auth_file = owner_auth_file;
	c.tpm = tpm_new(&c.config);
}

START_TEST(a_new_tpm)
{
	struct tpm_facts facts;
	TPMT_PUBLIC_PARMS rsa4096 = { .type = TPM2_ALG_RSA, .parameters.rsaDetail = {
		.symmetric.algorithm = TPM2_ALG_NULL, .scheme.scheme = TPM2_ALG_NULL,
		.keyBits = 4096 } };
	bool has_rsa4096;

	ask(&facts);
	ck_assert_str_eq(facts.manufacturer, "IBM");
	ck_assert_str_eq(facts.model, "SW TPM");
	ck_assert_uint_ge(facts.revision, 138);
	ck_assert_uint_ne(facts.firmware[0], 0);
	ck_assert(facts.has_pin_indices && facts.has_p256 && facts.has_p384 && facts.has_rsa3072);
	ck_assert(facts.has_encrypt);
	ck_assert(!facts.owner_auth_set && !facts.endorsement_auth_set && !facts.lockout_auth_set);
	ck_assert(facts.owner_auth_works && !facts.in_lockout);
	ck_assert_uint_eq(facts.lockout_counter, 0);
	ck_assert_uint_gt(facts.lockout_limit, 0);
	ck_assert_uint_gt(facts.lockout_recovery, 0);
	ck_assert_uint_eq(facts.nv_indices, 0);
	ck_assert_uint_gt(facts.persistent_free, 0);
	begin();
	has_rsa4096 = Esys_TestParms(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
			  &rsa4096) == TSS2_RC_SUCCESS;
	end();
	ck_assert(facts.has_rsa4096 == has_rsa4096);
	ck_assert_uint_eq(cardtpm_loaded_count(&c), 0);
}
END_TEST

START_TEST(a_card_takes_its_place)
{
	struct tpm_facts before, after;

	ask(&before);
	tpm_free(c.tpm);
	cardtpm_make(&c, &cardtpm_usual, rbuf_of(NULL, 0));
	ask(&after);
	ck_assert_uint_eq(after.nv_indices, before.nv_indices + 4);
	ck_assert_uint_lt(after.persistent_free, before.persistent_free);
	tpm_vault_free(c.vault);
	c.vault = NULL;
}
END_TEST

/* ---- the owner ---- */

static void
set_auth(ESYS_TR hierarchy, const char *word)
{
	const TPM2B_AUTH auth = nonce_tpm2b(rbuf_str(word));

	begin();
	ck_assert_uint_eq(Esys_HierarchyChangeAuth(esys, hierarchy, ESYS_TR_PASSWORD,
			      ESYS_TR_NONE, ESYS_TR_NONE, &auth), 0);
	end();
}

static const struct owner_row {
	const char *why;
	const char *set;   /* in the TPM; "" for none */
	const char *given; /* to us; NULL for no file */
	unsigned mode;	   /* of that file */
	bool works;
} owner_rows[] = {
	{ "none set, none given", "", NULL, 0, true },
	{ "none set, an empty one given", "", "", 0600, true },
	{ "none set, one given all the same", "", WORD, 0600, false },
	{ "set, none given", WORD, NULL, 0, false },
	{ "set, an empty one given", WORD, "", 0600, false },
	{ "set, another given", WORD, "something else", 0600, false },
	{ "set and given", WORD, WORD, 0600, true },
	{ "set and given, with a newline", WORD, WORD "\n", 0600, true },
	{ "given in a file that others read", WORD, WORD, 0644, false },
};

START_TEST(whether_we_are_the_owner)
{
	const struct owner_row *row = &owner_rows[_i];
	struct tap *tap = tap_begin(&c.swtpm, NULL);
	struct tpm_facts facts;
	int i;

	if (row->set[0] != '\0')
		set_auth(ESYS_TR_RH_OWNER, row->set);
	if (row->given != NULL)
		scratch_write("owner", rbuf_str(row->given), row->mode);
	again(tap_tcti(tap), row->given != NULL ? scratch_path("owner") : NULL);
	/* As often as the lockout allows, and more: nobody counts. */
	for (i = 0; i < 8; i++)
		ask(&facts);
	ck_assert_msg(facts.owner_auth_works == row->works, "%s", row->why);
	ck_assert_msg(facts.owner_auth_set == (row->set[0] != '\0'), "%s", row->why);
	ck_assert_msg(facts.lockout_counter == 0 && !facts.in_lockout, "%s", row->why);
	ck_assert(!facts.endorsement_auth_set && !facts.lockout_auth_set);
	ck_assert_msg(!tap_saw(tap, rbuf_str(WORD)), "%s", row->why);
	ck_assert_uint_eq(tap_count(tap, TPM2_CC_NV_DefineSpace), 0);
	tpm_rest(c.tpm);
	ck_assert_uint_eq(cardtpm_loaded_count(&c), 0);
	tpm_free(c.tpm);
	c.tpm = NULL;
	c.config.tcti = c.swtpm.tcti;
	tap_end(tap);
}
END_TEST

START_TEST(other_authorisations)
{
	struct tpm_facts facts;

	set_auth(ESYS_TR_RH_ENDORSEMENT, "e");
	set_auth(ESYS_TR_RH_LOCKOUT, "l");
	ask(&facts);
	ck_assert(facts.endorsement_auth_set && facts.lockout_auth_set && !facts.owner_auth_set);
	ck_assert(facts.owner_auth_works);
}
END_TEST

/* ---- the lockout ---- */

/* Fail once with an object that counts. */
static void
guess_wrong(void)
{
	const TPM2B_PUBLIC counted = { .publicArea = {
		.type = TPM2_ALG_KEYEDHASH, .nameAlg = TPM2_ALG_SHA256,
		.objectAttributes = TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_USERWITHAUTH |
		    TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN,
		.parameters.keyedHashDetail.scheme = { .scheme = TPM2_ALG_HMAC,
		    .details.hmac.hashAlg = TPM2_ALG_SHA256 } } };
	const TPM2B_SENSITIVE_CREATE secret = { .sensitive.userAuth = { .size = 1, .buffer = "x" } };
	const TPM2B_AUTH wrong = { .size = 1, .buffer = "y" };
	const TPM2B_MAX_BUFFER data = { .size = 1 };
	const TPML_PCR_SELECTION no_pcr = { .count = 0 };
	const TPM2B_DATA no_info = { .size = 0 };
	TPM2B_DIGEST *mac = NULL;
	ESYS_TR key = ESYS_TR_NONE;

	begin();
	ck_assert_uint_eq(Esys_CreatePrimary(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
			      ESYS_TR_NONE, ESYS_TR_NONE, &secret, &counted, &no_info, &no_pcr, &key,
			      NULL, NULL, NULL, NULL), 0);
	ck_assert_uint_eq(Esys_TR_SetAuth(esys, key, &wrong), 0);
	ck_assert_uint_ne(Esys_HMAC(esys, key, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
			      &data, TPM2_ALG_SHA256, &mac), 0);
	ck_assert_uint_eq(Esys_FlushContext(esys, key), 0);
	end();
}

START_TEST(a_tpm_in_lockout)
{
	struct tpm_facts facts;

	begin();
	ck_assert_uint_eq(Esys_DictionaryAttackParameters(esys, ESYS_TR_RH_LOCKOUT,
			      ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, 2, 4321, 99), 0);
	end();
	guess_wrong();
	ask(&facts);
	ck_assert_uint_eq(facts.lockout_counter, 1);
	ck_assert_uint_eq(facts.lockout_limit, 2);
	ck_assert_uint_eq(facts.lockout_recovery, 4321);
	ck_assert(!facts.in_lockout);
	guess_wrong();
	ask(&facts);
	ck_assert_uint_eq(facts.lockout_counter, 2);
	ck_assert(facts.in_lockout && facts.owner_auth_works);
	/* Somebody else's lockout: a wrong owner's authorisation neither needs it nor adds to it. */
	scratch_write("owner", rbuf_str("wrong"), 0600);
	again(c.swtpm.tcti, scratch_path("owner"));
	ask(&facts);
	ck_assert(!facts.owner_auth_works && facts.in_lockout);
	ck_assert_uint_eq(facts.lockout_counter, 2);
}
END_TEST

START_TEST(how_it_was_shut_down)
{
	struct tpm_facts facts;
	int i;

	for (i = 0; i < 2; i++) {
		ask(&facts);
		begin();
		if (i == 0)
			ck_assert_uint_eq(Esys_Shutdown(esys, ESYS_TR_NONE, ESYS_TR_NONE,
					      ESYS_TR_NONE, TPM2_SU_CLEAR), 0);
		end();
		swtpm_kill(&c.swtpm);
		swtpm_start(&c.swtpm);
		again(c.swtpm.tcti, NULL);
		ask(&facts);
		ck_assert_msg(facts.orderly == (i == 0), "%d", i);
	}
}
END_TEST

/* ---- answers that make no sense ---- */

/* Each is done to every answer to GetCapability that tells properties. */
enum mischief { CONTROL, ENDLESS, BACKWARDS, NOTHING, ELSE };

#define HEADER_OCTETS 10
#define ITEMS_AT (HEADER_OCTETS + 1 + 4 + 4)

static void
spoil(void *context, uint32_t code, uint8_t *octets, size_t len)
{
	const enum mischief *mischief = context;
	struct rbuf in = rbuf_of(octets, len), skip;
	uint32_t capability;
	size_t i;

	if (code != TPM2_CC_GetCapability || !rbuf_take(&in, HEADER_OCTETS + 1, &skip) ||
	    !rbuf_u32(&in, &capability) || capability != TPM2_CAP_TPM_PROPERTIES)
		return;
	switch (*mischief) {
	case CONTROL:
		for (i = ITEMS_AT; i + 8 <= len; i += 8) {
			if (octets[i + 2] == 1 && (octets[i + 3] == 5 || octets[i + 3] == 6))
				memcpy(octets + i + 4, "\033[2\177", 4);
			if (octets[i + 2] == 1 && octets[i + 3] == 7)
				memcpy(octets + i + 4, "\200\n  ", 4);
		}
		break;
	case ENDLESS:
		octets[HEADER_OCTETS] = 1;
		break;
	case BACKWARDS:
		octets[HEADER_OCTETS] = 1;
		if (len >= ITEMS_AT + 16)
			memset(octets + ITEMS_AT + 8, 0, 4);
		break;
	case NOTHING:
		octets[HEADER_OCTETS] = 1;
		memset(octets + ITEMS_AT - 4, 0, 4);
		break;
	case ELSE:
		/* Handles, which are half as long as properties: twice as many. */
		octets[HEADER_OCTETS + 4] = TPM2_CAP_HANDLES;
		octets[ITEMS_AT - 1] = (uint8_t)((len - ITEMS_AT) / 4);
		break;
	}
}

START_TEST(answers_that_make_no_sense)
{
	enum mischief mischief = (enum mischief)_i;
	const struct tap_hooks hooks = { .answer = spoil, .context = &mischief };
	struct tap *tap = tap_begin(&c.swtpm, &hooks);
	struct failure why = { .text = "" };
	struct tpm_facts facts;
	enum tpm_err err;

	again(tap_tcti(tap), NULL);
	err = tpm_ask(c.tpm, &facts, &why);
	if (mischief == CONTROL) {
		ck_assert_int_eq(err, TPM_OK);
		ck_assert_str_eq(facts.manufacturer, "?[2?");
		ck_assert_str_eq(facts.model, "?[2???");
	} else if (mischief == ENDLESS) {
		ck_assert_int_eq(err, TPM_OK);
		ck_assert_str_eq(facts.manufacturer, "IBM");
	} else if (err == TPM_OK) {
		ck_assert_int_ne(mischief, ELSE);
		ck_assert_str_eq(facts.manufacturer, "");
		ck_assert(!facts.has_pin_indices);
	} else {
		ck_assert(failed(&why));
	}
	ck_assert_uint_lt(tap_count(tap, TPM2_CC_GetCapability), 50);
	tpm_free(c.tpm);
	c.tpm = NULL;
	c.config.tcti = c.swtpm.tcti;
	tap_end(tap);
}
END_TEST

START_TEST(no_tpm)
{
	struct failure why = { .text = "" };
	struct tpm_facts facts = { .manufacturer = "as" };

	swtpm_kill(&c.swtpm);
	ck_assert_int_eq(tpm_ask(c.tpm, &facts, &why), TPM_UNUSABLE);
	ck_assert(failed(&why));
	ck_assert_str_eq(facts.manufacturer, "as");
	swtpm_start(&c.swtpm);
	ask(&facts);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("facts");
	TCase *tcase = tcase_create("facts");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_new_tpm);
	tcase_add_test(tcase, a_card_takes_its_place);
	tcase_add_rows(tcase, whether_we_are_the_owner, owner_rows);
	tcase_add_test(tcase, other_authorisations);
	tcase_add_test(tcase, a_tpm_in_lockout);
	tcase_add_test(tcase, how_it_was_shut_down);
	tcase_add_loop_test(tcase, answers_that_make_no_sense, CONTROL, ELSE + 1);
	tcase_add_test(tcase, no_tpm);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
