/* SPDX-License-Identifier: BSD-2-Clause */
/* Is a mail about a failure?  By sender, subject and words. */
#include "proto/bounce_parts.h"
#include "proto/mime.h"

/*
 * Words of mail systems in the languages that they write.  What one list alone
 * proves is little: see looks_bounced().
 */

/* Mail systems; people and shops do not write under these names. */
static bool
from_system(const struct bounce_parts *m)
{
	static const struct slice names =
	    SLICE("mailer-daemon|mailerdaemon|mailer daemon|postmaster|"
		  "post_master|post.master|mail delivery|mail system|mdaemon|"
		  "mail-daemon|maildaemon|mail.delivery|smtp_mail_service|"
		  "mailsystem|microsoftexchange|courier mail server");
	struct slice path = m->field[FIELD_RETURN_PATH];

	return classify_text_match(names, &m->from_words) ||
	       slice_eq(slice_trim(m->field[FIELD_FROM]), SLICE("<>")) ||
	       bounce_words_in(path, SLICE("mailer-daemon|mailerdaemon"));
}

/* The same, less sure: the rest must say so, too. */
static bool
from_somebody(const struct bounce_parts *m)
{
	static const struct slice names =
	    SLICE("no-reply|noreply|delivery|administrator|administrateur|"
		  "administrador|amministratore|mailer|mail*admin|daemon|"
		  "listserv");

	return classify_text_match(names, &m->from_words) ||
	       slice_eq(m->field[FIELD_RETURN_PATH], SLICE("<>"));
}

/* ---- machines that answer ---- */

static bool
subject_begins(const struct bounce_parts *m, const struct slice *words,
    size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slice_starts(m->subject_words.text, words[i]))
			return true;
	return false;
}

/* People who answer or forward. */
static bool
subject_is_answer(const struct bounce_parts *m)
{
	static const struct slice words[] = { SLICE("re:"), SLICE("fw:"),
		SLICE("fwd:"), SLICE("aw:"), SLICE("wg:"), SLICE("tr:"),
		SLICE("rv:"), SLICE("sv:"), SLICE("antw:") };

	return subject_begins(m, words, sizeof(words) / sizeof(*words));
}

/* Subjects that no bounce has. */
static bool
subject_is_reply(const struct bounce_parts *m)
{
	static const struct slice words[] = { SLICE("automatic reply"),
		SLICE("auto reply"), SLICE("autoreply"), SLICE("auto-reply"),
		SLICE("auto: "), SLICE("out of office"),
		SLICE("out of the office"), SLICE("automatische antwort"),
		SLICE("abwesenheit"), SLICE("réponse automatique"),
		SLICE("autoodpowied"), SLICE("frånvaro"), SLICE("fravær"),
		SLICE("afwezig"), SLICE("poissa"), SLICE("ausente"),
		SLICE("respuesta automática"), SLICE("risposta automatica"),
		SLICE("resposta automática"), SLICE("automatisch antwoord"),
		SLICE("autosvar"), SLICE("automaattinen vastaus"),
		SLICE("odpowiedź automatyczna"), SLICE("автоответ"),
		SLICE("自動応答"), SLICE("自動返信"), SLICE("自动回复"),
		SLICE("自動回覆"), SLICE("자동 회신"), SLICE("不在") };

	return subject_begins(m, words, sizeof(words) / sizeof(*words));
}

static bool
is_auto_reply(const struct bounce_parts *m)
{
	static const struct slice subjects =
	    SLICE("out of office|out of the office|auto reply|autoreply|"
		  "auto-reply|automatic reply|auto response|auto-response|"
		  "autoresponse|automated response|automated reply|vacation|"
		  "away from|abwesenheit|automatische antwort|absence|"
		  "réponse automatique|respuesta automática|"
		  "fuera de la oficina|risposta automatica|"
		  "resposta automática|automatisch antwoord|autosvar|"
		  "автоответ|不在|自動応答|自動返信|自动回复|自動回覆");
	struct slice submitted = m->field[FIELD_AUTO_SUBMITTED];

	/* RFC 3834, 5: on bounces, too; it decides nothing alone. */
	return slice_starts_nocase(submitted, SLICE("auto-replied")) ||
	       m->field[FIELD_AUTOREPLY].at != NULL ||
	       bounce_words_in(m->field[FIELD_PRECEDENCE],
		   SLICE("auto_reply")) ||
	       classify_text_match(subjects, &m->subject_words);
}

/* A person, or a filter, wants the sender to prove something first. */
static bool
is_challenge(const struct bounce_parts *m)
{
	static const struct slice subjects =
	    SLICE("confirm*message|please verify|verify your*message|"
		  "challenge|confirmation needed|spamblocker|"
		  "confirm your email|sender verification|"
		  "sender authentication required");
	static const struct slice words =
	    SLICE("boxbe|bluebottle|spamblocker|spam arrest|spamarrest|"
		  "guest list|approved senders list|allowed senders list|"
		  "prove*human|verify*you are human|to confirm*sender|"
		  "address has not been verified|release your message|"
		  "confirm*that you*sent|mailblocks|uol antispam|"
		  "approved senders|senders i have approved|"
		  "not on my whitelist|my white list|whitelist request|"
		  "tmda|challenge/response|click*to verify*yourself|"
		  "authenticate*as a*sender");

	return classify_text_match(subjects, &m->subject_words) ||
	       classify_text_match(words, &m->text_words);
}

/* ---- failures ---- */

/* Subjects that say it all ... */
static bool
subject_fails(const struct bounce_parts *m)
{
	static const struct slice words = SLICE(
	    "undeliver|returned mail|return mail|failure notice|"
	    "delivery status|delivery failure|delivery notif|"
	    "delivery report|delivery problem|delivery error|"
	    "mail delivery|delivery fail|non-deliver|nondeliver|"
	    "non deliver|mail system error|mail error|"
	    "could not*deliver|unable to deliver|not delivered|"
	    "message status|returned to sender|return to sender|"
	    "mail could not|message could not|delayed mail|"
	    "mail failure|failed mail|delivery has failed|"
	    "user unknown|address error|unknown recipient|"
	    "delivery*error|errors from|could not be sent|"
	    "error sending your mail|systems bounce|unzustellbar|"
	    "nicht zugestellt|konnte nicht gesendet|non remis|"
	    "non distribu|non délivr|échec de la remise|no entregado|"
	    "no se pudo entregar|no se ha podido entregar|mensaje devuelto|"
	    "mancato recapito|messaggio non recapitato|não entregue|"
	    "falha na entrega|niet bezorgd|onbestelbaar|kunne ikke leveres|"
	    "kunde inte levereras|niedostarcz|zwrot|недоставлен|"
	    "не доставлен|доставка*невозможна|配信不能|配信エラー|"
	    "送信エラー|送信できません|配信できません|届きません|"
	    "配送エラー|退信|退回|無法傳遞|无法投递|无法送达|반송|"
	    "전송 실패");

	return classify_text_match(words, &m->subject_words);
}

/* ... and those that need a mail system behind them. */
static bool
subject_hints(const struct bounce_parts *m)
{
	return classify_text_match(
	    SLICE("rejected|bounce|warning: |mailbox full|quota|failed|"
		  "failure|notificaci|message you sent|error|delay|"
		  "mailbox*exceed|blocked|banned|virus|not accepted"),
	    &m->subject_words);
}

static bool
text_fails(const struct bounce_parts *m)
{
	static const struct slice words = SLICE(
	    "undeliver|not be delivered|unable to deliver|"
	    "wasn't able to deliver|was not able to deliver|"
	    "delivery*fail|failed to deliver|couldn't be delivered|"
	    "not be sent|permanent*error|could not deliver|not delivered|"
	    "wasn't delivered|returned*mail|user unknown|not exist|"
	    "unknown user|cannot be delivered|can't be delivered|"
	    "did not reach|error delivering|couldn't deliver|"
	    "not been delivered|recipient*not recognized|delivery*error|"
	    "delivery*aborted|failed recipients|delivery problem|"
	    "trouble delivering|was automatically rejected|"
	    "could not be reached|was rejected by|has been rejected|"
	    "konnte nicht zugestellt|nicht zugestellt werden|"
	    "n'a pas pu être|n'a pu être remis|no se ha podido|"
	    "no ha podido|no pudo*entrega|non è stato*recapit|"
	    "não pôde*entreg|não foi*entreg|kon niet*bezorgd|"
	    "nie mog*dostarcz|не может быть доставлен|не удалось доставить|"
	    "не можем доставить|не был*доставлен|配信できません|"
	    "送信できません|送信に失敗|届けられません|配送できません|"
	    "届きませんでした|お届けできません|无法投递|無法投遞|"
	    "邮件被退回|无法送达|전송하지 못|배달되지");

	return classify_text_match(words, &m->text_words);
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

/* Something that failed is named or shown; letters that only talk of failures
 * have neither. */
static bool
has_victim(const struct bounce_parts *m)
{
	return m->returned.at != NULL || bounce_text_names(m);
}

static bool
looks_bounced(const struct bounce_parts *m)
{
	if (m->field[FIELD_FAILED].at != NULL ||
	    m->field[FIELD_ML_SERVER].at != NULL || m->is_report)
		return true;
	if (from_system(m))
		return subject_fails(m) || text_fails(m) ||
		       m->returned.at != NULL || m->report.at != NULL ||
		       (text_tells(m) && (subject_hints(m) || has_victim(m)));
	/* A newsletter about bounces, somebody who asks about one. */
	if (m->field[FIELD_LIST].at != NULL || subject_is_answer(m))
		return false;
	if (from_somebody(m) && (subject_fails(m) || text_fails(m)))
		return has_victim(m) && (text_fails(m) || text_tells(m));
	return subject_fails(m) && text_fails(m) && has_victim(m);
}

/* It arrived, and nothing failed beside. */
static bool
is_receipt(const struct bounce_parts *m)
{
	static const struct slice words =
	    SLICE("successfully delivered|successfully relayed|"
		  "has been delivered|was delivered to the|"
		  "delivery has been successful|successful delivery|"
		  "successful mail delivery|return receipt|"
		  "wurde erfolgreich|erfolgreich zugestellt|"
		  "remis avec succès|entregado correctamente");

	return (from_system(m) || m->is_report) && !text_fails(m) &&
	       (classify_text_match(words, &m->subject_words) ||
		   classify_text_match(words, &m->text_words));
}

static bool
is_delay(const struct bounce_parts *m)
{
	static const struct slice words =
	    SLICE("delayed|warning: could not send|warning: message|"
		  "warning--could not send|could not send mail for past|"
		  "delivery delay|notification (delay|verzögert|"
		  "zustellung*verzög|retrasad|retardé|не был ещё|遅延");

	return m->delays || classify_text_match(words, &m->subject_words);
}

enum bounce_kind
bounce_words_kind(const struct bounce_parts *m)
{
	bool system =
	    from_system(m) || m->is_report || m->field[FIELD_FAILED].at != NULL;
	bool reply = is_auto_reply(m);

	if (!system && is_challenge(m))
		return BOUNCE_CHALLENGE;
	if (!system && (subject_is_reply(m) ||
			   (reply && !(subject_fails(m) && text_fails(m) &&
					 has_victim(m)))))
		return BOUNCE_AUTO_REPLY;
	if (is_receipt(m))
		return BOUNCE_DELIVERED;
	if (!looks_bounced(m))
		return reply ? BOUNCE_AUTO_REPLY : BOUNCE_OTHER;
	return is_delay(m) ? BOUNCE_DELAY : BOUNCE_FAILED;
}
