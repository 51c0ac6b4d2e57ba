package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"rein/pipelines/human"
	"rein/pipelines/lang/scaffold"
	"rein/steps/artifact"
	"rein/steps/dataset"
)

// dataPath is one of the paths that init takes.
type dataPath struct {
	flag, question string
	data           *scaffold.Data
	benign         bool // rows without a label are benign
}

func dataPaths(o *scaffold.Options) []dataPath {
	return []dataPath{
		{"train", "Labelled prompts (JSONL, CSV, Parquet; a file or folder; empty for the built-in corpus): ", &o.Train, false},
		{"pool", "Benign prompts to mine (empty: split off those): ", &o.Pool, true},
		{"test", "Labelled prompts to report on (empty: split off those): ", &o.Test, false},
	}
}

// findData looks at the data that flags name. On a terminal it asks for the others, if ask is set. asked is what flags say about how all data
// are read.
func (a *app) findData(ctx context.Context, o *scaffold.Options, asked scaffold.Reading, ask bool) error {
	tty := false
	if in, ok := a.in.(*os.File); ok && ask {
		tty, _ = isTerminal(in)
	}
	answers := bufio.NewReader(a.in)
	for _, p := range dataPaths(o) {
		var err error
		switch {
		case p.data.Path != "":
			err = a.lookAt(ctx, p, asked)
		case tty && (p.flag == "train" || o.Train.Path != ""):
			err = a.ask(ctx, answers, p, asked)
		}
		if err != nil {
			return err
		}
	}
	return refuseUnused(o, asked)
}

// ask asks for a path until one can be read, or none is given.
func (a *app) ask(ctx context.Context, answers *bufio.Reader, p dataPath, asked scaffold.Reading) error {
	for {
		fmt.Fprint(a.err, p.question)
		line, err := answers.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if p.data.Path = strings.TrimSpace(line); p.data.Path == "" {
			return nil
		}
		wrong := a.lookAt(ctx, p, asked)
		if wrong == nil || err != nil || ctx.Err() != nil { // after an error nobody is left to ask again
			return wrong
		}
		complain(a.err, wrong)
	}
}

// readingOf is how the data of one flag are read. What --columns and --labels say holds for all data; with a flag's name before it, as in
// test.text=body, it holds for that flag's data alone.
func readingOf(flag string, asked scaffold.Reading) scaffold.Reading {
	return scaffold.Reading{Columns: entriesOf(flag, asked.Columns), Labels: entriesOf(flag, asked.Labels), MaxBad: asked.MaxBad}
}

func entriesOf(flag string, asked map[string]string) map[string]string {
	all, own := map[string]string{}, map[string]string{}
	for key, value := range asked {
		if of, name := flagOf(key); of == "" {
			all[name] = value
		} else if of == flag {
			own[name] = value
		}
	}
	maps.Copy(all, own)
	return all
}

// flagOf divides test.text into the flag whose data it is about and the rest. For a key about all data, flag is empty.
func flagOf(key string) (flag, rest string) {
	if before, after, ok := strings.Cut(key, "."); ok && slices.Contains([]string{"train", "pool", "test"}, before) {
		return before, after
	}
	return "", key
}

// refuseUnused refuses what flags say about data that nobody has given: it would be lost.
func refuseUnused(o *scaffold.Options, asked scaffold.Reading) error {
	paths := dataPaths(o)
	given := func(flag string) bool {
		return slices.ContainsFunc(paths, func(p dataPath) bool { return p.data.Path != "" && (flag == "" || p.flag == flag) })
	}
	for _, m := range []struct {
		name    string
		entries map[string]string
	}{{"columns", asked.Columns}, {"labels", asked.Labels}} {
		for _, key := range sortedKeys(m.entries) {
			if flag, _ := flagOf(key); !given(flag) {
				return configError(fmt.Errorf("--%s %s=%s says how data are read; give the data, too: --%s PATH", m.name, key, m.entries[key], cmp.Or(flag, "train")))
			}
		}
	}
	if asked.MaxBad > 0 && !given("") {
		return configError(errors.New("--max-bad says how data are read; give the data, too: --train PATH"))
	}
	return nil
}

// firstRows is how many rows of each file init looks at.
const firstRows = 1000

// lookAt reads the first rows of a path as a run would, and prints what was recognised.
func (a *app) lookAt(ctx context.Context, p dataPath, asked scaffold.Reading) error {
	if _, err := os.Stat(p.data.Path); err != nil {
		return configError(err)
	}
	p.data.Reading = readingOf(p.flag, asked)
	g, without, err := glimpse(ctx, p, asked)
	if err != nil {
		return configError(fmt.Errorf("--%s %s: %w%s", p.flag, p.data.Path, err, flagsFor(p, err.Error())))
	}
	a.say("read  %s: %s", p.data.Path, glimpsed(g))
	if len(without) > 0 {
		a.say("note: %s has no column %s: its own are taken; --columns %s.FIELD=COLUMN names others for these data alone", p.data.Path, strings.Join(without, " or "), p.flag)
	}
	for _, n := range g.Notes {
		a.say("note: %s", n)
	}
	switch malicious := g.Rows - g.Benign; {
	case p.benign:
	case !g.More && (g.Benign == 0 || malicious == 0):
		return configError(fmt.Errorf("--%s %s: every row is %s; a classifier is trained and tested on both kinds", p.flag, p.data.Path, kindOf(g)))
	case g.Benign == 0 || malicious == 0:
		a.say("note: all of these first rows are %s; both kinds are needed", kindOf(g))
	}
	const use = "rein keeps the sources of training and test apart, and says what the model does on new ones"
	switch {
	case g.Sources > 1 || p.flag != "train":
	case len(g.Fields["source"]) == 0:
		a.say("note: no column says where a row is from. With one (source), %s; --columns source=NAME names it", use)
	default:
		a.say("note: all of these rows are of one source, by %s. With several, %s", strings.Join(g.Fields["source"], " or "), use)
	}
	return nil
}

// flagsFor says how init takes what a message about data says in the words of the language. It is empty if the message is about something else.
func flagsFor(p dataPath, message string) string {
	var flags []string
	for _, f := range [][2]string{{"columns", "--columns FIELD=COLUMN,..."}, {"labels", "--labels VALUE=benign,..."}, {"max_bad", "--max-bad N"}} {
		if strings.Contains(message, f[0]) {
			flags = append(flags, f[1])
		}
	}
	var b strings.Builder
	if len(flags) > 0 {
		fmt.Fprintf(&b, "\n  init takes %s", strings.Join(flags, ", "))
	}
	if len(flags) > 0 && p.flag != "train" {
		fmt.Fprintf(&b, "\n  for these data alone: --columns %[1]s.FIELD=COLUMN, --labels %[1]s.VALUE=benign", p.flag)
	}
	if strings.Contains(message, "say label =") {
		b.WriteString("\n  or give a folder with files whose names are their label: benign.csv, malicious.csv")
	}
	return b.String()
}

// glimpse looks at the data of a path. Columns that flags name for all data and that the pool or the test lack are left out for these, and returned:
// the pool or the test may have a usual name for them.
func glimpse(ctx context.Context, p dataPath, asked scaffold.Reading) (g *dataset.Glimpse, without []string, err error) {
	how := &p.data.Reading
	c := dataset.Config{Columns: how.Columns, Labels: how.Labels, MaxBad: how.MaxBad}
	if p.benign {
		c.Label = artifact.Benign
	}
	for {
		g, err = dataset.Look(ctx, p.data.Path, c, firstRows)
		var lacks *dataset.NoColumn
		if !errors.As(err, &lacks) || p.flag == "train" || asked.Columns[p.flag+"."+lacks.Field] != "" {
			return g, without, err
		}
		without = append(without, strconv.Quote(lacks.Column))
		delete(how.Columns, lacks.Field)
	}
}

// kindOf is the label that all rows have.
func kindOf(g *dataset.Glimpse) string {
	if g.Benign > 0 {
		return artifact.Benign
	}
	return artifact.Malicious
}

// glimpsed is what was seen of data, in words.
func glimpsed(g *dataset.Glimpse) string {
	taken := []string{"text from " + strings.Join(g.Text, " or "), "label from " + strings.Join(g.Label, " or ")}
	for _, field := range sortedKeys(g.Fields) {
		taken = append(taken, field+" from "+strings.Join(g.Fields[field], " or "))
	}
	rows := human.Many(g.Rows, "row")
	if g.More {
		rows = "its first " + rows
		if g.Files > 1 {
			rows = fmt.Sprintf("the first %s of %s", human.Many(g.Rows, "row"), human.Many(g.Files, "file"))
		}
	}
	out := fmt.Sprintf("%s; %s: %s benign, %s malicious", strings.Join(taken, ", "), rows, human.Count(int64(g.Benign)), human.Count(int64(g.Rows-g.Benign)))
	if g.Sources > 0 {
		out += ", of " + human.Many(g.Sources, "source")
	}
	return out
}
