package runlog

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"rein/cache"
	"rein/engine/record"
)

// lookEvery is how often a file is checked for new lines. Polling works on every file system; notifications don't.
const lookEvery = 200 * time.Millisecond

// Live lists the running runs, newest first: their records as they were known when the runs began.
func Live(store *cache.Store) ([]*record.Run, error) {
	ids, err := store.RunsWithEvents()
	if err != nil {
		return nil, err
	}
	var out []*record.Run
	for _, id := range slices.Backward(ids) {
		if goes, err := Goes(store, id); err != nil || !goes {
			continue
		}
		if r, err := Head(store, id); err == nil {
			out = append(out, r)
		}
	}
	return out, nil
}

// Goes tells whether a run's process still writes events.
func Goes(store *cache.Store, id string) (bool, error) { return store.Leased(alive(id)) }

// Head is a run's record as it was known when the run began.
func Head(store *cache.Store, id string) (*record.Run, error) {
	f, err := cache.OpenPlain(store.RunEvents(id), os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	line, err := bufio.NewReader(f).ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("the events of run %s: %w", id, err)
	}
	var r record.Run
	if err := json.Unmarshal(line, &r); err != nil {
		return nil, fmt.Errorf("the events of run %s: %w", id, err)
	}
	return &r, nil
}

// Follow yields the lines of a run's events from an offset in their file (0: the first event), each with the offset behind it. It waits for
// more until the run's process has ended. If a run's events aren't kept, there are none.
func Follow(ctx context.Context, store *cache.Store, id string, from int64, each func(line []byte, next int64) error) error {
	f, err := cache.OpenPlain(store.RunEvents(id), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer f.Close()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	t := &tail{file: f, at: from, head: from == 0}
	for {
		goes, err := Goes(store, id) // before reading, so that everything a process wrote before its end is read
		if err != nil {
			return err
		}
		if err := t.read(each); err != nil || !goes {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// tail reads whole lines from an offset in a file.
type tail struct {
	file *os.File
	at   int64
	head bool // the next line is the record
}

func (t *tail) read(each func([]byte, int64) error) error {
	r := bufio.NewReader(io.NewSectionReader(t.file, t.at, 1<<62))
	for {
		line, err := r.ReadBytes('\n')
		if err == io.EOF {
			return nil // the rest of an incomplete line may follow
		} else if err != nil {
			return err
		}
		t.at += int64(len(line))
		if t.head {
			t.head = false
			continue
		}
		if err := each(bytes.TrimSuffix(line, []byte("\n")), t.at); err != nil {
			return err
		}
	}
}
