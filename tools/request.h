/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What /machine sends to the far side: one line of JSON, then a line for each
 * secret it names, in that order.  So no secret is in what the JSON library
 * keeps.
 *
 *	{"version":1,"arguments":["create","/name","Corp","/PIN","PROMPT"],"secrets":["pin"]}
 */
#ifndef TPMVSC_TOOLS_REQUEST_H
#define TPMVSC_TOOLS_REQUEST_H

#include "tools/options.h"

/* The longest first line, its newline not counted. */
#define REQUEST_MAX 65536

/*
 * Append the first line, without its newline: the words of a command line that
 * are sent on, and the kinds of which texts has one.  False when memory or out
 * is full.
 */
MUST_CHECK bool request_write(int argc, char *const argv[], const struct options *options,
    const struct secret texts[SECRET_KINDS], struct wbuf *out);

struct request {
	void *json; /* what the words are views into */
	int argc;   /* with the program's name, as for main() */
	char *argv[WORDS_SENT_MAX + 1];
	enum secret_kind secrets[SECRET_KINDS]; /* that follow, each once */
	size_t secret_count;
};

/* Read a first line.  NULL or what is wrong; then there is nothing to free. */
MUST_CHECK const char *request_read(struct rbuf line, struct request *out);
void request_free(struct request *r);

#endif
