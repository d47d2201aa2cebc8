/* SPDX-License-Identifier: BSD-2-Clause */
/* Any reply text gets one known status, the same for the same text. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/bounce_rules.h"
#include "proto/classify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct classify_input in = { .text = text,
		.dsn = { text.at, size < 8 ? size : 8 } };
	struct classify_verdict a, b;
	char room[CLASSIFY_TEXT_MAX];

	classify_reply(&in, &a);
	classify_reply(&in, &b);
	if (!status_known(a.status) || a.status == STATUS_NONE ||
	    a.rule == NULL || a.status != b.status || a.rule != b.rule)
		abort();
	if (a.blocklist.len > 0 &&
	    (a.blocklist.at != b.blocklist.at || a.blocklist.len > size + 60))
		abort();
	size_t n = classify_normalize(text, room);
	struct bounce_question q = { .text = { room, n } };
	struct bounce_answer answer;
	bounce_rules_ask(bounce_rules_default(), &q, &answer);
	/* Linear in the text, whatever it is. */
	if (answer.steps > 40 * (n + 2))
		abort();
	if (n > CLASSIFY_TEXT_MAX || n > size + 1)
		abort();
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)room[i] < ' ' ||
		    (room[i] >= 'A' && room[i] <= 'Z'))
			abort();
	return 0;
}
