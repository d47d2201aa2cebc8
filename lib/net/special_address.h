/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef NET_SPECIAL_ADDRESS_H
#define NET_SPECIAL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Does an address lie outside the public Internet: private, loopback,
 * link-local, multicast, documentation, translation to one of these, or not
 * an Internet address at all?  By the IANA special-purpose registries (RFC
 * 6890).  Such addresses are what a server-side request forgery aims at.
 */
struct sockaddr;
bool address_is_special(const struct sockaddr *address, size_t len);

#endif /* NET_SPECIAL_ADDRESS_H */
