/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state directory: one directory per card, named by its four-digit
 * instance; journals of unfinished work; the tools' lock.  Files are opened
 * without following links, and belong to the directory's owner alone.  The
 * only room that touches the state directory.
 */
#ifndef TPMVSC_STORE_FILES_H
#define TPMVSC_STORE_FILES_H

#include "applet/store.h"
#include "base/log.h"

/* An open state directory. */
struct files;

enum files_err {
	FILES_OK,
	FILES_ABSENT, /* no such card, journal or directory */
	FILES_DENIED, /* this user may not */
	FILES_FULL,   /* disk or quota */
	FILES_UNSAFE, /* owner, mode or kind of something is not as it must be */
	FILES_FAULT,
};

/*
 * Open the state directory, making it (mode 0700) if make is set and only its
 * last component is missing.  Refused (FILES_UNSAFE) unless it is a directory
 * of mode 0700 whose owner is the effective user, root, or (for root) the user
 * pcscd; why says what is wrong and how to put it right.
 */
MUST_CHECK enum files_err files_open(
    const char *path, bool make, struct files **out, struct failure *why);
void files_close(struct files *f);

/* Take the tools' lock (".manage"), waiting at most seconds; released by files_close(). */
MUST_CHECK enum files_err files_lock(struct files *f, unsigned seconds, struct failure *why);

/* Whether a killed run's half-written journal or announcement was there when the lock was taken; it is gone. */
MUST_CHECK bool files_tidied(const struct files *f);

/* Whether instance's card is there. */
MUST_CHECK bool files_has(struct files *f, unsigned instance);

/* Open a card's items as the applet's store; free with files_store_close(). */
MUST_CHECK enum files_err files_store_open(
    struct files *f, unsigned instance, struct store **out, struct failure *why);
void files_store_close(struct store *s);

/*
 * Whether an item of such a store may be another one than it was when this was
 * asked last, whoever changed it.  Also true the first time, and as long as
 * nobody can tell: what is read after the question is good until the next one
 * is answered with true.
 */
MUST_CHECK bool files_store_changed(struct store *s);

/* The card's record; see tpm/tpm.h. */
MUST_CHECK enum files_err files_record(
    struct files *f, unsigned instance, struct wbuf *out, struct failure *why);

/* ---- making and unmaking ---- */

/*
 * Whether somebody's work is unfinished: a journal or a half-made thing is
 * there.  Its owner may be at work right now: take the lock before touching it.
 */
MUST_CHECK bool files_unfinished(struct files *f);

/* What a journal says is under way. */
enum journal_verb {
	JOURNAL_CREATING = 'C',
	JOURNAL_DESTROYING = 'D',
	JOURNAL_REPLACING = 'R', /* by a new card of the same instance; claims are both cards' */
};

/* Write instance's journal, durably, before the work begins; claims are the TPM room's octets. */
MUST_CHECK enum files_err files_journal_write(struct files *f, unsigned instance,
    enum journal_verb verb, struct rbuf claims, struct failure *why);

/* Read instance's journal.  FILES_ABSENT when nothing is under way. */
MUST_CHECK enum files_err files_journal_read(struct files *f, unsigned instance,
    enum journal_verb *verb, struct wbuf *claims, struct failure *why);

/* Drop instance's journal, durably: the work is done or undone. */
MUST_CHECK enum files_err files_journal_drop(
    struct files *f, unsigned instance, struct failure *why);

/*
 * Begin a card beside the others: an empty store that no driver sees yet
 * (".new-0000"; one left over is removed first).  files_commit() puts record
 * and items in place with one rename, durably; files_store_close() as ever.
 */
MUST_CHECK enum files_err files_begin(
    struct files *f, unsigned instance, struct store **out, struct failure *why);
MUST_CHECK enum files_err files_commit(
    struct files *f, unsigned instance, struct rbuf record, struct failure *why);

/*
 * Put a begun card, with its record, in the place of the instance's card, in
 * one step (two where the file system cannot exchange names), durably.  The
 * old one's files stay until files_clear().  Whatever the answer, only
 * files_resume() says which of the two is in place.
 */
MUST_CHECK enum files_err files_replace(
    struct files *f, unsigned instance, struct rbuf record, struct failure *why);

/*
 * End the two steps of a files_replace() that was stopped between them, and
 * make durable what is in place now.
 */
MUST_CHECK enum files_err files_resume(struct files *f, unsigned instance, struct failure *why);

/* Remove, durably, what files_replace() or files_begin() left beside the instance's card. */
MUST_CHECK enum files_err files_clear(struct files *f, unsigned instance, struct failure *why);

/*
 * Take a card's directory away: renamed aside first, so that it is gone at
 * once, then its files, durably.  Also removes a begun card.  Fine when there
 * is nothing (left).
 */
MUST_CHECK enum files_err files_remove(struct files *f, unsigned instance, struct failure *why);

/* ---- a change beside a live card ---- */

/*
 * What the applet does to its own card it knows of.  Of what somebody else does
 * (a new PIN set by the administrator) the driver that has the card open must
 * be told: the card's generation changes, and its watch notices.
 */

/*
 * Announce a change, durably: what fails for want of room or rights fails
 * before it.  The lock is held, and files_change_end() follows.
 */
MUST_CHECK enum files_err files_change_begin(
    struct files *f, unsigned instance, struct failure *why);

/*
 * The announced change was made, or may have been: the card gets a new
 * generation.  Or it was not.  Fine when none was announced.
 */
MUST_CHECK enum files_err files_change_end(
    struct files *f, unsigned instance, bool made, struct failure *why);

/* Whether a change is announced and not ended: with the lock held, a killed run's. */
MUST_CHECK bool files_changing(struct files *f, unsigned instance);

/* Append a card's generation: some random octets, none as long as nothing was changed. */
#define FILES_GENERATION_MAX 16
MUST_CHECK enum files_err files_generation(
    struct files *f, unsigned instance, struct wbuf *out, struct failure *why);

/*
 * Remove what interrupted runs left of an instance for which there is no
 * journal: a card that was begun or is gone, a half-written file of the card
 * in place.  The lock is held.  found is set when there was anything.
 */
MUST_CHECK enum files_err files_tidy(
    struct files *f, unsigned instance, bool *found, struct failure *why);

/* ---- watching ---- */

/*
 * Tells when a card comes, goes or gets a new generation.  fd becomes readable (poll it); then
 * files_watch_drain() empties it and says whether instance may have changed.
 */
struct files_watch;
MUST_CHECK enum files_err files_watch_open(
    const char *path, struct files_watch **out, struct failure *why);
int files_watch_fd(const struct files_watch *w);
MUST_CHECK bool files_watch_drain(struct files_watch *w, unsigned instance);
void files_watch_close(struct files_watch *w);

#endif
