/* SPDX-License-Identifier: BSD-2-Clause */
/* Error codes and what they mean for mail. */
#include "util/err.h"

#define CLASS_TEMP true
#define CLASS_PERM false

const char *
err_text(int code)
{
	switch (code) {
#define X(name, num, class, text) \
	case name: \
		return text;
		ERR_LIST(X)
#undef X
	}
	return code >= 0 ? "success" : "unknown error";
}

bool
err_is_temporary(int code)
{
	switch (code) {
#define X(name, num, class, text) \
	case name: \
		return CLASS_##class;
		ERR_LIST(X)
#undef X
	}
	return false;
}
