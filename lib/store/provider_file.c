/* SPDX-License-Identifier: BSD-2-Clause */
/* The shaping filters that come with Postern, from their file. */
#include "store/provider_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "proto/json.h"
#include "util/err.h"
#include "util/read_all.h"

static int
read_text(const char *path, struct buf *out)
{
	int rc, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return errno == ENOENT ? ERR_NOTFOUND : ERR_IO;
	rc = read_all(fd, out);
	(void)close(fd);
	return rc;
}

int
provider_file_read(const char *path, settings_error *error, void *ctx,
    struct json **ret_doc)
{
	struct slice name = SLICE(SETTINGS_PROVIDERS);
	struct json *doc = NULL;
	char why[300] = "";
	struct buf text;
	int rc;

	buf_init(&text, PROVIDER_FILE_MAX + READ_PIECE);
	rc = read_text(path, &text);
	if (rc == 0)
		rc = json_parse(buf_slice(&text), PROVIDER_FILE_MAX, &doc, why,
		    sizeof(why));
	if (rc < 0 && error != NULL)
		error(ctx, "", why[0] != '\0' ? why : err_text(rc));
	buf_done(&text);
	if (rc == 0 && settings_validate(doc, name, NULL, error, ctx) > 0)
		rc = ERR_CONFIG;
	if (rc == 0)
		*ret_doc = doc;
	else
		json_free(doc);
	return rc;
}
