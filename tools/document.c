/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/document.h"

#include "base/text.h"
#include "card/attest.h"
#include "tools/base64.h"
#include "tools/json.h"
#include "tools/words.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

/* A document, a list, an object in it, a chain in that, a certificate: none is deeper. */
#define DEPTH 5

static const void *
field_of(const struct field *f, const void *from)
{
	return (const char *)from + f->at;
}

static void *
field_in(const struct field *f, void *to)
{
	return (char *)to + f->at;
}

static size_t *
count_in(const struct field *f, void *to)
{
	return (size_t *)(void *)((char *)to + f->count_at);
}

/* ---- writing ---- */

struct writing {
	struct json *json;
	bool bad; /* something could not be read again */
};

static void put_fields(
    struct writing *w, const struct field *fields, size_t count, const void *from);

static bool
is_clean(struct rbuf text)
{
	char clean[FIELD_TEXT_MAX];
	struct wbuf out = wbuf_over(clean, sizeof clean);

	text_clean(text, &out);
	return wbuf_ok(&out) && rbuf_eq(wbuf_view(&out), text);
}

static void
put_text(struct writing *w, const char *name, struct rbuf text)
{
	char ended[FIELD_TEXT_MAX + 1] = "";
	struct wbuf out = wbuf_over(ended, FIELD_TEXT_MAX);

	wbuf_put(&out, text);
	w->bad = w->bad || !wbuf_ok(&out) || !is_clean(text);
	json_put_text(w->json, name, ended);
}

/* Null for an empty chain or list, not brackets: json-c's versions do not agree on those. */
static void
put_chain(struct writing *w, const struct field *f, const struct chain *chain)
{
	size_t i, n = 0;

	if (chain->certificate.len == 0) {
		json_put_null(w->json, f->name);
	} else {
		json_open_list(w->json, f->name);
		json_put_base64(w->json, NULL, chain->certificate);
		for (; n < EVIDENCE_CHAIN_MAX && chain->above[n].len != 0; n++)
			json_put_base64(w->json, NULL, chain->above[n]);
		json_close(w->json);
	}
	for (i = n; i < EVIDENCE_CHAIN_MAX; i++)
		w->bad = w->bad || chain->above[i].len != 0;
}

static void
put_list(struct writing *w, const struct field *f, const void *from)
{
	const char *element = field_of(f, from);
	const size_t count = *(const size_t *)(const void *)((const char *)from + f->count_at);
	size_t i;

	if (count > f->max)
		w->bad = true;
	if (count == 0 || w->bad) {
		json_put_null(w->json, f->name);
		return;
	}
	json_open_list(w->json, f->name);
	for (i = 0; i < count; i++, element += f->stride) {
		json_open_object(w->json, NULL);
		put_fields(w, f->within, f->count, element);
		json_close(w->json);
	}
	json_close(w->json);
}

static void
put_octets(struct writing *w, const struct field *f, struct rbuf octets)
{
	if (octets.len < f->min || octets.len > f->max)
		w->bad = true;
	if (octets.len == 0)
		json_put_null(w->json, f->name);
	else if (f->kind == FIELD_TEXT)
		put_text(w, f->name, octets);
	else if (f->kind == FIELD_HEX)
		json_put_octets(w->json, f->name, octets);
	else
		json_put_base64(w->json, f->name, octets);
}

static void
put_field(struct writing *w, const struct field *f, const void *from)
{
	const void *at = field_of(f, from);

	switch (f->kind) {
	case FIELD_TEXT:
	case FIELD_HEX:
	case FIELD_BASE64:
		put_octets(w, f, *(const struct rbuf *)at);
		break;
	case FIELD_REFERENCE:
		json_put_octets(w->json, f->name, rbuf_of(at, 1));
		break;
	case FIELD_CHAIN:
		put_chain(w, f, at);
		break;
	case FIELD_OBJECT:
		json_open_object(w->json, f->name);
		put_fields(w, f->within, f->count, at);
		json_close(w->json);
		break;
	case FIELD_LIST:
		put_list(w, f, from);
		break;
	}
}

static void
put_fields(struct writing *w, const struct field *fields, size_t count, const void *from)
{
	size_t i;

	for (i = 0; i < count; i++)
		put_field(w, &fields[i], from);
}

bool
document_write(const struct document *d, const void *from, struct wbuf *text)
{
	struct writing w = { .json = json_begin() };
	bool made;

	json_put_text(w.json, "kind", d->kind);
	put_fields(&w, d->fields, d->count, from);
	made = json_write(w.json, text);
	return made && !w.bad;
}

/* ---- reading ---- */

struct reading {
	struct wbuf *octets;
	struct failure *why;
};

static bool get_fields(struct reading *r, struct json_object *object, const struct field *fields,
    size_t count, size_t others, void *to);

static bool
wrong(struct reading *r, const struct field *f, const char *what)
{
	fail(r->why, "its member \"%s\" %s", f->name, what);
	return false;
}

static struct rbuf
text_of(struct json_object *value)
{
	return rbuf_of(json_object_get_string(value), (size_t)json_object_get_string_len(value));
}

static bool
read_hex(struct rbuf text, struct wbuf *octets)
{
	uint8_t pair[2], high, low;

	while (rbuf_copy(&text, pair, sizeof pair)) {
		if (!word_hex(pair[0], &high) || !word_hex(pair[1], &low))
			return false;
		wbuf_u8(octets, (uint8_t)(high << 4 | low));
	}
	return text.len == 0;
}

/* Append what a string stands for; out becomes a view of it. */
static bool
get_octets(struct reading *r, const struct field *f, struct json_object *value, struct rbuf *out)
{
	const size_t before = r->octets->len;
	struct rbuf all, dropped;
	bool good = false;

	if (!json_object_is_type(value, json_type_string))
		return wrong(r, f, "is no text");
	if (f->kind == FIELD_TEXT) {
		wbuf_put(r->octets, text_of(value));
		good = true;
	} else if (f->kind == FIELD_HEX || f->kind == FIELD_REFERENCE) {
		good = read_hex(text_of(value), r->octets);
	} else {
		good = base64_read(text_of(value), r->octets);
	}
	if (!good)
		return wrong(r, f,
		    f->kind == FIELD_HEX || f->kind == FIELD_REFERENCE ? "is not hexadecimal"
								       : "is not base64");
	all = wbuf_view(r->octets);
	if (!wbuf_ok(r->octets) || !rbuf_take(&all, before, &dropped))
		return wrong(r, f, "is too long");
	*out = all;
	return true;
}

static bool
get_sized(struct reading *r, const struct field *f, struct json_object *value, struct rbuf *out)
{
	if (value == NULL && f->min == 0) {
		*out = rbuf_of(NULL, 0);
		return true;
	}
	if (!get_octets(r, f, value, out))
		return false;
	if (out->len < f->min || out->len == 0)
		return wrong(r, f, "is too short");
	return out->len <= f->max || wrong(r, f, "is too long");
}

static bool
get_reference(struct reading *r, const struct field *f, struct json_object *value, uint8_t *out)
{
	struct rbuf octets;

	if (!get_octets(r, f, value, &octets))
		return false;
	return (octets.len == 1 && rbuf_u8(&octets, out)) || wrong(r, f, "is no key reference");
}

static bool
get_chain(struct reading *r, const struct field *f, struct json_object *value, struct chain *out)
{
	struct rbuf *at = &out->certificate;
	size_t i, n;

	if (value == NULL)
		return true;
	if (!json_object_is_type(value, json_type_array))
		return wrong(r, f, "is no list");
	n = json_object_array_length(value);
	if (n == 0 || n > 1 + EVIDENCE_CHAIN_MAX)
		return wrong(r, f, "has no certificate, or too many");
	for (i = 0; i < n; i++) {
		struct json_object *element = json_object_array_get_idx(value, i);

		if (!get_octets(r, f, element, at))
			return false;
		if (at->len == 0 || at->len > f->max)
			return wrong(r, f, "has a certificate that is too long, or empty");
		at = &out->above[i < EVIDENCE_CHAIN_MAX ? i : 0];
	}
	return true;
}

static bool
get_object(struct reading *r, const struct field *f, struct json_object *value, void *to)
{
	if (!json_object_is_type(value, json_type_object))
		return wrong(r, f, "is no object");
	return get_fields(r, value, f->within, f->count, 0, to);
}

static bool
get_list(struct reading *r, const struct field *f, struct json_object *value, void *to)
{
	char *element = field_in(f, to);
	size_t i, n;

	if (value == NULL)
		return true;
	if (!json_object_is_type(value, json_type_array))
		return wrong(r, f, "is no list");
	n = json_object_array_length(value);
	if (n == 0 || n > f->max)
		return wrong(r, f, "has no element, or too many");
	for (i = 0; i < n; i++, element += f->stride) {
		if (!get_object(r, f, json_object_array_get_idx(value, i), element))
			return false;
	}
	*count_in(f, to) = n;
	return true;
}

static bool
get_field(struct reading *r, const struct field *f, struct json_object *value, void *to)
{
	void *at = field_in(f, to);

	switch (f->kind) {
	case FIELD_TEXT:
	case FIELD_HEX:
	case FIELD_BASE64:
		return get_sized(r, f, value, at);
	case FIELD_REFERENCE:
		return get_reference(r, f, value, at);
	case FIELD_CHAIN:
		return get_chain(r, f, value, at);
	case FIELD_OBJECT:
		return get_object(r, f, value, at);
	case FIELD_LIST:
		return get_list(r, f, value, to);
	}
	return false;
}

/* Read the fields of an object that has those and so many others, and none beside. */
static bool
get_fields(struct reading *r, struct json_object *object, const struct field *fields, size_t count,
    size_t others, void *to)
{
	struct json_object *value;
	size_t i;

	for (i = 0; i < count; i++) {
		if (!json_object_object_get_ex(object, fields[i].name, &value)) {
			fail(r->why, "it lacks the member \"%s\"", fields[i].name);
			return false;
		}
		if (!get_field(r, &fields[i], value, to))
			return false;
	}
	if ((size_t)json_object_object_length(object) == count + others)
		return true;
	fail(r->why, "it has a member that nobody here knows, beside \"%s\"", fields[0].name);
	return false;
}

/* What it says of itself: what a newer version means nobody here knows. */
static bool
get_head(const struct document *d, struct json_object *object, struct failure *why)
{
	struct json_object *version, *kind;

	if (!json_object_is_type(object, json_type_object))
		fail(why, "it is no JSON object");
	else if (!json_object_object_get_ex(object, "version", &version) ||
		 !json_object_object_get_ex(object, "kind", &kind))
		fail(why, "it lacks the members \"version\" and \"kind\"");
	else if (!json_object_is_type(version, json_type_int) ||
		 json_object_get_int64(version) != JSON_VERSION)
		fail(why, "its version is not %d: a newer tpmvscmgr may know it", JSON_VERSION);
	else if (!json_object_is_type(kind, json_type_string) ||
		 !rbuf_eq(text_of(kind), rbuf_str(d->kind)))
		fail(why, "it is not %s: its \"kind\" is another one", d->what);
	else
		return true;
	return false;
}

/* Whether what was read is what was written: the rest of what JSON leaves open. */
static bool
is_canonical(const struct document *d, struct rbuf text, const void *content, struct failure *why)
{
	uint8_t *again = malloc(text.len + 1);
	struct wbuf out = wbuf_over(again, again != NULL ? text.len + 1 : 0);
	bool same = document_write(d, content, &out) && rbuf_eq(wbuf_view(&out), text);

	free(again);
	if (!same)
		fail(why, "it is not written as this program writes it: a member is there twice or "
			  "in another place, or there are other spaces or characters");
	return same;
}

bool
document_read(
    const struct document *d, struct rbuf text, void *to, struct wbuf *octets, struct failure *why)
{
	struct reading r = { .octets = octets, .why = why };
	struct json_object *object = NULL;
	struct json_tokener *tokener;
	bool good = false, whole;

	if (text.len > d->text_max) {
		fail(why, "it is too long for %s", d->what);
		return false;
	}
	tokener = json_tokener_new_ex(DEPTH);
	if (tokener == NULL) {
		fail(why, "there is no memory for it");
		return false;
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	/* Without the newline that ends it. */
	object = json_tokener_parse_ex(
	    tokener, (const char *)text.data, (int)(text.len - (text.len != 0)));
	whole = json_tokener_get_error(tokener) == json_tokener_success &&
		json_tokener_get_parse_end(tokener) + 1 == text.len;
	if (!whole)
		fail(why, "it is no JSON, or only a part of it");
	else
		good = get_head(d, object, why) &&
		       get_fields(&r, object, d->fields, d->count, 2, to) &&
		       is_canonical(d, text, to, why);
	json_tokener_free(tokener);
	json_object_put(object);
	return good;
}
