/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unblocking with a help desk, on a live software TPM: the card's machine, the
 * desk, and who would like to make something else of it.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tss2/tss2_sys.h>

#include "tests/attacker.h"
#include "tests/memory.h"
#include "tests/suite.h"
#include "tests/tap.h"
#include "tpm/vault.h"

#define FRESH "55555555"
#define ADMIN_LIMIT 0x7fffffffU

/* The layout, as tpm/README.md has it. */
#define HEAD 10
#define PER_PROOF 36
#define TAG 8
#define HMAC_OCTETS 32

static struct tpm_challenge *challenge;
static uint8_t challenge_octets[TPM_CHALLENGE_MAX], response_octets[TPM_RESPONSE_MAX];
static struct wbuf text, response;
static uint8_t algorithm;

static size_t
key_octets(void)
{
	return algorithm == ALG_AES_128 ? 16 : algorithm == ALG_AES_256 ? 32 : 24;
}

static void
begin_card(uint8_t admin_algorithm)
{
	struct cardtpm_kind kind = cardtpm_usual;

	algorithm = admin_algorithm;
	kind.admin_algorithm = admin_algorithm;
	cardtpm_begin(&c, &kind);
	ck_assert(record_read(wbuf_view(&c.record), &record));
}

static void
setup(void)
{
	begin_card(ALG_3DES);
}

static void
teardown(void)
{
	tpm_challenge_close(challenge);
	challenge = NULL;
	cardtpm_end(&c);
}

/* ---- the three parties ---- */

static void
spend(unsigned tries)
{
	while (tries-- > 0)
		ck_assert_int_eq(cardtpm_verify(&c, "00000000"), VAULT_AUTH);
}

static void
block(void)
{
	spend(5);
}

static void
open_challenge(void)
{
	struct failure why = { .text = "" };

	text = wbuf_over(challenge_octets, sizeof challenge_octets);
	ck_assert_msg(tpm_challenge_open(c.vault, &challenge, &text, &why) == TPM_OK, "%s",
	    why.text);
	ck_assert(!failed(&why));
}

static enum tpm_err
respond_with(const uint8_t *key, size_t n, struct rbuf to)
{
	struct failure why = { .text = "" };
	enum tpm_err err;
	SECRET(octets);

	ck_assert(secret_set(&octets, rbuf_of(key, n)));
	response = wbuf_over(response_octets, sizeof response_octets);
	err = tpm_challenge_respond(wbuf_view(&c.record), to, &octets, &response, &why);
	ck_assert((err == TPM_OK) != failed(&why));
	ck_assert((err == TPM_OK) == (response.len != 0));
	return err;
}

static void
respond(void)
{
	ck_assert_int_eq(respond_with(cardtpm_admin_key32, key_octets(), wbuf_view(&text)), TPM_OK);
}

static enum vault_err
answer_with(struct rbuf octets)
{
	SECRET(pin);

	ck_assert(secret_set(&pin, rbuf_str(FRESH)));
	return tpm_challenge_answer(challenge, octets, &pin);
}

static enum vault_err
answer(void)
{
	return answer_with(wbuf_view(&response));
}

static unsigned
left(enum reference which)
{
	struct tries tries = { .left = 0 };

	ck_assert_int_eq(vault_tries(c.vault, which, &tries), VAULT_OK);
	return tries.left;
}

/* The new PIN is set and has all its tries. */
static void
unblocked(void)
{
	ck_assert_int_eq(cardtpm_verify(&c, FRESH), VAULT_OK);
	ck_assert_uint_eq(left(REFERENCE_PIN), 5);
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_AUTH);
	ck_assert_uint_eq(left(REFERENCE_ADMIN), ADMIN_LIMIT);
}

/* Give a blocked PIN its tries back, and leave it as it is: what no port of ours does. */
static void
reset_count(void)
{
	const TPM2B_MAX_NV_BUFFER zeros = { .size = 4 };
	ESYS_TR session;

	attack_begin();
	session = reset_session();
	ck_assert_uint_eq(write_count(session, &zeros, 0), TSS2_RC_SUCCESS);
	discard(&session);
	attack_end();
}

/* Nothing has changed: so many tries of the PIN, so many of ADMIN spent; and the PIN is the old one. */
static void
unchanged(unsigned tries, unsigned spent, const char *why)
{
	ck_assert_msg(left(REFERENCE_PIN) == tries, "%s: %u tries", why, left(REFERENCE_PIN));
	ck_assert_msg(left(REFERENCE_ADMIN) == ADMIN_LIMIT - spent, "%s: %u of ADMIN", why,
	    ADMIN_LIMIT - left(REFERENCE_ADMIN));
	if (tries == 0) {
		ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_BLOCKED);
		reset_count();
	}
	ck_assert_msg(cardtpm_verify(&c, CARDTPM_PIN) == VAULT_OK, "%s", why);
}

/* After all is closed nothing is left in the TPM. */
static void
nothing_left(void)
{
	tpm_challenge_close(challenge);
	challenge = NULL;
	vault_forget(c.vault);
	tpm_rest(c.tpm);
	ck_assert_uint_eq(cardtpm_loaded_count(&c), 0);
}

/* ---- as it should be ---- */

static const struct good_row {
	const char *why;
	uint8_t algorithm;
	unsigned spent; /* tries of the PIN */
} good_rows[] = {
	{ "3DES", ALG_3DES, 0 },
	{ "3DES, one try left", ALG_3DES, 4 },
	{ "3DES, blocked", ALG_3DES, 5 },
	{ "AES-128", ALG_AES_128, 0 },
	{ "AES-128, blocked", ALG_AES_128, 5 },
	{ "AES-192, blocked", ALG_AES_192, 5 },
	{ "AES-256", ALG_AES_256, 0 },
	{ "AES-256, blocked", ALG_AES_256, 5 },
};

START_TEST(the_desk_unblocks)
{
	const struct good_row *row = &good_rows[_i];
	const size_t proofs = row->spent == 5 ? 2 : 1;
	struct tpm_challenge_info info = { .reset_count = row->spent != 5 };
	struct failure why = { .text = "" };

	cardtpm_end(&c);
	begin_card(row->algorithm);
	cardtpm_generate(&c, ALG_ECC_P256, PIN_ALWAYS);
	spend(row->spent);
	open_challenge();
	ck_assert_uint_eq(text.len, HEAD + proofs * PER_PROOF);
	ck_assert_int_eq(tpm_challenge_read(wbuf_view(&c.record), wbuf_view(&text), &info, &why),
	    TPM_OK);
	ck_assert(info.reset_count == (row->spent == 5));
	respond();
	ck_assert_uint_eq(response.len, TAG + proofs * HMAC_OCTETS);
	ck_assert_msg(answer() == VAULT_OK, "%s", row->why);
	ck_assert_msg(answer() == VAULT_ABSENT, "%s: a second time", row->why);
	unblocked();
	ck_assert_int_eq(cardtpm_verify(&c, FRESH), VAULT_OK);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
	nothing_left();
}
END_TEST

/* A proof of the old PIN, ticket and armed session, does not outlive the answer. */
START_TEST(an_old_proof_ends)
{
	cardtpm_generate(&c, ALG_ECC_P256, PIN_ALWAYS);
	open_challenge();
	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	respond();
	ck_assert_int_eq(answer(), VAULT_OK);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_AUTH);
	cardtpm_generate(&c, ALG_ECC_P256, PIN_ONCE);
	ck_assert_int_eq(cardtpm_sign(&c), VAULT_AUTH);
}
END_TEST

/* Who may not read the count asks for both. */
START_TEST(an_unknown_count)
{
	const TPM2B_AUTH owner = { .size = 1, .buffer = "o" };
	struct tries tries;

	attack_begin();
	ck_assert_uint_eq(Esys_HierarchyChangeAuth(esys, ESYS_TR_RH_OWNER,
			      ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &owner), 0);
	attack_end();
	ck_assert_int_eq(vault_tries(c.vault, REFERENCE_PIN, &tries), VAULT_UNSUPPORTED);
	open_challenge();
	ck_assert_uint_eq(text.len, HEAD + 2 * PER_PROOF);
	respond();
	ck_assert_int_eq(answer(), VAULT_OK);
	ck_assert_int_eq(cardtpm_verify(&c, FRESH), VAULT_OK);
	nothing_left();
}
END_TEST

/* Through a resource manager the sessions stay loaded: here as far as a TPM without one has places. */
START_TEST(without_saving)
{
	char tcti[256];

	/* By another name it is not known to be shared. */
	(void)snprintf(tcti, sizeof tcti, "libtss2-tcti-swtpm.so.0:%s", strchr(c.swtpm.tcti, ':') + 1);
	tpm_vault_free(c.vault);
	tpm_free(c.tpm);
	c.config.tcti = tcti;
	c.tpm = tpm_new(&c.config);
	ck_assert_int_eq(tpm_vault_open(c.tpm, wbuf_view(&c.record), &c.vault), TPM_OK);
	ck_assert(!link_shared(c.tpm));
	open_challenge();
	ck_assert_uint_eq(cardtpm_loaded_count(&c), 2);
	respond();
	ck_assert_int_eq(answer(), VAULT_OK);
	unblocked();
	tpm_challenge_close(challenge);
	open_challenge();
	tpm_challenge_close(challenge);
	challenge = NULL;
	vault_forget(c.vault);
	tpm_vault_free(c.vault);
	tpm_free(c.tpm);
	c.config.tcti = c.swtpm.tcti;
	c.tpm = tpm_new(&c.config);
	ck_assert_int_eq(tpm_vault_open(c.tpm, wbuf_view(&c.record), &c.vault), TPM_OK);
}
END_TEST

/* ---- responses that are none ---- */

/* What makes octets look like a response: nothing secret. */
static void
tag_again(uint8_t *octets, size_t len)
{
	const struct rbuf parts[] = { rbuf_str("tpmvsc: response to a challenge\n"),
		wbuf_view(&text), rbuf_of(octets + TAG, len - TAG) };
	struct digest d;

	ck_assert(digest_of(parts, 3, &d));
	memcpy(octets, d.octets, TAG);
}

/* Every octet of it, and every length, is looked at before the TPM is asked. */
START_TEST(altered_by_accident)
{
	uint8_t octets[TPM_RESPONSE_MAX + 1];
	size_t i;

	if (_i == 1)
		block();
	open_challenge();
	respond();
	for (i = 0; i < response.len; i++) {
		memcpy(octets, response.data, response.len);
		octets[i] ^= (uint8_t)(1U << i % 8);
		ck_assert_msg(answer_with(rbuf_of(octets, response.len)) == VAULT_MISMATCH,
		    "octet %zu", i);
	}
	memcpy(octets, response.data, response.len);
	for (i = 0; i <= sizeof octets; i++) {
		if (i == response.len)
			continue;
		ck_assert_msg(answer_with(rbuf_of(octets, i)) == VAULT_MISMATCH, "%zu octets", i);
		if (i <= TAG)
			continue;
		tag_again(octets, i);
		ck_assert_msg(answer_with(rbuf_of(octets, i)) == VAULT_MISMATCH, "%zu octets", i);
	}
	ck_assert_uint_eq(left(REFERENCE_ADMIN), ADMIN_LIMIT);
	ck_assert_uint_eq(left(REFERENCE_PIN), _i == 1 ? 0 : 5);
	/* None of it has cost anything: the right one serves. */
	ck_assert_int_eq(answer(), VAULT_OK);
	unblocked();
}
END_TEST

enum forgery { WRONG_KEY, FIRST, SECOND, SWAPPED, ZEROS, FORGERIES };

/* Octets that look like a response, which the TPM refuses: one try, and nothing has changed. */
START_TEST(forged)
{
	static const uint8_t wrong[24] = "not the administrator's";
	static const char *const whys[] = { "wrong key", "first proof", "second proof",
		"proofs swapped", "zeros" };
	const enum forgery forgery = (enum forgery)_i;
	uint8_t *const hmacs = response_octets + TAG, copy[HMAC_OCTETS];
	enum vault_err err;

	block();
	open_challenge();
	respond();
	switch (forgery) {
	case WRONG_KEY:
		ck_assert_int_eq(respond_with(wrong, sizeof wrong, wbuf_view(&text)), TPM_OK);
		break;
	case FIRST:
		hmacs[5] ^= 0x10;
		break;
	case SECOND:
		hmacs[HMAC_OCTETS + 31] ^= 1;
		break;
	case SWAPPED:
		memcpy(copy, hmacs, sizeof copy);
		memcpy(hmacs, hmacs + HMAC_OCTETS, sizeof copy);
		memcpy(hmacs + HMAC_OCTETS, copy, sizeof copy);
		break;
	case ZEROS:
	case FORGERIES:
		memset(hmacs, 0, 2 * sizeof copy);
		break;
	}
	tag_again(response_octets, response.len);
	err = answer();
	ck_assert_msg(err == VAULT_AUTH, "%s: %d", whys[forgery], (int)err);
	/* And it was the only one that the challenge served. */
	respond();
	ck_assert_msg(answer() == VAULT_ABSENT, "%s", whys[forgery]);
	unchanged(0, 1, whys[forgery]);
	nothing_left();
}
END_TEST

START_TEST(to_another_challenge)
{
	uint8_t old[TPM_RESPONSE_MAX];
	size_t len;

	open_challenge();
	respond();
	len = response.len;
	memcpy(old, response_octets, len);
	if (_i == 1)
		ck_assert_int_eq(answer(), VAULT_OK);
	tpm_challenge_close(challenge);
	open_challenge();
	ck_assert_int_eq(answer_with(rbuf_of(old, len)), VAULT_MISMATCH);
	ck_assert_uint_eq(left(REFERENCE_ADMIN), ADMIN_LIMIT);
	tag_again(old, len);
	ck_assert_int_eq(answer_with(rbuf_of(old, len)), VAULT_AUTH);
	if (_i == 0)
		unchanged(5, 1, "a response that was never used");
	else
		ck_assert_int_eq(cardtpm_verify(&c, FRESH), VAULT_OK);
	ck_assert_uint_eq(left(REFERENCE_ADMIN), ADMIN_LIMIT - 1);
}
END_TEST

/* Two challenges at a time do not get into each other's way. */
START_TEST(two_at_a_time)
{
	struct tpm_challenge *first;
	uint8_t old[TPM_RESPONSE_MAX];
	size_t len;

	block();
	open_challenge();
	first = challenge;
	respond();
	len = response.len;
	memcpy(old, response_octets, len);
	open_challenge();
	ck_assert_int_eq(answer_with(rbuf_of(old, len)), VAULT_MISMATCH);
	tpm_challenge_close(challenge);
	challenge = first;
	ck_assert_int_eq(answer_with(rbuf_of(old, len)), VAULT_OK);
	unblocked();
	nothing_left();
}
END_TEST

/* ---- late ---- */

enum meanwhile { OTHERS, REST, RESTART, FLUSHED, BLOCKED, DRIVERS, MEANWHILES };

static const struct meanwhile_row {
	const char *why;
	enum vault_err err;
	bool blocked;
} meanwhile_rows[] = {
	[OTHERS] = { "others have their turns", VAULT_OK, true },
	[REST] = { "our own connection is given up", VAULT_OK, true },
	[RESTART] = { "the TPM is restarted", VAULT_ABSENT, true },
	[FLUSHED] = { "saved sessions are flushed", VAULT_ABSENT, true },
	[BLOCKED] = { "the PIN gets blocked", VAULT_BLOCKED, false },
	[DRIVERS] = { "the card is used, through this client and others", VAULT_OK, false },
};

static void
use_card(void)
{
	struct cardtpm other = { .config = c.config };
	int i;

	cardtpm_generate(&c, ALG_ECC_P256, PIN_ALWAYS);
	for (i = 0; i < 3; i++) {
		other.tpm = tpm_new(&other.config);
		ck_assert_int_eq(tpm_vault_open(other.tpm, wbuf_view(&c.record), &other.vault), TPM_OK);
		ck_assert_int_eq(cardtpm_verify(&other, CARDTPM_PIN), VAULT_OK);
		ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
		ck_assert_int_eq(cardtpm_sign(&c), VAULT_OK);
		tpm_vault_free(other.vault);
		tpm_free(other.tpm);
	}
}

static void
happen(enum meanwhile what)
{
	switch (what) {
	case OTHERS:
		attack_begin();
		attack_end();
		break;
	case REST:
		tpm_rest(c.tpm);
		break;
	case RESTART:
		swtpm_kill(&c.swtpm);
		swtpm_start(&c.swtpm);
		break;
	case FLUSHED:
		attack_begin();
		link_flush_saved(attacker);
		attack_end();
		break;
	case BLOCKED:
		block();
		break;
	case DRIVERS:
	case MEANWHILES:
		use_card();
		break;
	}
}

START_TEST(meanwhile)
{
	const struct meanwhile_row *row = &meanwhile_rows[_i];

	if (row->blocked)
		block();
	open_challenge();
	happen((enum meanwhile)_i);
	respond();
	ck_assert_msg(answer() == row->err, "%s", row->why);
	if (row->err == VAULT_OK) {
		unblocked();
	} else {
		unchanged(0, 0, row->why);
		ck_assert_int_eq(answer(), VAULT_ABSENT);
	}
	nothing_left();
	open_challenge();
	respond();
	ck_assert_int_eq(answer(), VAULT_OK);
	unblocked();
}
END_TEST

/* A session at a handle that was a challenge's once is somebody else's now: closing spares it. */
START_TEST(closing_flushes_its_own_only)
{
	struct tpm_challenge *first;

	open_challenge();
	first = challenge;
	attack_begin();
	link_flush_saved(attacker);
	attack_end();
	open_challenge();
	tpm_challenge_close(first);
	respond();
	ck_assert_int_eq(answer(), VAULT_OK);
	unblocked();
}
END_TEST

/* What a driver saved before the TPM was reset may have the number of a challenge's session since. */
START_TEST(a_driver_flushes_its_own_only)
{
	struct cardtpm other = { .config = c.config };
	struct failure why = { .text = "" };

	ck_assert_int_eq(cardtpm_verify(&c, CARDTPM_PIN), VAULT_OK);
	swtpm_kill(&c.swtpm);
	swtpm_start(&c.swtpm);
	other.tpm = tpm_new(&other.config);
	ck_assert_int_eq(tpm_vault_open(other.tpm, wbuf_view(&c.record), &other.vault), TPM_OK);
	text = wbuf_over(challenge_octets, sizeof challenge_octets);
	ck_assert_msg(tpm_challenge_open(other.vault, &challenge, &text, &why) == TPM_OK, "%s",
	    why.text);
	vault_forget(c.vault);
	respond();
	ck_assert_int_eq(answer(), VAULT_OK);
	unblocked();
	tpm_challenge_close(challenge);
	challenge = NULL;
	tpm_vault_free(other.vault);
	tpm_free(other.tpm);
}
END_TEST

/* ---- a TPM in trouble ---- */

/* The nth command with a code does not get to the TPM; an answer of trouble comes back. */
struct trouble {
	uint32_t code;
	unsigned nth;
	TSS2_RC rc;
	unsigned seen;
	bool now;
};

static size_t
keep_back(void *context, uint32_t code, uint8_t *octets, size_t len)
{
	struct trouble *t = context;
	struct wbuf out = wbuf_over(octets, TAP_MESSAGE_MAX);

	t->now = code == t->code && t->seen++ == t->nth;
	if (!t->now)
		return len;
	wbuf_u16(&out, TPM2_ST_NO_SESSIONS);
	wbuf_u32(&out, 10);
	wbuf_u32(&out, TPM2_CC_GetTestResult);
	return out.len;
}

static void
say_trouble(void *context, uint32_t code, uint8_t *octets, size_t len)
{
	const struct trouble *t = context;
	struct wbuf out = wbuf_over(octets, len);

	if (code != t->code || !t->now)
		return;
	wbuf_u16(&out, TPM2_ST_NO_SESSIONS);
	wbuf_u32(&out, 10);
	wbuf_u32(&out, t->rc);
}

#define NV_RATE 0x920U
#define FAILURE 0x101U

static const struct trouble_row {
	const char *why;
	struct trouble trouble;
	enum vault_err err;
	bool pin_set, count_reset; /* afterwards */
} trouble_rows[] = {
	{ "not now, at the first proof", { TPM2_CC_PolicySecret, 0, NV_RATE, 0, 0 }, VAULT_OK, 1, 1 },
	{ "not now, at the second", { TPM2_CC_PolicySecret, 1, NV_RATE, 0, 0 }, VAULT_OK, 1, 1 },
	{ "not now, at the PIN", { TPM2_CC_NV_ChangeAuth, 0, NV_RATE, 0, 0 }, VAULT_OK, 1, 1 },
	{ "not now, at the count", { TPM2_CC_NV_Write, 0, NV_RATE, 0, 0 }, VAULT_OK, 1, 1 },
	{ "failure, at the first proof", { TPM2_CC_PolicySecret, 0, FAILURE, 0, 0 }, VAULT_FAULT, 0,
	    0 },
	{ "a session gone, at the first proof", { TPM2_CC_PolicySecret, 0, 0x918, 0, 0 }, VAULT_ABSENT,
	    0, 0 },
	{ "a session gone, at the second", { TPM2_CC_PolicySecret, 1, 0x919, 0, 0 }, VAULT_ABSENT, 0,
	    0 },
	{ "failure, at the second", { TPM2_CC_PolicySecret, 1, FAILURE, 0, 0 }, VAULT_FAULT, 0, 0 },
	{ "failure, at the approval", { TPM2_CC_PolicyAuthorize, 0, FAILURE, 0, 0 }, VAULT_FAULT, 0,
	    0 },
	{ "failure, at the PIN", { TPM2_CC_NV_ChangeAuth, 0, FAILURE, 0, 0 }, VAULT_FAULT, 0, 0 },
	{ "failure, at the count", { TPM2_CC_NV_Write, 0, FAILURE, 0, 0 }, VAULT_FAULT, 1, 0 },
	{ "a session gone, at the count", { TPM2_CC_ContextLoad, 9, 0x1df, 0, 0 }, VAULT_FAULT, 1,
	    0 },
};

static void
through(struct tap *tap)
{
	tpm_vault_free(c.vault);
	tpm_free(c.tpm);
	c.config.tcti = tap != NULL ? tap_tcti(tap) : c.swtpm.tcti;
	c.tpm = tpm_new(&c.config);
	ck_assert_int_eq(tpm_vault_open(c.tpm, wbuf_view(&c.record), &c.vault), TPM_OK);
}

START_TEST(a_tpm_in_trouble)
{
	const struct trouble_row *row = &trouble_rows[_i];
	struct trouble trouble = { .code = 0 };
	const struct tap_hooks hooks = { .command = keep_back, .answer = say_trouble,
		.context = &trouble };
	struct tap *tap;
	enum vault_err err;

	block();
	tap = tap_begin(&c.swtpm, &hooks);
	through(tap);
	open_challenge();
	respond();
	trouble = row->trouble;
	err = answer();
	ck_assert_msg(err == row->err, "%s: %d", row->why, (int)err);
	ck_assert_msg(trouble.seen > row->trouble.nth, "%s: did not happen", row->why);
	trouble.code = 0;
	tpm_challenge_close(challenge);
	challenge = NULL;
	through(NULL);
	tap_end(tap);
	ck_assert_msg(left(REFERENCE_PIN) == (row->count_reset ? 5 : 0), "%s", row->why);
	if (!row->count_reset)
		reset_count();
	ck_assert_msg(cardtpm_verify(&c, row->pin_set ? FRESH : CARDTPM_PIN) == VAULT_OK, "%s",
	    row->why);
	/* What the TPM does not know for ours is not ours to flush. */
	if (row->trouble.code != TPM2_CC_ContextLoad)
		nothing_left();
}
END_TEST

static const struct opening_row {
	const char *why;
	struct trouble trouble;
	enum tpm_err err;
} opening_rows[] = {
	{ "no place for the first session", { TPM2_CC_StartAuthSession, 0, 0x903, 0, 0 }, TPM_OK },
	{ "full of saved sessions", { TPM2_CC_StartAuthSession, 3, 0x905, 0, 0 }, TPM_OK },
	{ "not now", { TPM2_CC_StartAuthSession, 2, 0x922, 0, 0 }, TPM_OK },
	{ "failure, at a session", { TPM2_CC_StartAuthSession, 1, FAILURE, 0, 0 }, TPM_UNUSABLE },
	{ "failure, at what vouches for it", { TPM2_CC_GetRandom, 1, FAILURE, 0, 0 }, TPM_UNUSABLE },
	{ "failure, at saving", { TPM2_CC_ContextSave, 3, FAILURE, 0, 0 }, TPM_UNUSABLE },
	{ "the card's index is gone", { TPM2_CC_NV_ReadPublic, 1, 0x18b, 0, 0 }, TPM_UNUSABLE },
};

START_TEST(an_opening_in_trouble)
{
	const struct opening_row *row = &opening_rows[_i];
	struct trouble trouble = { .code = 0 };
	const struct tap_hooks hooks = { .command = keep_back, .answer = say_trouble,
		.context = &trouble };
	struct failure why = { .text = "" };
	struct tap *tap;

	block();
	tap = tap_begin(&c.swtpm, &hooks);
	through(tap);
	trouble = row->trouble;
	text = wbuf_over(challenge_octets, sizeof challenge_octets);
	ck_assert_msg(tpm_challenge_open(c.vault, &challenge, &text, &why) == row->err, "%s: %s",
	    row->why, why.text);
	ck_assert_msg(trouble.seen > row->trouble.nth, "%s: did not happen", row->why);
	ck_assert_msg(failed(&why) == (row->err != TPM_OK), "%s", row->why);
	ck_assert_msg((text.len == 0) == (row->err != TPM_OK), "%s", row->why);
	ck_assert_msg((challenge == NULL) == (row->err != TPM_OK), "%s", row->why);
	if (row->err == TPM_OK) {
		respond();
		ck_assert_int_eq(answer(), VAULT_OK);
	}
	nothing_left();
	through(NULL);
	tap_end(tap);
	nothing_left();
}
END_TEST

/* ---- the desk ---- */

static void
refused(const char *what, struct rbuf record_octets, struct rbuf octets, enum tpm_err expected)
{
	struct tpm_challenge_info info = { .reset_count = true };
	struct failure why = { .text = "" };
	enum tpm_err err;
	SECRET(key);

	ck_assert(secret_set(&key, rbuf_of(cardtpm_admin_key, 24)));
	response = wbuf_over(response_octets, sizeof response_octets);
	err = tpm_challenge_read(record_octets, octets, &info, &why);
	ck_assert_msg(err == expected && failed(&why) && info.reset_count, "%s: %d", what, (int)err);
	why.text[0] = '\0';
	err = tpm_challenge_respond(record_octets, octets, &key, &response, &why);
	ck_assert_msg(err == expected && failed(&why), "%s: %d", what, (int)err);
	ck_assert_uint_eq(response.len, 0);
}

static const struct alteration {
	const char *why;
	size_t at; /* of a challenge of two proofs */
	uint8_t value;
} alterations[] = {
	{ "version 0", 0, 0 },
	{ "version 2", 0, 2 },
	{ "no proof", 1, 0 },
	{ "one proof too few", 1, 1 },
	{ "three proofs", 1, 3 },
	{ "255 proofs", 1, 255 },
	{ "a transient object", HEAD + 16, 0x80 },
	{ "a session that authorises", HEAD + 16, 0x02 },
	{ "an NV index", HEAD + 16, 0x01 },
	{ "a hierarchy", HEAD + PER_PROOF + 16, 0x40 },
	{ "no handle", HEAD + PER_PROOF + 16, 0x00 },
};

START_TEST(the_desk_refuses)
{
	uint8_t octets[TPM_CHALLENGE_MAX + 1], copy[TPM_RECORD_MAX];
	const struct rbuf paper = wbuf_view(&c.record);
	size_t i;

	block();
	open_challenge();
	for (i = 0; i <= sizeof octets; i++) {
		memset(octets, 0x03, sizeof octets);
		memcpy(octets, challenge_octets, text.len);
		if (i != text.len)
			refused("length", paper, rbuf_of(octets, i), TPM_DENIED);
	}
	for (i = 0; i < sizeof alterations / sizeof alterations[0]; i++) {
		memcpy(octets, challenge_octets, text.len);
		octets[alterations[i].at] = alterations[i].value;
		refused(alterations[i].why, paper, rbuf_of(octets, text.len), TPM_DENIED);
	}
	for (i = 2; i < HEAD; i++) {
		memcpy(octets, challenge_octets, text.len);
		octets[i] ^= 1;
		refused("another card", paper, rbuf_of(octets, text.len), TPM_DENIED);
	}
	memcpy(octets, challenge_octets, text.len);
	memcpy(octets + HEAD + PER_PROOF + 16, octets + HEAD + 16, 4);
	refused("the same session twice", paper, rbuf_of(octets, text.len), TPM_DENIED);
	memcpy(copy, paper.data, paper.len);
	copy[paper.len / 2] ^= 1;
	refused("a record that was altered", rbuf_of(copy, paper.len), wbuf_view(&text), TPM_RECORD);
	refused("no record", rbuf_of(NULL, 0), wbuf_view(&text), TPM_RECORD);
	refused("a challenge for a record", wbuf_view(&text), wbuf_view(&text), TPM_RECORD);
	response = wbuf_over(response_octets, TAG + 2 * HMAC_OCTETS - 1);
	{
		struct failure why = { .text = "" };
		SECRET(key);

		ck_assert(secret_set(&key, rbuf_of(cardtpm_admin_key, 24)));
		ck_assert_int_eq(tpm_challenge_respond(paper, wbuf_view(&text), &key, &response, &why),
		    TPM_UNUSABLE);
		ck_assert(response.len == 0 && wbuf_ok(&response) && failed(&why));
	}
}
END_TEST

/* Neither side takes one card for another, nor a card whose administrator may not. */
START_TEST(other_cards)
{
	struct cardtpm_kind kind = cardtpm_usual;
	struct failure why = { .text = "" };
	struct cardtpm other;

	kind.random_admin = _i == 1;
	kind.admin_unblock = _i == 0;
	open_challenge();
	cardtpm_join(&other, &c, &kind);
	refused("another card's", wbuf_view(&other.record), wbuf_view(&text), TPM_DENIED);
	if (_i != 0) {
		struct tpm_challenge *none = NULL;
		struct wbuf out = wbuf_over(response_octets, sizeof response_octets);

		ck_assert_int_eq(tpm_challenge_open(other.vault, &none, &out, &why), TPM_DENIED);
		ck_assert(failed(&why) && none == NULL && out.len == 0);
	}
	cardtpm_end(&other);
	respond();
	ck_assert_int_eq(answer(), VAULT_OK);
	unblocked();
}
END_TEST

/* ---- what a response is good for ---- */

/* The attacker's own sessions, described in a challenge that the desk takes for the card's. */
struct lure {
	ESYS_TR policy;
	TPM2_HANDLE hmac, handle;
	TPM2B_NONCE nonce, policy_nonce;
};

static void
set_lure(struct lure *l)
{
	const TPMT_SYM_DEF none = { .algorithm = TPM2_ALG_NULL };
	const TPM2B_ENCRYPTED_SECRET no_salt = { .size = 0 };
	const TPM2B_NONCE caller = { .size = 16, .buffer = "an attacker's..." };
	TPM2B_NONCE *nonce = NULL;
	TSS2_SYS_CONTEXT *sys;
	struct wbuf out = wbuf_over(challenge_octets, sizeof challenge_octets);

	ck_assert_uint_eq(Esys_GetSysContext(esys, &sys), 0);
	l->policy = policy_session_short();
	ck_assert_uint_eq(Esys_TRSess_GetNonceTPM(esys, l->policy, &nonce), 0);
	l->policy_nonce = *nonce;
	Esys_Free(nonce);
	ck_assert_uint_eq(Esys_TR_GetTpmHandle(esys, l->policy, &l->handle), 0);
	l->nonce.size = 0;
	ck_assert_uint_eq(Tss2_Sys_StartAuthSession(sys, TPM2_RH_NULL, TPM2_RH_NULL, NULL, &caller,
			      &no_salt, TPM2_SE_HMAC, &none, TPM2_ALG_SHA256, &l->hmac, &l->nonce,
			      NULL), 0);
	wbuf_u8(&out, 1);
	wbuf_u8(&out, 1);
	wbuf_put(&out, rbuf_of(record.name[INDEX_ADMIN].octets + 2, 8));
	wbuf_put(&out, rbuf_of(l->nonce.buffer, 16));
	wbuf_u32(&out, l->handle);
	wbuf_put(&out, rbuf_of(l->policy_nonce.buffer, 16));
	text = out;
	respond();
}

/* What he asks the TPM for with it. */
static const struct lure_row {
	const char *why;
	const char *purpose;
	int32_t expiration;
	uint8_t attributes;
	bool with_nonce, with_cphash, caller;
	bool other; /* index: PUK instead of ADMIN */
	TSS2_RC rc;
} lure_rows[] = {
	{ "what it is for", "unblock", 0, 0, true, false, false, false, 0 },
	{ "to change the admin key", "change", 0, 0, true, false, false, false, 0x9a2 },
	{ "for no purpose", "", 0, 0, true, false, false, false, 0x9a2 },
	{ "a ticket for ever", "unblock", INT32_MIN, 0, true, false, false, false, 0x9a2 },
	{ "a ticket for a second", "unblock", -1, 0, true, false, false, false, 0x9a2 },
	{ "a limit", "unblock", 60, 0, true, false, false, false, 0x9a2 },
	{ "without the session's nonce", "unblock", 0, 0, false, false, false, false, 0x9a2 },
	{ "for one command", "unblock", 0, 0, true, true, false, false, 0x9a2 },
	{ "to go on with the session", "unblock", 0, TPMA_SESSION_CONTINUESESSION, true, false,
	    false, false, 0x9a2 },
	{ "audited", "unblock", 0, TPMA_SESSION_AUDIT, true, false, false, false, 0x9a2 },
	{ "with a nonce of his own", "unblock", 0, 0, true, false, true, false, 0x9a2 },
	{ "as the PUK", "unblock", 0, 0, true, false, false, true, 0x9a2 },
};

static void
try_lure(const struct lure_row *row)
{
	const TPM2B_NONCE ref = nonce_tpm2b(rbuf_str(row->purpose)), none = { .size = 0 };
	const TPM2B_DIGEST cphash = { .size = row->with_cphash ? 32 : 0 };
	TSS2L_SYS_AUTH_COMMAND auths = { .count = 1 };
	TSS2L_SYS_AUTH_RESPONSE answers;
	TPM2B_TIMEOUT timeout = { .size = 0 };
	TPMT_TK_AUTH ticket = { .tag = 0 };
	TSS2_SYS_CONTEXT *sys;
	struct lure l;
	TSS2_RC rc;

	set_lure(&l);
	ck_assert_uint_eq(Esys_GetSysContext(esys, &sys), 0);
	auths.auths[0].sessionHandle = l.hmac;
	auths.auths[0].sessionAttributes = row->attributes;
	auths.auths[0].nonce = (TPM2B_NONCE){ .size = 16, .buffer = { row->caller } };
	auths.auths[0].hmac = nonce_tpm2b(rbuf_of(response_octets + TAG, HMAC_OCTETS));
	rc = Tss2_Sys_PolicySecret(sys, record.index[row->other ? INDEX_PUK : INDEX_ADMIN].handle,
	    l.handle, &auths, row->with_nonce ? &l.policy_nonce : &none, &cphash, &ref,
	    row->expiration, &timeout, &ticket, &answers);
	ck_assert_msg(rc == row->rc, "%s: 0x%x", row->why, (unsigned)rc);
	/* No ticket comes of it, and it serves once. */
	ck_assert(rc != 0 || (timeout.size == 0 && ticket.digest.size == 0));
	if (rc == 0)
		ck_assert_uint_ne(Tss2_Sys_PolicySecret(sys, record.index[INDEX_ADMIN].handle,
				      l.handle, &auths, &l.policy_nonce, &none, &ref, 0, &timeout,
				      &ticket, &answers), 0);
	else
		ck_assert_uint_eq(Tss2_Sys_FlushContext(sys, l.hmac), 0);
	discard(&l.policy);
}

START_TEST(a_response_is_good_for_nothing_else)
{
	size_t i;

	attack_begin();
	for (i = 0; i < sizeof lure_rows / sizeof lure_rows[0]; i++)
		try_lure(&lure_rows[i]);
	attack_end();
	unharmed();
}
END_TEST

/* ---- what others see ---- */

static void
invert(const struct secret *s, uint8_t *out)
{
	size_t i;

	for (i = 0; i < s->len; i++)
		out[i] = (uint8_t)~s->data[i];
}

/* The desk, in a process of its own. */
static void
respond_elsewhere(void)
{
	int ends[2], status;
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		respond();
		_exit(write(ends[1], response.data, response.len) == (ssize_t)response.len ? 0 : 1);
	}
	ck_assert(waitpid(pid, &status, 0) == pid && status == 0);
	n = read(ends[0], response_octets, sizeof response_octets);
	ck_assert_int_gt(n, 0);
	response = wbuf_over(response_octets, sizeof response_octets);
	response.len = (size_t)n;
	(void)close(ends[0]);
	(void)close(ends[1]);
}

START_TEST(no_secret_stays)
{
	uint8_t fresh[32], known[32];
	size_t i;

	{
		SECRET(auth);

		auth_of(INDEX_PIN, FRESH, &auth);
		invert(&auth, fresh);
	}
	for (i = 0; i < sizeof known; i++)
		known[i] = (uint8_t)~record.k.x[i];
	ck_assert_msg(memory_hits(known, sizeof known) > 0, "the search finds nothing at all");
	block();
	open_challenge();
	respond_elsewhere();
	ck_assert_int_eq(answer(), VAULT_OK);
	ck_assert_uint_eq(memory_hits(fresh, sizeof fresh), 0);
	unblocked();
}
END_TEST

START_TEST(no_secret_on_the_wire)
{
	struct tap *tap;
	SECRET(fresh);
	SECRET(admin);
	SECRET(key);

	block();
	tap = tap_begin(&c.swtpm, NULL);
	through(tap);
	open_challenge();
	respond();
	ck_assert_int_eq(answer(), VAULT_OK);
	auth_of(INDEX_PIN, FRESH, &fresh);
	ck_assert(secret_set(&key, rbuf_of(cardtpm_admin_key, 24)));
	ck_assert(reference_auth(&record, INDEX_ADMIN, &key, &admin));
	ck_assert_msg(!tap_saw(tap, secret_view(&fresh)), "the new PIN's authValue");
	ck_assert_msg(!tap_saw(tap, secret_view(&admin)), "ADMIN's authValue");
	ck_assert_msg(!tap_saw(tap, rbuf_of(cardtpm_admin_key, 24)), "the admin key");
	/* The tap does see what the desk has sent. */
	ck_assert(tap_saw(tap, rbuf_of(response_octets + TAG, HMAC_OCTETS)));
	/* Two proofs, one command each. */
	ck_assert_uint_eq(tap_count(tap, TPM2_CC_PolicySecret), 2);
	ck_assert_uint_eq(tap_count(tap, TPM2_CC_NV_ChangeAuth), 1);
	ck_assert_uint_eq(tap_count(tap, TPM2_CC_NV_Write), 1);
	tpm_challenge_close(challenge);
	challenge = NULL;
	through(NULL);
	tap_end(tap);
	unblocked();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("challenge");
	TCase *tcase = tcase_create("challenge");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_rows(tcase, the_desk_unblocks, good_rows);
	tcase_add_test(tcase, an_old_proof_ends);
	tcase_add_test(tcase, an_unknown_count);
	tcase_add_test(tcase, without_saving);
	tcase_add_loop_test(tcase, altered_by_accident, 0, 2);
	tcase_add_loop_test(tcase, forged, 0, FORGERIES);
	tcase_add_loop_test(tcase, to_another_challenge, 0, 2);
	tcase_add_test(tcase, two_at_a_time);
	tcase_add_loop_test(tcase, meanwhile, 0, MEANWHILES);
	tcase_add_test(tcase, closing_flushes_its_own_only);
	tcase_add_test(tcase, a_driver_flushes_its_own_only);
	tcase_add_rows(tcase, a_tpm_in_trouble, trouble_rows);
	tcase_add_rows(tcase, an_opening_in_trouble, opening_rows);
	tcase_add_test(tcase, the_desk_refuses);
	tcase_add_loop_test(tcase, other_cards, 0, 3);
	tcase_add_test(tcase, a_response_is_good_for_nothing_else);
	if (!memory_kept())
		tcase_add_test(tcase, no_secret_stays);
	tcase_add_test(tcase, no_secret_on_the_wire);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
