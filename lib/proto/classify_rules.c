/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What mail systems say, and what it means.  The first row that matches
 * decides, so the order is: what quotes another text (expiry), what belongs to
 * the sender though it names users or domains, the message itself, then the
 * recipient, his domain, policy, and last the words that say little.
 *
 * The rows are short forms of what these publish or print: RFC 5248's registry;
 * the sources of Postfix, Exim, Sendmail, qmail, OpenSMTPD and DMA; Google's
 * "SMTP error reference", Microsoft's lists of NDR and delivery codes,
 * Mimecast's SMTP codes, and the postmaster pages of Yahoo, Apple, Cox,
 * Charter, Orange, La Poste, GoDaddy, Tencent, T-Online, docomo and au.
 */
#include "proto/classify.h"

#define RULE(name, status, pattern) \
	{ \
		name, status, false, SLICE(pattern) \
	}
/* Words that a more telling code or text may overrule. */
#define VAGUE(name, status, pattern) \
	{ \
		name, status, true, SLICE(pattern) \
	}

/* clang-format off */
const struct classify_rule classify_rules[] = {
	/* The product's own, and senders' lists of other services. */
	RULE("suppressed", STATUS_SUPPRESSED,
	    "suppression list|suppressed recipient|on*suppress|"
	    "previously bounced|bounced address"),

	/* How much the sender may send: not a full mailbox. */
	RULE("sending-rate", STATUS_REFUSED,
	    "sending quota|sending limit|relay limit|submission quota|"
	    "email quota exceeded|daily*quota|daily limit|hourly limit|"
	    "daily smtp|message receive limit|per hour message|"
	    "receiving mail at a rate|receiving mail too quickly|"
	    "messages sent per|outbound thread limit|sending rate|"
	    "receivingrate|quota of messages"),
	/* Who writes to a list or group without leave; Google's notices are in
	 * the reader's language, their links are not. */
	RULE("group", STATUS_REFUSED,
	    "groups.google.com|google groups|not a member of this mailing list|"
	    "not allowed to post to|post to this*list|"
	    "グループ*存在しない|投稿する権限|permisos necesarios para publicar|"
	    "群組可能不存在|群组可能不存在|autorisation*publier|"
	    "berechtigung*gruppe|permiss*publicar|autorizzazione*pubblicare"),
	/* Programs that fail, and settings of the sender's own service. */
	RULE("machinery", STATUS_SERVER,
	    "outbounds disabled|inbounds disabled|journaling|"
	    "suspiciousremoteservererror|no longer supported|"
	    "procmail: couldn't|procmail: cannot|unknown mailer error|"
	    "mailer error"),

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
	    "incoming mailbox*full|has exceeded*space|file too large|"
	    "allotted*space|allowed*space|recipient is full|user is over|"
	    "recipient's mailbox is full|recipient*mailbox*full|"
	    "recipient storage|mailbox has exceeded|mailbox usage|"
	    "zuviele mails|zu viele mails|postfach*voll|mailbox*voll|"
	    "speicherplatz|quota*überschritten|kontingent|"
	    "boîte*pleine|boite*pleine|quota*dépass|quota*depass|"
	    "espace*insuffisant|buzón*lleno|buzon*lleno|cuota*excedid|"
	    "excedid*cuota|casella*piena|spazio*esaurito|caixa*cheia|"
	    "skrzynk*pełn|переполнен|容量*超|容量*オーバ|いっぱい|満杯|"
	    "容量不足|空间不足|邮箱*满|郵箱*滿|信箱*滿|配額|容量を超え"),
	RULE("full.exchange", STATUS_FULL, "mapiexceptionshutoffquotaexceeded"),

	/* Loops. */
	RULE("loop", STATUS_SERVER,
	    "loops back to|too many hops|hop count exceeded|hop count*exceed|"
	    "mail loop|routing loop|loop detected|loop*detected|mail is looping|"
	    "message is looping|message looping|too many received|possible mail loop|"
	    "exceeded*hops|depth exceeded|nested too deep|mailloop|"
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
	    "exceeds*maximum*allowed|mail size limit|class=size|"
	    "domain policy size|email size exceeded|size exceeds|"
	    "larger than the*size|exceeds*message length|zu groß|zu gross|"
	    "trop volumineux|demasiado grande|troppo grande|サイズ*超|"
	    "サイズ*大き|message*trop gros|too large to"),

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
	    "backscatter|sender*invalid|mismatches client ip|"
	    "mail from*mismatch|mismatch*from|from address mismatch|"
	    "responsible address|multiple from|from header*invalid|"
	    "bad outbound sender|anti-spoof|spoof|unregistered domain|"
	    "verification failed for|no identity changes|return-path*not|sender rejected"),
	RULE("authentication", STATUS_REFUSED,
	    "dmarc|spf check|spf fail|spf*fail|fail*spf|by spf|spf record|"
	    "sender policy framework|dkim|unauthenticated email|"
	    "email*unauthenticated|not authenticated*sender|arc "
	    "validation|authentication checks|authentication-results|"
	    "unsigned message|did not pass*authentication|pass spf|spf or dkim|"
	    "unauthenticated mail|unauthenticated senders"),
	RULE("reverse-dns", STATUS_REFUSED,
	    "ptr record|reverse dns|reverse hostname|reverse lookup|"
	    "no reverse|rdns|cannot find your hostname|no ptr|"
	    "cannot resolve your|ip name lookup|invalid helo|helo*reject|"
	    "dynamic ip|client host rejected|generic hostname|"
	    "fcrdns|your host*resolve|hostname*not found*client|"
	    "dns entry*your|invalid ptr|missing ptr|no rdns|"
	    "helo*invalid|ehlo*invalid|helo command rejected|"
	    "not authorized to send email directly"),
	/* Before what calls addresses "listed" and "blocked". */
	RULE("directory", STATUS_USER_UNKNOWN,
	    "listed in*address book|listed in*directory|listed in domino|"
	    "not listed in public|not listed in the|non recens|"
	    "banned recipient|5.7.504"),
	RULE("account-blocked", STATUS_USER_UNKNOWN,
	    "due to inactivity|recipient account is blocked|recipient's account is blocked|"
	    "user account is blocked|compte*bloqu|konto*gesperrt|"
	    "compte*suspendu|compte*désactiv|compte*desactiv|"
	    "cuenta*suspendid|cuenta*desactivad|cuenta*bloquead|"
	    "conta*bloquead|account*disattivat|account*frozen"),
	RULE("blocklist", STATUS_REFUSED,
	    "blacklist|black list|blocklist|block list|blocked using|"
	    "blacklisted|denylist|deny list|dnsbl| rbl|.rbl|-rbl|rbl.|_rbl|spamhaus|spamcop|"
	    "barracuda|sorbs|cloudmark|proofpoint*block|senderbase|"
	    "senderscore|reputation|listed in|listed at|listed by|listed on|"
	    "your ip*block|ip address*block|ip*blocked|has been blocked|"
	    "client*blocked|banned|blocked for|s3150|s3140|"
	    "blocked by|blocked due|is blocked|been blocked|"
	    "unusual rate of|complaint|invalid ip for sending|"
	    "ip:*a problem occurred|banned sending ip|block-listed|"
	    "poor reputation|sender score|cloudfilter|cbl.abuseat|"
	    "ipv6 is not supported|bad sender ip|network not allowed|traffic not accepted|"
	    "low reputation|access from ip|deny*client"),
	RULE("spam", STATUS_REFUSED,
	    "spam|unsolicited|mass mail|mass-mail|bulk mailer|junk mail|junkmail|bulk mail|phishing|"
	    "virus|malware|infected|suspicious|suspected*content|"
	    "message*content*reject|content*reject|content*denied|"
	    "rejected*content|content*not accept|content filter|"
	    "prohibited attachment|attachment*not allowed|"
	    "illegal attachment|file type|message filtered|"
	    "message*filtered|filtered by|header*reject|mail rejected by*filter|"
	    "mime type|rejected by*rule|"
	    "rejected*by*preference|recipients preferences|uribl|surbl|"
	    "recipient preferences|email preferences|content examination|"
	    "header is too long|header error|rfc 5322|rfc 2822|"
	    "rfc5322|rfc2822|malformed message|message malformed|"
	    "duplicated message-id|security policies|bulk email|phish|trojan|"
	    "not accepting mail with|dangerous|potentially|"
	    "mail rejete|message rejete|迷惑メール|垃圾邮件|垃圾郵件"),

	/* Malformed address. */
	RULE("address", STATUS_ADDRESS,
	    "bad address syntax|bad recipient address syntax|"
	    "malformed address|malformed recipient|invalid address format|"
	    "null recipient address|bad destination mailbox address syntax|"
	    "address*malformed|address*syntax|syntax*address|"
	    "syntax*recipient|invalid*email address format|"
	    "illegal character*address|unqualified address|"
	    "recipient*invalid format|may not follow|rfc-5321 address|"
	    "rfc 5321 address|invalid characters*address|"
	    "missing or malformed local part|domain missing"),

	/* Recipient unknown behind words of policy, Microsoft's
	 * directory-based blocking. */
	RULE("user.dbeb", STATUS_USER_UNKNOWN,
	    "5.4.1*recipient address rejected: access denied|"
	    "5.1.10 resolver.adr|resolver.adr.recip|resolver.adr.exrecip|"
	    "recipientnotfound|access denied, banned recipient|"
	    "recipient not found by smtp address lookup"),
	RULE("restricted", STATUS_REFUSED,
	    "resolver.rst|not allowed to send*recipient|"
	    "not permitted to send|permission to send|"
	    "permission to post|not authorized to send|authorized to post|"
	    "may not have permission|only accept*authorized|"
	    "not accept*from you|accepts*only from|members only|"
	    "does not accept*from|doesn't accept*from|"
	    "not*allowed to send mail|sender was not authenticated|"
	    "sender not authenticated|allowed-senders|allowed senders|"
	    "not accepting mail from|only accepts|subscribers only|"
	    "restricted*authenticated users|delivery not authorized|"
	    "authrequired|moderated|must be a member|non-member"),

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
	    "insecure mail relay|credentials for relay|as a relay|"
	    "tenantattribution|relay not|not allow*relay|"
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
	    "authentication failed|auth*required|xoauth|"
	    "incorrect authentication|authentication type|"
	    "username and password|application-specific password|"
	    "log in*web browser|authenticate due|authentication credentials"),

	/* The recipient. */
	RULE("host-first", STATUS_HOST_UNKNOWN,
	    "dns domain*not exist|infodomainnonexistent|domain does not exist|"
	    "domain doesn't exist|domain name does not exist|"
	    "find a gateway|mail exchanger or ip|find a mail exchanger|"
	    "domain is not reachable|find the recipient domain"),
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
	    "not known|not a user|not our customer|"
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
	    "no*such*address|no such person|no such account|no such email|"
	    "no mail box|bad_recipient|rcpt user*not ok|delivery userid|"
	    "unknown to|unknown in|not a recipient|no mailbox here|"
	    "invalid delivery|is not registered|not registered|"
	    "unrecognised|not recognised|couldn't be found|"
	    "n'existe pas|n'existe plus|inconnu|introuvable|"
	    "existiert nicht|unbekannt|nicht bekannt|nicht gefunden|"
	    "nicht vorhanden|no existe|desconocid|inexistent|"
	    "não existe|nao existe|não foi encontrad|no se encontr|"
	    "non esiste|sconosciut|inesistente|nie istnieje|nieznany|"
	    "не существует|не найден|неизвест|неверный адрес|"
	    "bestaat niet|onbekend|finns inte|findes ikke|"
	    "存在しません|存在しない|見つかりません|宛先不明|あて先不明|"
	    "不明なユーザ|該当*ありません|該当する*いません|"
	    "用户不存在|不存在|地址错误|用戶不存在|존재하지"),
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
	    "is suspended|over 30 days|out of service|is now disabled|"
	    "been blocked by the user|not enabled|has been closed|"
	    "account has been|no longer active|has been terminated|"
	    "dormant|休眠|停止|利用できません"),

	/* Its domain. */
	RULE("host", STATUS_HOST_UNKNOWN,
	    "host unknown|unknown host|host not found|host*not found|"
	    "unknown domain|domain*unknown|domain not found|"
	    "domain*not found|no such domain|no such host|nxdomain|"
	    "name or service not known|name service error|"
	    "unrouteable mail domain|unrouteable domain|"
	    "bad destination system|bad destination host|illegal host|"
	    "invalid domain|domain is invalid|domain*invalid|bad domain|"
	    "no mx|no dns|dns error|dns failure|dns failed|dns lookup|"
	    "dns query|dns record|domain not in dns|dns server|"
	    ""
	    "no data known|host unreachable|domain*not exist|"
	    "mx lookup|mx hosts|smtp-code nxdomain|"
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
	    "max*retries|failed after*retries|for the last|"
	    "failed*attempts|failing for a long time|past the expiration|"
	    "aborted after|temporarily deferred|deferred for|"
	    "undelivered for|days without"),
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
	    "connection was|server*not available|connection attempt|"
	    "network error|connection error|being unable to connect|"
	    "establish session|socket error|no connection|"
	    "destination mxs|initiate smtp conversation|"
	    "unable to contact|could not contact|connection expired"),

	/* Rates, and other policy. */
	RULE("tls", STATUS_SERVER,
	    "mta-sts|encryption failed|tlsa|dnssec|starttls|tls is required|tls required|tls negotiation|"
	    "tls handshake|encryption required|encryption needed|"
	    "must use tls|requires tls|dane |certificate"),
	RULE("rate", STATUS_REFUSED,
	    "too many connections|too many concurrent|too many recipients|"
	    "too many messages|too many*mails|too many errors|too many|"
	    "rate limit|rate*exceeded|throttl|too fast|too frequent|"
	    "greylist|graylist|gray list|grey list|receiving mail*rate|"
	    "receiving mail too|deferred due to|limit exceeded|"
	    "unexpected volume|messages*per hour|server busy|"
	    "frequency limited|try again later due|exceeded threshold|exceeded the threshold|"
	    "exceeding*policy"),
	VAGUE("system-words", STATUS_SERVER,
	    "configured properly|unrecognized command|unimplemented command|"
	    "bad sequence|queue file write error|remote protocol error|"
	    "protocol violation|protocol error|command not|"
	    "unable to get server|temporarily unavailable"),
	VAGUE("policy", STATUS_REFUSED,
	    "policy|access denied|permission denied*send|not permitted|"
	    "not allowed|not authorized|unauthorized|not accepted|denied|"
	    "prohibited|rejected|refused|forbidden|restricted|"
	    "refuse|reject|unacceptable|not wanted|do not want|"
	    "doesn't want|not welcome|no permission|block|"
	    "rejection|protection|administrative|disallowed|prohibition|"
	    "abgelehnt|refusé|rechazad|rifiutat|recusad|отклонен|拒否|拒絕|拒绝"),

	/* The destination's machinery. */
	VAGUE("system", STATUS_SERVER,
	    "local error|system error|internal error|server error|"
	    "configuration error|misconfigur|configuration problem|"
	    "command died|pipe to|procmail|maildrop|vacation|"
	    "cannot open|can't open|can't create|cannot create|"
	    "permission denied|i/o error|input/output error|"
	    "cannot append|cannot update|unable to create|"
	    "delivery agent|local delivery failed|"
	    "could not*deliver locally|service unavailable|"
	    "service not available|system not|lmtp|command output|"
	    "child*exit|insufficient permission|"
	    "temporary*problem|temporarily|program|cannot execute"),
	/* What says no more than that it did not work. */
	VAGUE("follower", STATUS_USER_UNKNOWN,
	    "no valid recip|no recipients|need rcpt"),
	VAGUE("mailbox", STATUS_USER_UNKNOWN,
	    "mailbox unavailable|mailbox not available|"
	    "mailbox is unavailable|not available|is unavailable|"
	    "mailbox name not allowed"),
};
const size_t classify_rule_count =
    sizeof(classify_rules) / sizeof(*classify_rules);

/* RFC 3463 and the registry of RFC 5248, when the text says nothing. */
const struct classify_code classify_codes[] = {
	{ 1, 1, STATUS_USER_UNKNOWN, true },
	{ 1, 2, STATUS_HOST_UNKNOWN, false },
	{ 1, 3, STATUS_ADDRESS, true },
	{ 1, 4, STATUS_USER_UNKNOWN, true },
	{ 1, 6, STATUS_USER_UNKNOWN, true },
	{ 1, 7, STATUS_REFUSED, false }, /* the sender's address */
	{ 1, 8, STATUS_REFUSED, false },
	{ 1, 10, STATUS_HOST_UNKNOWN, false }, /* RFC 7505: null MX */
	{ 2, 0, STATUS_USER_UNKNOWN, false },
	{ 2, 1, STATUS_USER_UNKNOWN, true },
	{ 2, 2, STATUS_FULL, true },
	{ 2, 3, STATUS_SIZE, true },
	{ 3, 1, STATUS_FULL, false },
	{ 3, 2, STATUS_SERVER, false },
	{ 3, 3, STATUS_SERVER, false },
	{ 3, 4, STATUS_SIZE, true },
	{ 3, 5, STATUS_SERVER, false },
	{ 4, 1, STATUS_TIMEOUT, false },
	{ 4, 2, STATUS_TIMEOUT, false },
	{ 4, 3, STATUS_HOST_UNKNOWN, false },
	{ 4, 4, STATUS_HOST_UNKNOWN, false },
	{ 4, 5, STATUS_TIMEOUT, false },
	{ 4, 6, STATUS_SERVER, true },
	{ 4, 7, STATUS_TIMEOUT, false },
	{ 4, 14, STATUS_SERVER, true },
	{ 5, 1, STATUS_SERVER, false },
	{ 5, 2, STATUS_SERVER, false },
	{ 5, 3, STATUS_REFUSED, false },
	{ 4, 312, STATUS_HOST_UNKNOWN, false },
	{ 4, 316, STATUS_TIMEOUT, false },
	{ 4, 318, STATUS_SERVER, false },
	{ 1, 351, STATUS_USER_UNKNOWN, true },
	{ 7, 13, STATUS_USER_UNKNOWN, false }, /* account disabled */
	{ 7, 17, STATUS_USER_UNKNOWN, false }, /* mailbox has a new owner */
	{ 7, 54, STATUS_SERVER, false },
	{ 7, 57, STATUS_SERVER, false },
	{ 7, 64, STATUS_SERVER, false },
};
const size_t classify_code_count =
    sizeof(classify_codes) / sizeof(*classify_codes);
/* clang-format on */
