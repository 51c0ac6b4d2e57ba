package cache

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/zeebo/blake3"
)

// Digest is a BLAKE3-256 hash: of content (an OutputID) or of a key text (an ActionID).
type Digest [32]byte

// Sum hashes b.
func Sum(b []byte) Digest { return blake3.Sum256(b) }

// sumOf hashes texts, one after another.
func sumOf(parts [][]byte) (d Digest) {
	h := blake3.New()
	for _, p := range parts {
		_, _ = h.Write(p) // a hash doesn't fail
	}
	h.Sum(d[:0])
	return d
}

// SumString hashes s.
func SumString(s string) (d Digest) {
	h := blake3.New()
	_, _ = h.WriteString(s) // a hash doesn't fail
	h.Sum(d[:0])
	return d
}

// ParseDigest reads what String wrote.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	if len(s) != 2*len(d) {
		return d, fmt.Errorf("digest %q: %d characters, want %d", s, len(s), 2*len(d))
	}
	_, err := hex.Decode(d[:], []byte(s))
	return d, err
}

// String is the digest in lower-case hex, 64 characters.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Short is the first 12 characters, for people.
func (d Digest) Short() string { return d.String()[:12] }

// IsZero tells the absent digest.
func (d Digest) IsZero() bool { return d == Digest{} }

// MarshalText implements encoding.TextMarshaler.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Digest) UnmarshalText(b []byte) (err error) {
	*d, err = ParseDigest(string(b))
	return err
}

// Blob names content in the store: a file, or a folder (then Digest is that of its manifest).
type Blob struct {
	Digest Digest `json:"digest"`
	Size   int64  `json:"size"` // bytes, all files of a folder together
	Dir    bool   `json:"dir,omitempty"`
	Exec   bool   `json:"exec,omitempty"` // a file that may be executed; of a folder's files its digest says so
}

// Result is what an execution left besides its outputs. It is kept with the Entry, so a hit brings it back.
type Result struct {
	Metrics map[string]float64      `json:"metrics,omitempty"`
	Series  map[string][][2]float64 `json:"series,omitempty"`   // curve -> [at, value] points
	Notes   []string                `json:"notes,omitempty"`    // shortages, recorded breaches
	RunMS   int64                   `json:"run_ms,omitempty"`   // wall time of the execution
	PeakRSS int64                   `json:"peak_rss,omitempty"` // bytes, where it ran in a process of its own
	Made    time.Time               `json:"made"`
	Host    string                  `json:"host,omitempty"`
	Device  string                  `json:"device,omitempty"` // what trained it: not in the key
}

// Entry is the index's line for one ActionID.
type Entry struct {
	Action   Digest          `json:"action"`
	Type     string          `json:"type"`     // step type
	Version  int             `json:"version"`  // step version
	Pipeline string          `json:"pipeline"` // where it was first made; a label, not identity
	Step     string          `json:"step"`
	Key      string          `json:"key"` // the text that was hashed to Action
	Outputs  map[string]Blob `json:"outputs"`
	Result   Result          `json:"result"`
}

// Miss says why something isn't to be had from the store. It is never a fault: the work is done again.
type Miss struct {
	What   string // "entry", "blob"
	Reason string // "not found", "corrupt: ...", "written by a later version"
}

func (m *Miss) Error() string { return m.What + ": " + m.Reason }
