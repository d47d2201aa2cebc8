/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_SERVER_H
#define POLICYD_SERVER_H

/* The daemon's part of the skeleton; each is what service/service.h says. */
struct event_base;
struct host_config;

int server_open(const struct host_config *config);
int server_start(const struct host_config *config, struct event_base *base);
int server_reload(const struct host_config *config);
unsigned server_drain(void);
void server_stop(void);
void server_state(void);

#endif /* POLICYD_SERVER_H */
