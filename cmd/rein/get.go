package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rein/cache"
)

func (a *app) getCmd() *cobra.Command {
	var l loadFlags
	var out, format string
	var limit int
	c := &cobra.Command{
		Use:   "get FILE step.NAME.PORT",
		Short: "Print or copy what a step made",
		Long: `get prints a step's output, or copies it with -o: the one that the file describes as it is now, or, where that was never
made, the newest run's, which a note says. Rows are shown as a table on a terminal and as JSON lines elsewhere; --format
or the ending of -o (.jsonl, .csv, .parquet) chooses. What is at PATH is replaced only if rein put it there and nobody has
changed it since.

EXIT STATUS
  0  printed or copied
  2  there is no such step or port, nothing was made yet, or PATH holds what rein did not put there
  3  what was made is no longer in the store`,
		Example: `  rein get pipelines/hybrid.hcl step.sampled.rows -n 20
  rein get pipelines/hybrid.hcl step.package.package -o l2-model`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.get(c.Context(), args[0], args[1], getOptions{&l, out, format, limit})
		},
	}
	l.register(c)
	a.completeGet(c, &l)
	c.Flags().StringVarP(&out, "out", "o", "", "copy to this `PATH`")
	c.Flags().StringVar(&format, "format", "", "`FORMAT` of rows: table, jsonl, csv or parquet")
	c.Flags().IntVarP(&limit, "number", "n", 0, "at most `N` rows; 0 for all")
	return c
}

type getOptions struct {
	load        *loadFlags
	out, format string
	limit       int
}

func (a *app) get(ctx context.Context, file, ref string, o getOptions) error {
	if err := notNegative("--number", o.limit); err != nil {
		return err
	}
	if o.out == "-" { // standard output
		o.out = ""
	}
	p, err := a.load([]string{file}, o.load)
	if err != nil {
		return err
	}
	step, port, err := splitRef(ref)
	if err != nil {
		return err
	}
	store, err := a.storeFor(o.out)
	if err != nil {
		return err
	}
	defer store.Close()
	blob, err := a.findOutput(ctx, store, p, step, port)
	if err != nil {
		return err
	}
	path, err := store.Path(ctx, blob)
	if err != nil {
		return fmt.Errorf("step.%s.%s: %w; rein run --force '%s' %s makes it again", step, port, err, step, file)
	}
	format, err := getFormat(path, o)
	if err != nil {
		return err
	}
	if format == "" {
		return a.getRaw(ctx, store, blob, path, o.out)
	}
	if o.out == "" {
		if tty, _ := isTerminal(a.out); tty && o.format == "" {
			format = "table"
		}
		_, width := isTerminal(a.out)
		return writeRows(a.out, path, format, o.limit, width)
	}
	return store.PublishFile(ctx, o.out, func(w io.Writer) error {
		b := bufio.NewWriter(w)
		return errors.Join(writeRows(b, path, format, o.limit, 0), b.Flush())
	})
}

// storeFor opens the state folder for reading. If output is copied to a path, it opens the folder for writing, if that is possible, to
// record what was put there.
func (a *app) storeFor(out string) (*cache.Store, error) {
	if out == "" {
		return a.store(true)
	}
	store, err := a.store(false)
	if err == nil {
		var lease *cache.Lease
		if lease, err = store.TryLease(cache.Sum([]byte("may this be written"))); err == nil {
			if lease != nil {
				err = lease.Release()
			}
			return store, err
		}
		_ = store.Close() // it has written nothing
	}
	if !cache.Outside(err) {
		return nil, err
	}
	return a.store(true)
}

// getFormat is the format for the output at path; "" means unchanged.
func getFormat(path string, o getOptions) (string, error) {
	format := o.format
	if format == "" {
		format = strings.TrimPrefix(filepath.Ext(o.out), ".")
	}
	if !isParquet(path) {
		if o.format != "" {
			return "", configError(fmt.Errorf("--format %s: this output isn't rows; leave --format out", o.format))
		}
		return "", nil
	}
	switch {
	case format == "parquet" || o.format == "" && o.out != "" && format == "":
		return "", nil
	case o.format == "" && o.out != "" && format != "jsonl" && format != "csv":
		return "", configError(fmt.Errorf("-o %s: rows are written as .parquet, .jsonl or .csv, not as .%s", o.out, format))
	case format == "":
		return "jsonl", nil
	case slices.Contains([]string{"table", "jsonl", "csv"}, format):
		return format, nil
	}
	return "", configError(fmt.Errorf("--format %q: want table, jsonl, csv or parquet", format))
}

func (a *app) getRaw(ctx context.Context, store *cache.Store, blob cache.Blob, path, out string) error {
	if out != "" {
		_, err := store.Publish(ctx, blob, out)
		return err
	}
	if blob.Dir {
		entries, err := os.ReadDir(path)
		if err != nil {
			return err
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return configError(fmt.Errorf("this output is a folder (%s): give -o PATH", strings.Join(names, ", ")))
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(a.out, f)
	return err
}

// splitRef reads step.NAME.PORT, also step.NAME["key"].PORT.
func splitRef(ref string) (step, port string, err error) {
	rest, ok := strings.CutPrefix(ref, "step.")
	dot := strings.LastIndexByte(rest, '.')
	if !ok || dot <= 0 || dot == len(rest)-1 {
		return "", "", configError(fmt.Errorf("%q: want step.NAME.PORT", ref))
	}
	return rest[:dot], rest[dot+1:], nil
}

// replaceFile writes a file atomically. The path "-" has no special meaning here. A device or a pipe, such as /dev/stdout, is
// written to.
func replaceFile(path string, write func(io.Writer) error) error {
	st, err := os.Stat(path)
	there := err == nil
	switch {
	case there && st.IsDir():
		return configError(fmt.Errorf("%s is a folder: name a file in it", path))
	case there && !st.Mode().IsRegular():
		return writeThrough(path, write)
	}
	if at, err := filepath.EvalSymlinks(path); err == nil { // the file that a link leads to is replaced, not the link
		path = at
	} else if to, lerr := os.Readlink(path); lerr == nil {
		return configError(fmt.Errorf("%s is a link to %s, which is not there: move it away, or choose another path", path, to))
	}
	f, err := os.OpenFile(filepath.Join(filepath.Dir(path), ".rein-"+rand.Text()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return cannotWrite(path, err)
	}
	defer os.Remove(f.Name())
	if there {
		keepOwner(f, st) // before the mode: a change of the owner takes bits of it
		err = f.Chmod(st.Mode().Perm())
	}
	w := bufio.NewWriter(f)
	if err = errors.Join(err, write(w), w.Flush()); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return cannotWrite(path, os.Rename(f.Name(), path))
}

func writeThrough(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return cannotWrite(path, err)
	}
	w := bufio.NewWriter(f)
	return errors.Join(write(w), w.Flush(), f.Close())
}

// cannotWrite names the requested file in an error, not the temporary file beside it.
func cannotWrite(path string, err error) error {
	var at *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &at):
		return fmt.Errorf("cannot write %s: %w", path, at.Err)
	case errors.As(err, &link):
		return fmt.Errorf("cannot write %s: %w", path, link.Err)
	}
	return err
}
