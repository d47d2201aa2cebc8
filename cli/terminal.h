/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include "util/secret_file.h"

/*
 * Asks for a password on the terminal, without showing it.  Told on stderr:
 * ERR_UNAVAIL, there is no terminal; ERR_LIMIT; ERR_IO.  Wipe ret_text.
 */
int terminal_password(const char *prompt, char ret_text[SECRET_FILE_MAX]);

#endif /* CLI_TERMINAL_H */
