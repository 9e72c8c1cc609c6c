/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON documents that go from one machine to another: one table says what is
 * in a document, for writing and for reading, and each content has one text.
 * docs/attestation.md has the tables for people.
 */
#ifndef TPMVSC_TOOLS_DOCUMENT_H
#define TPMVSC_TOOLS_DOCUMENT_H

#include "base/log.h"

/* What a member is, and where it is in a structure of the caller's. */
enum field_kind {
	FIELD_TEXT,	 /* struct rbuf; printable UTF-8, FIELD_TEXT_MAX octets at most */
	FIELD_HEX,	 /* struct rbuf; hexadecimal in lower case, FIELD_HEX_MAX octets at most */
	FIELD_BASE64,	 /* struct rbuf */
	FIELD_REFERENCE, /* uint8_t; two hexadecimal digits */
	FIELD_CHAIN,	 /* struct chain: a list of base64, the certificate first */
	FIELD_OBJECT,	 /* a structure: an object with the fields within */
	FIELD_LIST,	 /* an array of structures: a list of such objects */
};

#define FIELD_TEXT_MAX 256
#define FIELD_HEX_MAX  64

/* What is empty, and nothing else, is null. */
struct field {
	const char *name;
	enum field_kind kind;
	size_t at;	 /* offset in the structure */
	size_t min, max; /* octets; of a chain: of each certificate; of a list: elements */
	const struct field *within;
	size_t count;	 /* of those */
	size_t stride;	 /* of a list: from one element to the next */
	size_t count_at; /* of a list: offset of its size_t, how many there are */
};

struct document {
	const char *kind; /* what it calls itself: its second member, after "version" */
	const char *what; /* what a message calls it: "a bundle" */
	size_t text_max;  /* octets of its text */
	const struct field *fields;
	size_t count;
};

/* Append the text of a structure's content.  False when memory or out is full, or text is none. */
MUST_CHECK bool document_write(const struct document *d, const void *from, struct wbuf *text);

/*
 * Read a text that document_write() could have written, to the octet: anything
 * else is refused, also what JSON would take for the same.
 *
 * to     empty; its views are of octets afterwards
 * octets what texts, digits and base64 stand for is appended
 * why    a clause about the document: "it lacks ..."
 *
 * On failure what is in to means nothing.
 */
MUST_CHECK bool document_read(const struct document *d, struct rbuf text, void *to,
    struct wbuf *octets, struct failure *why);

#endif
