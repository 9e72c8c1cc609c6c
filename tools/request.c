/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/request.h"

#include "tools/secrets.h"

#include <json-c/json.h>
#include <string.h>

#define VERSION 1

/* An object, its array, a string in that: no request is deeper. */
#define DEPTH 3

/* ---- writing ---- */

/* What a secret's file stood for: the far side is told in words. */
static const struct {
	enum verb verb;
	enum secret_kind kind;
	const char *word;
} implied[] = {
	{ VERB_CREATE, SECRET_ADMIN_KEY, "--admin-key=PROMPT" },
	{ VERB_CREATE, SECRET_PIN, "--pin=PROMPT" },
	{ VERB_CREATE, SECRET_PUK, "--puk=PROMPT" },
	{ VERB_UNBLOCK, SECRET_ADMIN_KEY, "--admin-key" },
};

/* Add a string to an array, or fail for want of memory. */
static bool
add(struct json_object *array, const char *text)
{
	struct json_object *string = json_object_new_string(text);

	if (string != NULL && json_object_array_add(array, string) == 0)
		return true;
	json_object_put(string);
	return false;
}

/* Add a value to an object, which takes it over in any case. */
static bool
put(struct json_object *object, const char *name, struct json_object *value)
{
	if (value != NULL && json_object_object_add(object, name, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

static bool
fill_arguments(
    struct json_object *array, int argc, char *const argv[], const struct options *options)
{
	bool good = array != NULL;
	size_t k;
	int i;

	for (i = 1; i < argc && good; i++) {
		if ((options->here >> i & 1) == 0)
			good = add(array, argv[i]);
	}
	for (k = 0; k < sizeof implied / sizeof implied[0] && good; k++) {
		if (implied[k].verb == options->verb &&
		    (options->implied >> implied[k].kind & 1) != 0)
			good = add(array, implied[k].word);
	}
	return good;
}

static bool
fill_secrets(struct json_object *array, const struct secret texts[SECRET_KINDS])
{
	bool good = array != NULL;
	size_t i;

	for (i = 0; i < SECRET_KINDS && good; i++) {
		if (texts[i].len != 0)
			good = add(array, secret_names[i]);
	}
	return good;
}

bool
request_write(int argc, char *const argv[], const struct options *options,
    const struct secret texts[SECRET_KINDS], struct wbuf *out)
{
	struct json_object *request = json_object_new_object();
	struct json_object *arguments = json_object_new_array();
	struct json_object *secrets = json_object_new_array();
	const char *text = NULL;
	bool good;

	good = request != NULL && fill_arguments(arguments, argc, argv, options) &&
	       fill_secrets(secrets, texts);
	if (good) {
		good = put(request, "version", json_object_new_int(VERSION));
		good = put(request, "arguments", arguments) && good;
		arguments = NULL;
		good = put(request, "secrets", secrets) && good;
		secrets = NULL;
	}
	if (good)
		text = json_object_to_json_string_ext(
		    request, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	if (text != NULL)
		wbuf_put(out, rbuf_str(text));
	json_object_put(arguments);
	json_object_put(secrets);
	json_object_put(request);
	return text != NULL && wbuf_ok(out);
}

/* ---- reading ---- */

/* A string with no NUL in it; NULL for anything else. */
static const char *
string_of(struct json_object *value)
{
	const char *text;

	if (!json_object_is_type(value, json_type_string))
		return NULL;
	text = json_object_get_string(value);
	return strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}

static const char *
read_version(struct request *r, struct json_object *value)
{
	(void)r;
	return json_object_is_type(value, json_type_int) && json_object_get_int64(value) == VERSION
		   ? NULL
		   : "its version is not 1; both machines need a tpmvscmgr that fits";
}

static const char *
read_arguments(struct request *r, struct json_object *value)
{
	static char name[] = "tpmvscmgr";
	const char *text;
	size_t i, n;

	if (!json_object_is_type(value, json_type_array))
		return "its arguments are no list";
	n = json_object_array_length(value);
	if (n >= WORDS_SENT_MAX)
		return "it has too many arguments";
	r->argv[0] = name;
	for (i = 0; i < n; i++) {
		text = string_of(json_object_array_get_idx(value, i));
		if (text == NULL)
			return "one of its arguments is no text";
		r->argv[i + 1] = (char *)(uintptr_t)text; /* main()'s type; nobody writes there */
	}
	r->argc = (int)n + 1;
	r->argv[r->argc] = NULL;
	return NULL;
}

static bool
find_kind(const char *name, enum secret_kind *out)
{
	size_t i;

	for (i = 0; i < SECRET_KINDS; i++) {
		if (name != NULL && strcmp(name, secret_names[i]) == 0) {
			*out = (enum secret_kind)i;
			return true;
		}
	}
	return false;
}

static const char *
read_secrets(struct request *r, struct json_object *value)
{
	unsigned seen = 0;
	size_t i, n;

	if (!json_object_is_type(value, json_type_array))
		return "its secrets are no list";
	n = json_object_array_length(value);
	if (n > SECRET_KINDS)
		return "it has too many secrets";
	for (i = 0; i < n; i++) {
		if (!find_kind(string_of(json_object_array_get_idx(value, i)), &r->secrets[i]))
			return "one of its secrets has a name that is none";
		if ((seen >> r->secrets[i] & 1) != 0)
			return "it has a secret twice";
		seen |= 1u << r->secrets[i];
	}
	r->secret_count = n;
	return NULL;
}

static const struct member {
	const char *name;
	const char *(*read)(struct request *r, struct json_object *value);
} members[] = {
	{ "version", read_version }, /* first: what a newer one means nobody here knows */
	{ "arguments", read_arguments },
	{ "secrets", read_secrets },
};

#define MEMBERS (sizeof members / sizeof members[0])

static const char *
read_members(struct request *r, struct json_object *object)
{
	struct json_object *value;
	const char *fault;
	size_t i;

	if (!json_object_is_type(object, json_type_object))
		return "it is no JSON object";
	for (i = 0; i < MEMBERS; i++) {
		if (!json_object_object_get_ex(object, members[i].name, &value))
			return "it lacks version, arguments or secrets";
		fault = members[i].read(r, value);
		if (fault != NULL)
			return fault;
	}
	return json_object_object_length(object) == (int)MEMBERS ? NULL
								 : "it has an unknown member";
}

const char *
request_read(struct rbuf line, struct request *out)
{
	struct json_tokener *tokener;
	struct json_object *object;
	const char *fault;
	bool whole;

	*out = (struct request){ .json = NULL };
	if (line.len > REQUEST_MAX)
		return "it is too long";
	tokener = json_tokener_new_ex(DEPTH);
	if (tokener == NULL)
		return "there is no memory for it";
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, (const char *)line.data, (int)line.len);
	whole = json_tokener_get_error(tokener) == json_tokener_success &&
		json_tokener_get_parse_end(tokener) == line.len;
	json_tokener_free(tokener);
	fault = whole ? read_members(out, object) : "it is no JSON";
	if (fault == NULL)
		out->json = object;
	else
		json_object_put(object);
	return fault;
}

void
request_free(struct request *r)
{
	json_object_put(r->json);
	*r = (struct request){ .json = NULL };
}
