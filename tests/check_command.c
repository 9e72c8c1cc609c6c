/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands and sessions against a software TPM, with somebody on the line who
 * reads it and changes answers; and beside ESYS, which does the same another way.
 */
#include <string.h>

#include "tests/attacker.h"
#include "tests/faults.h"
#include "tests/memory.h"
#include "tests/suite.h"
#include "tpm/command.h"

#define VALUE "what nobody may read on the line"
#define AUTH "an object's authValue, 31 octets"

#define HEADER_OCTETS 10
#define RANDOM_OCTETS 16

static struct tpm *t;
static struct storage_key srk;
static ESYS_TR srk_handle;

/* ---- the line between the driver's context and the wire ---- */

static struct line {
	TSS2_TCTI_CONTEXT_COMMON_V1 tcti; /* first: it is what tss2 holds */
	/* Asked about each command and answer; may change it, and returns its length.  NULL: as it is. */
	size_t (*command)(uint8_t *octets, size_t len);
	size_t (*answer)(uint8_t *octets, size_t len);
	uint8_t waiting[TPM2_MAX_RESPONSE_SIZE];
	size_t waiting_len;
	struct wbuf seen;
	uint8_t seen_octets[1 << 16];
} line;

static TSS2_RC
line_transmit(TSS2_TCTI_CONTEXT *context, size_t size, const uint8_t *command)
{
	uint8_t octets[TPM2_MAX_COMMAND_SIZE];

	(void)context;
	memcpy(octets, command, size);
	wbuf_put(&line.seen, rbuf_of(octets, size));
	if (line.command != NULL)
		size = line.command(octets, size);
	return Tss2_Tcti_Transmit(wire_tcti(t->wire), size, octets);
}

/* tss2 asks for the size first, with answer NULL. */
static TSS2_RC
line_receive(TSS2_TCTI_CONTEXT *context, size_t *size, uint8_t *answer, int32_t timeout)
{
	TSS2_RC rc;

	(void)context;
	if (line.waiting_len == 0) {
		line.waiting_len = sizeof line.waiting;
		rc = Tss2_Tcti_Receive(wire_tcti(t->wire), &line.waiting_len, line.waiting, timeout);
		ck_assert_uint_eq(rc, TSS2_RC_SUCCESS);
		wbuf_put(&line.seen, rbuf_of(line.waiting, line.waiting_len));
		if (line.answer != NULL)
			line.waiting_len = line.answer(line.waiting, line.waiting_len);
	}
	if (answer != NULL) {
		ck_assert_uint_le(line.waiting_len, *size);
		memcpy(answer, line.waiting, line.waiting_len);
	}
	*size = line.waiting_len;
	if (answer != NULL)
		line.waiting_len = 0;
	return TSS2_RC_SUCCESS;
}

static void
line_clear(void)
{
	ck_assert(wbuf_ok(&line.seen));
	line.seen = wbuf_over(line.seen_octets, sizeof line.seen_octets);
	line.command = line.answer = NULL;
	line.waiting_len = 0;
}

static bool
line_saw(struct rbuf octets)
{
	ck_assert(wbuf_ok(&line.seen));
	return memmem(line.seen.data, line.seen.len, octets.data, octets.len) != NULL;
}

/* tss2's context anew, on the line: after an answer that it did not understand it is of no use. */
static void
sys_again(void)
{
	TSS2_ABI_VERSION version = TSS2_ABI_VERSION_CURRENT;

	line_clear();
	Tss2_Sys_Finalize(t->sys);
	ck_assert_uint_eq(Tss2_Sys_Initialize(t->sys, Tss2_Sys_GetContextSize(0),
			      (TSS2_TCTI_CONTEXT *)&line, &version), 0);
}

/* Our turn on the TPM, over the line. */
static void
turn_begin(void)
{
	ck_assert_uint_eq(link_begin(t, 60, NULL), TSS2_RC_SUCCESS);
	line.tcti.magic = 1;
	line.tcti.version = 1;
	line.tcti.transmit = line_transmit;
	line.tcti.receive = line_receive;
	line.seen = wbuf_over(line.seen_octets, sizeof line.seen_octets);
	sys_again();
	esys = cardtpm_esys(t);
}

static void
turn_end(void)
{
	Esys_Finalize(&esys);
	link_end(t);
}

/* ---- keys and sessions ---- */

static const struct key_row {
	const char *why;
	TPMI_ECC_CURVE curve; /* 0: RSA-2048 */
	uint8_t unique;	      /* makes it another key */
} key_rows[] = {
	{ "P-256", TPM2_ECC_NIST_P256, 1 },
	{ "P-384", TPM2_ECC_NIST_P384, 0 },
	{ "P-521", TPM2_ECC_NIST_P521, 0 },
	{ "RSA-2048", 0, 0 },
};
static const struct key_row srk_row = { "the usual one", TPM2_ECC_NIST_P256, 0 };

static ESYS_TR
make_key(const struct key_row *row, struct storage_key *out)
{
	TPM2B_PUBLIC template = storage_key_template(), *area = NULL;
	const TPM2B_SENSITIVE_CREATE none = { .size = 0 };
	const TPML_PCR_SELECTION no_pcr = { .count = 0 };
	const TPM2B_DATA no_info = { .size = 0 };
	ESYS_TR key = ESYS_TR_NONE;

	template.publicArea.parameters.eccDetail.curveID = row->curve;
	if (row->unique != 0)
		template.publicArea.unique.ecc.x =
		    (TPM2B_ECC_PARAMETER){ .size = 1, .buffer = { row->unique } };
	if (row->curve == 0) {
		const TPMT_SYM_DEF_OBJECT aes = template.publicArea.parameters.eccDetail.symmetric;

		template.publicArea.type = TPM2_ALG_RSA;
		template.publicArea.parameters.rsaDetail = (TPMS_RSA_PARMS){ .symmetric = aes,
			.scheme.scheme = TPM2_ALG_NULL, .keyBits = 2048 };
	}
	ck_assert_msg(Esys_CreatePrimary(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			  ESYS_TR_NONE, &none, &template, &no_info, &no_pcr, &key, &area, NULL, NULL,
			  NULL) == TSS2_RC_SUCCESS, "%s", row->why);
	out->area = area->publicArea;
	ck_assert(name_of_object(&out->area, &out->name));
	ck_assert_uint_eq(Esys_TR_GetTpmHandle(esys, key, &out->handle), 0);
	Esys_Free(area);
	return key;
}

static void
setup(void)
{
	cardtpm_prepare(&c);
	t = tpm_new(&c.config);
	ck_assert_ptr_nonnull(t);
	turn_begin();
	srk_handle = make_key(&srk_row, &srk);
}

static void
teardown(void)
{
	turn_end();
	tpm_free(t);
	cardtpm_end(&c);
}

static void
open_hmac(const struct storage_key *salt, struct session *out)
{
	ck_assert_uint_eq(session_open(t, salt, TPM2_SE_HMAC, out), TSS2_RC_SUCCESS);
}

static bool
same_nonce(const TPM2B_NONCE *a, const TPM2B_NONCE *b)
{
	return rbuf_eq(rbuf_of(a->buffer, a->size), rbuf_of(b->buffer, b->size));
}

static void
set_auth(struct secret *auth, const char *value)
{
	ck_assert(secret_set(auth, rbuf_str(value)));
}

/* ---- commands ---- */

static TSS2_RC
random_by(const struct command *by, TPM2B_DIGEST *out)
{
	TSS2_RC rc = Tss2_Sys_GetRandom_Prepare(t->sys, RANDOM_OCTETS);

	out->size = 0;
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(t, by);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_GetRandom_Complete(t->sys, out);
	return rc;
}

/* A session that authorises nothing has to encrypt. */
static TSS2_RC
random_in(struct session *s)
{
	TPM2B_DIGEST random;

	return random_by(&(struct command){ .by = {
	    { .session = s, .use = TPMA_SESSION_ENCRYPT } } }, &random);
}

/* A sealed object under the storage key, with an authValue or a policy. */
struct object {
	TPM2B_PRIVATE private_area;
	TPM2B_PUBLIC public_area;
	ESYS_TR esys_handle;
	TPM2_HANDLE handle;
	struct name name;
};

static TSS2_RC
create(const struct command *by, const char *value, const char *auth, const struct digest *policy,
    struct object *out)
{
	TPM2B_PUBLIC template = { .publicArea = { .type = TPM2_ALG_KEYEDHASH,
		.nameAlg = TPM2_ALG_SHA256,
		.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_NODA,
		.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL } };
	TPM2B_SENSITIVE_CREATE sensitive = { .size = 0 };
	const TPML_PCR_SELECTION no_pcr = { .count = 0 };
	const TPM2B_DATA no_info = { .size = 0 };
	TSS2_RC rc;

	*out = (struct object){ .esys_handle = ESYS_TR_NONE };
	sensitive.sensitive.userAuth = nonce_tpm2b(rbuf_str(auth));
	sensitive.sensitive.data.size = (UINT16)strlen(value);
	memcpy(sensitive.sensitive.data.buffer, value, strlen(value));
	if (policy != NULL)
		template.publicArea.authPolicy = digest_tpm2b(policy);
	else
		template.publicArea.objectAttributes |= TPMA_OBJECT_USERWITHAUTH;
	rc = Tss2_Sys_Create_Prepare(t->sys, srk.handle, &sensitive, &template, &no_info, &no_pcr);
	explicit_bzero(&sensitive, sizeof sensitive);
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(t, by);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_Create_Complete(t->sys, &out->private_area, &out->public_area, NULL,
		    NULL, NULL);
	return rc;
}

/* By ESYS, which so takes what came of our command. */
static void
load(struct object *o)
{
	ck_assert_uint_eq(Esys_Load(esys, srk_handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
			      &o->private_area, &o->public_area, &o->esys_handle), 0);
	ck_assert_uint_eq(Esys_TR_GetTpmHandle(esys, o->esys_handle, &o->handle), 0);
	ck_assert(name_of_object(&o->public_area.publicArea, &o->name));
}

static void
make_object(const char *value, const char *auth, const struct digest *policy, struct object *out)
{
	struct session password = { .handle = TPM2_RS_PW };
	SESSION(rider);
	const struct command by = { .entities = { { srk.handle, &srk.name } },
		.by = { { .session = &password },
		    { .session = &rider, .use = TPMA_SESSION_DECRYPT, .last = true } } };

	open_hmac(&srk, &rider);
	ck_assert_uint_eq(create(&by, value, auth, policy, out), TSS2_RC_SUCCESS);
	load(out);
}

static TSS2_RC
unseal(const struct object *o, const struct authorization *by, size_t n, TPM2B_SENSITIVE_DATA *out)
{
	struct command run = { .entities = { { o->handle, &o->name } } };
	TSS2_RC rc = Tss2_Sys_Unseal_Prepare(t->sys, o->handle);
	size_t i;

	for (i = 0; i < n; i++)
		run.by[i] = by[i];
	out->size = 0;
	if (rc == TSS2_RC_SUCCESS)
		rc = command_run(t, &run);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_Sys_Unseal_Complete(t->sys, out);
	return rc;
}

static bool
is_value(const TPM2B_SENSITIVE_DATA *data)
{
	return rbuf_eq(rbuf_of(data->buffer, data->size), rbuf_str(VALUE));
}

/* ---- sessions ---- */

/* Whatever the storage key, salted or not, with long nonces and short ones. */
START_TEST(sessions_open)
{
	const struct key_row *row = &key_rows[_i];
	struct storage_key key;
	ESYS_TR handle = make_key(row, &key);
	int i;

	for (i = 0; i < 4; i++) {
		const struct storage_key *salt = i == 3 ? NULL : &key;
		const size_t octets = i == 1 ? SHORT_NONCE_OCTETS : TPM2_SHA256_DIGEST_SIZE;
		TPM2B_NONCE before;
		SESSION(s);

		if (i == 1)
			ck_assert_uint_eq(session_open_short(t, salt, &s), TSS2_RC_SUCCESS);
		else
			ck_assert_uint_eq(session_open(t, salt,
					      i == 0 ? TPM2_SE_HMAC : TPM2_SE_POLICY, &s),
			    TSS2_RC_SUCCESS);
		ck_assert_uint_eq(s.key.len, salt != NULL ? TPM2_SHA256_DIGEST_SIZE : 0);
		ck_assert_uint_eq(s.nonce.size, octets);
		ck_assert(s.policy == (i != 0));
		before = s.nonce;
		/* With nothing secret in it there is nothing to encrypt with. */
		line_clear();
		if (salt == NULL) {
			ck_assert_uint_eq(random_in(&s), RC_CRYPTO);
			ck_assert_uint_eq(line.seen.len, 0);
		} else {
			ck_assert_msg(session_confirm(t, &s) == TSS2_RC_SUCCESS, "%s", row->why);
		}
		ck_assert_uint_eq(s.nonce.size, octets);
		ck_assert(same_nonce(&before, &s.nonce) == (salt == NULL));
		session_close(t, &s);
		ck_assert(s.handle == 0 && s.key.len == 0 && s.nonce.size == 0);
	}
	discard(&handle);
	discard(&srk_handle);
	ck_assert_uint_eq(cardtpm_loaded_count(&c), 0);
}
END_TEST

/* Somebody else's storage key cannot know the salt, and does not pass for the one that it was for. */
START_TEST(another_key_is_found_out)
{
	struct storage_key other;
	ESYS_TR handle = make_key(&key_rows[_i], &other);
	struct storage_key mixed = { .handle = srk.handle, .area = other.area };
	SESSION(s);

	if (session_open(t, &mixed, TPM2_SE_HMAC, &s) == TSS2_RC_SUCCESS) {
		TPM2B_NONCE before = s.nonce;

		ck_assert_uint_eq(session_confirm(t, &s), RC_IMPOSTOR);
		ck_assert(same_nonce(&before, &s.nonce));
		session_close(t, &s);
	}
	ck_assert(s.handle == 0 && s.key.len == 0);
	discard(&handle);
}
END_TEST

/* The last command of a session ends it, but not one that failed. */
START_TEST(the_last_command_ends_a_session)
{
	TPM2B_SENSITIVE_DATA data;
	struct object o;
	SECRET(wrong);
	SECRET(auth);
	SESSION(s);
	struct authorization by = { .session = &s, .auth = &wrong, .last = true };

	make_object(VALUE, AUTH, NULL, &o);
	set_auth(&wrong, "another");
	set_auth(&auth, AUTH);
	open_hmac(&srk, &s);
	ck_assert_uint_eq(rc_base(unseal(&o, &by, 1, &data)), rc_base(RC_TPM_BAD_AUTH));
	ck_assert(s.handle != 0 && s.key.len != 0);
	by.auth = &auth;
	ck_assert_uint_eq(unseal(&o, &by, 1, &data), TSS2_RC_SUCCESS);
	ck_assert(s.handle == 0 && s.key.len == 0 && s.nonce.size == 0);
	discard(&o.esys_handle);
	discard(&srk_handle);
	ck_assert_uint_eq(cardtpm_loaded_count(&c), 0);
}
END_TEST

static void
others_turn(void)
{
	struct tpm *other = tpm_new(&c.config);

	ck_assert_ptr_nonnull(other);
	ck_assert_uint_eq(link_begin(other, 60, NULL), TSS2_RC_SUCCESS);
	link_end(other);
	tpm_free(other);
}

/* Others have their turn, and flush what is loaded; a saved session goes on where it was. */
START_TEST(a_saved_session_survives_others)
{
	TPMS_CONTEXT saved;
	TPM2_HANDLE handle;
	SESSION(s);
	SESSION(lost);

	open_hmac(&srk, &s);
	open_hmac(&srk, &lost);
	ck_assert_uint_eq(session_confirm(t, &s), TSS2_RC_SUCCESS);
	handle = s.handle;
	ck_assert_uint_eq(session_save(t, &s, &saved), TSS2_RC_SUCCESS);
	ck_assert_uint_ne(random_in(&s), TSS2_RC_SUCCESS);
	turn_end();
	others_turn();
	turn_begin();
	ck_assert_uint_ne(random_in(&lost), TSS2_RC_SUCCESS);
	session_forget(&lost);
	ck_assert_uint_eq(session_load(t, &saved, &s), TSS2_RC_SUCCESS);
	ck_assert_uint_eq(s.handle, handle);
	ck_assert_uint_eq(random_in(&s), TSS2_RC_SUCCESS);
	/* Once only. */
	ck_assert_uint_ne(session_load(t, &saved, &lost), TSS2_RC_SUCCESS);
	session_close(t, &s);
	ck_assert_uint_eq(cardtpm_loaded_count(&c), 0);
}
END_TEST

/* ---- answers that were changed ---- */

/* What the TPM answers to random_by(), by one session: header, size, parameter, nonce, attributes, HMAC. */
#define SESSION_OCTETS (2 + 32 + 1 + 2 + 32)
#define ANSWER_OCTETS (HEADER_OCTETS + 4 + 2 + RANDOM_OCTETS + SESSION_OCTETS)

static struct flip {
	size_t at;
	uint8_t mask;
	bool there; /* the answer was that long */
} flip;

static size_t
flip_bit(uint8_t *octets, size_t len)
{
	flip.there = flip.at < len;
	if (flip.there)
		octets[flip.at] ^= flip.mask;
	return len;
}

/*
 * A session, one command whose answer is changed, and nothing is taken from it.
 * told: the change may be to what the TPM tells for an error.
 */
static void
refuse(size_t (*answer)(uint8_t *, size_t), bool told, const char *why, size_t n)
{
	TPM2B_DIGEST random;
	TPM2B_NONCE before;
	TSS2_RC rc;
	SESSION(s);
	const struct command by = { .by = {
	    { .session = &s, .use = TPMA_SESSION_ENCRYPT, .last = true } } };

	open_hmac(&srk, &s);
	before = s.nonce;
	line.answer = answer;
	rc = random_by(&by, &random);
	sys_again();
	ck_assert_msg(rc != TSS2_RC_SUCCESS, "%s %zu", why, n);
	ck_assert_msg(told || rc_on_the_way(rc), "%s %zu: 0x%x", why, n, (unsigned)rc);
	ck_assert_msg(same_nonce(&before, &s.nonce), "%s %zu: the nonce moved", why, n);
	ck_assert_msg(s.handle != 0, "%s %zu: forgotten", why, n);
	ck_assert_uint_eq(random.size, 0);
	session_close(t, &s);
}

/* Any bit: tag, code, sizes, parameter, nonce, attributes, HMAC.  (The size in the header is tss2's business.) */
START_TEST(no_bit_of_an_answer_can_be_changed)
{
	const size_t stride = fault_stride();
	size_t bit;

	for (bit = 0; bit < ANSWER_OCTETS * 8; bit += stride) {
		flip = (struct flip){ .at = bit / 8, .mask = (uint8_t)(1U << bit % 8) };
		if (flip.at >= 2 && flip.at < 6)
			continue;
		refuse(flip_bit, flip.at < HEADER_OCTETS, "bit", bit);
		ck_assert(flip.there);
	}
}
END_TEST

static size_t cut_at, grown_by;

/* Cut off, in a header that knows it or not. */
static size_t
cut(uint8_t *octets, size_t len)
{
	struct wbuf size = wbuf_over(octets + 2, 4);

	ck_assert_uint_lt(cut_at, len);
	if (cut_at % 2 == 0)
		wbuf_u32(&size, (uint32_t)cut_at);
	return cut_at;
}

static size_t
grow(uint8_t *octets, size_t len)
{
	struct wbuf size = wbuf_over(octets + 2, 4);

	memset(octets + len, 0, grown_by);
	wbuf_u32(&size, (uint32_t)(len + grown_by));
	return len + grown_by;
}

START_TEST(no_answer_is_cut)
{
	const size_t stride = fault_stride();

	for (cut_at = HEADER_OCTETS; cut_at < ANSWER_OCTETS; cut_at += stride)
		refuse(cut, false, "cut at", cut_at);
}
END_TEST

/* What comes behind an answer is no part of it. */
START_TEST(nothing_is_taken_from_behind_an_answer)
{
	static const size_t more[] = { 1, 2, 4, 5, 37, 69, 200, 1000 };
	TPM2B_SENSITIVE_DATA data;
	struct object o;
	SECRET(auth);
	SESSION(s);
	const struct authorization by = { .session = &s, .auth = &auth,
		.use = TPMA_SESSION_ENCRYPT };
	TSS2_RC rc;
	size_t i;

	make_object(VALUE, AUTH, NULL, &o);
	set_auth(&auth, AUTH);
	for (i = 0; i < sizeof more / sizeof more[0]; i++) {
		open_hmac(&srk, &s);
		grown_by = more[i];
		line.answer = grow;
		rc = unseal(&o, &by, 1, &data);
		sys_again();
		ck_assert_msg(rc == TSS2_RC_SUCCESS ? is_value(&data) : rc_on_the_way(rc), "%zu: 0x%x",
		    more[i], (unsigned)rc);
		session_close(t, &s);
	}
	discard(&o.esys_handle);
}
END_TEST

static size_t
say_done(uint8_t *octets, size_t len)
{
	struct wbuf out = wbuf_over(octets, len);

	wbuf_u16(&out, TPM2_ST_NO_SESSIONS);
	wbuf_u32(&out, HEADER_OCTETS);
	wbuf_u32(&out, TPM2_RC_SUCCESS);
	return out.len;
}

/* All the parameters, but nobody who vouches for them. */
static size_t
drop_sessions(uint8_t *octets, size_t len)
{
	struct wbuf out = wbuf_over(octets, len);
	const size_t parameters = 2 + RANDOM_OCTETS;

	memmove(octets + HEADER_OCTETS, octets + HEADER_OCTETS + 4, parameters);
	wbuf_u16(&out, TPM2_ST_NO_SESSIONS);
	wbuf_u32(&out, (uint32_t)(HEADER_OCTETS + parameters));
	return HEADER_OCTETS + parameters;
}

/* The same with an empty nonce and HMAC, as for a password. */
static size_t
empty_session(uint8_t *octets, size_t len)
{
	struct wbuf out = wbuf_over(octets, len), tail;
	const size_t at = HEADER_OCTETS + 4 + 2 + RANDOM_OCTETS;

	wbuf_u16(&out, TPM2_ST_SESSIONS);
	wbuf_u32(&out, (uint32_t)(at + 5));
	tail = wbuf_over(octets + at, 5);
	wbuf_u16(&tail, 0);
	wbuf_u8(&tail, TPMA_SESSION_CONTINUESESSION);
	wbuf_u16(&tail, 0);
	return at + 5;
}

static uint8_t recorded[TPM2_MAX_RESPONSE_SIZE];
static size_t recorded_len;

static size_t
record_answer(uint8_t *octets, size_t len)
{
	memcpy(recorded, octets, len);
	recorded_len = len;
	return len;
}

static size_t
replay(uint8_t *octets, size_t len)
{
	(void)len;
	memcpy(octets, recorded, recorded_len);
	return recorded_len;
}

START_TEST(no_answer_without_its_hmac)
{
	static const struct {
		const char *why;
		size_t (*answer)(uint8_t *octets, size_t len);
	} rows[] = {
		{ "done, and no more", say_done },
		{ "without sessions", drop_sessions },
		{ "an empty session", empty_session },
		{ "another session's", replay },
	};
	size_t i;
	SESSION(s);

	open_hmac(&srk, &s);
	line.answer = record_answer;
	ck_assert_uint_eq(random_in(&s), TSS2_RC_SUCCESS);
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
		refuse(rows[i].answer, false, rows[i].why, i);
	/* Nor the very session's, but an earlier one. */
	line.answer = record_answer;
	ck_assert_uint_eq(random_in(&s), TSS2_RC_SUCCESS);
	line.answer = replay;
	ck_assert_uint_eq(random_in(&s), RC_FORGED);
	line_clear();
	session_close(t, &s);
}
END_TEST

/* Octets at random places become random ones. */
static uint32_t dice = 1;

static uint32_t
roll(void)
{
	dice = dice * 1664525U + 1013904223U;
	return dice >> 8;
}

static size_t
garble(uint8_t *octets, size_t len)
{
	uint32_t n = 1 + roll() % 8;

	while (n-- > 0)
		octets[HEADER_OCTETS + roll() % (len - HEADER_OCTETS)] ^= (uint8_t)(1 + roll() % 255);
	return len;
}

START_TEST(garbled_answers)
{
	const unsigned rounds = 1000 / fault_stride();
	unsigned i;

	for (i = 0; i < rounds; i++)
		refuse(garble, false, "garbled", i);
}
END_TEST

/* Two sessions' HMACs change places, or one of them is wrong: neither is taken. */
static int which_hmac;

static size_t
swap_sessions(uint8_t *octets, size_t len)
{
	const size_t one = SESSION_OCTETS, at = len - 2 * one;
	uint8_t first[SESSION_OCTETS];

	if (which_hmac < 2) {
		octets[at + one * (size_t)(which_hmac + 1) - 1] ^= 0x80;
		return len;
	}
	memcpy(first, octets + at, one);
	memmove(octets + at, octets + at + one, one);
	memcpy(octets + at + one, first, one);
	return len;
}

START_TEST(every_session_vouches)
{
	TPM2B_SENSITIVE_DATA data;
	TPM2B_NONCE before[2];
	struct object o;
	SECRET(auth);
	SESSION(first);
	SESSION(second);
	const struct authorization by[] = { { .session = &first, .auth = &auth },
		{ .session = &second, .use = TPMA_SESSION_ENCRYPT } };

	make_object(VALUE, AUTH, NULL, &o);
	set_auth(&auth, AUTH);
	for (which_hmac = 0; which_hmac < 3; which_hmac++) {
		open_hmac(&srk, &first);
		open_hmac(&srk, &second);
		ck_assert_uint_eq(unseal(&o, by, 2, &data), TSS2_RC_SUCCESS);
		before[0] = first.nonce;
		before[1] = second.nonce;
		line.answer = swap_sessions;
		ck_assert_uint_eq(unseal(&o, by, 2, &data), RC_FORGED);
		line_clear();
		ck_assert(same_nonce(&before[0], &first.nonce) &&
		    same_nonce(&before[1], &second.nonce));
		session_close(t, &first);
		session_close(t, &second);
	}
	discard(&o.esys_handle);
}
END_TEST

/* A session that does not vouch for itself is an impostor's. */
START_TEST(a_session_is_confirmed)
{
	TPM2B_NONCE before;
	SESSION(s);

	open_hmac(&srk, &s);
	before = s.nonce;
	flip = (struct flip){ .at = HEADER_OCTETS + 4 + 2, .mask = 1 };
	line.answer = flip_bit;
	ck_assert_uint_eq(session_confirm(t, &s), RC_IMPOSTOR);
	ck_assert(flip.there && same_nonce(&before, &s.nonce));
	line_clear();
	/* The TPM's nonce has moved on: it does not know this one any more. */
	ck_assert_uint_eq(session_confirm(t, &s), RC_IMPOSTOR);
	session_close(t, &s);
}
END_TEST

/* ---- who may, and what the line sees ---- */

enum who { NOBODY, HMAC, UNSALTED, POLICY, UNSALTED_POLICY };

static const struct unseal_row {
	const char *why;
	enum who first, second;
	bool first_encrypts, second_encrypts;
} unseal_rows[] = {
	{ "an HMAC session", HMAC, NOBODY, false, false },
	{ "an HMAC session that encrypts", HMAC, NOBODY, true, false },
	{ "without salt", UNSALTED, NOBODY, false, false },
	{ "without salt, encrypted by the authValue alone", UNSALTED, NOBODY, true, false },
	{ "encrypted by another", HMAC, HMAC, false, true },
	{ "without salt, encrypted by another", UNSALTED, HMAC, false, true },
	{ "encrypted by the first, another keeps account", HMAC, HMAC, true, false },
	{ "policy", POLICY, NOBODY, false, false },
	{ "policy that encrypts", POLICY, NOBODY, true, false },
	{ "policy, encrypted by another", POLICY, HMAC, false, true },
	{ "policy without salt", UNSALTED_POLICY, NOBODY, false, false },
	{ "policy without salt, encrypted by another", UNSALTED_POLICY, HMAC, false, true },
};

static bool
is_policy(enum who who)
{
	return who == POLICY || who == UNSALTED_POLICY;
}

static void
open_as(enum who who, struct session *s)
{
	if (who == NOBODY)
		return;
	ck_assert_uint_eq(session_open(t, who == HMAC || who == POLICY ? &srk : NULL,
			      is_policy(who) ? TPM2_SE_POLICY : TPM2_SE_HMAC, s), TSS2_RC_SUCCESS);
}

static void
satisfy(const struct session *s)
{
	ck_assert_uint_eq(Tss2_Sys_PolicyCommandCode(t->sys, s->handle, NULL, TPM2_CC_Unseal, NULL),
	    TSS2_RC_SUCCESS);
}

START_TEST(unsealing)
{
	const struct unseal_row *row = &unseal_rows[_i];
	const bool policy = is_policy(row->first);
	struct policy made = policy_new();
	TPM2B_SENSITIVE_DATA data;
	struct digest digest;
	struct object o;
	SECRET(auth);
	SESSION(first);
	SESSION(second);
	const struct authorization by[] = {
		{ .session = &first, .auth = policy ? NULL : &auth,
		    .use = row->first_encrypts ? TPMA_SESSION_ENCRYPT : 0 },
		/* A session has to have something to do. */
		{ .session = &second,
		    .use = row->second_encrypts ? TPMA_SESSION_ENCRYPT : TPMA_SESSION_AUDIT },
	};
	const size_t n = row->second == NOBODY ? 1 : 2;
	int i;

	policy_command_code(&made, TPM2_CC_Unseal);
	ck_assert(policy_digest(&made, &digest));
	make_object(VALUE, policy ? "" : AUTH, policy ? &digest : NULL, &o);
	set_auth(&auth, AUTH);
	open_as(row->first, &first);
	open_as(row->second, &second);
	line_clear();
	for (i = 0; i < 2; i++) {
		if (policy)
			satisfy(&first);
		first.proven = true;
		ck_assert_msg(unseal(&o, by, n, &data) == TSS2_RC_SUCCESS, "%s", row->why);
		ck_assert_msg(is_value(&data), "%s", row->why);
		ck_assert(!first.proven);
	}
	ck_assert_msg(line_saw(rbuf_str(VALUE)) == (!row->first_encrypts && !row->second_encrypts),
	    "%s", row->why);
	ck_assert(!line_saw(rbuf_str(AUTH)));
	session_close(t, &first);
	session_close(t, &second);
	discard(&o.esys_handle);
}
END_TEST

/* The TPM's refusal is the TPM's word, and the session goes on. */
START_TEST(a_wrong_authorisation_is_refused)
{
	TPM2B_SENSITIVE_DATA data;
	TPM2B_NONCE before;
	struct object o;
	SECRET(auth);
	SESSION(s);
	const struct authorization by = { .session = &s, .auth = &auth,
		.use = TPMA_SESSION_ENCRYPT };
	const struct authorization nothing = { .session = &s };

	make_object(VALUE, AUTH, NULL, &o);
	open_hmac(_i == 0 ? &srk : NULL, &s);
	before = s.nonce;
	ck_assert_uint_eq(unseal(&o, &nothing, 1, &data), RC_TPM_BAD_AUTH);
	set_auth(&auth, "an object's authValue, 30 octets");
	ck_assert_uint_eq(unseal(&o, &by, 1, &data), RC_TPM_BAD_AUTH);
	ck_assert(same_nonce(&before, &s.nonce));
	set_auth(&auth, AUTH);
	ck_assert_uint_eq(unseal(&o, &by, 1, &data), TSS2_RC_SUCCESS);
	ck_assert(is_value(&data) && !same_nonce(&before, &s.nonce));
	/* Of a command the HMAC covers whom it is for. */
	o.name.octets[NAME_OCTETS - 1] ^= 1;
	ck_assert_uint_eq(unseal(&o, &by, 1, &data), RC_TPM_BAD_AUTH);
	session_close(t, &s);
	discard(&o.esys_handle);
}
END_TEST

/* What goes to the TPM: the line sees neither data nor authValue, and what was made is what was meant. */
static const struct create_row {
	const char *why;
	enum who first, second;
	TPMA_SESSION first_use, second_use;
} create_rows[] = {
	{ "in clear", NOBODY, NOBODY, 0, 0 },
	{ "in clear with an HMAC", HMAC, NOBODY, 0, 0 },
	{ "encrypted by who authorises", HMAC, NOBODY, TPMA_SESSION_DECRYPT, 0 },
	{ "both ways", HMAC, NOBODY, TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT, 0 },
	{ "by password, encrypted by a rider", NOBODY, HMAC, 0, TPMA_SESSION_DECRYPT },
	{ "by password, both ways by a rider", NOBODY, HMAC, 0,
	    TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT },
	{ "one there, one back", HMAC, HMAC, TPMA_SESSION_DECRYPT, TPMA_SESSION_ENCRYPT },
	{ "one back, one there", HMAC, HMAC, TPMA_SESSION_ENCRYPT, TPMA_SESSION_DECRYPT },
	{ "both ways by the second", UNSALTED, HMAC, 0,
	    TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT },
};

START_TEST(creating)
{
	const struct create_row *row = &create_rows[_i];
	const bool hidden = ((row->first_use | row->second_use) & TPMA_SESSION_DECRYPT) != 0;
	const bool back = ((row->first_use | row->second_use) & TPMA_SESSION_ENCRYPT) != 0;
	struct session password = { .handle = TPM2_RS_PW };
	const TPM2B_AUTH auth = nonce_tpm2b(rbuf_str(AUTH));
	TPM2B_SENSITIVE_DATA *data = NULL;
	struct object o;
	SESSION(first);
	SESSION(second);
	const struct command by = { .entities = { { srk.handle, &srk.name } }, .by = {
	    { .session = row->first == NOBODY ? &password : &first, .use = row->first_use },
	    { .session = row->second == NOBODY ? NULL : &second, .use = row->second_use } } };

	open_as(row->first, &first);
	open_as(row->second, &second);
	line_clear();
	ck_assert_msg(create(&by, VALUE, AUTH, NULL, &o) == TSS2_RC_SUCCESS, "%s", row->why);
	ck_assert_msg(line_saw(rbuf_str(VALUE)) != hidden, "%s", row->why);
	ck_assert_msg(line_saw(rbuf_str(AUTH)) != hidden, "%s", row->why);
	ck_assert_msg(line_saw(rbuf_of(o.private_area.buffer, o.private_area.size)) != back, "%s",
	    row->why);
	load(&o);
	ck_assert_uint_eq(Esys_TR_SetAuth(esys, o.esys_handle, &auth), 0);
	ck_assert_uint_eq(Esys_Unseal(esys, o.esys_handle, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			      ESYS_TR_NONE, &data), 0);
	ck_assert_msg(is_value(data), "%s", row->why);
	Esys_Free(data);
	discard(&o.esys_handle);
	session_close(t, &first);
	session_close(t, &second);
}
END_TEST

/* Three at once: who authorises, who encrypts there, who encrypts back; each has its place in the first one's HMAC. */
START_TEST(three_sessions)
{
	static const TPMA_SESSION uses[][3] = {
		{ 0, TPMA_SESSION_DECRYPT, TPMA_SESSION_ENCRYPT },
		{ 0, TPMA_SESSION_ENCRYPT, TPMA_SESSION_DECRYPT },
		{ TPMA_SESSION_DECRYPT, TPMA_SESSION_AUDIT, TPMA_SESSION_ENCRYPT },
		{ TPMA_SESSION_ENCRYPT, TPMA_SESSION_DECRYPT, TPMA_SESSION_AUDIT },
	};
	const TPMA_SESSION *use = uses[_i];
	struct object o;
	SESSION(a);
	SESSION(b);
	SESSION(d);
	const struct command by = { .entities = { { srk.handle, &srk.name } },
		.by = { { .session = &a, .use = use[0] }, { .session = &b, .use = use[1] },
		    { .session = &d, .use = use[2], .last = true } } };

	open_hmac(&srk, &a);
	open_hmac(&srk, &b);
	open_hmac(&srk, &d);
	line_clear();
	ck_assert_uint_eq(create(&by, VALUE, AUTH, NULL, &o), TSS2_RC_SUCCESS);
	ck_assert(d.handle == 0 && a.handle != 0 && b.handle != 0);
	ck_assert(!line_saw(rbuf_str(VALUE)));
	load(&o);
	discard(&o.esys_handle);
	session_close(t, &a);
	session_close(t, &b);
}
END_TEST

/* An interposer takes the encrypting session out of a command: the TPM finds the first one's HMAC wrong. */
static size_t
drop_rider(uint8_t *octets, size_t len)
{
	struct rbuf in = rbuf_of(octets, len), skip;
	struct wbuf size = wbuf_over(octets + 2, 4), area = wbuf_over(octets + HEADER_OCTETS + 4, 4);
	const size_t one = 4 + 2 + 32 + 1 + 2 + 32, at = HEADER_OCTETS + 4 + 4 + one;
	uint32_t code, auth_octets;

	ck_assert(rbuf_take(&in, 6, &skip) && rbuf_u32(&in, &code) && rbuf_take(&in, 4, &skip) &&
	    rbuf_u32(&in, &auth_octets));
	if (code != TPM2_CC_Unseal)
		return len;
	ck_assert_uint_eq(auth_octets, 2 * one);
	memmove(octets + at, octets + at + one, len - at - one);
	wbuf_u32(&size, (uint32_t)(len - one));
	wbuf_u32(&area, (uint32_t)one);
	return len - one;
}

START_TEST(a_rider_cannot_be_taken_out)
{
	TPM2B_SENSITIVE_DATA data;
	struct object o;
	SECRET(auth);
	SESSION(first);
	SESSION(rider);
	const struct authorization by[] = { { .session = &first, .auth = &auth },
		{ .session = &rider, .use = TPMA_SESSION_ENCRYPT } };

	make_object(VALUE, AUTH, NULL, &o);
	set_auth(&auth, AUTH);
	open_hmac(&srk, &first);
	open_hmac(&srk, &rider);
	line.command = drop_rider;
	ck_assert_uint_eq(unseal(&o, by, 2, &data), RC_TPM_BAD_AUTH);
	ck_assert(!line_saw(rbuf_str(VALUE)));
	line_clear();
	ck_assert_uint_eq(unseal(&o, by, 2, &data), TSS2_RC_SUCCESS);
	ck_assert(is_value(&data));
	session_close(t, &first);
	session_close(t, &rider);
	discard(&o.esys_handle);
}
END_TEST

/* ---- random numbers, and commands in halves ---- */

/* As many as asked for, whatever the TPM gives at a time, and none of them in clear. */
START_TEST(random_numbers)
{
	static const size_t lengths[] = { 1, 8, 32, 33, 64, 65, 200 };
	uint8_t octets[256];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	size_t i, before;
	SESSION(s);

	open_hmac(&srk, &s);
	for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		line_clear();
		before = out.len > 50 ? 0 : out.len;
		wbuf_truncate(&out, before);
		ck_assert_uint_eq(random_octets(t, &s, lengths[i], &out), TSS2_RC_SUCCESS);
		ck_assert_uint_eq(out.len, before + lengths[i]);
		if (lengths[i] >= 8)
			ck_assert(!line_saw(rbuf_of(octets + before, 8)));
	}
	/* More than there is room for. */
	ck_assert(random_octets(t, &s, sizeof octets, &out) != TSS2_RC_SUCCESS || !wbuf_ok(&out));
	session_close(t, &s);
}
END_TEST

/* Sent on the side while the TPM is at work on another command: it does them in that order. */
static void
extend(void *context)
{
	const struct session *policy = context;

	ck_assert(link_side(t));
	ck_assert_uint_eq(Tss2_Sys_PolicyCommandCode_Prepare(t->side.sys, policy->handle,
			      TPM2_CC_Sign), TSS2_RC_SUCCESS);
	ck_assert_uint_eq(Tss2_Sys_ExecuteAsync(t->side.sys), TSS2_RC_SUCCESS);
}

START_TEST(a_command_behind_another)
{
	SESSION(policy);
	const struct command draw = { .by = { { .session = &policy, .use = TPMA_SESSION_ENCRYPT } },
		.meanwhile = extend, .context = &policy };
	TPM2B_DIGEST digest = { .size = 0 }, random = { .size = 0 };

	ck_assert_uint_eq(session_open(t, &srk, TPM2_SE_POLICY, &policy), TSS2_RC_SUCCESS);
	ck_assert_uint_eq(Tss2_Sys_GetRandom_Prepare(t->sys, RANDOM_OCTETS), TSS2_RC_SUCCESS);
	ck_assert_uint_eq(command_run(t, &draw), TSS2_RC_SUCCESS);
	ck_assert_uint_eq(Tss2_Sys_GetRandom_Complete(t->sys, &random), TSS2_RC_SUCCESS);
	ck_assert_uint_eq(random.size, RANDOM_OCTETS);
	/* Others need not wait until somebody comes for the answer. */
	ck_assert_uint_eq(Tss2_Sys_PolicyGetDigest(t->sys, policy.handle, NULL, &digest, NULL),
	    TSS2_RC_SUCCESS);
	ck_assert(!rbuf_eq(rbuf_of(digest.buffer, digest.size),
	    rbuf_of((const uint8_t[TPM2_SHA256_DIGEST_SIZE]){ 0 }, TPM2_SHA256_DIGEST_SIZE)));
	ck_assert_uint_eq(Tss2_Sys_ExecuteFinish(t->side.sys, TSS2_TCTI_TIMEOUT_BLOCK),
	    TSS2_RC_SUCCESS);
	/* The TPM's refusal comes with the answer, and whether anything is under way or not. */
	extend(&policy);
	session_close(t, &policy);
	ck_assert_uint_eq(Tss2_Sys_ExecuteFinish(t->side.sys, TSS2_TCTI_TIMEOUT_BLOCK),
	    TSS2_RC_SUCCESS);
	extend(&(struct session){ .handle = 0x03000002 });
	ck_assert_uint_ne(Tss2_Sys_ExecuteFinish(t->side.sys, TSS2_TCTI_TIMEOUT_BLOCK),
	    TSS2_RC_SUCCESS);
}
END_TEST

/* ---- an index, by us and by ESYS ---- */

static void
index_public(TPM2B_NV_PUBLIC *out)
{
	*out = (TPM2B_NV_PUBLIC){ .nvPublic = { .nvIndex = 0x018f0042, .nameAlg = TPM2_ALG_SHA256,
		.attributes = TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE | TPMA_NV_NO_DA, .dataSize = 32 } };
}

static void
define_index(TPM2B_NV_PUBLIC *area)
{
	struct session password = { .handle = TPM2_RS_PW };
	TPM2B_AUTH auth = nonce_tpm2b(rbuf_str(AUTH));
	SESSION(rider);
	const struct command by = { .entities = { { .handle = TPM2_RH_OWNER } },
		.by = { { .session = &password },
		    { .session = &rider, .use = TPMA_SESSION_DECRYPT, .last = true } } };

	index_public(area);
	open_hmac(&srk, &rider);
	line_clear();
	ck_assert_uint_eq(Tss2_Sys_NV_DefineSpace_Prepare(t->sys, TPM2_RH_OWNER, &auth, area), 0);
	ck_assert_uint_eq(command_run(t, &by), TSS2_RC_SUCCESS);
	ck_assert_uint_eq(Tss2_Sys_NV_DefineSpace_Complete(t->sys), 0);
	ck_assert(!line_saw(rbuf_str(AUTH)));
}

START_TEST(an_index_as_esys_sees_it)
{
	const TPM2B_MAX_NV_BUFFER value = { .size = 31, .buffer = VALUE };
	const TPM2B_AUTH known = nonce_tpm2b(rbuf_str(AUTH));
	TPM2B_MAX_NV_BUFFER *theirs = NULL, ours = { .size = 0 };
	TPM2B_NV_PUBLIC area;
	struct name name;
	ESYS_TR index;
	SECRET(auth);
	SESSION(s);
	struct command by = { .entities = { { 0x018f0042, &name }, { 0x018f0042, &name } },
		.by = { { .session = &s, .auth = &auth, .use = TPMA_SESSION_DECRYPT } } };

	define_index(&area);
	set_auth(&auth, AUTH);
	open_hmac(&srk, &s);
	ck_assert(name_of_index(&area.nvPublic, &name));
	ck_assert_uint_eq(Tss2_Sys_NV_Write_Prepare(t->sys, 0x018f0042, 0x018f0042, &value, 0), 0);
	ck_assert_uint_eq(command_run(t, &by), TSS2_RC_SUCCESS);
	ck_assert_uint_eq(Tss2_Sys_NV_Write_Complete(t->sys), 0);
	ck_assert(!line_saw(rbuf_str(VALUE)));

	index = object_at(0x018f0042);
	ck_assert_uint_eq(Esys_TR_SetAuth(esys, index, &known), 0);
	ck_assert_uint_eq(Esys_NV_Read(esys, index, index, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			      ESYS_TR_NONE, value.size, 0, &theirs), 0);
	ck_assert_mem_eq(theirs->buffer, VALUE, value.size);
	Esys_Free(theirs);

	/* It is written now, and has another Name. */
	by.by[0].use = TPMA_SESSION_ENCRYPT;
	ck_assert_uint_eq(Tss2_Sys_NV_Read_Prepare(t->sys, 0x018f0042, 0x018f0042, 31, 0), 0);
	ck_assert_uint_eq(command_run(t, &by), RC_TPM_BAD_AUTH);
	area.nvPublic.attributes |= TPMA_NV_WRITTEN;
	ck_assert(name_of_index(&area.nvPublic, &name));
	ck_assert_uint_eq(Tss2_Sys_NV_Read_Prepare(t->sys, 0x018f0042, 0x018f0042, 31, 0), 0);
	ck_assert_uint_eq(command_run(t, &by), TSS2_RC_SUCCESS);
	ck_assert_uint_eq(Tss2_Sys_NV_Read_Complete(t->sys, &ours), 0);
	ck_assert(ours.size == value.size && memcmp(ours.buffer, VALUE, value.size) == 0);
	ck_assert(!line_saw(rbuf_str(VALUE)));
	session_close(t, &s);
}
END_TEST

/* ---- the owner ---- */

/* PolicySecret asks for the authorisation and does nothing. */
static TSS2_RC
prove_owner(const char *value, const struct storage_key *salt)
{
	const TPM2B_NONCE none = { .size = 0 };
	const TPM2B_DIGEST no_cphash = { .size = 0 };
	SECRET(auth);
	SESSION(policy);
	SESSION(s);
	const struct authorization by = { .session = &s, .auth = &auth, .last = true };
	TSS2_RC rc;

	auth.len = strlen(value);
	memcpy(auth.data, value, auth.len);
	/* Zeros at the end are no part of an authValue. */
	if (auth.len != 0)
		auth.len += 3;
	open_hmac(salt, &s);
	ck_assert_uint_eq(session_open(t, NULL, TPM2_SE_POLICY, &policy), TSS2_RC_SUCCESS);
	ck_assert_uint_eq(Tss2_Sys_PolicySecret_Prepare(t->sys, TPM2_RH_OWNER, policy.handle, &none,
			      &no_cphash, &none, 0), 0);
	rc = command_run(t, &(struct command){ .entities = { { .handle = TPM2_RH_OWNER },
	    { .handle = policy.handle } }, .by = { by } });
	session_close(t, &policy);
	session_close(t, &s);
	return rc;
}

/* Authorisations of every length, up to more than a block of the hash with the session's key before it. */
START_TEST(the_owners_authorisation)
{
	static const char *const values[] = { "", "o", "31 octets ...................31",
		"thirty-two octets ............32", "thirty-three octets ...........33",
		"forty octets ......................40",
		"sixty-one octets ............................................61" };
	size_t i, k;

	for (i = 0; i < sizeof values / sizeof values[0]; i++) {
		const TPM2B_AUTH auth = nonce_tpm2b(rbuf_str(values[i]));
		const TPM2B_AUTH none = { .size = 0 };

		ck_assert_uint_eq(Esys_HierarchyChangeAuth(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
				      ESYS_TR_NONE, ESYS_TR_NONE, &auth), 0);
		for (k = 0; k < 2; k++) {
			const struct storage_key *salt = k == 0 ? &srk : NULL;

			ck_assert_msg(prove_owner(values[i], salt) == TSS2_RC_SUCCESS, "%s", values[i]);
			ck_assert_uint_eq(prove_owner("wrong", salt), RC_TPM_BAD_AUTH);
		}
		ck_assert_uint_eq(Esys_TR_SetAuth(esys, ESYS_TR_RH_OWNER, &auth), 0);
		ck_assert_uint_eq(Esys_HierarchyChangeAuth(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
				      ESYS_TR_NONE, ESYS_TR_NONE, &none), 0);
		ck_assert_uint_eq(Esys_TR_SetAuth(esys, ESYS_TR_RH_OWNER, &none), 0);
	}
}
END_TEST

/* ---- memory ---- */

static void
invert(struct rbuf from, uint8_t *out)
{
	size_t i;

	for (i = 0; i < from.len; i++)
		out[i] = (uint8_t)~rbuf_at(from, i);
}

/* Used nowhere else: without a process of its own the other tests' leftovers are about. */
#define MEMORY_VALUE "what only one test knows to seal"
#define MEMORY_AUTH "and the authValue for that"

/* All that needs the authValue, with everything encrypted. */
static void
use_object(const struct object *o, struct session *s)
{
	TPM2B_SENSITIVE_DATA data;
	SECRET(auth);
	const struct authorization by = { .session = s, .auth = &auth,
		.use = TPMA_SESSION_ENCRYPT };

	set_auth(&auth, MEMORY_AUTH);
	ck_assert_uint_eq(unseal(o, &by, 1, &data), TSS2_RC_SUCCESS);
	command_forget(t);
	explicit_bzero(&data, sizeof data);
}

START_TEST(no_secret_stays_in_memory)
{
	/* Strings of the program are in no writable memory; these are inverted anyway. */
	uint8_t value[sizeof MEMORY_VALUE - 1], auth[sizeof MEMORY_AUTH - 1];
	uint8_t key[TPM2_SHA256_DIGEST_SIZE];
	struct object o;
	SESSION(s);

	invert(rbuf_str(MEMORY_VALUE), value);
	invert(rbuf_str(MEMORY_AUTH), auth);
	make_object(MEMORY_VALUE, MEMORY_AUTH, NULL, &o);
	open_hmac(&srk, &s);
	ck_assert_uint_eq(s.key.len, sizeof key);
	invert(secret_view(&s.key), key);
	ck_assert_msg(memory_hits(key, sizeof key) == 1, "the key of a session that is open");
	use_object(&o, &s);
	ck_assert_uint_eq(memory_hits(auth, sizeof auth), 0);
	ck_assert_uint_eq(memory_hits(value, sizeof value), 0);
	ck_assert_msg(memory_hits(key, sizeof key) == 1, "the session's key once more");
	session_close(t, &s);
	ck_assert_uint_eq(memory_hits(key, sizeof key), 0);
	discard(&o.esys_handle);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("command");
	TCase *tcase = tcase_create("command");

	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_rows(tcase, sessions_open, key_rows);
	tcase_add_rows(tcase, another_key_is_found_out, key_rows);
	tcase_add_test(tcase, the_last_command_ends_a_session);
	tcase_add_test(tcase, a_saved_session_survives_others);
	tcase_add_test(tcase, no_bit_of_an_answer_can_be_changed);
	tcase_add_test(tcase, no_answer_is_cut);
	tcase_add_test(tcase, nothing_is_taken_from_behind_an_answer);
	tcase_add_test(tcase, no_answer_without_its_hmac);
	tcase_add_test(tcase, garbled_answers);
	tcase_add_test(tcase, every_session_vouches);
	tcase_add_test(tcase, a_session_is_confirmed);
	tcase_add_rows(tcase, unsealing, unseal_rows);
	tcase_add_loop_test(tcase, a_wrong_authorisation_is_refused, 0, 2);
	tcase_add_rows(tcase, creating, create_rows);
	tcase_add_loop_test(tcase, three_sessions, 0, 4);
	tcase_add_test(tcase, a_rider_cannot_be_taken_out);
	tcase_add_test(tcase, random_numbers);
	tcase_add_test(tcase, a_command_behind_another);
	tcase_add_test(tcase, an_index_as_esys_sees_it);
	tcase_add_test(tcase, the_owners_authorisation);
	if (!memory_kept())
		tcase_add_test(tcase, no_secret_stays_in_memory);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
