package augment

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"rein/steps/internal/text"
)

// straight returns a text in lower case with plain apostrophes.
func straight(s string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(s), "’", "'"))
}

var refusal = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:(?:(?:i'm|i am) |we are |my apologies|apologies|unfortunately)?(?:really |very |so )?(?:sorry|afraid|my apologies|apologies|unfortunately)\b.{0,60}?(?:can't|cannot|can not|unable|won't|not able|not comfortable)|` +
		`(?:i|we) (?:can't|cannot|can not|won't|will not|am unable|am not able|must decline|have to decline|decline)(?: to)? (?:help|assist|do|comply|provide|fulfil|fulfill|create|write|generate|answer|support|continue|engage|rewrite|paraphrase|produce|process|respond|with)|` +
		`(?:i'm|i am) (?:unable|not able|not comfortable)|as an ai\b|i don't feel comfortable)`)
})

// refusalWithin matches phrases that mark a refusal wherever they stand in a text.
var refusalWithin = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\b(?:i|we)(?:'m| am| are|'re)? (?:can't|cannot|can not|won't|will not|unable to|not able to|must decline to|have to decline to)(?: \w+)? (?:help|assist|comply|fulfil|fulfill|engage|continue|proceed|provide|support|participate|rewrite|paraphrase)(?: you)?(?: with| in| to| on)? (?:that|this|these|those|such|the request|your request|it\b|content)|` +
		`\bas an? (?:large )?(?:ai|language|artificial)\b.{0,30}\b(?:model|assistant|intelligence|language)\b|\bi(?:'m| am) (?:just |only )?an? (?:ai|language model)\b|\b(?:against|violates?|violating) (?:my|our|the|openai's) .{0,20}(?:guidelines|polic|rules|programming|principles)|` +
		`\b(?:request|prompt|message) (?:cannot|can't|could not|couldn't) be (?:fulfilled|processed|completed|rewritten)|\bi(?: must| have to|'ll have to)? (?:respectfully |politely )?(?:decline|refuse)\b`)
})

// refusalElsewhere matches phrases with which models refuse in languages other than English.
var refusalElsewhere = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:(?:es )?tut mir (?:sehr )?leid|entschuldigung,? (?:aber|ich kann)|(?:leider )?(?:kann|darf|werde) ich (?:das|dies|diese|dabei|dir|ihnen|darauf|leider)?\b.{0,40}\bnicht|ich (?:kann|darf|werde) .{0,60}\bnicht (?:helfen|erfüllen|beantworten|umschreiben|unterstützen|bearbeiten|nachkommen)|` +
		`(?:je suis )?(?:vraiment )?désolée?|(?:je|nous) ne (?:peux|pouvons|suis|puis) pas|(?:toutes )?mes excuses|` +
		`(?:lo siento|lo lamento|disculpa|disculpe|me temo que)\b|no puedo (?:ayudar|cumplir|asistir|proporcionar|responder|realizar|reescribir|hacer eso)|` +
		`(?:mi dispiace|spiacente|purtroppo non posso|non posso (?:aiutar|assister|soddisfare|fornire|rispondere|riscrivere|farlo))|` +
		`(?:desculpe|desculpa|lamento|sinto muito|infelizmente,? não posso)\b|não posso (?:ajudar|atender|fornecer|cumprir|responder|reescrever)|` +
		`(?:het spijt me|sorry, (?:maar|ik kan)|ik kan (?:je|u|hier|dit|dat|daar) .{0,40}\bniet)|(?:przykro mi|przepraszam, ale|niestety nie mogę|nie mogę (?:pomóc|spełnić|odpowiedzieć))|` +
		`(?:bohužel|omlouvám se|je mi líto|nemohu (?:pomoci|vyhovět))|(?:jag kan (?:tyvärr )?inte|tyvärr kan jag|förlåt, men|beklager|undskyld, men|jeg kan (?:dessverre |desværre )?ikke|valitettavasti|pahoittelen)|` +
		`(?:üzgünüm|maalesef|özür dilerim)|(?:îmi pare rău|ne pare rău)|(?:sajnálom|sajnos nem)|(?:maaf,|mohon maaf|saya tidak (?:dapat|bisa))|(?:xin lỗi|rất tiếc|tôi không thể)|` +
		`(?:извините|простите|к сожалению|я не могу (?:помочь|выполнить|ответить|предоставить)|прошу прощения)|(?:вибачте|на жаль)|(?:λυπάμαι|συγγνώμη|δυστυχώς)|` +
		`(?:抱歉|很抱歉|对不起|對不起|非常抱歉|我(?:无法|無法|不能)|无法满足|作为(?:一个|一名)?(?:ai|人工智能|语言模型))|(?:申し訳|すみません|恐れ入りますが|ごめんなさい|お手伝いできません)|(?:죄송|미안하지만|도와드릴 수 없)|` +
		`(?:عذر|آسف|أعتذر|لا يمكنني|لا أستطيع)|(?:מצטער|סליחה)|(?:क्षमा करें|माफ़ करें|माफ कीजिए|मुझे खेद)|(?:متاسفم|متأسفم)|(?:ขออภัย|ขอโทษ))`)
})

// refuses tells whether a text is a model's refusal.
func refuses(s string) bool {
	s = strings.TrimLeft(straight(s), "*_#>\"'[( ¡")
	return refusal().MatchString(s) || refusalElsewhere().MatchString(s) || refusalWithin().MatchString(s)
}

var (
	answerOpening = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:sure|certainly|of course|absolutely|great question|here(?:'s| is| are) (?:a|an|the|some|your|my|how|what|one|two|three|\d)|yes[,.!]|no[,.!]|the answer\b|the short answer\b|in short[,:]|to answer|` +
			`you (?:can|could|should|need to|will need|'ll need|have to|must|may want|might want)\b|you'll (?:need|have|want)\b|i(?:'d| would)? (?:recommend|suggest|advise)\b|first(?:ly)?, |step (?:1|one)\b|great!|okay[,.!]|ok[,.!]|` +
			`(?:natürlich|gerne|selbstverständlich|sicher|klar)[,.!]|(?:claro|por supuesto|desde luego|aquí (?:tienes|tiene|está))|(?:bien sûr|voici|certainement)|(?:certo|certamente|ecco)[,.!: ]|(?:claro|com certeza|aqui está)|` +
			`(?:конечно|вот)[,.! ]|(?:当然|好的|以下是|当然可以)|(?:もちろん|はい、|以下)|(?:물론|네,|다음은))`)
	})
	answerClosing = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`\b(?:let me know if|(?:i )?hope (?:this|that|it) helps|would you like me to|(?:is there )?anything else (?:i|you)|feel free to (?:ask|reach)|do you (?:want|need) (?:me to|any(?:thing)? (?:more|else|further))|happy to help)\b`)
	})
	requests = sync.OnceValue(func() map[string]bool {
		return set(`accomplish add advise analyse analyze answer arrange assess assist build calculate can can't change check choose classify clean combine come compare complete compose compute consider convert correct could count
		create debug decode decide define describe design determine develop devise did discuss do does draft draw edit elaborate enumerate estimate evaluate examine expand explain explore extract figure fill find fix format formulate
		gather generate get give guess guide had has have help how i i'd i'm identify imagine implement improve infer inform invent is are was were kindly let let's list look looking make may might
		mention modify my name need offer organise organize outline paraphrase pick plan please point predict prepare pretend print produce propose prove provide rank rate read recommend refactor rephrase replace reply research
		respond review revise rewrite say search see select set shorten should show simplify sketch solve sort speak specify state suggest sum summarise summarize supply take talk teach tell think translate try turn use verify
		walk want we what what's when where where's which who who's whom whose why will work would write you`)
	})
)

func set(list string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		out[w] = true
	}
	return out
}

// asks tells whether a text asks for something: it has a question mark, or one of its sentences begins like a request.
func asks(s string) bool {
	if strings.ContainsAny(s, "?？؟") {
		return true
	}
	s = straight(s)
	if strings.Contains(s, "please") || strings.Contains(s, "i need") || strings.Contains(s, "i want") {
		return true
	}
	for _, sentence := range sentences(s) {
		if first, _, _ := strings.Cut(strings.TrimLeft(sentence, `"'-*•(`), " "); requests()[strings.Trim(first, ".,:;!?")] {
			return true
		}
	}
	return false
}

// answersInstead tells whether a text answers the prompt instead of rephrasing it.
func answersInstead(prompt, s string) bool {
	p, said := straight(prompt), straight(s)
	if answerOpening().MatchString(said) && !answerOpening().MatchString(p) || answerClosing().MatchString(said) && !answerClosing().MatchString(p) {
		return true
	}
	return asks(prompt) && !asks(s)
}

// orders match orders to a model that are typical of injections.
var orders = sync.OnceValue(func() []*regexp.Regexp {
	return []*regexp.Regexp{
		regexp.MustCompile(`\b(?:ignore|disregard|forget|override|bypass|skip)\b.{0,40}\b(?:instructions?|rules|guidelines|directions|prompts?|commands|orders|safeguards|restrictions)\b`),
		regexp.MustCompile(`\b(?:ignore|disregard|forget)\b.{0,20}\b(?:all|everything|anything|what)\b.{0,30}\b(?:above|before|previous|prior|earlier|said|told)\b`),
		regexp.MustCompile(`\b(?:reveal|print|show|repeat|output|leak|tell)\b.{0,40}\b(?:system|initial|hidden|original|secret) (?:prompt|message|instructions?)\b`),
		regexp.MustCompile(`\b(?:developer|god|dan|jailbreak|unrestricted|sudo) mode\b|\bdo anything now\b|\bjailbroken?\b`),
		regexp.MustCompile(`\byou are (?:now )?(?:dan\b|free of|no longer bound|unrestricted|unfiltered)`),
		regexp.MustCompile(`<\|?(?:im_start|im_end|endoftext|system|start_header_id|eot_id|assistant|user|channel|message)\|?>|\[/?inst\]|<<sys>>|<(?:start|end)_of_turn>`),
		regexp.MustCompile(`\b(?:new|updated|real|actual) (?:instructions?|system prompt)\s*:|\b(?:system|admin|developer) (?:override|message|note)\s*:|\b(?:pretend|act as if) (?:you have|there are) no (?:rules|restrictions|guidelines|limits)|\bno longer (?:have|follow|bound by|subject to) .{0,30}(?:rules|restrictions|guidelines|instructions)`),
		regexp.MustCompile(`(?:ignor|vergiss|missacht)\w*.{0,40}(?:anweisung|regel|vorgabe|befehl|instruktion)|(?:ignor|oublie|oubliez|néglige)\w*.{0,40}(?:instructions|consignes|règles|directives)|(?:ignor|olvid|omit|descart)\w*.{0,40}(?:instrucciones|reglas|indicaciones|órdenes)|` +
			`(?:ignor|dimentic|trascur)\w*.{0,40}(?:istruzioni|regole|indicazioni)|(?:ignor|esqueç|esquec|desconsider)\w*.{0,40}(?:instruções|regras|ordens)|(?:negeer|vergeet)\w*.{0,40}(?:instructies|regels|opdrachten)|(?:zignoruj|zapomnij|pomiń)\w*.{0,40}(?:instrukcj|polece|zasad)|` +
			`(?:игнорир|забудь|проигнорир)\S*.{0,40}(?:инструкц|правил|указани|команд)|(?:önceki|tüm).{0,30}(?:talimat|kural)\S*.{0,20}(?:yok say|unut|görmezden)|(?:忽略|无视|忘记|無視|忘掉).{0,20}(?:指令|指示|规则|提示|要求|命令|説明)|(?:指示|命令|ルール|プロンプト).{0,10}(?:無視|忘れ)|(?:지시|명령|규칙).{0,10}(?:무시|잊)|(?:تجاهل|انس).{0,30}(?:التعليمات|الأوامر|القواعد)`),
	}
})

// injects tells whether a text gives a model a kind of order that its prompt doesn't give.
func injects(prompt, s string) bool {
	p := text.Normalize(visible(prompt))
	s = strings.ReplaceAll(text.Normalize(visible(s)), "’", "'")
	for _, o := range orders() {
		if o.MatchString(s) && !o.MatchString(p) {
			return true
		}
	}
	return false
}

// visible returns a text without its invisible characters.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if isHidden(r) {
			return -1
		}
		return r
	}, s)
}

// isHidden tells whether a character is invisible, reverses the direction of text, or stands for a damaged character.
func isHidden(r rune) bool {
	return r == utf8.RuneError || unicode.Is(unicode.Cf, r) || unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' || r >= 0xFE00 && r <= 0xFE0E
}

// joins are the invisible characters that some scripts and emoji need.
const joins = "\u200c\u200d\u00ad"

// disguised tells whether a text has invisible characters, or words of mixed scripts, that its prompt doesn't have.
func disguised(prompt, s string) bool {
	for _, r := range s {
		if isHidden(r) && !strings.ContainsRune(joins, r) && !strings.ContainsRune(prompt, r) {
			return true
		}
	}
	return mixesScripts(s) && !mixesScripts(prompt)
}

// mixesScripts tells whether a word has Latin letters together with Cyrillic or Greek letters that look like Latin ones.
func mixesScripts(s string) bool {
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) }) {
		latin, other := 0, 0
		for _, r := range word {
			switch {
			case unicode.Is(unicode.Latin, r):
				latin++
			case unicode.In(r, unicode.Cyrillic, unicode.Greek):
				other++
			}
		}
		if latin > 1 && other > 0 || latin > 0 && other > 1 {
			return true
		}
	}
	return false
}

// unlike returns why a model's text is no variation of the prompt, or "" if it may be one.
func unlike(prompt, s string) string {
	switch {
	case disguised(prompt, s):
		return "it has hidden or mixed characters, which its row doesn't"
	case refuses(s) && !refuses(prompt):
		return "the model refused"
	case injects(prompt, s):
		return "it gives orders to a model, which its row doesn't"
	case answersInstead(prompt, s):
		return "it answers the row in place of varying it"
	}
	return ""
}
