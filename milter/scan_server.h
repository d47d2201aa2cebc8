/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_SCAN_SERVER_H
#define MILTER_SCAN_SERVER_H

/*
 * Connections of the milter, and the line of messages in front of the
 * workers.  Checks each descriptor that comes; never looks into it.  On the
 * loop's thread; the parts of struct service.
 */
struct event_base;
struct host_config;

int scan_server_open(const struct host_config *config);
int scan_server_start(const struct host_config *config,
    struct event_base *base);
int scan_server_reload(const struct host_config *config);
unsigned scan_server_drain(void);
void scan_server_stop(void);
void scan_server_state(void);

#endif /* MILTER_SCAN_SERVER_H */
