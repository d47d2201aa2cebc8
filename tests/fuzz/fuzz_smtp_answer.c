/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers of an SMTP server: codes in bounds, text that is safe in a log. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/smtp_answer.h"
#include "util/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };
	struct smtp_answer answer = { .code = 0 };
	ssize_t used = smtp_answer_parse(in, &answer);

	if (used <= 0) {
		if (used != 0 && used != ERR_SYNTAX && used != ERR_LIMIT)
			abort();
		if (answer.code != 0 || (used == 0 && size >= SMTP_ANSWER_MAX))
			abort();
		return 0;
	}
	if ((size_t)used > size || used > SMTP_ANSWER_MAX ||
	    data[used - 1] != '\n' || answer.code < 200 || answer.code > 599)
		abort();
	size_t len = strnlen(answer.text, sizeof(answer.text));

	if (len == sizeof(answer.text))
		abort();
	for (size_t i = 0; i < len; i++)
		if ((answer.text[i] != '\n' && answer.text[i] < ' ' &&
			answer.text[i] >= 0) ||
		    answer.text[i] == '\177')
			abort();
	(void)smtp_answer_offers(&answer, "PIPELINING");
	return 0;
}
