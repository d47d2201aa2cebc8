/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SERVICE_PRIVILEGE_H
#define SERVICE_PRIVILEGE_H

#include <stddef.h>

/*
 * The first thing a daemon does: umask 077, descriptors 0 to 2 there, all
 * others closed but those that systemd passed (sd_listen_fds(3)), working
 * directory /.
 */
void privilege_clean_start(void);

/*
 * For good: become user, with the groups that /etc/group gives it; no new
 * privileges, no core file, no reading of our memory by others of that user;
 * as many descriptors as the hard limit allows.
 * user "": only the limits.  0; ERR_NOTFOUND: no such user; ERR_DENIED: not
 * root, or a privilege could be had again; with a text for a person in error.
 */
int privilege_drop(const char *user, char *error, size_t error_size);

#endif /* SERVICE_PRIVILEGE_H */
