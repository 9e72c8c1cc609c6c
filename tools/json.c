/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/json.h"

#include "base/text.h"
#include "tools/base64.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 7

struct json {
	struct json_object *open[DEPTH_MAX]; /* the document, and what is open in it */
	size_t depth;                        /* of these */
	bool spoilt;
};

/* Add a value to what is open; it belongs to that from now on. */
static void
add(struct json *j, const char *name, struct json_object *value)
{
	struct json_object *to = j->open[j->depth - 1];
	const int failure = name != NULL ? json_object_object_add(to, name, value)
					 : json_object_array_add(to, value);

	if (failure != 0) {
		j->spoilt = true;
		json_object_put(value);
	}
}

/* Add a value that may only be NULL for lack of memory. */
static void
add_made(struct json *j, const char *name, struct json_object *value)
{
	if (value != NULL)
		add(j, name, value);
	else
		j->spoilt = true;
}

static void
open_made(struct json *j, const char *name, struct json_object *value)
{
	if (value == NULL || j->depth == DEPTH_MAX) {
		j->spoilt = true;
		json_object_put(value);
		return;
	}
	add(j, name, value);
	if (!j->spoilt) {
		j->open[j->depth] = value;
		j->depth++;
	}
}

struct json *
json_begin(void)
{
	struct json *j = calloc(1, sizeof *j);

	if (j == NULL)
		return NULL;
	j->open[0] = json_object_new_object();
	if (j->open[0] == NULL) {
		free(j);
		return NULL;
	}
	j->depth = 1;
	json_put_number(j, "version", JSON_VERSION);
	return j;
}

/* Clean each line: line ends are escaped in any case. */
static void
clean_lines(const char *text, struct wbuf *out)
{
	size_t n = strcspn(text, "\n");

	while (text[n] != '\0') {
		text_clean(rbuf_of(text, n), out);
		wbuf_u8(out, '\n');
		text += n + 1;
		n = strcspn(text, "\n");
	}
	text_clean(rbuf_of(text, n), out);
}

void
json_put_text(struct json *j, const char *name, const char *text)
{
	const size_t len = text != NULL ? strlen(text) : 0;
	struct wbuf out;
	char *clean;

	if (text == NULL) {
		json_put_null(j, name);
		return;
	}
	if (j == NULL || j->spoilt)
		return;
	clean = malloc(len + 1);
	if (clean == NULL) {
		j->spoilt = true;
		return;
	}
	out = wbuf_over(clean, len);
	clean_lines(text, &out);
	add_made(j, name, json_object_new_string_len(clean, (int)out.len));
	free(clean);
}

void
json_put_octets(struct json *j, const char *name, struct rbuf octets)
{
	char text[129] = "";
	struct wbuf out = wbuf_over(text, sizeof text - 1);
	char pair[3];
	uint8_t octet;

	while (rbuf_u8(&octets, &octet)) {
		(void)snprintf(pair, sizeof pair, "%02x", octet);
		wbuf_put(&out, rbuf_str(pair));
	}
	if (!wbuf_ok(&out) && j != NULL)
		j->spoilt = true;
	json_put_text(j, name, text);
}

void
json_put_base64(struct json *j, const char *name, struct rbuf octets)
{
	const size_t len = BASE64_LENGTH(octets.len);
	struct wbuf out;
	char *text;

	if (j == NULL || j->spoilt)
		return;
	text = malloc(len + 1);
	if (text == NULL) {
		j->spoilt = true;
		return;
	}
	out = wbuf_over(text, len);
	base64_write(octets, &out);
	add_made(j, name, json_object_new_string_len(text, (int)out.len));
	free(text);
}

void
json_put_number(struct json *j, const char *name, int64_t number)
{
	if (j != NULL && !j->spoilt)
		add_made(j, name, json_object_new_int64(number));
}

void
json_put_bool(struct json *j, const char *name, bool yes)
{
	if (j != NULL && !j->spoilt)
		add_made(j, name, json_object_new_boolean(yes));
}

void
json_put_null(struct json *j, const char *name)
{
	if (j != NULL && !j->spoilt)
		add(j, name, NULL);
}

void
json_open_object(struct json *j, const char *name)
{
	if (j != NULL && !j->spoilt)
		open_made(j, name, json_object_new_object());
}

void
json_open_list(struct json *j, const char *name)
{
	if (j != NULL && !j->spoilt)
		open_made(j, name, json_object_new_array());
}

void
json_close(struct json *j)
{
	if (j != NULL && !j->spoilt && j->depth > 1)
		j->depth--;
}

/* Its text; NULL for want of memory. */
static const char *
text_of(struct json *j)
{
	const int flags =
	    JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;

	return j != NULL && !j->spoilt ? json_object_to_json_string_ext(j->open[0], flags) : NULL;
}

static void
give_back(struct json *j)
{
	if (j != NULL)
		json_object_put(j->open[0]);
	free(j);
}

bool
json_write(struct json *j, struct wbuf *out)
{
	const char *text = text_of(j);
	const bool made = text != NULL;

	if (made) {
		wbuf_put(out, rbuf_str(text));
		wbuf_u8(out, '\n');
	}
	give_back(j);
	return made && wbuf_ok(out);
}

enum outcome
json_print(struct json *j, struct failure *why)
{
	enum outcome outcome = FAILED;
	const char *text = text_of(j);

	if (text == NULL)
		fail(why, "out of memory");
	else if (puts(text) < 0 || fclose(stdout) != 0)
		fail(why, "cannot write to standard output: %s", strerror(errno));
	else
		outcome = DONE;
	give_back(j);
	return outcome;
}
