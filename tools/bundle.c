/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/bundle.h"

#include "tools/document.h"

#include <stddef.h>

/* The longest of each kind that a TPM and this program make, with room. */
#define AREA_MAX        2048
#define STATEMENT_MAX   2048
#define CERTIFICATE_MAX 8192

#define GUID_OCTETS      16
#define AUTHORITY_OCTETS 64 /* x || y, r || s */

/* clang-format off */
#define AT(type, member)      offsetof(struct type, member)
#define LEAF                  NULL, 0, 0, 0
#define WITHIN(table)         table, sizeof(table) / sizeof(table)[0], 0, 0
#define APPROVAL(name, which) { name, FIELD_BASE64, AT(evidence, approval[which]), 0, AUTHORITY_OCTETS, LEAF }
#define INDEX(name, which)    { name, FIELD_OBJECT, AT(evidence, index[which]), 0, 0, WITHIN(index_fields) }

static const struct field card_fields[] = {
	/* name, kind, where, least and most octets */
	{ "name", FIELD_TEXT, AT(evidence, name), 1, FIELD_TEXT_MAX, LEAF },
	{ "guid", FIELD_HEX,  AT(evidence, guid), GUID_OCTETS, GUID_OCTETS, LEAF },
};

static const struct field ek_fields[] = {
	{ "certificates", FIELD_CHAIN,  AT(evidence, ek), 0, CERTIFICATE_MAX, LEAF },
	{ "area",         FIELD_BASE64, AT(evidence, ek_area), 0, AREA_MAX, LEAF },
};

static const struct field ak_fields[] = {
	{ "certificates", FIELD_CHAIN,  AT(evidence, ak), 0, CERTIFICATE_MAX, LEAF },
	{ "area",         FIELD_BASE64, AT(evidence, ak_area), 1, AREA_MAX, LEAF },
};

/* As enum approval_id of tpm/record.h: whom it lets do what. */
static const struct field approval_fields[] = {
	APPROVAL("pin_changes_pin", 0),
	APPROVAL("puk_sets_pin", 1),
	APPROVAL("admin_sets_pin", 2),
	APPROVAL("puk_changes_puk", 3),
	APPROVAL("admin_changes_admin", 4),
	APPROVAL("puk_resets_count", 5),
	APPROVAL("admin_resets_count", 6),
};

static const struct field index_fields[] = {
	{ "area",      FIELD_BASE64, AT(evidence_index, area), 0, AREA_MAX, LEAF },
	{ "attest",    FIELD_BASE64, AT(evidence_index, statement.attest), 0, STATEMENT_MAX, LEAF },
	{ "signature", FIELD_BASE64, AT(evidence_index, statement.signature), 0, STATEMENT_MAX, LEAF },
};

/* As enum card_index there. */
static const struct field indices_fields[] = {
	INDEX("pin", 0),
	INDEX("puk", 1),
	INDEX("admin", 2),
	INDEX("life", 3),
};

static const struct field key_fields[] = {
	{ "reference",   FIELD_REFERENCE, AT(evidence_key, reference), 0, 0, LEAF },
	{ "area",        FIELD_BASE64,    AT(evidence_key, area), 1, AREA_MAX, LEAF },
	{ "creation",    FIELD_BASE64,    AT(evidence_key, creation), 0, AREA_MAX, LEAF },
	{ "attest",      FIELD_BASE64,    AT(evidence_key, statement.attest), 0, STATEMENT_MAX, LEAF },
	{ "signature",   FIELD_BASE64,    AT(evidence_key, statement.signature), 0, STATEMENT_MAX, LEAF },
	{ "certificate", FIELD_BASE64,    AT(evidence_key, certificate), 0, CERTIFICATE_MAX, LEAF },
};

static const struct field fields[] = {
	{ "card",      FIELD_OBJECT, 0, 0, 0, WITHIN(card_fields) },
	{ "nonce",     FIELD_HEX,    AT(evidence, nonce), 0, EVIDENCE_NONCE_MAX, LEAF },
	{ "ek",        FIELD_OBJECT, 0, 0, 0, WITHIN(ek_fields) },
	{ "ak",        FIELD_OBJECT, 0, 0, 0, WITHIN(ak_fields) },
	{ "authority", FIELD_BASE64, AT(evidence, authority), AUTHORITY_OCTETS, AUTHORITY_OCTETS, LEAF },
	{ "approvals", FIELD_OBJECT, 0, 0, 0, WITHIN(approval_fields) },
	{ "indices",   FIELD_OBJECT, 0, 0, 0, WITHIN(indices_fields) },
	{ "keys",      FIELD_LIST,   AT(evidence, key), 0, EVIDENCE_KEYS_MAX,
	    key_fields, sizeof key_fields / sizeof key_fields[0], sizeof(struct evidence_key), AT(evidence, keys) },
};
/* clang-format on */

static const struct document bundle = { "tpmvsc evidence", "a bundle of evidence", BUNDLE_TEXT_MAX,
	fields, sizeof fields / sizeof fields[0] };

bool
bundle_write(const struct evidence *e, struct wbuf *text)
{
	return document_write(&bundle, e, text);
}

bool
bundle_read(struct rbuf text, struct wbuf *octets, struct evidence *out, struct failure *why)
{
	*out = (struct evidence){ .keys = 0 };
	return document_read(&bundle, text, out, octets, why);
}
