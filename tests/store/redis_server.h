/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_STORE_REDIS_SERVER_H
#define TESTS_STORE_REDIS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "store/store.h"

/*
 * A redis-server (or redis-sentinel) of the test's own: in a new folder below
 * /tmp, on a unix socket, ended by pid.  Every failure ends the test program.
 */
struct redis_server {
	char dir[64];
	char socket[96];
	char address[110]; /* "unix:SOCKET" or "inet:127.0.0.1:PORT" */
	int port;          /* 0: unix socket only */
	pid_t pid;
};

/* Is there a redis-server to run? If not, a test skips itself. */
bool redis_server_available(void);
void redis_server_start(struct redis_server *r); /* socket only */
/* On a free port of 127.0.0.1, too; master_port 0: a master. */
void redis_server_start_inet(struct redis_server *r, int master_port);
/* Watching the master "test" at 127.0.0.1:master_port, quorum 1. */
void redis_sentinel_start(struct redis_server *r, int master_port);
void redis_server_kill(struct redis_server *r);    /* SIGKILL; dir stays */
void redis_server_restart(struct redis_server *r); /* same place, empty */
void redis_server_stop(struct redis_server *r);    /* and remove dir */
/* redis-cli with these words; its output, one line end cut. */
void redis_server_cli(const struct redis_server *r, const char *words,
    char *ret_output, size_t size);

/* A loop and a store on it, up; timeout 2 s where 0. */
struct store_fixture {
	struct redis_server server;
	struct event_base *base;
	struct store *store;
};
void store_fixture_open(struct store_fixture *f, int64_t timeout_ms);
void store_fixture_close(struct store_fixture *f);
/* Runs the loop until *done, 20 s at most (then the test program ends). */
void store_fixture_run(struct store_fixture *f, const bool *done);

#endif /* TESTS_STORE_REDIS_SERVER_H */
