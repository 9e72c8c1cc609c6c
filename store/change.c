/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A change beside a live card.  The next generation is written before the
 * change, under a name that no driver heeds, and renamed after it: that needs
 * no room on the disk, and one left over says that a change may have been made
 * of which the driver was not told.
 */
#include "store/place.h"

#include <errno.h>
#include <sys/random.h>
#include <unistd.h>

#define CHANGING ".changing-"

enum files_err
files_change_begin(struct files *f, unsigned instance, struct failure *why)
{
	const struct instance_name name = instance_name(CHANGING, instance);
	uint8_t octets[FILES_GENERATION_MAX];

	if (getrandom(octets, sizeof octets, 0) != (ssize_t)sizeof octets)
		return place_fail(&f->root, name.text, "write", errno, why);
	return place_write(&f->root, name.text, rbuf_of(octets, sizeof octets), why);
}

enum files_err
files_change_end(struct files *f, unsigned instance, bool made, struct failure *why)
{
	const struct instance_name name = instance_name(CHANGING, instance);

	if (!files_changing(f, instance))
		return FILES_OK;
	if (!made)
		return place_remove(&f->root, name.text, why);
	return place_rename(
	    &f->root, name.text, instance_name(PLACE_GENERATION, instance).text, why);
}

bool
files_changing(struct files *f, unsigned instance)
{
	return files_occupied(f, instance_name(CHANGING, instance).text);
}

enum files_err
files_generation(struct files *f, unsigned instance, struct wbuf *out, struct failure *why)
{
	const struct instance_name name = instance_name(PLACE_GENERATION, instance);

	if (!files_occupied(f, name.text))
		return FILES_OK;
	return place_read(&f->root, name.text, FILES_GENERATION_MAX, out, why);
}

enum files_err
files_change_forget(struct files *f, unsigned instance, struct failure *why)
{
	static const char *const prefixes[] = { CHANGING, PLACE_GENERATION };
	struct instance_name name;
	size_t i;

	for (i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
		name = instance_name(prefixes[i], instance);
		if (unlinkat(f->root.fd, name.text, 0) != 0 && errno != ENOENT)
			return place_fail(&f->root, name.text, "remove", errno, why);
	}
	return FILES_OK;
}
