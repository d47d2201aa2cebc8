/* SPDX-License-Identifier: BSD-2-Clause */
/* Is a mail about a failure?  By sender, subject and words. */
#include "proto/bounce_mail.h"
#include "proto/bounce_parts.h"
#include "proto/mime.h"

/* Mail systems; people and shops do not write under these names. */
static bool
from_system(const struct bounce_parts *m)
{
	static const struct slice names =
	    SLICE("mailer-daemon|mailerdaemon|mailer daemon|postmaster|"
		  "post_master|post.master|mail delivery|mail system|mdaemon|"
		  "mail-daemon|maildaemon|mail.delivery|smtp_mail_service|"
		  "mailsystem|microsoftexchange");
	struct slice from = mime_field(m->header, "From");

	return bounce_words_in(from, names) ||
	       slice_eq(slice_trim(from), SLICE("<>")) ||
	       bounce_words_in(mime_field(m->header, "Return-Path"),
		   SLICE("mailer-daemon|mailerdaemon"));
}

/* The same, less sure: the subject must say so, too. */
static bool
from_somebody(const struct bounce_parts *m)
{
	static const struct slice names =
	    SLICE("no-reply|delivery|administrator|mailer|mail*admin|daemon");

	return bounce_words_in(mime_field(m->header, "From"), names) ||
	       slice_eq(mime_field(m->header, "Return-Path"), SLICE("<>"));
}

static bool
is_auto_reply(const struct bounce_parts *m)
{
	return slice_starts_nocase(mime_field(m->header, "Auto-Submitted"),
		   SLICE("auto-replied")) ||
	       mime_field(m->header, "X-Autoreply").at != NULL ||
	       mime_field(m->header, "X-Autorespond").at != NULL ||
	       bounce_words_in(mime_field(m->header, "Precedence"),
		   SLICE("auto_reply")) ||
	       bounce_words_in(m->subject,
		   SLICE("out of office|out of the office|auto reply|"
			 "autoreply|auto-reply|automatic reply|"
			 "auto response|auto-response|autoresponse|"
			 "automated response|vacation|away from|"
			 "abwesenheit|automatische antwort|absence|"
			 "réponse automatique|respuesta automática|"
			 "fuera de la oficina|risposta automatica|"
			 "resposta automática|automatisch antwoord|"
			 "автоответ|不在|自動応答|自動返信|自动回复|"
			 "自動回覆"));
}

/* A person, or a filter, wants the sender to prove something first. */
static bool
is_challenge(const struct bounce_parts *m)
{
	return bounce_words_in(m->subject,
		   SLICE("confirm*message|please verify|verify your|"
			 "challenge|confirmation needed|"
			 "action required")) ||
	       bounce_words_in(m->text,
		   SLICE("boxbe|bluebottle|spamblocker|spam arrest|"
			 "spamarrest|guest list|approved senders list|"
			 "allowed senders list|prove*human|"
			 "verify*you are human|to confirm*sender"));
}

/* Subjects that say it all ... */
static bool
subject_fails(const struct bounce_parts *m)
{
	return bounce_words_in(m->subject,
	    SLICE("undeliver|returned mail|return mail|failure notice|"
		  "delivery status|delivery failure|delivery notif|"
		  "delivery report|delivery problem|delivery error|"
		  "mail delivery|delivery fail|non-deliver|nondeliver|"
		  "non deliver|mail system error|mail error|"
		  "could not*deliver|unable to deliver|not delivered|"
		  "message status|returned to sender|return to sender|"
		  "mail could not|message could not|delayed mail|"
		  "mail failure|failed mail|delivery has failed|"
		  "user unknown|address error|unknown recipient|"
		  "delivery*error|errors from|unzustellbar|"
		  "nicht zugestellt|non remis|non distribu|"
		  "échec de la remise|no entregado|no se pudo entregar|"
		  "mancato recapito|não entregue|недоставлен|не доставлен|"
		  "配信不能|配信エラー|送信エラー|届きません|退信|退回|"
		  "無法傳遞|无法投递"));
}

/* ... and those that need a mail system behind them. */
static bool
subject_hints(const struct bounce_parts *m)
{
	return bounce_words_in(m->subject,
	    SLICE("rejected|bounce|warning: |mailbox full|quota|failed|"
		  "failure|notificaci|message you sent|error|delay"));
}

static bool
text_fails(const struct bounce_parts *m)
{
	return bounce_words_in(m->text,
	    SLICE("undeliver|not be delivered|unable to deliver|"
		  "wasn't able to deliver|was not able to deliver|"
		  "delivery*fail|failed to deliver|couldn't be delivered|"
		  "permanent*error|could not deliver|not delivered|"
		  "wasn't delivered|returned*mail|user unknown|not exist|"
		  "unknown user|cannot be delivered|can't be delivered|"
		  "did not reach|error delivering|couldn't deliver|"
		  "not been delivered|recipient*not recognized|"
		  "delivery*aborted|failed recipients|delivery error|"
		  "konnte nicht zugestellt|nicht zugestellt werden|"
		  "n'a pas pu être|n'a pu être remis|no se ha podido|"
		  "no pudo*entrega|non è stato*recapit|"
		  "não pôde*entreg|не может быть доставлен|"
		  "配信できません|送信できません|届けられません|"
		  "配送できません|届きませんでした|无法投递|無法投遞"));
}

/* Does the text say why mail to somebody fails? */
static bool
text_tells(const struct bounce_parts *m)
{
	struct classify_verdict v;

	classify_reply(&(struct classify_input){ .rules = m->rules,
			   .text = m->text },
	    &v);
	return !v.vague;
}

static bool
looks_bounced(const struct bounce_parts *m)
{
	if (mime_field(m->header, "X-Failed-Recipients").at != NULL ||
	    mime_field(m->header, "X-MLServer").at != NULL || m->is_report)
		return true;
	if (from_system(m))
		return subject_fails(m) || subject_hints(m) || text_fails(m) ||
		       m->returned.at != NULL || text_tells(m);
	if (is_challenge(m))
		return false;
	if (from_somebody(m) && (subject_fails(m) || text_fails(m) ||
				    (subject_hints(m) && text_tells(m))))
		return true;
	return subject_fails(m) && text_fails(m);
}

int
bounce_words_kind(const struct bounce_parts *m)
{
	if (is_auto_reply(m) && !from_system(m) && !m->is_report &&
	    mime_field(m->header, "X-Failed-Recipients").at == NULL &&
	    !(subject_fails(m) && text_fails(m)))
		return BOUNCE_AUTO_REPLY;
	if (!looks_bounced(m))
		return is_auto_reply(m) ? BOUNCE_AUTO_REPLY : BOUNCE_OTHER;
	if (m->delays ||
	    bounce_words_in(m->subject,
		SLICE("delayed|warning: could not send|warning: message|"
		      "delivery delay|notification (delay")))
		return BOUNCE_DELAY;
	return BOUNCE_FAILED;
}
