/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BER-TLV data objects as ISO/IEC 7816-4 uses them: tags of one to three
 * octets, definite lengths in their shortest form, values up to 65535 octets.
 * Knows base only.
 */
#ifndef TPMVSC_APPLET_TLV_H
#define TPMVSC_APPLET_TLV_H

#include "base/bytes.h"

struct tlv {
	uint32_t tag; /* as in the specification, e.g. 0x5c, 0x7f49, 0x5fc105 */
	struct rbuf value;
};

/*
 * Read a tag off the front.  Returns false, with in and *out unchanged, when
 * it is cut short, longer than three octets or not in its shortest form.
 */
MUST_CHECK bool tlv_tag(struct rbuf *in, uint32_t *out);

/*
 * Read a data object off the front; out->value is a view of in's octets.
 * Returns false, with in and *out unchanged, when it is cut short, its tag is
 * none (see tlv_tag), or its length is indefinite or not the shortest.
 */
MUST_CHECK bool tlv_next(struct rbuf *in, struct tlv *out);

/* A data object wanted in a template: set tag, the rest is filled in. */
struct tlv_field {
	uint32_t tag;
	bool present;
	struct rbuf value;
};

/*
 * Read all data objects of a template's value, in any order, into the n
 * fields.  Returns false when one is malformed, repeated or not among the
 * fields; fields are then of no use.
 */
MUST_CHECK bool tlv_read_fields(struct rbuf in, struct tlv_field *fields, size_t n);

/* Append a tag, and a value still to be written: append it to out, then close. */
MUST_CHECK size_t tlv_open(struct wbuf *out, uint32_t tag);

/* End the value that tlv_open() began: its length is put in, in the shortest form. */
void tlv_close(struct wbuf *out, size_t mark);

/* Append a whole data object. */
void tlv_put(struct wbuf *out, uint32_t tag, struct rbuf value);

#endif
