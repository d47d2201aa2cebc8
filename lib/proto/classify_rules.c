/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What mail systems say, and what it means.  The first row that matches
 * decides, so the order is: what quotes another text (expiry), what belongs to
 * the sender though it names users or domains, the message itself, then the
 * recipient, his domain, policy, and last the words that say little.
 */
#include "proto/classify.h"

#define RULE(name, status, pattern) \
	{ \
		name, status, SLICE(pattern) \
	}

/* clang-format off */
const struct classify_rule classify_rules[] = {
	/* The product's own, and senders' lists of other services. */
	RULE("suppressed", STATUS_SUPPRESSED,
	    "suppression list|suppressed recipient|on*suppress|"
	    "previously bounced|bounced address"),

	/* Mailbox or disk full: before size ("mailbox size limit"), and before
	 * expiry, which quotes the last answer. */
	RULE("full", STATUS_FULL,
	    "over quota|overquota|over-quota|quota exceed|quota is exceed|"
	    "exceed*quota|quota*exceed|quota*full|quota violation|out of quota|"
	    "above*quota|quota limit|disk quota|quotaexceeded|overquota|"
	    "mailbox is full|mailbox full|mailbox*too full|mailbox*is full|"
	    "mailbox for*is full|full mailbox|maildir*full|mail box full|"
	    "inbox*full|mailbox*limit exceeded|mailbox*size limit|"
	    "mailbox*exceeded|exceed*mailbox|exceed*storage|storage*exceed|"
	    "out of storage|out of disk|storage space|storage limit|"
	    "insufficient*storage|insufficient*space|insufficient disk|"
	    "not enough*space|not enough storage|no space left|no room in|"
	    "disk full|disk is full|disk space|mailfolder is full|folder is full|"
	    "account is full|too much mail data|user has too many messages|"
	    "too many messages in*mailbox|no storage|"
	    "would go over*limit|lacks*storage|mailbox is over|account*over limit|"
	    "stop over|incoming mailbox*full|has exceeded*space|"
	    "allotted*space|allowed*space|recipient*full|user is over"),
	RULE("full.exchange", STATUS_FULL, "mapiexceptionshutoffquotaexceeded"),

	/* Loops. */
	RULE("loop", STATUS_SERVER,
	    "loops back to|too many hops|hop count exceeded|hop count*exceed|"
	    "mail loop|routing loop|loop detected|loop*detected|mail is looping|"
	    "message is looping|too many received|possible mail loop|"
	    "mail forwarding loop|maximum hop"),

	/* The message is too large. */
	RULE("size", STATUS_SIZE,
	    "message too large|message is too large|message too big|"
	    "message is too big|message*too large|message*too big|mail too large|"
	    "message size exceed|message size*limit|exceeds*message size|"
	    "exceed*size limit|exceed*maximum*size|size exceed|size*exceeds|"
	    "maximum message size|max message size|message length exceeds|"
	    "message larger than|larger than*limit|larger than*maximum|"
	    "size limit exceeded|size of*message*exceed|message file too big|"
	    "body*too large|too big for|attachment*too large|recipsizelimit|"
	    "datagram is too big|data size exceeded|too much data|"
	    "exceeds*maximum*allowed|mail size limit"),

	/* Null MX (RFC 7505) and names that are not in the DNS. */
	RULE("null-mx", STATUS_HOST_UNKNOWN,
	    "nullmx|null mx|does not accept mail|dns*invalid mx|"
	    "domain*not accept*mail"),

	/* The sender's side: its address, domain, authentication. */
	RULE("sender", STATUS_REFUSED,
	    "sender address rejected|sender rejected|sender denied|"
	    "sender verif|verify*sender|sender domain|domain of sender|"
	    "sender's domain|sender not|sender is not|senders*not|"
	    "invalid sender|unknown sender|bad sender|sender unknown|"
	    "sender*blocked|block*sender|your domain|from address*not|"
	    "return address|envelope sender|mail from*not exist|"
	    "envelope*from domain|from domain*not|sender id|senderid|"
	    "backscatter|sender*invalid"),
	RULE("authentication", STATUS_REFUSED,
	    "dmarc|spf check|spf fail|spf*fail|fail*spf|by spf|spf record|"
	    "sender policy framework|dkim|unauthenticated email|"
	    "email*unauthenticated|not authenticated*sender|arc "
	    "validation|authentication checks|authentication-results"),
	RULE("reverse-dns", STATUS_REFUSED,
	    "ptr record|reverse dns|reverse hostname|reverse lookup|"
	    "no reverse|rdns|cannot find your hostname|no ptr|"
	    "cannot resolve your|ip name lookup|invalid helo|helo*reject|"
	    "dynamic ip|client host rejected|generic hostname|"
	    "fcrdns|your host*resolve|hostname*not found*client"),
	RULE("blocklist", STATUS_REFUSED,
	    "blacklist|black list|blocklist|block list|blocked using|"
	    "blacklisted|denylist|deny list|dnsbl|rbl|spamhaus|spamcop|"
	    "barracuda|sorbs|cloudmark|proofpoint*block|senderbase|"
	    "senderscore|reputation|listed in|listed at|listed by|listed on|"
	    "your ip*block|ip address*block|ip*blocked|has been blocked|"
	    "client*blocked|banned|blocked for|s3150|s3140|"
	    "blocked by|blocked due|is blocked|been blocked|"
	    "unusual rate of|complaint"),
	RULE("spam", STATUS_REFUSED,
	    "spam|unsolicited|junk mail|junkmail|bulk mail|phishing|"
	    "virus|malware|infected|suspicious|suspected*content|"
	    "message*content*reject|content*reject|content*denied|"
	    "rejected*content|content*not accept|content filter|"
	    "prohibited attachment|attachment*not allowed|"
	    "illegal attachment|file type|message filtered|"
	    "message*filtered|filtered by|header*reject|mail rejected by*filter|"
	    "mime type|rejected by*rule|"
	    "rejected*by*preference|recipients preferences|uribl|surbl"),

	/* Malformed address. */
	RULE("address", STATUS_ADDRESS,
	    "bad address syntax|bad recipient address syntax|"
	    "malformed address|malformed recipient|invalid address format|"
	    "null recipient address|bad destination mailbox address syntax|"
	    "address*malformed|address*syntax|syntax*address|"
	    "syntax*recipient|invalid*email address format|"
	    "illegal character*address|unqualified address|"
	    "recipient*invalid format"),

	/* Recipient unknown behind words of policy, Microsoft's
	 * directory-based blocking. */
	RULE("user.dbeb", STATUS_USER_UNKNOWN,
	    "5.4.1*recipient address rejected: access denied|"
	    "5.1.10 resolver.adr|resolver.adr.recip|resolver.adr.exrecip|"
	    "recipientnotfound|recipient not found by smtp address lookup"),
	RULE("restricted", STATUS_REFUSED,
	    "resolver.rst|not allowed to send*recipient|"
	    "not permitted to send|permission to send|"
	    "permission to post|not authorized to send|authorized to post|"
	    "may not have permission|only accept*authorized|"
	    "not accept*from you|accepts*only from|members only|"
	    "does not accept*from|doesn't accept*from|"
	    "not*allowed to send mail"),

	/* The destination does not know the domain, or wants a login. */
	RULE("relay", STATUS_SERVER,
	    "relaying denied|relay access denied|relay denied|"
	    "relay not permitted|relaying not permitted|unable to relay|"
	    "relaying not allowed|relay not allowed|not allowed to relay|"
	    "not permitted to relay|relaying is*prohibited|relay*prohibited|"
	    "relay*denied|relay operation|do not relay|does not relay|"
	    "cannot relay|can't relay|no relay|relaying*denied|"
	    "not a relay|open relay|relay is not|allowed rcpthosts|"
	    "relay attempt|relaying mail|not local host|not a gateway|"
	    "not hosted here|not*local domain|domain isn't in|"
	    "no such domain at this|domain*not*handle|"
	    "we don't handle mail for|mail for*not accepted here|"
	    "not accepting mail for|not configured to accept*domain|"
	    "domain is not hosted|unrouteable mail for"),
	RULE("login", STATUS_SERVER,
	    "authentication required|authentication is required|"
	    "must authenticate|requires authentication|not authenticated|"
	    "smtp auth|please authenticate|authenticate first|"
	    "need to authenticate|client was not authenticated|"
	    "no authentication|login required|auth required|"
	    "enable smtp authentication|must log in|pop before|"
	    "pop3 before|check your mail before|auth first|"
	    "authentication failed|auth*required"),

	/* The recipient. */
	RULE("user", STATUS_USER_UNKNOWN,
	    "user unknown|unknown user|no such user|no such recipient|"
	    "unknown recipient|recipient unknown|recipient*unknown|"
	    "unknown local|unknown or illegal|unknown virtual|unknown alias|"
	    "no such mailbox|mailbox not found|mailbox*not found|"
	    "unknown mailbox|unknown address|address unknown|"
	    "address*unknown|unknown email|unknown account|"
	    "unknown to address|unknown uid|unknown in|"
	    "user*unknown|invalid recipient|"
	    "recipient*invalid|recipient is invalid|invalid mailbox|"
	    "mailbox*invalid|invalid user|user*invalid|invalid address|"
	    "invalid email|address invalid|address is invalid|"
	    "invalid local address|invalid account|"
	    "no mailbox|user not found|user*not found|recipient*not found|"
	    "recipient not*exist|address*not found|account not found|"
	    "account*not found|recipientnotfound|"
	    "does not exist|doesn't exist|do not exist|not exist|"
	    "doesnt exist|non-existent|nonexistent|not existing|"
	    "doesn't have*account|does not have*account|dosn't have|"
	    "no account|not a valid|not valid|isn't a valid|not a known|"
	    "not known|no valid recip|not a user|not our customer|"
	    "not*customer|no user|user no longer|"
	    "bad destination mailbox|bad destination email|"
	    "recipient rejected*user|user doesn't|user does not|"
	    "not listed in|not in*directory|not in my|no one by that|"
	    "nobody by|nobody*by this|nobody with|no person|"
	    "no recipient|unable to find|could not find|cannot find|"
	    "couldn't be found|could not be found|wasn't found|was not found|"
	    "can't find|cannot be found|addressee unknown|undeliverable address|"
	    "undeliverable:|unrouteable address|unroutable address|"
	    "unresolvable address|not a local|"
	    "is not local|no local mailbox|not local user|"
	    "address rejected: undeliverable|unverified address|"
	    "recipient address rejected: unknown|"
	    "moved to|has moved|user*moved|"
	    "no longer|not longer|left the company|"
	    "unknown: |there is no|isn't here|not here|"
	    "recipient*not*recognized|not recognized|unrecognized*recipient|"
	    "not our user|user*not*our|wrong recipient|"
	    "is a deactivated|bad recipient|recipient*was not|"
	    "no*such*address|no such person|no such account|no such email"),
	RULE("disabled", STATUS_USER_UNKNOWN,
	    "account*disabled|account*inactive|account*suspended|"
	    "account*closed|account*deactivated|account*expired|"
	    "account*locked|account*terminated|account*frozen|"
	    "account*unavailable|account*not active|account*deleted|"
	    "account*blocked|account*cancel|disabled account|inactive account|"
	    "suspended account|"
	    "mailbox*disabled|mailbox*inactive|mailbox*suspended|"
	    "mailbox*closed|mailbox*locked|mailbox*deactivated|"
	    "mailbox*frozen|mailbox*not active|mailbox currently|"
	    "mailbox*deleted|mailbox*removed|mailbox*expired|"
	    "user*disabled|user*inactive|user*suspended|user*locked|"
	    "user*deactivated|user*terminated|user*not active|"
	    "recipient*disabled|recipient*suspended|recipient*inactive|"
	    "address*disabled|address*inactive|address*deactivated|"
	    "inactive user|has been disabled|has been deactivated|"
	    "been suspended|email*discontinued|discontinued|"
	    "not currently*accept*mail|domain*inactive|extended inactivity|"
	    "currently suspended|temporarily disabled|is disabled|is inactive|"
	    "is suspended|over 30 days|out of service"),

	/* Its domain. */
	RULE("host", STATUS_HOST_UNKNOWN,
	    "host unknown|unknown host|host not found|host*not found|"
	    "unknown domain|domain*unknown|domain not found|"
	    "domain*not found|no such domain|no such host|nxdomain|"
	    "name or service not known|name service error|"
	    "unrouteable mail domain|unrouteable domain|"
	    "bad destination system|bad destination host|illegal host|"
	    "invalid domain|domain is invalid|domain*invalid|bad domain|"
	    "no mx|no dns|dns error|dns*fail|dns lookup|dns*not|"
	    "non-existent domain|domain doesn't|domain does not|"
	    "unresolvable|could not be resolved|cannot resolve|"
	    "can't resolve|unable to resolve|not be resolved|"
	    "no route to host found|couldn't find any host|"
	    "no mail server|no*mail exchanger|lowest numbered mx|"
	    "name server:|unable to look up|domain name*resolve"),

	/* Waited in vain. */
	RULE("expired", STATUS_TIMEOUT,
	    "message expired|delivery time expired|delivery expired|"
	    "retry time*expired|retry time not reached|retry timeout|"
	    "retry period|envelope expired|queue*too long|"
	    "could not be delivered for|not be delivered*days|"
	    "not delivered*days|delivery timed out|message timed out|"
	    "timeout exceeded|has been in the queue|undeliverable for|"
	    "could not be delivered within|delivery time|queued too long|"
	    "giving up|given up|gave up|too old|expired|maximum time|"
	    "max*retries|failed after*retries|for the last"),
	RULE("connection", STATUS_TIMEOUT,
	    "connection refused|connection timed out|connection reset|"
	    "connection lost|lost connection|connection*lost|"
	    "connection dropped|connection closed|conversation with|"
	    "operation timed out|timed out|no route to host|"
	    "network is unreachable|network unreachable|"
	    "host is unreachable|could not connect|couldn't connect|"
	    "cannot connect|unable to connect|can't connect|"
	    "failed to connect|connect to|connection failed|"
	    "couldn't establish|wasn't able to establish|not responding|"
	    "did not respond|no answer from|not answer|"
	    "connection was|server*not available|connection attempt"),

	/* Rates, and other policy. */
	RULE("tls", STATUS_SERVER,
	    "starttls|tls is required|tls required|tls negotiation|"
	    "tls handshake|encryption required|encryption needed|"
	    "must use tls|requires tls|dane|certificate"),
	RULE("rate", STATUS_REFUSED,
	    "too many connections|too many concurrent|too many recipients|"
	    "too many messages|too many*mails|too many errors|too many|"
	    "rate limit|rate*exceeded|throttl|too fast|too frequent|"
	    "greylist|graylist|gray list|grey list|receiving mail*rate|"
	    "receiving mail too|deferred due to|limit exceeded|"
	    "unexpected volume|messages*per hour"),
	RULE("policy", STATUS_REFUSED,
	    "policy|access denied|permission denied*send|not permitted|"
	    "not allowed|not authorized|unauthorized|not accepted|denied|"
	    "prohibited|rejected|refused|forbidden|restricted|"
	    "refuse|reject|unacceptable|not wanted|do not want|"
	    "doesn't want|not welcome|no permission|block|"
	    "rejection|protection|administrative|disallowed"),

	/* The destination's machinery. */
	RULE("system", STATUS_SERVER,
	    "local error|system error|internal error|server error|"
	    "configuration error|misconfigur|configuration problem|"
	    "command died|pipe to|procmail|maildrop|vacation|"
	    "cannot open|can't open|can't create|cannot create|"
	    "permission denied|i/o error|input/output error|"
	    "cannot append|cannot update|unable to create|"
	    "delivery agent|local delivery failed|mailer|"
	    "could not*deliver locally|service unavailable|"
	    "service not available|system not|lmtp|command output|"
	    "child*exit|insufficient permission|"
	    "temporary*problem|temporarily|program|cannot execute"),
	/* What says no more than that it did not work. */
	RULE("mailbox", STATUS_USER_UNKNOWN,
	    "mailbox unavailable|mailbox not available|"
	    "mailbox is unavailable|not available|is unavailable|"
	    "mailbox name not allowed"),
};
const size_t classify_rule_count =
    sizeof(classify_rules) / sizeof(*classify_rules);

/* RFC 3463 and the registry of RFC 5248, when the text says nothing. */
const struct classify_code classify_codes[] = {
	{ 1, 1, STATUS_USER_UNKNOWN },
	{ 1, 2, STATUS_HOST_UNKNOWN },
	{ 1, 3, STATUS_ADDRESS },
	{ 1, 4, STATUS_USER_UNKNOWN },
	{ 1, 6, STATUS_USER_UNKNOWN },
	{ 1, 7, STATUS_REFUSED }, /* the sender's address */
	{ 1, 8, STATUS_REFUSED },
	{ 1, 10, STATUS_HOST_UNKNOWN }, /* RFC 7505: null MX */
	{ 2, 0, STATUS_USER_UNKNOWN },
	{ 2, 1, STATUS_USER_UNKNOWN },
	{ 2, 2, STATUS_FULL },
	{ 2, 3, STATUS_SIZE },
	{ 3, 1, STATUS_FULL },
	{ 3, 2, STATUS_SERVER },
	{ 3, 3, STATUS_SERVER },
	{ 3, 4, STATUS_SIZE },
	{ 3, 5, STATUS_SERVER },
	{ 4, 1, STATUS_TIMEOUT },
	{ 4, 2, STATUS_TIMEOUT },
	{ 4, 3, STATUS_HOST_UNKNOWN },
	{ 4, 4, STATUS_HOST_UNKNOWN },
	{ 4, 5, STATUS_TIMEOUT },
	{ 4, 6, STATUS_SERVER },
	{ 4, 7, STATUS_TIMEOUT },
	{ 4, 14, STATUS_SERVER },
	{ 5, 1, STATUS_SERVER },
	{ 5, 2, STATUS_SERVER },
	{ 5, 3, STATUS_REFUSED },
	{ 7, 13, STATUS_USER_UNKNOWN }, /* account disabled */
	{ 7, 17, STATUS_USER_UNKNOWN }, /* mailbox has a new owner */
	{ 7, 57, STATUS_SERVER },
};
const size_t classify_code_count =
    sizeof(classify_codes) / sizeof(*classify_codes);
/* clang-format on */
