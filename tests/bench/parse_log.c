/* SPDX-License-Identifier: BSD-2-Clause */
/* How fast the parser of Postfix's log is: a file in memory, ten rounds. */
#include <stdio.h>
#include <stdlib.h>

#include "proto/postfix_log.h"
#include "util/clock.h"

#define TEXT_MAX (256UL << 20)
#define ROUNDS 10

int
main(int argc, char *argv[])
{
	FILE *f = argc == 2 ? fopen(argv[1], "re") : NULL;
	char *text = malloc(TEXT_MAX);
	unsigned long lines = 0, found = 0;
	struct postfix_log_clock clock;

	if (f == NULL || text == NULL) {
		(void)fprintf(stderr, "usage: parse_log FILE\n");
		return EXIT_FAILURE;
	}
	size_t len = fread(text, 1, TEXT_MAX, f);
	(void)fclose(f);
	postfix_log_clock_init(&clock, clock_wall_us() / 1000000);
	int64_t begin = clock_mono_us();
	for (int i = 0; i < ROUNDS; i++) {
		struct slice rest = { text, len }, line;
		struct postfix_log log;

		while (rest.len > 0 && slice_split(&rest, '\n', &line)) {
			lines++;
			found += postfix_log_parse(line, &clock, &log);
		}
	}
	double s = (double)(clock_mono_us() - begin) / 1e6;
	(void)printf("%lu lines (%lu that matter) in %.2f s: %.0f lines/s\n",
	    lines, found, s, (double)lines / s);
	free(text);
	return EXIT_SUCCESS;
}
