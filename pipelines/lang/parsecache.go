package lang

import (
	"bytes"
	"sync"

	"github.com/hashicorp/hcl/v2"
)

// ParseCache keeps parsed files between loads, for an editor's server, where one of many files changes at a time.
type ParseCache struct {
	mu    sync.Mutex
	files map[string]parsedFile
}

type parsedFile struct {
	file  *hcl.File
	diags hcl.Diagnostics
}

// parse parses a text, or returns the result for an equal text of the same name. A parsed file is never changed.
func (c *ParseCache) parse(name string, text []byte) (*hcl.File, hcl.Diagnostics) {
	if c == nil {
		return parseFile(name, text)
	}
	c.mu.Lock()
	defer c.mu.Unlock() // a caller that needs the same text waits for the result
	if p, ok := c.files[name]; ok && bytes.Equal(p.file.Bytes, text) {
		return p.file, p.diags
	}
	f, diags := parseFile(name, text)
	if c.files == nil {
		c.files = map[string]parsedFile{}
	}
	c.files[name] = parsedFile{f, diags}
	return f, diags
}

func parseFile(name string, text []byte) (*hcl.File, hcl.Diagnostics) {
	f, diags := parse(name, text)
	if bytes.IndexByte(text, '*') >= 0 { // else there is no splat
		listSplats(f.Body)
	}
	return f, diags
}

// parsed reads and parses a file; nil if it can't be read.
func (l *loader) parsed(name string) (*hcl.File, hcl.Diagnostics) {
	text, err := l.source.read(name)
	if err != nil {
		return nil, nil
	}
	return l.opts.Parsed.parse(name, text)
}

// Parse parses a file in either syntax; cache may be nil. It returns a body even for a broken file, and an empty one for a file that is
// refused before parsing.
func Parse(name string, text []byte, cache *ParseCache) *hcl.File {
	f, _ := cache.parse(name, text)
	return f
}
