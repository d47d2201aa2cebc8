/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_MLFI_EDIT_H
#define MILTER_MLFI_EDIT_H

#include <libmilter/mfapi.h>

#include "milter/message.h"

/* What mlfi_editor's functions get as ctx: one message of libmilter's. */
struct mlfi_edit {
	SMFICTX *ctx;
	struct arena *arena; /* the message's */
};

extern const struct message_editor mlfi_editor;

/* For libmilter, which takes texts that it does not change as char *. */
static inline char *
unconst(const char *text)
{
	union {
		const char *in;
		char *out;
	} u = { text };

	return u.out;
}

#endif /* MILTER_MLFI_EDIT_H */
