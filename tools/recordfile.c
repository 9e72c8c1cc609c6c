/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/recordfile.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_LABEL "TPMVSC CARD RECORD"

/* ---- the text ---- */

bool
recordfile_armour(struct rbuf record, struct wbuf *text)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const size_t before = text->len;
	bool done = false;
	char *data = NULL;
	long len;

	if (bio == NULL || record.len > CARD_RECORD_MAX ||
	    PEM_write_bio(bio, RECORD_LABEL, "", record.data, (long)record.len) <= 0)
		goto out;
	len = BIO_get_mem_data(bio, &data);
	if (len <= 0)
		goto out;
	wbuf_put(text, rbuf_of(data, (size_t)len));
	done = wbuf_ok(text);
	if (!done)
		wbuf_truncate(text, before);
out:
	BIO_free(bio);
	return done;
}

/* Read one block of whatever kind; *mine when it is a record, appended then.  False at the end. */
static bool
next_block(BIO *bio, struct wbuf *record, bool *mine)
{
	char *name = NULL, *header = NULL;
	unsigned char *data = NULL;
	long len = 0;

	if (PEM_read_bio(bio, &name, &header, &data, &len) != 1)
		return false;
	*mine = strcmp(name, RECORD_LABEL) == 0 && header[0] == '\0' && len > 0 &&
	    len <= CARD_RECORD_MAX;
	if (*mine)
		wbuf_put(record, rbuf_of(data, (size_t)len));
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(data);
	return true;
}

bool
recordfile_unarmour(struct rbuf text, struct wbuf *record)
{
	const size_t before = record->len;
	bool found = false;
	BIO *bio;

	if (text.len == 0 || text.len > RECORD_FILE_MAX)
		return false;
	bio = BIO_new_mem_buf(text.data, (int)text.len);
	while (bio != NULL && !found && next_block(bio, record, &found))
		;
	BIO_free(bio);
	ERR_clear_error(); /* the end of the text is an error to it */
	if (found && wbuf_ok(record))
		return true;
	wbuf_truncate(record, before);
	return false;
}

/* ---- files ---- */

enum outcome
recordfile_read(const char *path, struct wbuf *record, struct failure *why)
{
	uint8_t *octets = malloc(RECORD_FILE_MAX);
	enum outcome outcome;
	struct wbuf text;

	if (octets == NULL) {
		fail(why, "out of memory");
		return FAILED;
	}
	text = wbuf_over(octets, RECORD_FILE_MAX);
	outcome = file_read(path, &text, why);
	if (outcome == DONE &&
	    (!wbuf_ok(&text) || !recordfile_unarmour(wbuf_view(&text), record))) {
		fail(why, "%s: there is no card's record in it (-----BEGIN " RECORD_LABEL "-----)",
		    path);
		outcome = FAILED;
	}
	free(octets);
	return outcome;
}

enum outcome
recordfile_write(struct outfile *f, struct rbuf record, struct failure *why)
{
	uint8_t octets[RECORD_TEXT_MAX];
	struct wbuf text = wbuf_over(octets, sizeof octets);

	if (recordfile_armour(record, &text))
		return outfile_write(f, wbuf_view(&text), why);
	outfile_drop(f);
	fail(why, "out of memory");
	return FAILED;
}
