/* SPDX-License-Identifier: BSD-2-Clause */
/* The edits of a message, as calls of libmilter. */
#include "milter/mlfi_edit.h"

#include "service/metrics.h"
#include "util/err.h"

static SMFICTX *
handle(void *ctx)
{
	return ((struct mlfi_edit *)ctx)->ctx;
}

/* With the blank that stands behind the colon; NULL: no memory. */
static char *
spaced(void *ctx, const char *value)
{
	struct mlfi_edit *e = ctx;
	size_t len = strlen(value);
	char *text = arena_alloc(e->arena, len + 2);

	if (text == NULL)
		return NULL;
	text[0] = ' ';
	memcpy(text + 1, value, len + 1);
	return text;
}

static int
change_field(void *ctx, const char *name, int index, const char *value)
{
	char *text = value != NULL ? spaced(ctx, value) : NULL;

	if (value != NULL && text == NULL)
		return ERR_NOMEM;
	metrics_add(METRIC_MILTER_EDIT_FIELD, 1);
	return smfi_chgheader(handle(ctx), unconst(name), index, text) ==
		       MI_SUCCESS
		   ? 0
		   : ERR_IO;
}

static int
add_top(void *ctx, const char *name, const char *value)
{
	char *text = spaced(ctx, value);

	if (text == NULL)
		return ERR_NOMEM;
	metrics_add(METRIC_MILTER_EDIT_TOP, 1);
	return smfi_insheader(handle(ctx), 0, unconst(name), text) == MI_SUCCESS
		   ? 0
		   : ERR_IO;
}

static int
change_sender(void *ctx, const char *path, const char *args)
{
	metrics_add(METRIC_MILTER_EDIT_SENDER, 1);
	return smfi_chgfrom(handle(ctx), unconst(path), unconst(args)) ==
		       MI_SUCCESS
		   ? 0
		   : ERR_IO;
}

static int
remove_rcpt(void *ctx, const char *raw)
{
	metrics_add(METRIC_MILTER_EDIT_RCPT_REMOVED, 1);
	return smfi_delrcpt(handle(ctx), unconst(raw)) == MI_SUCCESS ? 0
								     : ERR_IO;
}

static int
add_rcpt(void *ctx, const char *path, const char *args)
{
	int rc = args != NULL ? smfi_addrcpt_par(handle(ctx), unconst(path),
				    unconst(args))
			      : smfi_addrcpt(handle(ctx), unconst(path));

	metrics_add(METRIC_MILTER_EDIT_RCPT_ADDED, 1);
	return rc == MI_SUCCESS ? 0 : ERR_IO;
}

static int
replace_body(void *ctx, struct slice octets)
{
	union {
		const char *in;
		unsigned char *out; /* does not change it */
	} u = { octets.at };

	metrics_add(METRIC_MILTER_EDIT_BODY, 1);
	return smfi_replacebody(handle(ctx), u.out, (int)octets.len) ==
		       MI_SUCCESS
		   ? 0
		   : ERR_IO;
}

static int
hold(void *ctx, const char *reason)
{
	metrics_add(METRIC_MILTER_EDIT_HOLD, 1);
	return smfi_quarantine(handle(ctx), unconst(reason)) == MI_SUCCESS
		   ? 0
		   : ERR_IO;
}

const struct message_editor mlfi_editor = {
	.change_field = change_field,
	.add_top = add_top,
	.change_sender = change_sender,
	.remove_rcpt = remove_rcpt,
	.add_rcpt = add_rcpt,
	.replace_body = replace_body,
	.hold = hold,
};
