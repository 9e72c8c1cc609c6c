/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/fake_tpm.h"

#include "tests/faults.h"
#include "tpm/attestation.h"
#include "tpm/certify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define RECORD_MAGIC "FAKEREC1"
#define CLAIMS_MAGIC "FAKECLM1"

struct fake_tpm *fake_tpm;
static struct fake_vault *last_vault;

struct tpm {
	const struct tpm_config *config;
};

struct tpm_creation {
	const struct tpm_spec *spec;
	uint32_t card, parent;
};

void
fake_tpm_reset(void)
{
	if (fake_tpm == NULL) {
		fake_tpm = mmap(NULL, sizeof *fake_tpm, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (fake_tpm == MAP_FAILED)
			abort();
	}
	memset(fake_tpm, 0, sizeof *fake_tpm);
	fake_tpm->room = FAKE_SLOTS;
}

unsigned
fake_tpm_count(uint32_t card)
{
	unsigned i, n = 0;

	for (i = 0; i < FAKE_SLOTS; i++) {
		if (fake_tpm->nv[i].card != 0 && (card == 0 || fake_tpm->nv[i].card == card))
			n++;
	}
	return n;
}

struct fake_vault *
fake_tpm_vault(void)
{
	return last_vault;
}

struct tpm *
tpm_new(const struct tpm_config *config)
{
	struct tpm *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	t->config = config;
	(void)snprintf(fake_tpm->tcti, sizeof fake_tpm->tcti, "%s", config->tcti);
	(void)snprintf(fake_tpm->lease, sizeof fake_tpm->lease, "%s", config->lease);
	(void)snprintf(fake_tpm->owner_auth_file, sizeof fake_tpm->owner_auth_file, "%s",
	    config->owner_auth_file != NULL ? config->owner_auth_file : "(none)");
	fake_tpm->open++;
	return t;
}

/* It has no wire to spend anything on. */
void
tpm_spent(const struct tpm *t, struct tpm_spent *out)
{
	(void)t;
	*out = (struct tpm_spent){ .ns = 0 };
}

void
tpm_free(struct tpm *t)
{
	if (t == NULL)
		return;
	fake_tpm->open--;
	free(t);
}

void
tpm_rest(struct tpm *t)
{
	(void)t;
	fake_tpm->rests++;
}

/* Whether the TPM answers now. */
static enum tpm_err
answer(struct failure *why)
{
	if (!fake_tpm->away && fault_point())
		return TPM_OK;
	fail(why, "the TPM does not answer");
	return TPM_UNUSABLE;
}

enum tpm_err
tpm_probe(struct tpm *t, struct failure *why)
{
	(void)t;
	return answer(why);
}

enum tpm_err
tpm_ask(struct tpm *t, struct tpm_facts *out, struct failure *why)
{
	enum tpm_err err = tpm_probe(t, why);

	if (err == TPM_OK)
		*out = (struct tpm_facts){ .manufacturer = "FAKE", .revision = 138 };
	return err;
}

enum tpm_err
tpm_creation_plan(struct tpm *t, const struct tpm_spec *spec, struct rbuf sibling,
    struct tpm_creation **out, struct wbuf *claims, struct failure *why)
{
	struct tpm_creation *c;
	enum tpm_err err = answer(why);

	(void)t;
	if (err != TPM_OK)
		return err;
	c = calloc(1, sizeof *c);
	if (c == NULL)
		abort();
	c->spec = spec;
	c->card = ++fake_tpm->cards;
	/* The sibling's parent is the one there is, as long as any card is. */
	c->parent = fake_tpm->parent != 0 ? fake_tpm->parent : 1000 + c->card;
	if (sibling.len != 0 && fake_tpm->parent == 0)
		abort();
	wbuf_put(claims, rbuf_str(CLAIMS_MAGIC));
	wbuf_u32(claims, c->card);
	wbuf_u32(claims, c->parent);
	*out = c;
	return TPM_OK;
}

static bool
define(uint32_t card, uint32_t which)
{
	unsigned i;

	for (i = 0; i < FAKE_SLOTS && fake_tpm->nv[i].card != 0; i++)
		;
	if (i == FAKE_SLOTS || fake_tpm_count(0) >= fake_tpm->room)
		return false;
	fake_tpm->nv[i].which = which;
	fake_tpm->nv[i].card = card;
	return true;
}

static void
write_record(const struct tpm_creation *c, struct wbuf *record)
{
	uint16_t sum = 0;
	size_t i, start = record->len;

	wbuf_put(record, rbuf_str(RECORD_MAGIC));
	wbuf_u32(record, c->card);
	wbuf_u32(record, c->parent);
	wbuf_u8(record, (uint8_t)c->spec->pin_tries);
	wbuf_u8(record, (uint8_t)c->spec->puk_tries);
	wbuf_u8(record, c->spec->puk != NULL);
	wbuf_u8(record, c->spec->admin_key != NULL);
	wbuf_u8(record, c->spec->admin_key != NULL && c->spec->admin_unblock);
	wbuf_u16(record, (uint16_t)c->spec->profile.len);
	wbuf_put(record, c->spec->profile);
	for (i = start; i < record->len; i++)
		sum = (uint16_t)(sum * 31 + rbuf_at(wbuf_view(record), i));
	wbuf_u16(record, sum);
}

static void
set_reference(struct fake_reference *r, const struct secret *value, unsigned limit)
{
	*r = (struct fake_reference){ .present = value != NULL, .left = limit, .limit = limit };
	if (value != NULL)
		r->value = *value;
}

/* The secrets of a new card.  Its 9B has the first serial number. */
static void
keep_secrets(uint32_t card, const struct tpm_spec *spec, const struct secret *random)
{
	struct fake_memory *memory = &fake_tpm->memory[card % FAKE_SLOTS];
	const bool known = spec->admin_key != NULL;

	memset(memory, 0, sizeof *memory);
	set_reference(&memory->references[REFERENCE_PIN], spec->pin, spec->pin_tries);
	set_reference(&memory->references[REFERENCE_PUK], spec->puk, spec->puk_tries);
	set_reference(&memory->references[REFERENCE_ADMIN], spec->admin_key, 0x7fffffff);
	memory->serial = 2;
	memory->admin_serial = known && spec->admin_unblock ? 1 : 0;
	fake_vault_tell(memory, 1, known ? spec->admin_key : random);
}

static void
remember(const struct tpm_spec *spec)
{
	fake_tpm->pin_tries = spec->pin_tries;
	fake_tpm->puk_tries = spec->puk_tries;
	fake_tpm->had_puk = spec->puk != NULL;
	fake_tpm->had_admin_key = spec->admin_key != NULL;
	fake_tpm->admin_algorithm = spec->admin_algorithm;
}

enum tpm_err
tpm_creation_run(
    struct tpm_creation *c, struct wbuf *record, struct wbuf *admin_key, struct secret *random,
    struct failure *why)
{
	const bool left_to_chance = c->spec->admin_key == NULL;
	const uint8_t key[] = { 'K', c->spec->admin_algorithm,
		left_to_chance ? PIN_ONCE : PIN_NEVER, 1 };
	enum tpm_err err = answer(why);
	uint32_t i;

	secret_clear(random);
	if (left_to_chance && !secret_set(random, rbuf_str("a random key of 24 octet")))
		return TPM_UNUSABLE;
	if (err != TPM_OK)
		return err;
	if (fake_tpm->denied) {
		fail(why, "the owner's authorisation is wrong");
		return TPM_DENIED;
	}
	fake_tpm->parent = c->parent;
	for (i = 1; i <= FAKE_INDICES; i++) {
		err = answer(why);
		if (err != TPM_OK)
			return err;
		if (!define(c->card, i)) {
			fail(why, "no NV space");
			return TPM_NO_ROOM;
		}
	}
	remember(c->spec);
	keep_secrets(c->card, c->spec, random);
	write_record(c, record);
	wbuf_put(admin_key, rbuf_of(key, sizeof key));
	return TPM_OK;
}

void
tpm_creation_free(struct tpm_creation *c)
{
	free(c);
}

static bool
read_claims(struct rbuf in, uint32_t *card, uint32_t *parent)
{
	struct rbuf magic;

	return rbuf_take(&in, strlen(CLAIMS_MAGIC), &magic) &&
	       rbuf_eq(magic, rbuf_str(CLAIMS_MAGIC)) && rbuf_u32(&in, card) &&
	       rbuf_u32(&in, parent) && in.len == 0;
}

/* Read a record; its sum stands for the signature. */
static bool
read_record(struct rbuf in, uint32_t *card, uint32_t *parent, struct tpm_card_info *info)
{
	const struct rbuf all = in;
	uint8_t pin, puk, has_puk, has_admin, unblocks;
	uint16_t len, sum = 0, told;
	struct rbuf magic, profile;
	size_t i;

	if (!rbuf_take(&in, strlen(RECORD_MAGIC), &magic) ||
	    !rbuf_eq(magic, rbuf_str(RECORD_MAGIC)) || !rbuf_u32(&in, card) ||
	    !rbuf_u32(&in, parent) || !rbuf_u8(&in, &pin) || !rbuf_u8(&in, &puk) ||
	    !rbuf_u8(&in, &has_puk) || !rbuf_u8(&in, &has_admin) || !rbuf_u8(&in, &unblocks) || !rbuf_u16(&in, &len) ||
	    !rbuf_take(&in, len, &profile) || !rbuf_u16(&in, &told) || in.len != 0)
		return false;
	for (i = 0; i < all.len - 2; i++)
		sum = (uint16_t)(sum * 31 + rbuf_at(all, i));
	*info = (struct tpm_card_info){ pin, puk, has_puk != 0, has_admin != 0, unblocks != 0,
		profile };
	return sum == told;
}

uint32_t
fake_tpm_number(struct rbuf record)
{
	struct tpm_card_info info;
	uint32_t card, parent;

	return read_record(record, &card, &parent, &info) ? card : 0;
}

enum tpm_err
tpm_record_claims(struct rbuf record, struct wbuf *claims)
{
	struct tpm_card_info info;
	uint32_t card, parent;

	if (!read_record(record, &card, &parent, &info))
		return TPM_RECORD;
	wbuf_put(claims, rbuf_str(CLAIMS_MAGIC));
	wbuf_u32(claims, card);
	wbuf_u32(claims, parent);
	return TPM_OK;
}

enum tpm_err
tpm_erase(struct tpm *t, struct rbuf claims, bool parent_too, struct failure *why)
{
	uint32_t card, parent;
	enum tpm_err err;
	unsigned i;

	(void)t;
	if (!read_claims(claims, &card, &parent)) {
		fail(why, "these are no claims");
		return TPM_RECORD;
	}
	err = answer(why);
	if (err != TPM_OK)
		return err;
	if (fake_tpm->denied) {
		fail(why, "the owner's authorisation is wrong");
		return TPM_DENIED;
	}
	for (i = 0; i < FAKE_SLOTS; i++) {
		if (fake_tpm->nv[i].card != card)
			continue;
		err = answer(why);
		if (err != TPM_OK)
			return err;
		fake_tpm->nv[i].card = 0;
	}
	if (parent_too && fake_tpm->parent == parent) {
		err = answer(why);
		if (err != TPM_OK)
			return err;
		fake_tpm->parent = 0;
	}
	return TPM_OK;
}

bool
tpm_claims_share_parent(struct rbuf claims, struct rbuf other)
{
	uint32_t card, one, two;

	return read_claims(claims, &card, &one) && read_claims(other, &card, &two) && one == two;
}

enum tpm_err
tpm_record_info(struct rbuf record, struct tpm_card_info *out)
{
	uint32_t card, parent;

	return read_record(record, &card, &parent, out) ? TPM_OK : TPM_RECORD;
}

/* A fake vault that knows which card it is. */
struct card_vault {
	struct fake_vault fake;
	uint32_t card, parent;
};

enum tpm_err
tpm_vault_open(struct tpm *t, struct rbuf record, struct vault **out)
{
	struct card_vault *v = calloc(1, sizeof *v);
	struct tpm_card_info info;

	(void)t;
	if (v == NULL)
		return TPM_UNUSABLE;
	fake_vault_init(&v->fake);
	if (!read_record(record, &v->card, &v->parent, &info)) {
		free(v);
		return TPM_RECORD;
	}
	fake_vault_share(&v->fake, &fake_tpm->memory[v->card % FAKE_SLOTS]);
	last_vault = &v->fake;
	fake_tpm->open++;
	*out = &v->fake.port;
	return TPM_OK;
}

enum vault_err
certify_self(struct vault *v, struct rbuf ak, struct wbuf *out)
{
	struct key_info info;

	if (fake_tpm->away || !fault_point())
		return VAULT_FAULT;
	if (vault_describe(v, ak, &info) != VAULT_OK)
		return VAULT_MISMATCH;
	wbuf_put(out, rbuf_str("the certificate of "));
	wbuf_put(out, ak);
	return VAULT_OK;
}

/* A key like others: who certifies anything with it is not in this TPM. */
enum vault_err
attestation_make(struct vault *v, struct wbuf *key)
{
	uint8_t octets[VAULT_PUBLIC_MAX];
	struct wbuf public_value = wbuf_over(octets, sizeof octets);

	if (fake_tpm->away || !fault_point())
		return VAULT_FAULT;
	return vault_generate(v, ALG_ECC_P256, PIN_NEVER, key, &public_value);
}

void
tpm_vault_free(struct vault *v)
{
	if (v == NULL)
		return;
	fake_tpm->open--;
	free(v);
}

enum tpm_err
tpm_vault_health(struct vault *v, struct failure *why)
{
	const struct card_vault *own = (struct card_vault *)(void *)v;
	enum tpm_err err = answer(why);

	if (err != TPM_OK)
		return err;
	if (fake_tpm_count(own->card) == FAKE_INDICES && fake_tpm->parent == own->parent)
		return TPM_OK;
	fail(why, "the card's indices are not in the TPM");
	return TPM_UNUSABLE;
}

/* ---- unblocking with a help desk: a response is the challenge's number and the admin key ---- */

struct tpm_challenge {
	struct card_vault *vault;
	uint32_t number;
};

enum tpm_err
tpm_challenge_open(struct vault *vault, struct tpm_challenge **out, struct wbuf *octets,
    struct failure *why)
{
	struct card_vault *v = (struct card_vault *)vault;
	struct tpm_challenge *c;
	enum tpm_err err = answer(why);

	if (err != TPM_OK)
		return err;
	c = calloc(1, sizeof *c);
	if (c == NULL)
		return TPM_UNUSABLE;
	fake_tpm->challenges++;
	fake_tpm->open++;
	*c = (struct tpm_challenge){ v, fake_tpm->challenges };
	wbuf_u32(octets, v->card);
	wbuf_u32(octets, c->number);
	wbuf_u8(octets, v->fake.references[REFERENCE_PIN].left == 0);
	*out = c;
	return TPM_OK;
}

enum vault_err
tpm_challenge_answer(
    struct tpm_challenge *c, struct rbuf response, const struct secret *fresh_pin)
{
	uint32_t number;
	SECRET(key);

	if (!rbuf_u32(&response, &number) || number != c->number || !secret_set(&key, response))
		return VAULT_MISMATCH;
	if (fake_tpm->forgetful)
		return VAULT_ABSENT;
	return vault_unblock(&c->vault->fake.port, REFERENCE_ADMIN, &key, fresh_pin);
}

void
tpm_challenge_close(struct tpm_challenge *c)
{
	if (c == NULL)
		return;
	fake_tpm->open--;
	free(c);
}

enum tpm_err
tpm_challenge_read(struct rbuf record, struct rbuf challenge, struct tpm_challenge_info *out,
    struct failure *why)
{
	uint32_t card, number;
	uint8_t count;

	if (fake_tpm_number(record) == 0)
		return TPM_RECORD;
	if (!rbuf_u32(&challenge, &card) || !rbuf_u32(&challenge, &number) ||
	    !rbuf_u8(&challenge, &count) || challenge.len != 0 || card != fake_tpm_number(record)) {
		fail(why, "this is no challenge of that card");
		return TPM_DENIED;
	}
	*out = (struct tpm_challenge_info){ .reset_count = count != 0 };
	return TPM_OK;
}

enum tpm_err
tpm_challenge_respond(struct rbuf record, struct rbuf challenge, const struct secret *admin_key,
    struct wbuf *response, struct failure *why)
{
	struct tpm_challenge_info info;
	enum tpm_err err = tpm_challenge_read(record, challenge, &info, why);
	struct rbuf card, number;

	if (err != TPM_OK || !rbuf_take(&challenge, 4, &card) || !rbuf_take(&challenge, 4, &number))
		return err;
	wbuf_put(response, number);
	wbuf_put(response, secret_view(admin_key));
	return TPM_OK;
}
