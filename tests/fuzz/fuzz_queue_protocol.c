/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to the queue helper and its answers: what parses prints the same
 * again, each id is one, and no shorter piece of a request means anything. */
#include <stdint.h>
#include <stdlib.h>

#include "policyd/queue_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
same_again(const struct buf *b, struct slice in)
{
	if (b->rc != 0 || !slice_eq(buf_slice(b), in))
		abort();
}

static void
request(struct slice in)
{
	static struct slice ids[QUEUE_IDS_MAX];
	struct queue_request r, again;
	struct slice rest;
	struct buf b;

	if (queue_request_parse(in, &r) < 0)
		return;
	if (r.count > QUEUE_IDS_MAX)
		abort();
	rest = r.packed_ids;
	for (size_t i = 0; i < r.count; i++)
		if (!queue_id_next(&rest, &ids[i]) || !queue_id_ok(ids[i]))
			abort();
	if (rest.len > 0)
		abort();
	for (size_t n = 0; n < in.len && n < 2000; n++)
		if (queue_request_parse((struct slice){ in.at, n }, &again) ==
		    0)
			abort();
	r.ids = ids;
	buf_init(&b, QUEUE_PACKET_MAX);
	if (queue_request_format(&r, &b) < 0)
		abort();
	same_again(&b, in);
	buf_done(&b);
}

static void
answer(struct slice in)
{
	struct queue_answer a;
	struct queue_held row;
	struct slice rest;
	struct buf b;
	int rc;

	if (queue_answer_parse(in, &a) < 0)
		return;
	if (a.rc > 0)
		abort();
	buf_init(&b, QUEUE_PACKET_MAX);
	if (queue_answer_format(&a, &b) < 0)
		abort();
	same_again(&b, in);
	buf_clear(&b);
	rest = a.text;
	while ((rc = queue_row_next(&rest, &row)) == 1)
		if (queue_row_format(&row, &b) < 0)
			abort();
	if (rc == 0)
		same_again(&b, a.text);
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };

	request(in);
	answer(in);
	return 0;
}
