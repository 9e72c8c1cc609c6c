/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A journal says what was begun with an instance and what that may have made
 * in the TPM.  Big-endian: magic (8), version (2), instance (2), verb (1),
 * length (2), claims.  It is written like every other file, whole or not at
 * all, so one that does not read back exactly is damage or foreign.
 */
#include "store/place.h"

#include <string.h>

#define MAGIC         "tpmvsc-J"
#define VERSION       1
#define PREFIX        ".journal-"
#define HEADER_OCTETS 15
#define CLAIMS_MAX    4096

enum files_err
files_journal_write(struct files *f, unsigned instance, enum journal_verb verb, struct rbuf claims,
    struct failure *why)
{
	uint8_t octets[HEADER_OCTETS + CLAIMS_MAX];
	struct wbuf out = wbuf_over(octets, sizeof octets);

	wbuf_put(&out, rbuf_str(MAGIC));
	wbuf_u16(&out, VERSION);
	wbuf_u16(&out, (uint16_t)instance);
	wbuf_u8(&out, (uint8_t)verb);
	wbuf_u16(&out, (uint16_t)claims.len);
	wbuf_put(&out, claims);
	if (!wbuf_ok(&out)) {
		fail(why, "the claims of card %u are too long for a journal", instance);
		return FILES_FAULT;
	}
	return place_write(&f->root, instance_name(PREFIX, instance).text, wbuf_view(&out), why);
}

/* What is wrong with a journal, NULL when it is sound. */
static const char *
parse(struct rbuf in, unsigned instance, enum journal_verb *verb, struct rbuf *claims)
{
	uint16_t version, number, length;
	struct rbuf magic;
	uint8_t octet;

	if (!rbuf_take(&in, strlen(MAGIC), &magic) || !rbuf_eq(magic, rbuf_str(MAGIC)))
		return "it is not a journal";
	if (!rbuf_u16(&in, &version))
		return "it is cut short";
	if (version != VERSION)
		return "another version of this program wrote it";
	if (!rbuf_u16(&in, &number) || !rbuf_u8(&in, &octet) || !rbuf_u16(&in, &length))
		return "it is cut short";
	if (number != instance)
		return "it belongs to another card";
	if (octet != JOURNAL_CREATING && octet != JOURNAL_DESTROYING && octet != JOURNAL_REPLACING)
		return "it says neither create nor destroy nor replace";
	if (in.len != length)
		return "its length is wrong";
	*verb = (enum journal_verb)octet;
	*claims = in;
	return NULL;
}

enum files_err
files_journal_read(struct files *f, unsigned instance, enum journal_verb *verb, struct wbuf *claims,
    struct failure *why)
{
	const struct instance_name name = instance_name(PREFIX, instance);
	uint8_t octets[HEADER_OCTETS + CLAIMS_MAX];
	struct wbuf content = wbuf_over(octets, sizeof octets);
	size_t before = claims->len;
	enum journal_verb found;
	enum files_err err;
	struct rbuf view;
	const char *fault;

	/* Absence is the ordinary case: no failure line for it. */
	if (!files_occupied(f, name.text))
		return FILES_ABSENT;
	err = place_read(&f->root, name.text, sizeof octets, &content, why);
	if (err != FILES_OK)
		return err;
	fault = parse(wbuf_view(&content), instance, &found, &view);
	if (fault == NULL) {
		wbuf_put(claims, view);
		if (!wbuf_ok(claims))
			fault = "it claims too much";
	}
	if (fault != NULL) {
		wbuf_truncate(claims, before);
		fail(why,
		    "cannot use the journal %s/%s: %s; restore it from a backup, or remove "
		    "it, which may leave a card's NV indices in the TPM",
		    f->root.path, name.text, fault);
		return FILES_FAULT;
	}
	*verb = found;
	return FILES_OK;
}

enum files_err
files_journal_drop(struct files *f, unsigned instance, struct failure *why)
{
	const struct instance_name name = instance_name(PREFIX, instance);

	if (!files_occupied(f, name.text))
		return FILES_OK;
	return place_remove(&f->root, name.text, why);
}
