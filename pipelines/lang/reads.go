package lang

import (
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"rein/cache"
)

// reads are the questions that a load asks of the world, with the digest of each answer. As long as all answers are the same, the same load
// makes the same program, because nothing else affects it but the options and rein itself.
type reads struct {
	all   []read
	known map[question]bool
	unfit bool // a question can't be asked again: it was a pipe, or it failed
}

type read struct {
	question
	answer cache.Digest
}

// question is what a load asks.
type question struct {
	of   topic
	name string
}

type topic string

// The topics. On the disk are the files that are the user's even where pipelines come from elsewhere.
const (
	ofText       topic = "text"
	ofKind       topic = "kind"
	ofList       topic = "list"
	ofTextOnDisk topic = "text on disk"
	ofKindOnDisk topic = "kind on disk"
	ofListOnDisk topic = "list on disk"
	ofEnv        topic = "env"
	ofApproved   topic = "approved"
)

// absent is the digest of the answer that nothing exists there. No text has it.
var absent = cache.Digest{1}

// add records an answer. The zero digest means that there was none.
func (r *reads) add(q question, answer cache.Digest) {
	if r == nil {
		return
	}
	if answer.IsZero() {
		r.unfit = true
	}
	if r.known == nil {
		r.known = map[question]bool{}
	}
	if !r.known[q] {
		r.known[q] = true
		r.all = append(r.all, read{q, answer})
	}
}

// on is the topic of a question to a source.
func (s *source) on(of, disk topic) topic {
	if s.fsys == nil {
		return disk
	}
	return of
}

// digest is an answer as a read keeps it.
func digest(text []byte, err error) cache.Digest {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return absent
	case err != nil:
		return cache.Digest{}
	}
	return cache.Sum(text)
}

func digestOfKind(dir bool, err error) cache.Digest {
	return digest(strconv.AppendBool(nil, dir), err)
}

func digestOfList(entries []fs.DirEntry, err error) cache.Digest {
	lines := make([]string, len(entries))
	for i, e := range entries {
		lines[i] = strconv.Quote(e.Name()) + " " + strconv.FormatBool(e.IsDir()) + "\n"
	}
	slices.Sort(lines)
	return digest([]byte(strings.Join(lines, "")), err)
}

func digestOfEnv(env map[string]string, name string) cache.Digest {
	v, ok := env[name]
	if !ok {
		return absent
	}
	return cache.Sum([]byte(v))
}

func digestOfApproved(approved map[string]float64, metric string) cache.Digest {
	v, ok := approved[metric]
	if !ok {
		return absent
	}
	return cache.Sum(strconv.AppendFloat(nil, v, 'x', -1, 64))
}

// hold asks the questions again and tells whether all answers are the same.
func (r *reads) hold(l *loader) bool {
	disk := &source{work: l.opts.Dir}
	var approved map[string]float64
	asked := false
	again := func(q question) cache.Digest {
		from := l.source
		switch q.of {
		case ofTextOnDisk, ofKindOnDisk, ofListOnDisk:
			from = disk
		case ofEnv:
			return digestOfEnv(l.env, q.name)
		case ofApproved:
			if !asked && l.opts.Approved != nil {
				approved, asked = l.opts.Approved(), true
			}
			return digestOfApproved(approved, q.name)
		}
		switch q.of {
		case ofText, ofTextOnDisk:
			return digest(from.text(q.name))
		case ofKind, ofKindOnDisk:
			return digestOfKind(from.lookKind(q.name))
		}
		return digestOfList(from.lookIn(q.name))
	}
	for _, a := range r.all {
		if a.answer.IsZero() || again(a.question) != a.answer {
			return false
		}
	}
	return true
}
