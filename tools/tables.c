/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints the tables that manuals are made from, while building. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/settings.h"
#include "service/host_config.h"
#include "store/keys.h"
#include "tools/tables.h"

int
main(int argc, char *argv[])
{
	const char *word = argc == 2 ? argv[1] : "";

	if (strcmp(word, "params") == 0)
		param_print_mdoc(host_params, stdout);
	else if (strcmp(word, "keys") == 0)
		keys_print_mdoc(stdout);
	else if (strcmp(word, "acl") == 0)
		keys_print_acl(stdout);
	else if (strcmp(word, "settings") == 0)
		settings_print_mdoc(SLICE(SETTINGS_DEFAULT_TENANT), stdout);
	else if (strcmp(word, "global") == 0)
		settings_print_mdoc(SLICE(SETTINGS_GLOBAL), stdout);
	else
		return EXIT_FAILURE;
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
