/* SPDX-License-Identifier: BSD-2-Clause */
/* Key records: what is read has a key of base64, and reads the same when it
 * is written down again. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/dkim_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = { "rsa", "ed25519", "x" };
	struct slice in = { (const char *)data, size };
	struct dkim_record one, two;
	struct buf room, again, text;

	buf_init(&room, 10000);
	buf_init(&again, 10000);
	buf_init(&text, 10000);
	if (dkim_record_parse(in, &room, &one) < 0)
		goto out;
	for (size_t i = 0; i < one.key.len; i++)
		if (one.key.at[i] <= ' ' || one.key.at[i] > 'z')
			abort();
	(void)buf_addf(&text, "v=DKIM1; k=%s;%s%s t=%s:%s; p=%.*s",
	    types[one.type], one.sha256 ? "" : " h=sha1;",
	    one.email ? "" : " s=x;", one.testing ? "y" : "",
	    one.strict ? "s" : "", SLICE_F(one.key));
	/* What was just as long as allowed may be longer now. */
	if (text.rc == 0 && text.len < 8000 &&
	    (dkim_record_parse(buf_slice(&text), &again, &two) < 0 ||
		one.type != two.type || !slice_eq(one.key, two.key) ||
		one.sha256 != two.sha256 || one.email != two.email ||
		one.testing != two.testing || one.strict != two.strict))
		abort();
out:
	buf_done(&room);
	buf_done(&again);
	buf_done(&text);
	return 0;
}
