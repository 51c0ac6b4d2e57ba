package index

import (
	"encoding/json"
	"io/fs"
	"os"
	"time"
)

// Reading all tables would take most of the time of a command that has little to do. So a process records which tables it has checked.
// Another process that only reads then checks only the end of each table, which Badger trusts, as long as the system says that nobody has
// written to the file: nobody can set its change time back. A block that decays on the disk without a trace isn't used, because Badger
// verifies the checksum of each block that it reads. It is found when the check is due again, or before somebody writes to the index.

// checkAge is how long the check of a table counts; up to twice as long, so that not all become due at once. cache.proofAge is the same of
// blobs.
const checkAge = 14 * 24 * time.Hour

// oldEnough is how long ago a file must have been changed for its times to tell every later change.
const oldEnough = 3 * time.Second

// stamp is what the system says of a file that was checked.
type stamp struct {
	Size  int64     `json:"size"`
	Mtime int64     `json:"mtime"` // ns
	Ctime int64     `json:"ctime"` // ns
	Inode uint64    `json:"inode"`
	At    time.Time `json:"at"` // of the check
}

// stampOf is the stamp of a file at a time; not ok where the system doesn't tell the change time.
func stampOf(info fs.FileInfo, at time.Time) (st stamp, ok bool) {
	ctime, inode, _, ok := Identity(info)
	return stamp{info.Size(), info.ModTime().UnixNano(), ctime, inode, at}, ok
}

// counts tells whether a check of then is one of the file as it looks now.
func (was stamp) counts(now stamp, name string) bool {
	age := checkAge
	for _, c := range name { // names are numbers
		age += checkAge / 10 * time.Duration(c%10) / time.Duration(len(name))
	}
	since := now.At.Sub(was.At)
	was.At = now.At
	return was == now && since >= 0 && since < age
}

// checks are what is kept of the checks of an index's tables, by name.
type checks struct {
	path      string // the file; "": there is none
	oldEnough time.Duration
	known     map[string]stamp
	fresh     bool // there is more than in the file
}

// read reads what other processes have kept. What can't be read counts as nothing.
func (c *checks) read() {
	c.known, c.fresh = map[string]stamp{}, false
	if c.path == "" {
		return
	}
	text, err := ReadPlain(c.path)
	if err == nil && json.Unmarshal(text, &c.known) != nil || c.known == nil {
		c.known = map[string]stamp{}
	}
}

// add keeps the check of a file that looked so before it was read.
func (c *checks) add(name string, st stamp) {
	if st.At.Sub(time.Unix(0, max(st.Ctime, st.Mtime))) > c.oldEnough {
		c.known[name], c.fresh = st, true
	}
}

// write keeps the checks of the tables that there are. What can't be written is checked again.
func (c *checks) write(there map[string]bool) {
	if !c.fresh || c.path == "" {
		return
	}
	c.fresh = false
	for name := range c.known {
		if !there[name] {
			delete(c.known, name)
		}
	}
	text, err := json.Marshal(c.known)
	if err != nil {
		return
	}
	f, err := OpenPlain(c.path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return
	}
	_, _ = f.Write(text) // what is torn counts as nothing
	_ = f.Close()
}
