/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which words of a mail system ask for less.  The first row that matches
 * decides: what is about one mailbox, one session or one message comes first,
 * as it looks alike and says nothing about the pace; then the providers' own
 * codes; then the words of common software and of the standards.
 *
 * The rows are short forms of what is published: Google's "SMTP error
 * reference" and sender guidelines, Yahoo's and Microsoft's postmaster pages
 * and lists of delivery codes, Apple's and Comcast's postmaster pages, Orange's
 * OFR codes, NetEase's and Tencent's lists, RFC 3463, RFC 5321, and the sources
 * of Postfix, Exim, Sendmail and rspamd.
 */
#include "proto/reply_temper.h"

#define NEUTRAL(name, pattern) \
	{ \
		name, TEMPER_NEUTRAL, TEMPER_ANY, 0, SLICE(pattern) \
	}
#define SLOW(name, pattern) \
	{ \
		name, TEMPER_SLOW, TEMPER_4XX, 0, SLICE(pattern) \
	}
#define SUSPEND(name, classes, for_s, pattern) \
	{ \
		name, TEMPER_SUSPEND, classes, for_s, SLICE(pattern) \
	}
#define MINUTES(n) ((n)*60)

/* clang-format off */
const struct temper_rule temper_rules[] = {
	/* ---- not about the pace ---- */

	/* One triplet waits, not the provider. */
	NEUTRAL("greylist",
	    "greylist|greylisting|graylist|grey-list|gray-list|grey list|"
	    "postgrey|first time*sender|[gl01]"),
	/* One mailbox has had enough, or is full. */
	NEUTRAL("mailbox",
	    "4.2.2 |over quota|overquota|mailbox full|"
	    "mailbox is full|"
	    "receiving mail at a rate|receiving mail too quickly|"
	    "recipient has exceeded message rate|recipient thread limit|"
	    "recipient*rate limit exceeded for*mailbox|user*over*quota"),
	/* One session, or one message with many recipients. */
	NEUTRAL("session",
	    "too many recipients|too many messages in this|"
	    "too many messages*session|too many messages*connection|"
	    "message per connection|messages per connection|"
	    "messages per session|too many emails sent on this session|"
	    "max*message*per connection|maximum*per session|"
	    "too many errors|too many commands|too many invalid|"
	    "too many unknown|domain policy size per transaction|"
	    "multiple destination domains"),
	/* Between us and it, or what it says about its own state. */
	NEUTRAL("timeout", "timeout exceeded|idle timeout|"
	    "timeout waiting for|timeout - closing|insufficient disk"),
	/* The sender's account at its own relay. */
	NEUTRAL("own-quota", "daily sending quota|user sending limit"),

	/* ---- Google ---- */

	SLOW("google-rate",
	    "4.7.28 |unusual rate of unsolicited|unusual rate of|"
	    "email has been rate limited|mail has been rate limited|"
	    "4.7.40*rate limited"),
	SLOW("google-busy",
	    "4.4.5 server busy|4.7.0 try again later, closing connection|"
	    "4.7.0*try again later*gsmtp|4.3.0*try again later*gsmtp"),

	/* ---- Yahoo, AOL, AT&T ---- */

	SUSPEND("yahoo-permanent", TEMPER_ANY, MINUTES(60),
	    "[tss09]|[tss11]|[ts03]|[tss03]|permanently deferred"),
	SUSPEND("yahoo-deferred", TEMPER_ANY, MINUTES(10),
	    "[tss04]|[tss05]|[ts04]|[ts01]|[ts02]|[tss01]|[tss02]|"
	    "[iptss|[ipts0|temporarily deferred due to|"
	    "messages from*temporarily deferred"),
	SUSPEND("yahoo-blocked", TEMPER_ANY, MINUTES(60),
	    "553 5.7.1 [bl|553 5.7.2 [ts"),
	SLOW("yahoo-busy", "resources temporarily not available*[#4.16"),
	/* ---- Yahoo! JAPAN ---- */
	SUSPEND("yahoo-jp", TEMPER_ANY, MINUTES(10),
	    "vs98-ip|vs98-|vs97-|vs99-"),

	/* ---- Microsoft: outlook.com, Microsoft 365 ---- */

	SUSPEND("microsoft-reputation", TEMPER_ANY, MINUTES(10),
	    "4.7.650 |4.7.651 |4.7.652 |(s775)|4.7.550 |"
	    "rate limited due to ip reputation|"
	    "access denied, please try again later"),
	SUSPEND("microsoft-blocked", TEMPER_ANY, MINUTES(60),
	    "(s3150)|(s3140)|on our block list|"
	    "banned sending ip|5.7.606 |5.7.511 "),
	SLOW("microsoft-busy",
	    "4.7.500 |4.7.501 |4.7.502 |4.7.503 |4.7.504 |4.7.505 |"
	    "server busy. please try again later|(s77714)|(s77719)|"
	    "(as77712|(as77713|(as77714|(as780"),
	SLOW("microsoft-hourly",
	    "rp-001|rp-002|rp-003|limits for how many messages"),
	SLOW("exchange",
	    "submission rate for this client|organization queue quota|"
	    "concurrent connections*exceeded|4.3.2*thread limit|"
	    "maximum number of connections|maximum number of concurrent|"
	    "exceed max concurrent connections|4.5.127 |4.7.157 "),

	/* ---- Apple ---- */

	SLOW("apple",
	    "4.7.0 hme|hme1 |[hme|[cs02]|"
	    "icloud*temporarily deferred|4.7.1*reject due to*volume"),

	/* ---- Japan's carriers: docomo, au, SoftBank, Rakuten ---- */

	SLOW("carrier-jp",
	    "docomo*temporar|docomo*busy|docomo*try*later|"
	    "au.com*temporar|ezweb*temporar|ezweb*busy|au.com*busy|"
	    "au.com*try*later|softbank*temporar|softbank*busy|"
	    "softbank*try*later|vodafone*busy|rakuten*busy|"
	    "access congestion|mail congestion|server is congested|"
	    "traffic congestion"),

	/* ---- GMX, WEB.DE, mail.com; T-Online ---- */

	SLOW("gmx",
	    "nemesis*too many|sender*rate*nemesis|nemesis*rate|"
	    "kundenserver*too many|too many e-mails|"
	    "connection rate limit|mail rate exceeded"),
	/* ---- Orange, SFR, La Poste, Free ---- */
	SUSPEND("orange-refused", TEMPER_4XX, MINUTES(10),
	    "ofr004_102|ofr_102|ofr004_106|ofr_106|ofr004_506|ofr_506|"
	    "lpn007_510|lpn105_510"),
	SLOW("orange",
	    "ofr004_104|ofr_104|ofr005_104|ofr_108|ofr004_108|ofr_109|"
	    "ofr_999|ofr004_999|lpn007_104|lpn105_104|"
	    "trop de connexions|trop de messages"),
	/* ---- Comcast, Cox, Charter ---- */
	SLOW("comcast",
	    "rl000001|rl000010|rl0000|throttled - try again|"
	    "try again later*throttl|cxthrt|cxcnct|cxmxrt|cxsnd|"
	    "aup#cnx|aup#in-1310|aup#in-1320"),
	/* ---- Tencent, NetEase, Sina ---- */
	SLOW("tencent",
	    "frequency limited|frequency limit|suspected spam ip*frequency|"
	    "sender rate limit|exceed*sending frequency"),
	SLOW("netease",
	    "rp:cel|rp:ccl|rp:rcl|rp:drc|rp:qrc|mi:cel|mi:ccl|mi:dmc|"
	    "mi:stc|mi:qrc|mi:sfq|hl:icc|hl:ifc|hl:mfl"),
	/* ---- Mail.Ru, Yandex ---- */
	SLOW("russia", "ratelimit exceeded|you are sending too fast|"
	    "mails per*limit exceeded"),

	/* ---- common software and words ---- */

	SLOW("connections",
	    "too many connections|too many*connections|"
	    "too many simultaneous|too many concurrent|"
	    "too many open connections|too many sessions|"
	    "too many*sessions|too many smtp|connection limit|"
	    "connections limit|connection count|connections from your|"
	    "connection rate|concurrency limit|session limit|"
	    "maximum connections|maximum sessions|reduce*connections"),
	SLOW("rate",
	    "rate limit|rate-limit|ratelimit|rate control|rate exceeded|"
	    "rate*exceeded|exceeded*rate|limit*exceeded*rate|throttl|"
	    "slow down|slowdown|too fast|too quickly|too frequent|"
	    "too much mail|too many messages|too many mails|"
	    "too many emails|too many e-mails|too many requests|"
	    "sending too many|hourly limit|daily limit|messages per hour|"
	    "messages per day|per minute|excessive volume|"
	    "unexpected volume|high volume|volume*exceeded|reduce*rate|"
	    "message limit exceeded|exceeded*message limit"),
	/* RFC 3463, 3.5: "4.4.5 Mail system congestion"; RFC 3463, 3.4:
	 * "4.3.2 System not accepting network messages". */
	SLOW("congestion",
	    " 4.4.5 |421 4.3.2|congestion|congested|overloaded|"
	    "server is busy|server busy|system busy|too busy|"
	    "load too high|high load|system load"),
	/* RFC 5321, 4.2.3: 421 in the place of a greeting. */
	SLOW("refused", "refused to talk to me: 421"),
};
const size_t temper_rule_count = sizeof(temper_rules) / sizeof(temper_rules[0]);
