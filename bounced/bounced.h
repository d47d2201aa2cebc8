/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOUNCED_BOUNCED_H
#define BOUNCED_BOUNCED_H

/* The daemon put together, in the order of service/service.h. */
struct event_base;
struct host_config;

int bounced_open(const struct host_config *config);
int bounced_start(const struct host_config *config, struct event_base *base);
int bounced_reload(const struct host_config *config);
unsigned bounced_drain(void);
void bounced_stop(void);
void bounced_state(void);

#endif /* BOUNCED_BOUNCED_H */
