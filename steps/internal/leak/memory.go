package leak

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"rein/steps/artifact"
)

// File is the file of a model's folder that remembers the rows the model was made with: their hashes and ids, no text.
const File = "lineage.zst"

const memoryFormat = 1

// Side is what rows were used for when a model was made.
type Side uint8

// The sides. Their rows must not be reported on.
const (
	Trains  Side = iota // the model was fitted to them
	Chooses             // they chose a threshold or a checkpoint
	Mined               // their false positives became training rows
)

func (s Side) String() string { return [...]string{"trained on", "chosen with", "reinforced from"}[s] }

// Use is a set of rows and what they were used for.
type Use struct {
	Side Side
	Rows artifact.Rows
}

// Memory holds the rows that a model was made with. The slices are by row.
type Memory struct {
	known *Index
	sides []Side
	made  []bool // whether a method wrote the row; such a row may equal a real one by chance
	ids   []string
}

// label is the part of a row that isn't compared.
type label struct {
	side Side
	made bool
	id   string
}

// Save writes the memory of the rows in uses into a model's folder. from is empty, or the folder of a model that training continued. That
// model's rows are remembered, too.
func Save(ctx context.Context, dir, from string, uses ...Use) (err error) {
	f, err := os.Create(filepath.Join(dir, File))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := zstd.NewWriter(f, zstd.WithEncoderConcurrency(1)) // one worker, so that equal rows give equal bytes
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, z.Close()) }()
	w := &encoder{w: bufio.NewWriter(z), signed: map[uint64]bool{}}
	head, err := json.Marshal(header{memoryFormat, DefaultNear})
	if err != nil {
		return err
	}
	w.bytes(append(head, '\n'))
	if from != "" {
		if err := w.copyFrom(from); err != nil {
			return err
		}
	}
	for _, u := range uses {
		if err := w.use(ctx, u); err != nil {
			return err
		}
	}
	return errors.Join(w.err, w.w.Flush())
}

// Add gives the model in folder to the memory of the model in folder from, together with the rows in uses. Without uses, it does nothing if
// from has no memory.
func Add(ctx context.Context, from, to string, uses ...Use) error {
	if len(uses) > 0 {
		return Save(ctx, to, from, uses...)
	}
	b, err := os.ReadFile(filepath.Join(from, File))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, File), b, 0o644)
}

type header struct {
	Format int     `json:"format"`
	Near   float64 `json:"near"`
}

// madeBit is set in the first byte of a record if a method wrote the row.
const madeBit = 0x80

// encoder writes records. A record has: side and madeBit (1 byte), hash of the text (8), hash of the root (8), length of the id (varint),
// the id, then 1 and the signature, or 0 if an earlier record has the same text.
type encoder struct {
	w      *bufio.Writer
	signed map[uint64]bool
	err    error
}

func (e *encoder) bytes(b []byte) {
	if e.err == nil {
		_, e.err = e.w.Write(b)
	}
}

func (e *encoder) record(l label, p prepared) {
	b := []byte{byte(l.side)}
	if l.made {
		b[0] |= madeBit
	}
	b = binary.LittleEndian.AppendUint64(b, p.text)
	b = binary.LittleEndian.AppendUint64(b, p.root)
	b = binary.AppendUvarint(b, uint64(len(l.id)))
	b = append(b, l.id...)
	if p.signed && !e.signed[p.text] {
		e.signed[p.text] = true
		b = append(append(b, 1), p.sig[:]...)
	} else {
		b = append(b, 0)
	}
	e.bytes(b)
}

func (e *encoder) use(ctx context.Context, u Use) error {
	return inChunks(ctx, u.Rows.All(), func(rows []artifact.Row) {
		for i, p := range prepareAll(rows, true) {
			e.record(label{u.Side, rows[i].Method != "", rows[i].ID}, p)
		}
	})
}

// copyFrom copies the records of another model's memory, if it has one.
func (e *encoder) copyFrom(dir string) error {
	err := read(dir, e.record)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// load reads the memory from a model's folder, and calls each after every row. If the model has none, the error is os.ErrNotExist.
func load(dir string, each func()) (*Memory, error) {
	m := &Memory{known: NewIndex(DefaultNear)}
	err := read(dir, func(l label, p prepared) {
		each()
		m.known.add(p)
		m.sides, m.made, m.ids = append(m.sides, l.side), append(m.made, l.made), append(m.ids, l.id)
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Remember makes a memory of rows that a model is going to be made with.
func Remember(ctx context.Context, uses ...Use) (*Memory, error) {
	m := &Memory{known: NewIndex(DefaultNear)}
	for _, u := range uses {
		err := inChunks(ctx, u.Rows.All(), func(rows []artifact.Row) {
			for i, p := range prepareAll(rows, true) {
				m.known.add(p)
				m.sides, m.made, m.ids = append(m.sides, u.Side), append(m.made, rows[i].Method != ""), append(m.ids, rows[i].ID)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return m, nil
}

func read(dir string, each func(label, prepared)) error {
	path := filepath.Join(dir, File)
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer z.Close()
	r := bufio.NewReader(z)
	line, err := r.ReadBytes('\n')
	var h header
	if err != nil || json.Unmarshal(line, &h) != nil {
		return fmt.Errorf("%s: not a model's memory of its rows", path)
	}
	if h.Format != memoryFormat {
		return fmt.Errorf("%s: format %d, this version reads %d", path, h.Format, memoryFormat)
	}
	for {
		l, p, err := readRecord(r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		each(l, p)
	}
}

// maxID is the longest id in bytes. It limits what a broken file can make us allocate.
const maxID = 1 << 20

func readRecord(r *bufio.Reader) (l label, p prepared, err error) {
	var fixed [17]byte
	if _, err = io.ReadFull(r, fixed[:]); err != nil {
		return l, p, err // io.EOF if there is no further record
	}
	l.side, l.made = Side(fixed[0]&^madeBit), fixed[0]&madeBit != 0
	p.text, p.root = binary.LittleEndian.Uint64(fixed[1:]), binary.LittleEndian.Uint64(fixed[9:])
	n, err := binary.ReadUvarint(r)
	if err != nil || n > maxID || l.side > Mined {
		return l, p, errors.New("a broken record")
	}
	b := make([]byte, n)
	if _, err = io.ReadFull(r, b); err != nil {
		return l, p, io.ErrUnexpectedEOF
	}
	l.id = string(b)
	has, err := r.ReadByte()
	if err != nil {
		return l, p, io.ErrUnexpectedEOF
	}
	if p.signed = has == 1; p.signed {
		if _, err = io.ReadFull(r, p.sig[:]); err != nil {
			return l, p, io.ErrUnexpectedEOF
		}
	}
	return l, p, nil
}
