/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef APID_DAEMON_H
#define APID_DAEMON_H

/* What service_main() calls: see service/service.h. */
struct event_base;
struct host_config;

int daemon_open(const struct host_config *config);
int daemon_start(const struct host_config *config, struct event_base *base);
int daemon_reload(const struct host_config *config);
unsigned daemon_drain(void);
void daemon_stop(void);
void daemon_state(void);

#endif /* APID_DAEMON_H */
