/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/place.h"

#include <errno.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Cards come and go by rename and by rmdir, generations by rename; writes, and so the lock files' traffic, wake nobody. */
#define EVENTS                                                                                     \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF |     \
	    IN_ONLYDIR)

/* Of the files in a place: whatever would have one read otherwise than before. */
#define FILE_EVENTS                                                                                \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY | IN_ATTRIB |             \
	    IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct files_watch {
	int fd;
	bool lost; /* the directory itself went away: from now on anything may have changed */
	char path[PLACE_PATH_MAX];
};

/* False with errno. */
static bool
watch_path(struct files_watch *w)
{
	w->lost = inotify_add_watch(w->fd, w->path, EVENTS) < 0;
	return !w->lost;
}

enum files_err
files_watch_open(const char *path, struct files_watch **out, struct failure *why)
{
	struct files_watch *w = calloc(1, sizeof *w);
	enum files_err err;

	if (w == NULL) {
		fail(why, "out of memory");
		return FILES_FAULT;
	}
	(void)snprintf(w->path, sizeof w->path, "%s", path);
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0 || !watch_path(w)) {
		/* ENOSPC here is not about a disk. */
		err = errno == ENOSPC ? FILES_FAULT : files_err_of(errno);
		fail(why, "cannot watch %s: %s%s", path, strerror(errno),
		    errno == ENOSPC || errno == EMFILE
			? "; raise fs.inotify.max_user_watches and max_user_instances"
			: "");
		files_watch_close(w);
		return err;
	}
	*out = w;
	return FILES_OK;
}

int
files_watch_fd(const struct files_watch *w)
{
	return w->fd;
}

/* Whether an event's text, padded with NULs, is a name. */
static bool
is_name(struct rbuf text, const struct instance_name *name)
{
	const struct rbuf whole = rbuf_of(name->text, strlen(name->text) + 1);
	struct rbuf first;

	return rbuf_take(&text, whole.len, &first) && rbuf_eq(first, whole);
}

/* Go through one read's worth of events: whether one concerns a card, or might. */
static bool
concerns(struct files_watch *w, struct rbuf events, unsigned instance)
{
	const struct instance_name name = instance_name("", instance);
	const struct instance_name generation = instance_name(PLACE_GENERATION, instance);
	bool found = false;
	struct inotify_event event;
	struct rbuf text;

	while (rbuf_copy(&events, &event, sizeof event) && rbuf_take(&events, event.len, &text)) {
		if ((event.mask & (IN_Q_OVERFLOW | IN_UNMOUNT)) != 0)
			found = true;
		if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) != 0)
			w->lost = true;
		if (is_name(text, &name) || is_name(text, &generation))
			found = true;
	}
	return found;
}

bool
files_watch_drain(struct files_watch *w, unsigned instance)
{
	alignas(struct inotify_event) uint8_t octets[4096];
	bool changed = false;
	ssize_t n;

	for (;;) {
		n = read(w->fd, octets, sizeof octets);
		if (n > 0 && concerns(w, rbuf_of(octets, (size_t)n), instance))
			changed = true;
		if (n == 0 || (n < 0 && errno != EINTR))
			break;
	}
	if (n < 0 && errno != EAGAIN)
		changed = true;
	if (w->lost) {
		(void)watch_path(w);
		changed = true;
	}
	return changed;
}

void
files_watch_close(struct files_watch *w)
{
	if (w == NULL)
		return;
	if (w->fd >= 0)
		(void)close(w->fd);
	free(w);
}

int
place_watch(const struct place *p)
{
	char path[32];
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	/* By its descriptor: the name may be another directory's by now. */
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", p->fd);
	if (fd >= 0 && inotify_add_watch(fd, path, FILE_EVENTS) < 0) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

static void
drain(int watch)
{
	alignas(struct inotify_event) uint8_t octets[1024];
	ssize_t n;

	do
		n = read(watch, octets, sizeof octets);
	while (n > 0 || (n < 0 && errno == EINTR));
}

bool
place_changed(int watch)
{
	int waiting = 0;

	/* Asked for each command: the cheapest question there is. */
	if (ioctl(watch, FIONREAD, &waiting) == 0 && waiting == 0)
		return false;
	drain(watch);
	return true;
}
