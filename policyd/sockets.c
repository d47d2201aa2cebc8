/* SPDX-License-Identifier: BSD-2-Clause */
/* Listening sockets of the daemon's servers. */
#include "policyd/sockets.h"

#include "util/err.h"
#include "util/log.h"

int
sockets_open(struct sockets *s, const char *text, const char *group)
{
	char error[256];
	int rc;

	if (text[0] == '\0')
		return 0;
	rc = listener_open(text, group, s->fds, error, sizeof(error));
	if (rc < 0) {
		log_error("%s", error);
		return rc;
	}
	s->count = rc;
	return 0;
}

static void
descriptors_full(void *ctx)
{
	(void)ctx;
	log_warning("out of descriptors: new clients wait");
}

int
sockets_start(struct sockets *s, struct event_base *base,
    listener_accepted *accepted, void *ctx)
{
	for (int i = 0; i < s->count; i++) {
		s->listeners[i] = listener_start(base, s->fds[i], accepted,
		    descriptors_full, ctx);
		if (s->listeners[i] == NULL)
			return ERR_NOMEM;
	}
	return 0;
}

void
sockets_full(struct sockets *s, bool full)
{
	for (int i = 0; i < s->count; i++) {
		if (s->listeners[i] == NULL)
			continue;
		if (full)
			listener_pause(s->listeners[i]);
		else
			listener_resume(s->listeners[i]);
	}
}

void
sockets_close(struct sockets *s)
{
	for (int i = 0; i < s->count; i++) {
		if (s->listeners[i] != NULL)
			listener_stop(s->listeners[i]);
		s->listeners[i] = NULL;
		listener_close(s->fds[i]);
	}
	s->count = 0;
}
