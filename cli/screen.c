/* SPDX-License-Identifier: BSD-2-Clause */
/* What standard output can show, and how wide text is on it. */
#include "cli/screen.h"

#include <locale.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "util/number.h"
#include "util/utf8.h"

#define WIDTH_DEFAULT 80
#define HEIGHT_DEFAULT 24
#define SIZE_MAX_ASKED 10000
#define WIDTH_MIN 20

/* The first that is set and not empty decides: POSIX, 8.2. */
static bool
locale_is_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);
		struct slice text = slice_of(value);

		if (text.len == 0)
			continue;
		return strcasestr(value, "utf-8") != NULL ||
		       strcasestr(value, "utf8") != NULL;
	}
	return false;
}

static unsigned
size_of(const char *variable, unsigned terminal, unsigned otherwise)
{
	struct slice text = slice_of(getenv(variable));
	uint64_t n;

	if (number_parse(text, 1, SIZE_MAX_ASKED, &n) == 0)
		return (unsigned)n;
	return terminal > 0 ? terminal : otherwise;
}

struct screen
screen_look(void)
{
	struct screen s = { .terminal = isatty(STDOUT_FILENO) == 1 };
	struct slice no_colour = slice_of(getenv("NO_COLOR"));
	struct winsize size = { 0 };

	if (!s.terminal) {
		s.utf8 = true;
		return s;
	}
	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	s.colour = no_colour.len == 0;
	s.utf8 = locale_is_utf8();
	s.width = size_of("COLUMNS", size.ws_col, WIDTH_DEFAULT);
	s.height = size_of("LINES", size.ws_row, HEIGHT_DEFAULT);
	if (s.width < WIDTH_MIN)
		s.width = WIDTH_MIN;
	return s;
}

/* wcwidth() asks the locale: one that knows all characters, for this thread,
 * whatever the environment says. */
static void
use_unicode(void)
{
	static locale_t all;

	if (all != (locale_t)0)
		return;
	all = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (all != (locale_t)0)
		(void)uselocale(all);
}

static unsigned
char_width(uint32_t c)
{
	int n;

	if (c < 0x80)
		return 1;
	use_unicode();
	n = wcwidth((wchar_t)c);
	return n < 0 ? 1 : (unsigned)n;
}

size_t
screen_text_fit(struct slice text, unsigned width, unsigned *ret_filled)
{
	unsigned filled = 0;
	size_t taken = 0;

	while (taken < text.len) {
		uint32_t c = 0;
		size_t n = utf8_next(slice_skip(text, taken), &c);
		unsigned w = n > 0 ? char_width(c) : 1;

		if (filled + w > width)
			break;
		filled += w;
		taken += n > 0 ? n : 1;
	}
	*ret_filled = filled;
	return taken;
}

unsigned
screen_text_width(struct slice text)
{
	unsigned filled;

	(void)screen_text_fit(text, (unsigned)-1, &filled);
	return filled;
}
