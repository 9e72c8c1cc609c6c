/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON for programs, on standard output, written from front to back.  Memory
 * that is out is remembered until json_print().  man/tpmvscmgr-json.5 says
 * what the members mean.
 */
#ifndef TPMVSC_TOOLS_JSON_H
#define TPMVSC_TOOLS_JSON_H

#include "card/card.h"

/* The version of every document: a member that changes its meaning or goes raises it, a new one does not. */
#define JSON_VERSION 1

struct json;

/* Begin a document, an object with its version in it.  NULL, which every call takes, when memory is out. */
struct json *json_begin(void);

/*
 * Add a member to the object that was opened last, or an element to the list;
 * name is NULL then.  Text that cannot be shown has question marks instead;
 * text NULL is null.
 */
void json_put_text(struct json *j, const char *name, const char *text);
void json_put_octets(struct json *j, const char *name, struct rbuf octets); /* in hexadecimal */
void json_put_base64(struct json *j, const char *name, struct rbuf octets);
void json_put_number(struct json *j, const char *name, int64_t number);
void json_put_bool(struct json *j, const char *name, bool yes);
void json_put_null(struct json *j, const char *name);

/* Open an object or a list within, at most six deep; json_close() closes it. */
void json_open_object(struct json *j, const char *name);
void json_open_list(struct json *j, const char *name);
void json_close(struct json *j);

/*
 * Append the text json_print() prints, with the newline at its end, and free
 * the document.  False when memory or out is full.
 */
MUST_CHECK bool json_write(struct json *j, struct wbuf *out);

/* Print the document and free it.  FAILED when memory was out, or it could not be written. */
MUST_CHECK enum outcome json_print(struct json *j, struct failure *why);

#endif
