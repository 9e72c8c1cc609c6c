/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/fake_vault.h"

#include <string.h>

/* A key is four octets: 'K' ('I' when imported), algorithm, PIN rule, serial number. */

static struct fake_vault *
self(struct vault *v)
{
	return (struct fake_vault *)(void *)v;
}

/* Whether this call is the one that fails, or there is no power for it. */
static bool
fails(struct fake_vault *v)
{
	v->calls++;
	if ((v->power != NULL && *v->power == 0) || v->memory->broken) {
		v->fail_with = VAULT_FAULT;
		return true;
	}
	if (v->power != NULL)
		--*v->power;
	return v->fail_at != 0 && v->calls == v->fail_at;
}

static void
drop_proofs(struct fake_vault *v)
{
	v->once = v->always = false;
}

/* What a reference knows: ADMIN the octets of a card management key. */
static struct secret *
known(struct fake_vault *v, enum reference which)
{
	return which == REFERENCE_ADMIN ? &v->memory->octets[v->memory->admin_serial % FAKE_KEYS]
					: &v->references[which].value;
}

static enum vault_err
prove(struct fake_vault *v, enum reference which, const struct secret *value)
{
	if (!v->references[which].present)
		return VAULT_ABSENT;
	if (v->references[which].left == 0)
		return VAULT_BLOCKED;
	if (!rbuf_eq(secret_view(value), secret_view(known(v, which)))) {
		v->references[which].left--;
		return VAULT_AUTH;
	}
	v->references[which].left = v->references[which].limit;
	return VAULT_OK;
}

static enum vault_err
fake_verify(struct vault *port, const struct secret *pin)
{
	struct fake_vault *v = self(port);
	enum vault_err err;

	drop_proofs(v);
	if (fails(v))
		return v->fail_with;
	err = prove(v, REFERENCE_PIN, pin);
	v->once = v->always = err == VAULT_OK;
	return err;
}

static enum vault_err
fake_check(struct vault *port, enum reference which, const struct secret *value)
{
	return fails(self(port)) ? self(port)->fail_with : prove(self(port), which, value);
}

static enum vault_err
fake_tries(struct vault *port, enum reference which, struct tries *out)
{
	struct fake_vault *v = self(port);

	if (fails(v))
		return v->fail_with;
	if (!v->references[which].present)
		return VAULT_ABSENT;
	if (v->unreadable)
		return VAULT_UNSUPPORTED;
	*out = (struct tries){ v->references[which].left, v->references[which].limit };
	return VAULT_OK;
}

/* The latest key of these octets; 0 when there is none. */
static uint8_t
serial_of(const struct fake_vault *v, const struct secret *octets)
{
	uint8_t serial = v->memory->serial;

	while (--serial != 0) {
		if (rbuf_eq(secret_view(&v->memory->octets[serial % FAKE_KEYS]),
			secret_view(octets)))
			break;
	}
	return serial;
}

static enum vault_err
fake_change(
    struct vault *port, enum reference which, const struct secret *old, const struct secret *fresh)
{
	struct fake_vault *v = self(port);
	enum vault_err err;

	if (which == REFERENCE_PIN)
		drop_proofs(v);
	if (fails(v))
		return v->fail_with;
	err = prove(v, which, old);
	if (err != VAULT_OK)
		return err;
	if (which == REFERENCE_ADMIN)
		v->memory->admin_serial = serial_of(v, fresh);
	else
		v->references[which].value = *fresh;
	if (v->admin_broken && which == REFERENCE_ADMIN)
		return VAULT_FAULT; /* after it was done */
	return VAULT_OK;
}

static enum vault_err
fake_unblock(struct vault *port, enum reference by, const struct secret *proof,
    const struct secret *fresh_pin)
{
	struct fake_vault *v = self(port);
	enum vault_err err;

	drop_proofs(v);
	if (fails(v))
		return v->fail_with;
	err = prove(v, by, proof);
	if (err == VAULT_OK) {
		v->references[REFERENCE_PIN].value = *fresh_pin;
		v->references[REFERENCE_PIN].left = v->references[REFERENCE_PIN].limit;
	}
	return err;
}

static void
fake_disarm(struct vault *port)
{
	self(port)->always = false;
	self(port)->disarms++;
}

static void
fake_forget(struct vault *port)
{
	drop_proofs(self(port));
	self(port)->forgets++;
}

/* The length of the modulus, a coordinate or a block. */
static size_t
size_of(uint8_t algorithm)
{
	static const uint8_t ids[] = { ALG_RSA_2048, ALG_RSA_3072, ALG_ECC_P256, ALG_ECC_P384,
		ALG_3DES, ALG_AES_128, ALG_AES_192, ALG_AES_256 };
	static const size_t sizes[] = { 256, 384, 32, 48, 8, 16, 16, 16 };
	size_t i;

	for (i = 0; i < sizeof ids; i++) {
		if (ids[i] == algorithm)
			return sizes[i];
	}
	return 0;
}

/* The length of a card management key. */
static size_t
key_length(uint8_t algorithm)
{
	static const uint8_t lengths[] = {
		[ALG_3DES] = 24, [ALG_AES_128] = 16, [ALG_AES_192] = 24, [ALG_AES_256] = 32
	};

	return algorithm < sizeof lengths ? lengths[algorithm] : 0;
}

static bool
is_rsa(uint8_t algorithm)
{
	return algorithm == ALG_RSA_2048 || algorithm == ALG_RSA_3072;
}

static void
put_public(uint8_t algorithm, struct wbuf *out)
{
	const size_t size = size_of(algorithm);

	if (!is_rsa(algorithm))
		wbuf_u8(out, 0x04);
	wbuf_fill(out, 0xc3, is_rsa(algorithm) ? size : 2 * size);
}

static enum vault_err
fake_generate(struct vault *port, uint8_t algorithm, enum pin_rule pin, struct wbuf *key,
    struct wbuf *public_value)
{
	struct fake_vault *v = self(port);
	size_t size = size_of(algorithm);

	if (fails(v))
		return v->fail_with;
	if (size == 0)
		return VAULT_UNSUPPORTED;
	fake_vault_key(v, algorithm, pin, key);
	put_public(algorithm, public_value);
	if (v->long_public)
		wbuf_fill(public_value, 0, VAULT_PUBLIC_MAX);
	if (v->oversize != 0)
		wbuf_fill(key, 0, VAULT_KEY_MAX);
	return VAULT_OK;
}

static bool
read_key(struct rbuf key, struct key_info *out)
{
	uint8_t magic, rule, serial;

	if (!rbuf_u8(&key, &magic) || (magic != 'K' && magic != 'I') ||
	    !rbuf_u8(&key, &out->algorithm) || !rbuf_u8(&key, &rule) || !rbuf_u8(&key, &serial) ||
	    key.len != 0)
		return false;
	out->pin = (enum pin_rule)rule;
	out->origin = magic == 'K' ? ORIGIN_GENERATED : ORIGIN_IMPORTED;
	return true;
}

static enum vault_err
fake_describe(struct vault *port, struct rbuf key, struct key_info *out)
{
	if (fails(self(port)))
		return self(port)->fail_with;
	return read_key(key, out) ? VAULT_OK : VAULT_MISMATCH;
}

/* RSA: the block backwards.  ECDSA: SEQUENCE { INTEGER digest }.  ECDH: x with 33 mixed in. */
static enum vault_err
compute(uint8_t algorithm, enum key_operation operation, struct rbuf in, struct wbuf *out)
{
	size_t i, size = size_of(algorithm);

	if ((operation == KEY_RSA) != is_rsa(algorithm))
		return VAULT_MISMATCH;
	if (operation == KEY_RSA) {
		if (in.len != size || rbuf_at(in, 0) == 0xff)
			return VAULT_MISMATCH;
		for (i = 0; i < size; i++)
			wbuf_u8(out, rbuf_at(in, size - 1 - i));
		return VAULT_OK;
	}
	if (operation == KEY_ECDSA) {
		if (in.len == 0 || in.len > size)
			return VAULT_MISMATCH;
		wbuf_u8(out, 0x30);
		wbuf_u8(out, (uint8_t)(in.len + 2));
		wbuf_u8(out, 0x02);
		wbuf_u8(out, (uint8_t)in.len);
		wbuf_put(out, in);
		return VAULT_OK;
	}
	if (in.len != 1 + 2 * size || rbuf_at(in, 1) == 0) /* "not on the curve" */
		return VAULT_MISMATCH;
	for (i = 0; i < size; i++)
		wbuf_u8(out, rbuf_at(in, 1 + i) ^ 0x33);
	return VAULT_OK;
}

/* A failure after the result was written. */
static enum vault_err
take_back(const struct fake_vault *v, struct wbuf *out, size_t before)
{
	wbuf_truncate(out, before);
	return v->fail_with;
}

static enum vault_err
fake_operate(struct vault *port, struct rbuf key, enum key_operation operation, struct rbuf in,
    struct wbuf *out)
{
	struct fake_vault *v = self(port);
	const size_t before = out->len;
	const bool failing = fails(v);
	struct key_info info;
	enum vault_err err;

	if (failing && !v->late)
		return v->fail_with;
	if (!read_key(key, &info))
		return VAULT_MISMATCH;
	if ((info.pin == PIN_ONCE && !v->once) || (info.pin == PIN_ALWAYS && !v->always))
		return VAULT_AUTH;
	err = compute(info.algorithm, operation, in, out);
	if (err == VAULT_OK && info.pin == PIN_ALWAYS)
		v->always = false;
	if (err == VAULT_OK && v->oversize != 0)
		wbuf_fill(out, 0, 2 * 16384);
	return failing ? take_back(v, out, before) : err;
}

static enum vault_err
fake_encrypt(struct vault *port, struct rbuf key, struct rbuf block, struct wbuf *out)
{
	struct fake_vault *v = self(port);
	struct key_info info;
	size_t i;

	if (fails(v))
		return v->fail_with;
	if (!read_key(key, &info) || block.len != size_of(info.algorithm))
		return VAULT_MISMATCH;
	if (info.pin == PIN_ONCE && !v->once)
		return VAULT_AUTH;
	for (i = 0; i < block.len; i++)
		wbuf_u8(out, fake_vault_mix(info.algorithm, rbuf_at(block, i)));
	wbuf_fill(out, 0, v->oversize);
	return VAULT_OK;
}

static enum vault_err
fake_random(struct vault *port, size_t n, struct wbuf *out)
{
	struct fake_vault *v = self(port);

	if (fails(v))
		return v->fail_with;
	while (n-- > 0)
		wbuf_u8(out, v->random++);
	wbuf_fill(out, 0, v->oversize);
	return VAULT_OK;
}

/* Every key is fit to be imported, unless it begins with a zero. */
static enum vault_err
fake_import(struct vault *port, uint8_t algorithm, enum pin_rule pin, const struct key_parts *parts,
    struct wbuf *key)
{
	struct fake_vault *v = self(port);
	const struct rbuf first = is_rsa(algorithm) ? parts->p : parts->scalar;

	if (fails(v))
		return v->fail_with;
	if (size_of(algorithm) == 0)
		return VAULT_UNSUPPORTED;
	if (first.len == 0 || rbuf_at(first, 0) == 0 || (is_rsa(algorithm) && parts->q.len == 0))
		return VAULT_MISMATCH;
	wbuf_u8(key, 'I');
	wbuf_u8(key, algorithm);
	wbuf_u8(key, (uint8_t)pin);
	wbuf_u8(key, v->memory->serial++);
	if (v->oversize != 0)
		wbuf_fill(key, 0, VAULT_KEY_MAX);
	return VAULT_OK;
}

static enum vault_err
fake_public_value(struct vault *port, struct rbuf key, struct wbuf *out)
{
	struct key_info info;

	if (fails(self(port)))
		return self(port)->fail_with;
	if (!read_key(key, &info))
		return VAULT_MISMATCH;
	put_public(info.algorithm, out);
	wbuf_fill(out, 0, self(port)->oversize);
	return VAULT_OK;
}

/* Sealed: the label, the key's serial number, then the octets with 3c mixed in. */
static void
mix(struct rbuf in, struct wbuf *out)
{
	size_t i;

	for (i = 0; i < in.len; i++)
		wbuf_u8(out, rbuf_at(in, i) ^ 0x3c);
}

static enum vault_err
fake_seal(struct vault *port, struct rbuf key, uint32_t label, struct rbuf clear, struct wbuf *out)
{
	struct key_info info;

	if (fails(self(port)))
		return self(port)->fail_with;
	if (!read_key(key, &info) || info.algorithm != VAULT_SEALING_ALGORITHM ||
	    info.pin != PIN_ONCE || info.origin != ORIGIN_GENERATED)
		return VAULT_MISMATCH;
	wbuf_u32(out, label);
	wbuf_u8(out, rbuf_at(key, 3));
	mix(clear, out);
	if (self(port)->oversize != 0)
		wbuf_fill(out, 0, 2 * 16384);
	return VAULT_OK;
}

static enum vault_err
fake_unseal(
    struct vault *port, struct rbuf key, uint32_t label, struct rbuf sealed, struct wbuf *out)
{
	struct fake_vault *v = self(port);
	const size_t before = out->len;
	const bool failing = fails(v);
	struct key_info info;
	uint32_t found;
	uint8_t serial;

	if (failing && !v->late)
		return v->fail_with;
	if (!read_key(key, &info) || !rbuf_u32(&sealed, &found) || found != label ||
	    !rbuf_u8(&sealed, &serial) || serial != rbuf_at(key, 3))
		return VAULT_MISMATCH;
	if (!v->once)
		return VAULT_AUTH;
	mix(sealed, out);
	wbuf_fill(out, 0, v->oversize);
	return failing ? take_back(v, out, before) : VAULT_OK;
}

static enum vault_err
fake_admin_make(struct vault *port, uint8_t algorithm, const struct secret *octets, struct rbuf old,
    struct wbuf *key)
{
	struct fake_vault *v = self(port);
	struct key_info info;

	if (fails(v))
		return v->fail_with;
	if (!read_key(old, &info) || octets->len != key_length(algorithm))
		return VAULT_MISMATCH;
	fake_vault_tell(v->memory, v->memory->serial, octets);
	fake_vault_key(v, algorithm, info.pin, key);
	if (v->oversize != 0)
		wbuf_fill(key, 0, VAULT_KEY_MAX);
	return VAULT_OK;
}

static enum vault_err
fake_admin_is(struct vault *port, struct rbuf key, const struct secret *octets)
{
	struct fake_vault *v = self(port);
	struct key_info info;

	if (fails(v))
		return v->fail_with;
	if (!read_key(key, &info) || key_length(info.algorithm) == 0)
		return VAULT_MISMATCH;
	return rbuf_eq(secret_view(&v->memory->octets[rbuf_at(key, 3) % FAKE_KEYS]),
		   secret_view(octets)) ? VAULT_OK : VAULT_AUTH;
}

/* A certificate: the AK's serial number, the key's reference and its serial number, a hundred times. */
static enum vault_err
fake_attest(struct vault *port, struct rbuf attestation_key, uint8_t reference, struct rbuf key,
    struct wbuf *certificate)
{
	struct key_info ak, info;
	size_t i;

	if (fails(self(port)))
		return self(port)->fail_with;
	if (!read_key(attestation_key, &ak) || ak.pin != PIN_NEVER || ak.origin != ORIGIN_GENERATED ||
	    !read_key(key, &info))
		return VAULT_MISMATCH;
	if (info.origin != ORIGIN_GENERATED)
		return VAULT_UNSUPPORTED;
	wbuf_u32(certificate, 0x3082012c);
	for (i = 0; i < 100; i++) {
		wbuf_u8(certificate, rbuf_at(attestation_key, 3));
		wbuf_u8(certificate, reference);
		wbuf_u8(certificate, rbuf_at(key, 3));
	}
	if (self(port)->oversize != 0)
		wbuf_fill(certificate, 0, VAULT_CERTIFICATE_MAX);
	return VAULT_OK;
}

/* ADMIN knows a key by its serial number. */
static enum vault_err
fake_admin_holds(struct vault *port, struct rbuf key)
{
	struct fake_vault *v = self(port);

	if (fails(v))
		return v->fail_with;
	if (v->memory->admin_serial == 0)
		return VAULT_OK;
	if (v->admin_hidden || v->memory->hidden)
		return VAULT_UNSUPPORTED;
	return v->memory->admin_serial == rbuf_at(key, 3) ? VAULT_OK : VAULT_AUTH;
}

static enum vault_err
fake_admin_follow(struct vault *port, struct rbuf old, const struct secret *fresh)
{
	struct fake_vault *v = self(port);
	enum vault_err err = fake_admin_holds(port, old);

	(void)fresh;
	if (err == VAULT_OK && v->memory->admin_serial != 0)
		v->memory->admin_serial = (uint8_t)(v->memory->serial - 1);
	if (v->admin_broken)
		return VAULT_FAULT; /* after it was done */
	return err;
}

static const struct vault_ops ops = {
	.verify = fake_verify,
	.check = fake_check,
	.tries = fake_tries,
	.change = fake_change,
	.unblock = fake_unblock,
	.disarm = fake_disarm,
	.forget = fake_forget,
	.generate = fake_generate,
	.describe = fake_describe,
	.operate = fake_operate,
	.encrypt = fake_encrypt,
	.attest = fake_attest,
	.random = fake_random,
	.import = fake_import,
	.public_value = fake_public_value,
	.seal = fake_seal,
	.unseal = fake_unseal,
	.admin_make = fake_admin_make,
	.admin_follow = fake_admin_follow,
	.admin_holds = fake_admin_holds,
	.admin_is = fake_admin_is,
};

static void
set_reference(struct fake_vault *v, enum reference which, const char *value)
{
	v->references[which].present = secret_set(&v->references[which].value, rbuf_str(value));
	v->references[which].left = v->references[which].limit = 5;
}

void
fake_vault_init(struct fake_vault *v)
{
	memset(v, 0, sizeof *v);
	v->port.ops = &ops;
	fake_vault_share(v, &v->own);
	set_reference(v, REFERENCE_PIN, "12345678");
	set_reference(v, REFERENCE_PUK, "87654321");
	v->random = 0x10;
	v->memory->serial = 1;
}

void
fake_vault_share(struct fake_vault *v, struct fake_memory *memory)
{
	v->memory = memory;
	v->references = memory->references;
}

void
fake_vault_tell(struct fake_memory *memory, uint8_t serial, const struct secret *octets)
{
	memory->octets[serial % FAKE_KEYS] = *octets;
}

void
fake_vault_fail(struct fake_vault *v, unsigned n, enum vault_err err)
{
	v->fail_at = v->calls + n;
	v->fail_with = err;
}

void
fake_vault_key(struct fake_vault *v, uint8_t algorithm, enum pin_rule pin, struct wbuf *key)
{
	wbuf_u8(key, 'K');
	wbuf_u8(key, algorithm);
	wbuf_u8(key, (uint8_t)pin);
	wbuf_u8(key, v->memory->serial++);
}

uint8_t
fake_vault_mix(uint8_t algorithm, uint8_t octet)
{
	return (uint8_t)(octet ^ 0x5a ^ algorithm);
}
