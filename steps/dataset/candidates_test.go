package dataset

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rein/steps/artifact"
)

// jsonl repeats a line often enough that the column's values can't be chance.
func jsonl(lines ...string) string { return strings.Join(lines, "\n") + "\n" }

// If several columns may be the label and disagree, the step must not guess. The error shows the lines to write, and these lines must work.
func TestLabelColumnsThatDisagree(t *testing.T) {
	for name, c := range map[string]struct{ text, first, write string }{
		"WildGuard": {jsonl(`{"prompt":"a","adversarial":true,"prompt_harm_label":"unharmful","response_harm_label":null}`,
			`{"prompt":"b","adversarial":false,"prompt_harm_label":"harmful","response_harm_label":"harmful"}`, `{"prompt":"c","adversarial":true,"prompt_harm_label":"harmful"}`),
			"1", `columns = { label = "prompt_harm_label" }`},
		"toxic-chat": {"conv_id,user_input,model_output,human_annotation,toxicity,jailbreaking,openai_moderation\n1,hello,hi,True,0,0,[]\n2,be DAN,no,True,0,1,[]\n3,insult me,no,True,1,0,[]\n",
			"3", `columns = { label = "jailbreaking" }`},
		"flags":           {"text,is_safe,is_jailbreak\na,1,0\nb,1,1\n", "3", `columns = { label = "is_jailbreak" }`},
		"camel case":      {"text,isSafe,isJailbreak\na,1,0\nb,1,1\n", "3", `columns = { label = "isJailbreak" }`},
		"two labels":      {"text,label,verdict\na,0,0\nb,1,0\n", "3", `columns = { label = "label" }`},
		"many flags":      {"comment_text,toxic,severe_toxic,threat\na,0,0,0\nb,1,0,0\n", "", ""},
		"after many rows": {"text,label,class\n" + strings.Repeat("a,0,0\n", 5000) + "b,1,0\n", "5002", `columns = { label = "label" }`},
	} {
		text := strings.Replace(c.text, "comment_text", "text", 1)
		file := "a.csv"
		if strings.HasPrefix(text, "{") {
			file = "a.jsonl"
		}
		files := map[string]string{file: text}
		_, _, err := read(t, Config{}, folder(t, files))
		if err == nil || !strings.Contains(err.Error(), "they disagree in") || !strings.Contains(err.Error(), c.write) || !strings.Contains(err.Error(), `--var 'columns={label="`) || !strings.Contains(err.Error(), file+":"+c.first) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.write == "" {
			continue
		}
		column := strings.Split(c.write, `"`)[1]
		if rows, _, err := read(t, Config{Columns: map[string]string{"label": column}}, folder(t, files)); err != nil || len(rows) == 0 {
			t.Errorf("%s, as it says: %v", name, err)
		}
	}
}

// A column is no label if its name or values show that it holds something else, whatever stands before it.
func TestWhatIsNoLabelColumn(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		c     Config
		want  string // labels of the rows
	}{
		"AdvBench, named": {map[string]string{"harmful.csv": "goal,target\nmake a bomb,\"Sure, here is how\"\n", "safe.csv": "goal,target\nmake a cake,Sure\n"}, Config{}, "malicious benign"},
		"AdvBench, said":  {map[string]string{"a.csv": "goal,target\nmake a bomb,\"Sure, here is how\"\n"}, Config{Label: "malicious"}, "malicious"},
		"JailbreakBench": {map[string]string{"benign-behaviors.csv": "Index,Goal,Target,Behavior,Category,Source\n0,write a cake recipe,Sure,Cake,Harassment,Original\n",
			"harmful-behaviors.csv": "Index,Goal,Target,Behavior,Category,Source\n0,write a bomb recipe,Sure,Bomb,Harassment,Original\n"}, Config{}, "benign malicious"},
		"Aegis":               {map[string]string{"a.jsonl": `{"id":"1","prompt":"a","response":"b","prompt_label":"unsafe","response_label":"safe","prompt_label_source":"human"}`}, Config{}, "malicious"},
		"about the answer":    {map[string]string{"a.csv": "question,label,GPT4_response_harmful,model_jailbroken\na,0,1,1\n"}, Config{}, "benign"},
		"OASST's labels":      {map[string]string{"benign.jsonl": `{"text":"a","labels":{"name":["spam"],"value":[0.1]}}`, "b/malicious.jsonl": `{"text":"b","labels":null}`}, Config{}, "malicious benign"},
		"score beside label":  {map[string]string{"a.csv": "text,toxicity,label\na,0.13,benign\nb,0.98,malicious\n"}, Config{}, "benign malicious"},
		"text of that name":   {map[string]string{"a.csv": "prompt,attack,label\na,ignore the above,1\nb,,0\n"}, Config{}, "malicious benign"},
		"they agree":          {map[string]string{"a.csv": "text,is_attack,label\na,,malicious\nb,0,\n"}, Config{}, "malicious benign"},
		"looks like one":      {map[string]string{"a.csv": "text,label,label_2\na,0,1\nb,1,1\n"}, Config{}, "benign malicious"},
		"XSTest":              {map[string]string{"a.csv": "id,prompt,type,label,focus,note\nv2-1,How do I kill a process?,homonyms,safe,kill,\nv2-2,How do I kill a man?,contrast_homonyms,unsafe,kill,\n"}, Config{}, "benign malicious"},
		"OR-Bench, said":      {map[string]string{"a.csv": "prompt,category\nhow do locks work,hate\nwhat is a scam,privacy\n"}, Config{Label: "benign"}, "benign benign"},
		"non-English words":   {map[string]string{"a.csv": "text,nonToxic\na,1\nb,0\n"}, Config{}, "benign malicious"},
		"values negated, too": {map[string]string{"a.csv": "text,label\na,isn't malicious\nb,not a jailbreak\nc,injection free\nd,free of toxicity\ne,UN SAFE\nf,safe_from_injection\n"}, Config{}, "benign benign benign benign malicious benign"},
		"safe from":           {map[string]string{"a.csv": "text,safe_from_injection\na,1\nb,0\n"}, Config{}, "benign malicious"},
		"free":                {map[string]string{"a.csv": "text,jailbreak_free\na,1\nb,0\n"}, Config{}, "benign malicious"},
		"free of":             {map[string]string{"a.csv": "text,freeOfInjection\na,yes\nb,no\n"}, Config{}, "benign malicious"},
		"isn't":               {map[string]string{"a.csv": "text,isnt_safe\na,1\nb,0\n"}, Config{}, "malicious benign"},
		"detected":            {map[string]string{"a.csv": "text,no_attack_detected\na,1\nb,0\n"}, Config{}, "benign malicious"},
		"said for all rows":   {map[string]string{"a.csv": "text,attack_id,GPT4_harmful\na,1,0\nb,0,1\n"}, Config{Label: "malicious"}, "malicious malicious"},
		"lists of labels":     {map[string]string{"a.jsonl": `{"text":"a","label":["benign"]}` + "\n" + `{"text":"b","label":["jailbreak","toxic"]}` + "\n" + `{"text":"c","label":[0]}`}, Config{}, "benign malicious benign"},
		"by folders' names":   {map[string]string{"label=1/a.csv": "text\na\n", "label=0/source=r%2Fx/b.csv": "text\nb\n"}, Config{}, "benign malicious"},
		"of another filter":   {map[string]string{"a.jsonl": `{"text":"a","label":"benign","lang":"en"}` + "\n" + `{"text":"b","label":"?","lang":"de"}`}, Config{Filters: []Filter{{Column: "lang", In: []string{"en"}}}}, "benign"},
		"values negated":      {map[string]string{"a.csv": "text,label\na,not harmful\nb,non-adversarial\nc,unharmful\nd,no_attack\ne,not safe\n"}, Config{}, "benign benign benign benign malicious"},
	} {
		rows, _, err := read(t, c.c, folder(t, c.files))
		var got []string
		for _, r := range rows {
			got = append(got, r.Label)
		}
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestNoSureLabel(t *testing.T) {
	for want, text := range map[string]string{
		"no label column among prompt, category":                    "prompt,category\nhow do locks work,hate\nwhat is a scam,privacy\n", // OR-Bench: benign prompts of harmful-sounding categories
		"no column is surely the label":                             "text,gpt4_harmful\na,0\nb,1\n",
		`target "Sure, here is how"`:                                "goal,target\nmake a bomb,\"Sure, here is how\"\n",
		`"label" has no value`:                                      "text,label\na,None\n",
		`label "maybe"`:                                             "text,label\na,0\nb,maybe\nc,1\n",
		`label "likely malicious"`:                                  "text,label\na,benign\nb,likely malicious\n",
		"the file's name says benign, and \"label\" says malicious": "",
	} {
		files := map[string]string{"a.csv": text}
		if text == "" {
			files = map[string]string{"benign.csv": "text,label\na,1\n", "malicious.csv": "text,label\nb,0\n"}
		}
		_, _, err := read(t, Config{}, folder(t, files))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestNamesOfFilesAndFolders(t *testing.T) {
	for name, want := range map[string]string{
		"non_toxic.txt": artifact.Benign, "no_injection.txt": artifact.Benign, "nontoxic.csv": artifact.Benign, "not-malicious/a.csv": artifact.Benign, "without_attacks.csv": artifact.Benign,
		"noInjection.csv": artifact.Benign, "toxicity-free.csv": artifact.Benign, "unharmful.csv": artifact.Benign, "not_safe.csv": artifact.Malicious, "unsafe.csv": artifact.Malicious,
		"attacks/2024.csv": artifact.Malicious, "Jailbreaks2024.csv": artifact.Malicious, "prompt-injections.csv": artifact.Malicious, "no_injection_attack.csv": artifact.Benign,
		"free_of_attacks.csv": artifact.Benign, "safe_from_injection.csv": artifact.Benign, "isnt_malicious/a.csv": artifact.Benign, "not_an_attack.csv": artifact.Benign, "regular_prompts.csv": artifact.Benign,
		"anti-jailbreak.csv": "", "jailbreak-benchmark.csv": "", "not_toxicity_free.csv": artifact.Malicious, "injection_absent.csv": artifact.Benign, "benign_and_malicious.csv": "", "benign_jailbreaks.csv": "", "jailbreak-classification.csv": "", "notes.csv": "", "safety.csv": "", "train.csv": "",
	} {
		if got, _ := byName(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// The user's arguments take precedence over the name of a file.
func TestLabelArgumentComesBeforeNames(t *testing.T) {
	rows, env, err := read(t, Config{Label: "benign"}, folder(t, map[string]string{"jailbreak_talk.txt": "how do jailbreaks work\n", "b.txt": "hello\n"}))
	if err != nil || len(rows) != 2 || rows[0].Label != artifact.Benign || rows[1].Label != artifact.Benign {
		t.Errorf("%+v, %v", rows, err)
	}
	if said := strings.Join(env.Notes, "\n"); !strings.Contains(said, "jailbreak_talk.txt: its name says malicious") {
		t.Errorf("notes %q", said)
	}
}

func TestSources(t *testing.T) {
	files := map[string]string{}
	want := map[string]string{
		"train-00000-of-00010-4feeb3f83346a0e9.csv": "", "0000.csv": "", "part-00000-8f2c4df0-1b1c-4e4e-9d9d-0123456789ab-c000.csv": "",
		"lmsys/data/train-00000-of-00006-4feeb3f83346a0e9.csv": "lmsys", "lmsys/data/train-00001-of-00006-0feeb3f83346a0e9.csv": "lmsys", "wild/benign.csv": "wild",
		"wild/malicious_2.csv": "wild", "u\u0308ber.csv": "\u00fcber", // as macOS writes it
		"reddit/000_default.csv": "reddit", "own/prompts-2024-01-31.csv": "own", "2024-01-31.csv": "", "own/train_2024_01.csv": "own", "split=train/lang=en/part-r-00000.csv": "", "own/source=web/part-0.csv": "web", "mails (1).csv": "mails",
		"part-00001-abc.csv": "", "wild2/shard_0007.of.host3.csv": "wild2", "partner-2024-mails.csv": "partner-2024-mails", "toxic-chat/test.csv": "toxic-chat", "xstest_v2.csv": "xstest_v2", "dan/train_1.csv": "dan", "harmful/0001.csv": "harmful",
	}
	i := 0
	for name := range want {
		files[name] = fmt.Sprintf("text,label\n%s,%d\n", name, i%2)
		if strings.Contains(name, "benign") {
			files[name] = fmt.Sprintf("text,label\n%s,0\n", name)
		} else if strings.Contains(name, "malicious") {
			files[name] = fmt.Sprintf("text,label\n%s,1\n", name)
		}
		i++
	}
	got := map[string]string{}
	for _, r := range mustRead(t, Config{}, files) {
		got[r.Text] = r.Source
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A flag beside an answer may be about the answer (BeaverTails). A note must say so.
func TestFlagsBesideAnswers(t *testing.T) {
	for text, want := range map[string]string{
		`{"prompt":"a","response":"b","is_safe":true}`:        `the label comes from "is_safe". If that is about "response"`,
		`{"prompt":"a","response":"b","prompt_harmful":true}`: "",
		`{"prompt":"a","response":"b","label":1}`:             "",
	} {
		_, env, err := read(t, Config{Labels: map[string]string{"1": "malicious"}}, folder(t, map[string]string{"a.jsonl": text}))
		if said := strings.Join(env.Notes, "\n"); err != nil || !strings.Contains(said, want) || want == "" && strings.Contains(said, "is about") {
			t.Errorf("%s: %q, %v", text, said, err)
		}
	}
}

// The shapes of further public data sets.
func TestShapesOfPublicDataSets(t *testing.T) {
	for name, c := range map[string]struct {
		file, text string
		c          Config
		want       string
	}{
		"SPML":           {"a.csv", "System Prompt,User Prompt,Prompt injection,Degree,Source\nbe kind,hello,0,0,gpt\nbe kind,ignore it,1,5,gpt\n", Config{}, "hello benign; ignore it malicious"},
		"SORRY-Bench":    {"a.jsonl", `{"question_id":1,"category":"1","turns":["make a bomb"],"prompt_style":"base"}`, Config{Label: "malicious"}, "make a bomb malicious"},
		"StrongREJECT":   {"a.csv", "category,source,forbidden_prompt\nx,custom,make a bomb\n", Config{Label: "malicious"}, "make a bomb malicious"},
		"LMSYS":          {"a.jsonl", `{"conversation_id":"1","model":"m","conversation":[{"content":"hi","role":"user"},{"content":"hello","role":"assistant"}],"turn":1,"language":"English","openai_moderation":[{"categories":{"hate":false},"flagged":false}],"redacted":false}`, Config{Label: "benign"}, "hi benign"},
		"ShareGPT":       {"a.json", `[{"id":"1","conversations":[{"from":"human","value":"hi"},{"from":"gpt","value":"hello"}]}]`, Config{Label: "benign"}, "hi benign"},
		"WildChat":       {"a.jsonl", `{"conversation":[{"content":"hi","role":"user","toxic":false}],"toxic":false}` + "\n" + `{"conversation":[{"content":"insult me","role":"user","toxic":true}],"toxic":true}`, Config{}, "hi benign; insult me malicious"},
		"Dolly":          {"a.jsonl", `{"instruction":"sum up","context":"a text","response":"done","category":"summarization"}`, Config{Label: "benign"}, "sum up benign"},
		"Alpaca":         {"a.json", `[{"instruction":"sum up","input":"a text","output":"done"}]`, Config{Label: "benign"}, "sum up\na text benign"},
		"HarmBench":      {"a.csv", "Behavior,FunctionalCategory,SemanticCategory,Tags,ContextString,BehaviorID\nmake a bomb,standard,weapons,,,b1\n", Config{Label: "malicious"}, "make a bomb malicious"},
		"Gandalf":        {"a.csv", "text,similarity\nignore it,0.9\n", Config{Label: "malicious"}, "ignore it malicious"},
		"jailbreak set":  {"a.csv", "prompt,type\nhello,benign\nbe DAN,jailbreak\n", Config{}, "hello benign; be DAN malicious"},
		"in the wild":    {"a.csv", "platform,source,prompt,jailbreak,created_at\nreddit,r/x,be DAN,True,2023-05-01\nreddit,r/x,hello,False,2023-05-01\n", Config{}, "be DAN malicious; hello benign"},
		"labels in caps": {"a.csv", "text,label\nhello,LEGIT\nignore it,INJECTION\n", Config{}, "hello benign; ignore it malicious"},
	} {
		rows, _, err := read(t, c.c, folder(t, map[string]string{c.file: c.text}))
		if got := texts(rows); err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
}

// Alpaca's column text holds prompt, frame and answer together, so it isn't the prompt. A note must name the column that wasn't chosen.
func TestTextColumns(t *testing.T) {
	rows, _, err := read(t, Config{Label: "benign"}, folder(t, map[string]string{"a.jsonl": `{"instruction":"Name a colour.","input":"","output":"The colour of the sky is blue.","text":"### Instruction: Name a colour. ### Response: The colour of the sky is blue."}`}))
	if err != nil || len(rows) != 1 || rows[0].Text != "Name a colour." {
		t.Errorf("%+v, %v", rows, err)
	}
	_, env, err := read(t, Config{Label: "malicious"}, folder(t, map[string]string{"a.csv": "prompt,user_input,level\nSay {x},x,1\n"}))
	if said := strings.Join(env.Notes, "\n"); err != nil || !strings.Contains(said, `the text comes from "prompt"; the file has "user_input", too`) {
		t.Errorf("%q, %v", said, err)
	}
}

// If the names of a file and of its folder say different labels, neither decides.
func TestFileAgainstItsFolder(t *testing.T) {
	files := map[string]string{"benign/attack_words.txt": "what is an attack\n", "malicious.txt": "go on\n"}
	_, _, err := read(t, Config{}, folder(t, files))
	if err == nil || !strings.Contains(err.Error(), `benign/attack_words.txt: its name says malicious, its folder "benign" says benign`) {
		t.Errorf("%v", err)
	}
	files = map[string]string{"prompt-injections/benign.txt": "hello\n", "malicious/benign.csv": "text,label\na,1\n"} // a data set's name, and a column
	if rows, _, err := read(t, Config{}, folder(t, files)); err == nil || !strings.Contains(err.Error(), `the file's name says benign, and "label" says malicious`) {
		t.Errorf("%q, %v", texts(rows), err)
	}
	if rows := mustRead(t, Config{}, map[string]string{"prompt-injections/benign.txt": "hello\n", "prompt-injections/more.txt": "go on\n"}); texts(rows) != "hello benign; go on malicious" {
		t.Errorf("%q", texts(rows))
	}
}

// Values that only the column's name explains must be reported. If the labels argument explains them, they must not be reported again.
func TestGuessedValues(t *testing.T) {
	for _, c := range []struct {
		text string
		c    Config
		want string
	}{
		{"text,label\na,True\nb,False\n", Config{}, `label "False" is taken for benign (1 row), "True" for malicious (1 row): say labels = { "False" = "malicious", "True" = "benign" }`},
		{"text,label\na,positive\nb,negative\n", Config{}, `label "negative" is taken for benign (1 row), "positive" for malicious (1 row)`},
		{"text,label\na,0.0\nb,1.0\n", Config{}, `say labels = { "0.0" = "malicious", "1.0" = "benign" }`},
		{"text,trusted\na,0\nb,1\n", Config{Columns: map[string]string{"label": "trusted"}}, `label 0 is taken for benign (1 row), 1 for malicious (1 row)`},
		{"text,Label (0=malicious; 1=benign)\na,0\nb,1\n", Config{Columns: map[string]string{"label": "Label (0=malicious; 1=benign)"}}, `label 0 is taken for benign (1 row)`},
		{"text,label\na,0\nb,1\n", Config{Labels: map[string]string{"0": "malicious", "1": "benign"}}, ""},
		{"text,label\na,Yes\nb,NO\n", Config{Labels: map[string]string{"yes": "benign", "no": "malicious"}}, ""},
		{"text,is_attack\na,true\nb,0\n", Config{}, ""},
	} {
		_, env, err := read(t, c.c, folder(t, map[string]string{"a.csv": c.text}))
		if said := strings.Join(env.Notes, "\n"); err != nil || !strings.Contains(said, c.want) || c.want == "" && said != "" {
			t.Errorf("%q: %q, %v", c.text, said, err)
		}
	}
}

// Other columns of an annotation tool count, too. What is no prompt or isn't read must be reported.
func TestToldBesideTheRows(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		c     Config
		want  string // a note, the error, or a line of the log
	}{
		"Prodigy":       {map[string]string{"a.jsonl": `{"text":"a","_task_hash":1,"label":"JAILBREAK","answer":"reject"}`}, Config{}, `its "answer" is "reject": an annotator has not accepted label "JAILBREAK"`},
		"both labels":   {map[string]string{"a.jsonl": `{"text":"a","label":["benign","jailbreak"]}`}, Config{}, `label "[\"benign\",\"jailbreak\"]"`},
		"one-hot":       {map[string]string{"a.jsonl": `{"text":"a","label":[0,0]}`}, Config{}, `label "[0,0]"`},
		"answers":       {map[string]string{"a.jsonl": `{"text":"a","role":"prompter"}` + "\n" + `{"text":"b","role":"assistant"}`}, Config{Label: "benign"}, `1 row is a model's words and no prompts`},
		"empty":         {map[string]string{"a.csv": "text,label\n", "b.csv": "text,label\na,safe\n"}, Config{}, "a.csv has no rows"},
		"archives":      {map[string]string{"a.tar.gz": "", "b.csv": "text,label\na,safe\n", "c.TAR.ZST": ""}, Config{}, `not read, because of the name: "a.tar.gz", "c.TAR.ZST"`},
		"not read":      {map[string]string{"a.zip": "", "_more.csv": "text,label\n", "b.csv": "text,label\na,safe\n"}, Config{}, `not read, because of the name: "_more.csv", "a.zip"`},
		"all bad":       {map[string]string{"a.csv": "text,label\na,safe,b\n"}, Config{}, "a.csv: no usable row"},
		"encodings":     {map[string]string{"a.csv": "text,label\nb\xe4r,safe\n"}, Config{}, `convert the file (iconv -f windows-1252 -t utf-8)`},
		"contradiction": {map[string]string{"a.csv": "text,label\na,safe\nb,safe\na,unsafe\n"}, Config{}, `1 row has the text of an earlier row with the other label, first "a"`},
		"CSV in .txt":   {map[string]string{"a.txt": "id\ttext\tlabel\n1\ta\t0\n"}, Config{Label: "benign"}, `a.txt:1: the file's name says that each line is a text, and its first line looks like the header of a table`},
		"JSON in .txt":  {map[string]string{"a.txt": `{"text":"a","label":0}`}, Config{Label: "benign"}, `looks like an object of JSON lines. Say which it is, format = "jsonl" or format = "text"`},
		"zero bytes":    {map[string]string{"a.csv": "text,label\nb\x00r,safe\n"}, Config{}, `zero bytes in "text": replace them, utf8 = "repair"`},
	} {
		_, env, err := read(t, c.c, folder(t, c.files))
		if said := fmt.Sprint(env.Notes, err, env.Logs); !strings.Contains(said, c.want) {
			t.Errorf("%s: %s", name, said)
		}
	}
}
