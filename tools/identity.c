/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whom a certificate is for: distinguished names and alternative names as
 * people write them.
 */
#include "tools/x509.h"

#include "base/text.h"
#include "tools/words.h"

#include <string.h>

/* Both names in DER: a certificate with them fits the card whatever its key. */
#define IDENTITY_MAX 2048

/* The longest value of an attribute; X.520's bounds, which OpenSSL knows, are lower. */
#define VALUE_MAX 512

/* How attributes are called, in any case: RFC 4514, 3, and OpenSSL's names. */
static const struct word attributes[] = {
	{ "CN", NID_commonName },
	{ "commonName", NID_commonName },
	{ "O", NID_organizationName },
	{ "organizationName", NID_organizationName },
	{ "OU", NID_organizationalUnitName },
	{ "organizationalUnitName", NID_organizationalUnitName },
	{ "C", NID_countryName },
	{ "countryName", NID_countryName },
	{ "ST", NID_stateOrProvinceName },
	{ "stateOrProvinceName", NID_stateOrProvinceName },
	{ "L", NID_localityName },
	{ "localityName", NID_localityName },
	{ "STREET", NID_streetAddress },
	{ "streetAddress", NID_streetAddress },
	{ "postalCode", NID_postalCode },
	{ "DC", NID_domainComponent },
	{ "domainComponent", NID_domainComponent },
	{ "UID", NID_userId },
	{ "userId", NID_userId },
	{ "emailAddress", NID_pkcs9_emailAddress },
	{ "E", NID_pkcs9_emailAddress },
	{ "serialNumber", NID_serialNumber },
	{ "SN", NID_surname },
	{ "surname", NID_surname },
	{ "GN", NID_givenName },
	{ "givenName", NID_givenName },
	{ "initials", NID_initials },
	{ "generationQualifier", NID_generationQualifier },
	{ "pseudonym", NID_pseudonym },
	{ "title", NID_title },
	{ "name", NID_name },
	{ "description", NID_description },
	{ "dnQualifier", NID_dnQualifier },
	{ "organizationIdentifier", NID_organizationIdentifier },
};

/* What is between two marks of a distinguished name, and what comes next. */
struct part {
	struct rbuf type;
	char value[VALUE_MAX];
	size_t len;
	enum { AT_END, AT_MARK, AT_PLUS } end; /* AT_PLUS: another of the same relative name */
};

static enum outcome
no_memory(struct failure *why)
{
	fail(why, "out of memory");
	return FAILED;
}

/* Why text cannot be in a certificate that people look at; NULL when it can. */
static const char *
text_fault(struct rbuf text)
{
	uint32_t c;

	if (text.len == 0)
		return "it is empty";
	while (text.len != 0) {
		if (!text_take(&text, &c))
			return "it is not UTF-8";
		if (!text_printable(c))
			return "it has a character that cannot be printed";
	}
	return NULL;
}

/* An attribute's name as a message may show it. */
struct shown {
	char text[128];
};

static struct shown
show(struct rbuf type)
{
	struct shown s = { .text = "" };
	struct wbuf out = wbuf_over(s.text, sizeof s.text - 1);
	struct rbuf head;

	if (rbuf_take(&type, type.len < 32 ? type.len : 32, &head))
		text_clean(head, &out);
	return s;
}

static struct rbuf
trim(struct rbuf text)
{
	struct rbuf space;

	while (rbuf_at(text, 0) == ' ' && rbuf_take(&text, 1, &space))
		continue;
	while (text.len != 0 && rbuf_at(text, text.len - 1) == ' ')
		text.len--;
	return text;
}

/* What follows a backslash: a character with a meaning, or two hexadecimal digits. */
static bool
take_escaped(struct rbuf *in, uint8_t *out)
{
	static const char special[] = " \"+,;<>#=\\/";
	uint8_t high = 0, low = 0, second = 0;
	size_t i;

	if (!rbuf_u8(in, out))
		return false;
	for (i = 0; i < sizeof special - 1; i++) {
		if (*out == (uint8_t)special[i])
			return true;
	}
	if (!word_hex(*out, &high) || !rbuf_u8(in, &second) || !word_hex(second, &low))
		return false;
	*out = (uint8_t)(high << 4 | low);
	return true;
}

/* Read a value up to the mark behind it.  NULL or what is wrong. */
static const char *
take_value(struct rbuf *in, uint8_t mark, struct part *out)
{
	struct wbuf value = wbuf_over(out->value, sizeof out->value);
	size_t solid = 0; /* up to here no space is dropped */
	uint8_t c = 0;

	out->end = AT_END;
	while (out->end == AT_END && rbuf_u8(in, &c)) {
		if (c == mark || c == '+') {
			out->end = c == '+' ? AT_PLUS : AT_MARK;
		} else if (c == '\\') {
			if (!take_escaped(in, &c))
				return "has a backslash before nothing that wants one";
			wbuf_u8(&value, c);
			solid = value.len;
		} else if (mark == ',' && strchr("\";<>", c) != NULL) {
			return "has one of \" ; < > without a backslash before it";
		} else if (mark == ',' && c == '#' && value.len == 0) {
			return "has a value that begins with # without a backslash before it";
		} else if (c != ' ' || value.len != 0) {
			wbuf_u8(&value, c);
			solid = c != ' ' ? value.len : solid;
		}
	}
	out->len = solid;
	return wbuf_ok(&value) ? NULL : "has a value that is too long";
}

static const char *
take_part(struct rbuf *in, uint8_t mark, struct part *out)
{
	size_t n = 0;
	struct rbuf equals;

	while (n < in->len && rbuf_at(*in, n) != '=' && rbuf_at(*in, n) != mark)
		n++;
	if (!rbuf_take(in, n, &out->type))
		return "cannot be read";
	out->type = trim(out->type);
	if (rbuf_at(*in, 0) != '=' || !rbuf_take(in, 1, &equals))
		return "is no attribute with = and a value";
	if (out->type.len == 0)
		return "is a value without an attribute";
	return take_value(in, mark, out);
}

/* An attribute by its name or, as RFC 4514 allows, its number.  NULL when it is none. */
static ASN1_OBJECT *
find_attribute(struct rbuf type)
{
	char number[64];
	struct wbuf text = wbuf_over(number, sizeof number - 1);
	unsigned nid = NID_undef;
	size_t i;

	if (word_find(attributes, sizeof attributes / sizeof attributes[0], type, &nid))
		return OBJ_nid2obj((int)nid);
	for (i = 0; i < type.len; i++) {
		if (rbuf_at(type, i) != '.' && (rbuf_at(type, i) < '0' || rbuf_at(type, i) > '9'))
			return NULL;
	}
	wbuf_put(&text, type);
	wbuf_u8(&text, 0);
	return wbuf_ok(&text) ? OBJ_txt2obj(number, 1) : NULL;
}

/* Where a part goes: RFC 4514 begins with the last relative name. */
static const char *
add_part(X509_NAME *name, const struct part *part, uint8_t mark, bool joined)
{
	const int at = mark == '/' ? -1 : joined ? 1 : 0;
	ASN1_OBJECT *attribute = find_attribute(part->type);
	X509_NAME_ENTRY *entry;
	bool added;

	if (attribute == NULL)
		return "is no attribute that is known here";
	entry = X509_NAME_ENTRY_create_by_OBJ(
	    NULL, attribute, MBSTRING_UTF8, (const unsigned char *)part->value, (int)part->len);
	ASN1_OBJECT_free(attribute);
	if (entry == NULL)
		return "cannot have that value: it is too long or short, or has characters it may "
		       "not have";
	added = X509_NAME_add_entry(name, entry, at, joined ? -1 : 0) == 1;
	X509_NAME_ENTRY_free(entry);
	return added ? NULL : "cannot be added";
}

static enum outcome
read_subject(const char *text, X509_NAME *name, struct failure *why)
{
	struct rbuf in = rbuf_str(text), slash;
	const uint8_t mark = rbuf_at(in, 0) == '/' ? '/' : ',';
	struct part part = { .end = AT_MARK };
	const char *fault = NULL;
	bool joined;

	if (mark == '/' && !rbuf_take(&in, 1, &slash))
		return FAILED;
	if (trim(in).len == 0) {
		fail(why, "--subject: it is empty; wants a name, such as CN=Alice,O=Example");
		return WRONG_USAGE;
	}
	while (fault == NULL && part.end != AT_END) {
		joined = part.end == AT_PLUS;
		fault = take_part(&in, mark, &part);
		if (fault == NULL)
			fault = text_fault(rbuf_of(part.value, part.len));
		if (fault == NULL)
			fault = add_part(name, &part, mark, joined);
	}
	if (fault == NULL)
		return DONE;
	fail(why, "--subject: %s: %s", show(part.type).text, fault);
	return WRONG_USAGE;
}

/* ---- alternative names ---- */

static bool
ascii(struct rbuf text)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		if (rbuf_at(text, i) <= 0x20 || rbuf_at(text, i) >= 0x7f)
			return false;
	}
	return text.len != 0;
}

/* Something, one @, something. */
static bool
is_address(struct rbuf text)
{
	struct rbuf user;

	return word_split(&text, '@', &user) && user.len != 0 && text.len != 0 &&
	       memchr(text.data, '@', text.len) == NULL;
}

static bool
is_email(struct rbuf text)
{
	return ascii(text) && is_address(text);
}

/* Labels of letters, digits and hyphens; the first may be an asterisk. */
static bool
is_host(struct rbuf text)
{
	struct rbuf label;
	bool more = true, first = true;
	size_t i;

	for (; more; first = false) {
		more = word_split(&text, '.', &label);
		if (label.len == 0 || label.len > 63)
			return false;
		for (i = 0; i < label.len; i++) {
			const uint8_t c = word_lower(rbuf_at(label, i));
			const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

			if (!letter && (c != '-' || i == 0 || i + 1 == label.len) &&
			    (c != '*' || !first || label.len != 1 || !more))
				return false;
		}
	}
	return true;
}

static bool
is_uri(struct rbuf text)
{
	struct rbuf scheme;
	const uint8_t c = word_lower(rbuf_at(text, 0));

	return ascii(text) && c >= 'a' && c <= 'z' && word_split(&text, ':', &scheme) &&
	       text.len != 0;
}

static bool
is_upn(struct rbuf text)
{
	return text_fault(text) == NULL && is_address(text);
}

/* clang-format off */
static const struct alt_kind {
	const char *word;
	int type, string;
	bool (*check)(struct rbuf);
	const char *wanted;
} alt_kinds[] = {
	{ "email", GEN_EMAIL,     V_ASN1_IA5STRING,  is_email, "wants an address, such as email:alice@example.org" },
	{ "dns",   GEN_DNS,       V_ASN1_IA5STRING,  is_host,  "wants a host name, such as dns:host.example.org" },
	{ "uri",   GEN_URI,       V_ASN1_IA5STRING,  is_uri,   "wants a URI, such as uri:https://example.org/" },
	{ "upn",   GEN_OTHERNAME, V_ASN1_UTF8STRING, is_upn,   "wants a user principal name, such as upn:alice@example.org" },
};
/* clang-format on */

static GENERAL_NAME *
alt_name_new(const struct alt_kind *kind, struct rbuf text)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *string = ASN1_STRING_type_new(kind->string);
	ASN1_TYPE *value = kind->type == GEN_OTHERNAME ? ASN1_TYPE_new() : NULL;

	if (name == NULL || string == NULL || (kind->type == GEN_OTHERNAME && value == NULL) ||
	    ASN1_STRING_set(string, text.data, (int)text.len) != 1)
		goto fail;
	if (value == NULL) {
		GENERAL_NAME_set0_value(name, kind->type, string);
		return name;
	}
	ASN1_TYPE_set(value, kind->string, string);
	string = NULL; /* value has it now */
	if (GENERAL_NAME_set0_othername(name, OBJ_nid2obj(NID_ms_upn), value) == 1)
		return name;
fail:
	ASN1_TYPE_free(value);
	ASN1_STRING_free(string);
	GENERAL_NAME_free(name);
	return NULL;
}

static enum outcome
read_alt_name(const char *text, struct identity *out, struct failure *why)
{
	struct rbuf value = rbuf_str(text), word;
	const struct alt_kind *kind = NULL;
	GENERAL_NAME *name;
	size_t i;

	if (word_split(&value, ':', &word)) {
		for (i = 0; i < sizeof alt_kinds / sizeof alt_kinds[0]; i++) {
			if (word_is(word, alt_kinds[i].word))
				kind = &alt_kinds[i];
		}
	}
	if (kind == NULL || !kind->check(value)) {
		fail(why, "--alt-name: %s",
		    kind == NULL ? "wants email:, dns:, upn: or uri: and a name" : kind->wanted);
		return WRONG_USAGE;
	}
	name = alt_name_new(kind, value);
	if (name == NULL || sk_GENERAL_NAME_push(out->alt_names, name) == 0) {
		GENERAL_NAME_free(name);
		return no_memory(why);
	}
	out->has_email = out->has_email || kind->type == GEN_EMAIL;
	out->has_upn = out->has_upn || kind->type == GEN_OTHERNAME;
	return DONE;
}

enum outcome
identity_read(const char *subject, const char *const *alt_names, size_t count, struct identity *out,
    struct failure *why)
{
	enum outcome outcome;
	size_t i;

	*out = (struct identity){ .subject = X509_NAME_new(),
		.alt_names = count != 0 ? sk_GENERAL_NAME_new_null() : NULL };
	if (out->subject == NULL || (count != 0 && out->alt_names == NULL))
		outcome = no_memory(why);
	else
		outcome = read_subject(subject, out->subject, why);
	for (i = 0; i < count && outcome == DONE; i++)
		outcome = read_alt_name(alt_names[i], out, why);
	if (outcome == DONE && i2d_X509_NAME(out->subject, NULL) +
				       (count != 0 ? i2d_GENERAL_NAMES(out->alt_names, NULL) : 0) >
				   IDENTITY_MAX) {
		fail(why, "--subject and --alt-name: together they are too long");
		outcome = WRONG_USAGE;
	}
	if (outcome != DONE)
		identity_clear(out);
	return outcome;
}

void
identity_clear(struct identity *id)
{
	X509_NAME_free(id->subject);
	GENERAL_NAMES_free(id->alt_names);
	*id = (struct identity){ .subject = NULL };
}
