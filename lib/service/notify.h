/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SERVICE_NOTIFY_H
#define SERVICE_NOTIFY_H

#include <stdint.h>

/* sd_notify(3) without libsystemd; without NOTIFY_SOCKET it does nothing. */

/* While /proc, /run and the like can still be reached. */
void notify_open(void);
/* "READY=1", lines joined by "\n".  Never waits. */
void notify_send(const char *text);
/* "RELOADING=1" with the time that Type=notify-reload asks for. */
void notify_reloading(void);
/* How often systemd wants to hear "WATCHDOG=1"; 0: never. */
int64_t notify_watchdog_us(void);
void notify_close(void);

#endif /* SERVICE_NOTIFY_H */
