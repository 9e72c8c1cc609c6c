/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RECORD_NAME "record"
#define RECORD_MAX  65536
#define NEW         ".new-"
#define GONE        ".gone-"

struct instance_name
instance_name(const char *prefix, unsigned instance)
{
	struct instance_name name;

	(void)snprintf(name.text, sizeof name.text, "%s%04u", prefix, instance);
	return name;
}

bool
files_occupied(struct files *f, const char *name)
{
	struct stat st;

	/* What cannot be looked at is there: nothing may be put in its place. */
	return fstatat(f->root.fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

bool
files_has(struct files *f, unsigned instance)
{
	return files_occupied(f, instance_name("", instance).text);
}

enum files_err
files_store_open(struct files *f, unsigned instance, struct store **out, struct failure *why)
{
	struct place p;
	enum files_err err;

	err = place_open(&f->root, instance_name("", instance).text, &p, why);
	return err == FILES_OK ? items_open(&p, out, why) : err;
}

enum files_err
files_record(struct files *f, unsigned instance, struct wbuf *out, struct failure *why)
{
	struct place p;
	enum files_err err;

	err = place_open(&f->root, instance_name("", instance).text, &p, why);
	if (err != FILES_OK)
		return err;
	err = place_read(&p, RECORD_NAME, RECORD_MAX, out, why);
	place_close(&p);
	return err;
}

/* Only the lock files and the cards' generations begin with a dot and stay. */
bool
files_unfinished(struct files *f)
{
	static const char *const staying[] = { ".", "..", ".manage", ".lock" };
	const struct dirent *entry;
	bool found = false;
	DIR *dir;
	size_t i;

	dir = place_names(&f->root);
	if (dir == NULL)
		return false;
	while (!found && (entry = readdir(dir)) != NULL) {
		found = entry->d_name[0] == '.';
		for (i = 0; i < sizeof staying / sizeof staying[0]; i++)
			found = found && strcmp(entry->d_name, staying[i]) != 0;
		found = found && strncmp(entry->d_name, PLACE_GENERATION,
				     strlen(PLACE_GENERATION)) != 0;
	}
	(void)closedir(dir);
	return found;
}

/* Remove what is in a directory; directories in it only when empty: we make none. */
static enum files_err
empty(const struct place *p, struct failure *why)
{
	enum files_err err = FILES_OK;
	const struct dirent *entry;
	DIR *dir;

	dir = place_names(p);
	if (dir == NULL)
		return place_fail(p, "", "read", errno, why);
	while (err == FILES_OK && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(p->fd, entry->d_name, 0) == 0 || errno == ENOENT)
			continue;
		if (errno != EISDIR || unlinkat(p->fd, entry->d_name, AT_REMOVEDIR) != 0)
			err = place_fail(p, entry->d_name, "remove", errno, why);
	}
	(void)closedir(dir);
	return err;
}

/* Remove what is called name, a directory of files or anything else.  Fine when it is not there. */
static enum files_err
remove_tree(const struct place *root, const char *name, struct failure *why)
{
	struct place p = { .fd = -1, .owner = root->owner, .group = root->group };
	enum files_err err = FILES_OK;
	unsigned round;

	p.fd = openat(root->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (p.fd < 0 && errno == ENOENT)
		return FILES_OK;
	if (p.fd < 0 && (errno == ENOTDIR || errno == ELOOP)) {
		if (unlinkat(root->fd, name, 0) != 0)
			return place_fail(root, name, "remove", errno, why);
		return FILES_OK;
	}
	if (p.fd < 0)
		return place_fail(root, name, "open", errno, why);
	(void)snprintf(p.path, sizeof p.path, "%.480s/%.24s", root->path, name);
	/* A driver that still has the card open may write one more file meanwhile. */
	for (round = 0; err == FILES_OK && round < 8; round++) {
		err = empty(&p, why);
		if (err != FILES_OK || unlinkat(root->fd, name, AT_REMOVEDIR) == 0)
			break;
		if (errno != ENOTEMPTY || round == 7)
			err = place_fail(root, name, "remove", errno, why);
	}
	place_close(&p);
	return err;
}

enum files_err
files_begin(struct files *f, unsigned instance, struct store **out, struct failure *why)
{
	const struct instance_name name = instance_name(NEW, instance);
	enum files_err err;
	struct place p;

	err = remove_tree(&f->root, name.text, why);
	if (err == FILES_OK)
		err = place_make(&f->root, name.text, &p, why);
	if (err != FILES_OK)
		return err;
	p.unborn = true;
	return items_open(&p, out, why);
}

/*
 * Write a begun card's record: it is whole now.  Nobody sees the card before it gets
 * its name, and whatever is found without one is removed or undone: so its files
 * are made durable here, all together, and not one by one.
 */
static enum files_err
finish_begun(struct files *f, const char *name, struct rbuf record, struct failure *why)
{
	enum files_err err;
	struct place p;

	err = place_open(&f->root, name, &p, why);
	if (err != FILES_OK)
		return err;
	p.unborn = true;
	err = place_write(&p, RECORD_NAME, record, why);
	if (err == FILES_OK)
		err = place_settle(&p, why);
	place_close(&p);
	return err;
}

enum files_err
files_commit(struct files *f, unsigned instance, struct rbuf record, struct failure *why)
{
	const struct instance_name begun = instance_name(NEW, instance);
	const struct instance_name name = instance_name("", instance);
	enum files_err err;

	if (files_occupied(f, name.text))
		return place_fail(&f->root, name.text, "make", EEXIST, why);
	err = finish_begun(f, begun.text, record, why);
	if (err != FILES_OK)
		return err;
	if (renameat(f->root.fd, begun.text, f->root.fd, name.text) != 0)
		return place_fail(&f->root, name.text, "make", errno, why);
	return place_sync(&f->root, why);
}

enum files_err
files_remove(struct files *f, unsigned instance, struct failure *why)
{
	const struct instance_name name = instance_name("", instance);
	const struct instance_name gone = instance_name(GONE, instance);
	enum files_err err;

	err = remove_tree(&f->root, gone.text, why);
	if (err != FILES_OK)
		return err;
	if (renameat(f->root.fd, name.text, f->root.fd, gone.text) != 0 && errno != ENOENT)
		return place_fail(&f->root, name.text, "remove", errno, why);
	err = files_change_forget(f, instance, why);
	if (err == FILES_OK)
		err = place_sync(&f->root, why);
	return err == FILES_OK ? files_clear(f, instance, why) : err;
}

/* Exchange two names, or, where that cannot be, move the old one aside first.  0 or an errno. */
static int
put_in_place(struct files *f, unsigned instance)
{
	const struct instance_name begun = instance_name(NEW, instance);
	const struct instance_name name = instance_name("", instance);
	const struct instance_name gone = instance_name(GONE, instance);
	const int root = f->root.fd;

	if (renameat2(root, begun.text, root, name.text, RENAME_EXCHANGE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
		return errno;
	if (renameat(root, name.text, root, gone.text) != 0 ||
	    renameat(root, begun.text, root, name.text) != 0)
		return errno;
	return 0;
}

enum files_err
files_replace(struct files *f, unsigned instance, struct rbuf record, struct failure *why)
{
	const struct instance_name name = instance_name("", instance);
	enum files_err err;
	int error;

	err = remove_tree(&f->root, instance_name(GONE, instance).text, why);
	if (err == FILES_OK)
		err = finish_begun(f, instance_name(NEW, instance).text, record, why);
	if (err != FILES_OK)
		return err;
	error = put_in_place(f, instance);
	if (error != 0)
		return place_fail(&f->root, name.text, "replace", error, why);
	return place_sync(&f->root, why);
}

/* Whether there is anything of that name: FILES_OK, FILES_ABSENT, or it cannot be told. */
static enum files_err
look(const struct place *p, const char *name, struct failure *why)
{
	struct stat st;

	if (fstatat(p->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return FILES_OK;
	return errno == ENOENT ? FILES_ABSENT : place_fail(p, name, "look at", errno, why);
}

/* The same of a directory with a record: it is a whole card's. */
static enum files_err
look_for_card(const struct files *f, const char *name, struct failure *why)
{
	struct place p = { .fd = -1 };
	enum files_err err;

	p.fd = openat(f->root.fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (p.fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ?
		    FILES_ABSENT : place_fail(&f->root, name, "open", errno, why);
	(void)snprintf(p.path, sizeof p.path, "%.480s/%.24s", f->root.path, name);
	err = look(&p, RECORD_NAME, why);
	place_close(&p);
	return err;
}

enum files_err
files_resume(struct files *f, unsigned instance, struct failure *why)
{
	const struct instance_name name = instance_name("", instance);
	const struct instance_name cards[] = { instance_name(NEW, instance),
		instance_name(GONE, instance) };
	enum files_err err = look(&f->root, name.text, why);
	size_t i;

	/* The new card was whole before the old one was moved aside. */
	for (i = 0; i < sizeof cards / sizeof cards[0] && err == FILES_ABSENT; i++) {
		err = look_for_card(f, cards[i].text, why);
		if (err == FILES_OK &&
		    renameat(f->root.fd, cards[i].text, f->root.fd, name.text) != 0)
			return place_fail(&f->root, name.text, "replace", errno, why);
	}
	/* What only cannot be seen must not pass for gone: the caller would erase it. */
	if (err != FILES_OK && err != FILES_ABSENT)
		return err;
	return place_sync(&f->root, why);
}

enum files_err
files_clear(struct files *f, unsigned instance, struct failure *why)
{
	enum files_err err;

	err = remove_tree(&f->root, instance_name(GONE, instance).text, why);
	if (err == FILES_OK)
		err = remove_tree(&f->root, instance_name(NEW, instance).text, why);
	return err == FILES_OK ? place_sync(&f->root, why) : err;
}

enum files_err
files_tidy(struct files *f, unsigned instance, bool *found, struct failure *why)
{
	enum files_err err = FILES_OK;
	struct place p;

	if (files_occupied(f, instance_name(NEW, instance).text) ||
	    files_occupied(f, instance_name(GONE, instance).text)) {
		*found = true;
		err = files_clear(f, instance, why);
	}
	/* A card that cannot be opened is for those to complain of who want it. */
	if (err == FILES_OK && files_has(f, instance) &&
	    place_open(&f->root, instance_name("", instance).text, &p, NULL) == FILES_OK) {
		*found = place_tidy(&p) || *found;
		place_close(&p);
	}
	return err;
}
