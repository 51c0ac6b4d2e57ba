package evaluate

import (
	"bufio"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"rein/steps/internal/text"
	"rein/steps/stepstest"
)

var language = text.Language

// prompts are what people ask, by the language that they are written in.
var prompts = map[string][]string{
	"English":    {"Could you please explain how the heating in my flat works and why the radiator stays cold?", "I would like to know which documents are needed when we move house next month."},
	"Spanish":    {"¿Puedes explicarme cómo funciona la calefacción de mi piso y por qué el radiador sigue frío?", "Me gustaría saber qué documentos necesitamos para mudarnos el mes que viene."},
	"Portuguese": {"Você pode me explicar como funciona o aquecimento do meu apartamento e por que não esquenta?", "Gostaria de saber quais documentos são necessários para a mudança no próximo mês."},
	"French":     {"Pouvez-vous m'expliquer comment fonctionne le chauffage de mon appartement, et pourquoi il reste froid ?", "Je voudrais savoir de quels papiers nous avons besoin pour déménager le mois prochain."},
	"German":     {"Kannst du mir bitte erklären, wie die Heizung in meiner Wohnung funktioniert und warum sie kalt bleibt?", "Ich möchte wissen, welche Unterlagen wir für den Umzug im nächsten Monat brauchen."},
	"Italian":    {"Puoi spiegarmi come funziona il riscaldamento del mio appartamento e perché resta freddo?", "Vorrei sapere quali documenti servono per il trasloco del mese prossimo."},
	"Dutch":      {"Kun je me uitleggen hoe de verwarming in mijn woning werkt en waarom die koud blijft?", "Ik wil graag weten welke papieren we nodig hebben voor de verhuizing van volgende maand."},
	"Polish":     {"Czy możesz mi wyjaśnić, jak działa ogrzewanie w moim mieszkaniu i dlaczego jest zimne?", "Chciałbym wiedzieć, jakie dokumenty są potrzebne do przeprowadzki w przyszłym miesiącu."},
	"Turkish":    {"Evimdeki ısıtmanın nasıl çalıştığını ve neden soğuk kaldığını açıklayabilir misin?", "Gelecek ay taşınırken hangi belgelere ihtiyacımız olduğunu bilmek istiyorum."},
	"Vietnamese": {"Bạn có thể giải thích hệ thống sưởi trong căn hộ của tôi hoạt động như thế nào không?", "Tôi muốn biết chúng tôi cần những giấy tờ gì khi chuyển nhà vào tháng tới."},
	"Russian":    {"Объясните, пожалуйста, как работает отопление в моей квартире и почему батарея холодная?", "Я хотел бы узнать, какие документы нужны для переезда в следующем месяце."},
	"Ukrainian":  {"Поясніть, будь ласка, як працює опалення в моїй квартирі і чому батарея холодна?", "Я хотів би дізнатися, які документи потрібні для переїзду наступного місяця."},
	"Arabic":     {"هل يمكنك أن تشرح لي كيف تعمل التدفئة في شقتي ولماذا تبقى باردة؟", "أود أن أعرف ما هي الوثائق التي نحتاجها للانتقال في الشهر القادم."},
	"Hindi":      {"क्या आप मुझे बता सकते हैं कि मेरे घर का हीटर कैसे काम करता है?", "मैं जानना चाहता हूँ कि अगले महीने घर बदलने के लिए कौन से कागज़ चाहिए।"},
	"Chinese":    {"请解释一下我家的暖气是怎么工作的，为什么一直是冷的？"},
	"Japanese":   {"来月の引越手続必要書類一覧を教えて"},
	"Korean":     {"다음 달 이사할 때 필요한 서류가 무엇인지 알려 주세요."},
	"Greek":      {"Θα ήθελα να μάθω ποια έγγραφα χρειαζόμαστε για τη μετακόμιση."},
	"Thai":       {"ช่วยอธิบายวิธีการทำงานของเครื่องทำความร้อนหน่อย"},
}

// Languages that a memo knows are not worked out again, and are the same.
func TestLanguagesOfUsesTheMemo(t *testing.T) {
	var texts []string
	for _, want := range slices.Sorted(maps.Keys(prompts)) {
		texts = append(texts, prompts[want]...)
	}
	texts = append(texts, "", "1234 !?", "ok", strings.Repeat("schöne lange Sätze ", 300))
	memo := &stepstest.Memo{}
	for range 2 {
		got, err := languagesOf(t.Context(), memo, texts)
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range texts {
			if want := language(text); got[i] != want {
				t.Errorf("%.40q: %s, want %s", text, got[i], want)
			}
		}
	}
	if memo.Puts == 0 || memo.Hits != memo.Puts || memo.Puts >= len(texts) {
		t.Errorf("%d kept, %d found again", memo.Puts, memo.Hits)
	}
}

// A language is named or said to be unsure, and hardly ever named wrongly.
func TestLanguage(t *testing.T) {
	named, all := 0, 0
	for want, texts := range prompts {
		for _, text := range texts {
			all++
			switch got := language(text); {
			case got == want:
				named++
			case !strings.HasPrefix(got, "(unsure"):
				t.Errorf("%q: %s, it is %s", text, got, want)
			}
		}
	}
	if named < all*8/10 {
		t.Errorf("%d of %d prompts are named", named, all)
	}
	for text, want := range map[string]string{"": "(no letters)", "1234 !?": "(no letters)", "ok": "(unsure, Latin)"} {
		if got := language(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// A slice must not depend on chance: ties between languages are no answer.
func TestLanguageIsTheSameEachTime(t *testing.T) {
	for _, text := range []string{"hola", "no", "de la", "and en et", "Gay", "a b c d e f"} {
		first := language(text)
		for range 50 {
			if got := language(text); got != first {
				t.Fatalf("%q: %s, then %s", text, first, got)
			}
		}
	}
}

func FuzzLanguage(f *testing.F) {
	for _, texts := range prompts {
		f.Add(texts[0])
	}
	f.Add(strings.Repeat("é", 2000))
	f.Add(strings.Repeat("\x80", 2*2000))
	f.Add("\xff\xfe" + strings.Repeat("x\x80", 2000))
	f.Fuzz(func(t *testing.T, text string) {
		if got := language(text); got == "" || !utf8.ValidString(got) {
			t.Errorf("%q", got)
		}
	})
}

// manyLanguages are the sources of real prompts that aren't all English, as their list says.
var manyLanguages = []string{"tldr-pages/tldr", "lobehub/lobe-chat-agents", "ShishirPatil/gorilla", "google-deepmind/xquad", "yahoojapan/JGLUE", "fastapi/fastapi",
	"Parapet-Tech/parapet", "THUDM/AlignBench", "Marker-Inc-Korea/K-OverRefusal", "IlyaGusev/rulm", "LouisShark/chatgpt_system_prompt"}

// Of English prompts few may be called something else: such rows make up other slices.
func TestLanguageOfRealPrompts(t *testing.T) {
	dir := os.Getenv("REIN_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	f, err := os.Open(filepath.Join(dir, "benign.jsonl"))
	if err != nil {
		t.Skip("no folder of real prompts (REIN_DATA)")
	}
	defer f.Close()
	counts, rows := map[string][2]int{}, [2]int{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var row struct{ Text, Source, Category string }
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(manyLanguages, row.Source) || row.Category == "agent" { // commands, logs and JSON are in no language
			continue
		}
		short := 0
		if utf8.RuneCountInString(row.Text) < 40 {
			short = 1
		}
		rows[short]++
		name := language(row.Text)
		if name != "English" && !strings.HasPrefix(name, "(unsure") {
			name = "other"
		}
		c := counts[name]
		c[short]++
		counts[name] = c
	}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%s: %d of %d, and %d of %d under 40 characters", name, counts[name][0], rows[0], counts[name][1], rows[1])
	}
	if n := counts["other"]; n[0] > rows[0]/50 || n[1] > rows[1]/50 {
		t.Errorf("%v of %v rows are called something else", n, rows)
	}
}
