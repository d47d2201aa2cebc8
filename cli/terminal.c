/* SPDX-License-Identifier: BSD-2-Clause */
/* A person at the terminal is asked for a password. */
#include "cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/command.h"
#include "util/crypto.h"
#include "util/err.h"

/* One line, octet by octet: nothing behind it is taken. */
static int
read_line(int fd, char text[SECRET_FILE_MAX])
{
	size_t len = 0;
	ssize_t n;

	for (;;) {
		char c;

		n = read(fd, &c, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || c == '\n')
			break;
		if (len + 1 == SECRET_FILE_MAX)
			return ERR_LIMIT;
		text[len++] = c;
	}
	text[len] = '\0';
	return n < 0 ? ERR_IO : 0;
}

static void
say(int fd, const char *text)
{
	/* If nobody can see it, nobody will answer. */
	if (write(fd, text, strlen(text)) < 0)
		return;
}

int
terminal_password(const char *prompt, char ret_text[SECRET_FILE_MAX])
{
	char text[SECRET_FILE_MAX];
	struct termios before, quiet;
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC), rc;

	if (fd < 0 || tcgetattr(fd, &before) < 0) {
		cli_error("no terminal to ask on: use --password-file");
		if (fd >= 0)
			(void)close(fd);
		return ERR_UNAVAIL;
	}
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	say(fd, prompt);
	rc =
	    tcsetattr(fd, TCSAFLUSH, &quiet) < 0 ? ERR_IO : read_line(fd, text);
	(void)tcsetattr(fd, TCSAFLUSH, &before);
	say(fd, "\n");
	(void)close(fd);
	if (rc == 0)
		memcpy(ret_text, text, sizeof(text));
	else
		cli_error("password: %s", err_text(rc));
	crypto_wipe(text, sizeof(text));
	return rc;
}
