package cache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"rein/cache/internal/index"
)

// Publishing copies results to paths of the user's. Something that lies at such a path is replaced only if rein put it there and nobody has
// changed it since: published/ in the state folder records what rein put there. Equal content is left as it is.

// Occupied is the error of a path that holds something which isn't rein's to replace.
type Occupied struct {
	Path string
	Text string // what is there
}

func (o *Occupied) Error() string {
	return fmt.Sprintf("%s %s: move it away, or choose another path", o.Path, o.Text)
}

// MayPublish returns an *Occupied if path must not be replaced. coming is the content that would be put there, or nil if that isn't known
// yet: equal content may stay. It writes nothing.
func (s *Store) MayPublish(ctx context.Context, path string, coming *Blob) error {
	if was, ok := s.published.at(path); ok && was.still(path) {
		return nil
	}
	for {
		p, err := s.destinationAt(path)
		if err != nil {
			return err
		}
		t, _, err := p.look(ctx, coming)
		if err == nil {
			if t != nil {
				s.foundAt(path, p, t)
			}
			return nil
		}
		if moved, merr := p.moved(ctx); merr != nil || !moved {
			return cmp.Or(ctx.Err(), err)
		}
	}
}

// moved tells whether another process has published at the path since its record was read, or was about to: what was seen meanwhile may be
// half of the old and half of the new content. It waits for the end of that.
func (p *destination) moved(ctx context.Context) (bool, error) {
	busy := false
	err := index.Poll(ctx, 50*time.Millisecond, func() (bool, error) {
		leased, err := p.store.Leased(p.lease())
		busy = busy || leased
		return !leased, err
	})
	if err != nil || busy {
		return busy, err
	}
	now, err := p.store.readPublished(p.path)
	return now.Temp != p.record.Temp || !slices.Equal(now.Blobs, p.record.Blobs), err
}

// lease is what who publishes at the path holds.
func (p *destination) lease() Digest { return Sum([]byte("publish " + p.path)) }

// foundAt has Publish pass over a file that stays as it is until then.
func (s *Store) foundAt(path string, p *destination, t *tree) {
	if t.dir || t.linked || !p.keeps(t.blob()) || !stampOf(t.files[0].info).timesTrusted(time.Now()) {
		return
	}
	s.published.keep(path, lastLook{t.blob(), t.look(t.stamps(), true), p.path})
}

// isThere tells whether a path holds a blob that was found there: the same file, which nobody has written to since.
func (s *Store) isThere(b Blob, path string) bool {
	was, ok := s.published.at(path)
	return ok && was.blob == b && was.still(path)
}

// Publish copies a blob to path, which is replaced as a whole or, if it is a mount point, file by file. It tells whether something was
// written. Modes follow the umask.
func (s *Store) Publish(ctx context.Context, b Blob, path string) (wrote bool, err error) {
	if s.isThere(b, path) {
		return false, nil
	}
	return s.publish(ctx, path, &b, func(dst string) error {
		src, err := s.Path(ctx, b)
		if err != nil {
			return err
		}
		return copyTree(src, dst, userMode)
	})
}

// PublishFile is Publish for a file that write writes.
func (s *Store) PublishFile(ctx context.Context, path string, write func(io.Writer) error) error {
	_, err := s.publish(ctx, path, nil, func(dst string) error {
		f, err := os.OpenFile(dst, os.O_CREATE|os.O_EXCL|os.O_WRONLY, userMode)
		if err != nil {
			return err
		}
		return errors.Join(write(f), f.Close())
	})
	return err
}

// publish puts at path what build makes. b is what that must be, or nil if it isn't known before.
func (s *Store) publish(ctx context.Context, path string, b *Blob, build func(dst string) error) (wrote bool, err error) {
	p, err := s.destinationAt(path)
	if err != nil {
		return false, err
	}
	if b != nil && p.keeps(*b) { // it may be there already: that takes no lease
		if _, equal, err := p.look(ctx, b); err == nil && equal {
			return false, nil
		} // of an error another process may be the cause, which has the lease
	}
	if !s.readOnly {
		lease, err := s.Lease(ctx, p.lease(), nil)
		if err != nil {
			return false, err
		}
		defer lease.Release()
		if p.record, err = s.readPublished(p.path); err != nil {
			return false, err
		}
		if err := p.sweep(); err != nil {
			return false, err
		}
	}
	was, equal, err := p.look(ctx, b)
	if err != nil || equal && p.keeps(*b) {
		return false, err
	}
	if equal {
		return false, p.keep(was)
	}
	if err := os.MkdirAll(filepath.Dir(p.path), 0o777); err != nil {
		return false, err
	}
	now, tmp, err := p.make(ctx, b, build)
	defer func() {
		if tmp != "" {
			err = errors.Join(err, discard(tmp))
		}
	}()
	if err != nil {
		return false, err
	}
	if was != nil && was.blob() == now.blob() {
		return false, p.keep(was)
	}
	if was != nil && was.dir && !now.dir && len(was.files)+len(was.dirs) == 0 {
		return false, &Occupied{p.path, "is a folder, and the result is a file"}
	}
	if err := p.intend(now); err != nil {
		return false, err
	}
	if err := p.put(was, now); err != nil {
		return false, err
	}
	// Otherwise, after a power cut, the path could hold its former content again, which the record doesn't name any more. Not every file
	// system can sync a folder.
	_ = s.onDisk(filepath.Dir(p.path))
	old := tmp
	tmp = ""
	if err := discard(old); err != nil { // as long as the record names it
		return true, err
	}
	return true, p.keep(now)
}

// make builds the content beside its path, if that is possible, and checks it. The caller discards tmp.
func (p *destination) make(ctx context.Context, b *Blob, build func(dst string) error) (now *tree, tmp string, err error) {
	if tmp, err = p.begin(); err != nil {
		return nil, "", err
	}
	fresh := tmp
	if err = build(fresh); (errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)) && p.mounted() {
		if tmp, err = p.store.Scratch(); err != nil {
			return nil, "", err
		}
		fresh = filepath.Join(tmp, "new")
		err = build(fresh)
	}
	if err != nil {
		return nil, tmp, err
	}
	if now, err = readTree(fresh); err == nil {
		err = now.hash(ctx, nil)
	}
	if err != nil {
		return nil, tmp, err
	}
	if b != nil && now.blob() != *b {
		if err := p.store.doubt(ctx, *b); err != nil { // otherwise the file system here doesn't keep modes
			return nil, tmp, err
		}
	}
	return now, tmp, nil
}

// put moves now, which lies beside the path, to the path. was is the content of the path when it was found to be rein's.
func (p *destination) put(was, now *tree) error {
	if was != nil && p.mounted() {
		return p.putInPlace(now)
	}
	if err := renameNew(now.root, p.path); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w", p.path, err)
	}
	if was == nil {
		return &Occupied{p.path, "appeared meanwhile, and rein did not put it there"}
	}
	old := now.root + oldName
	if err := exchange(now.root, p.path, old); err != nil {
		if errors.Is(err, syscall.EBUSY) || errors.Is(err, syscall.EXDEV) { // a mount within one device
			return p.putInPlace(now)
		}
		return fmt.Errorf("%s: %w", p.path, err)
	}
	// Something that was written after the check must not be lost: it is put back.
	if was.changedAt(old) {
		return errors.Join(&Occupied{p.path, "was written to meanwhile"}, exchange(old, p.path, now.root))
	}
	return nil
}

// changedAt tells whether the tree, which was read at another path, differs from what is at this one.
func (t *tree) changedAt(path string) bool {
	now, err := readTree(path)
	if err != nil || len(now.files) != len(t.files) {
		return true
	}
	return now.look(now.stamps(), false) != t.look(t.stamps(), false)
}

// mounted tells whether the path is a mount point, which can't be renamed.
func (p *destination) mounted() bool {
	at, err := os.Stat(p.path)
	if err != nil {
		return false
	}
	above, err := os.Stat(filepath.Dir(p.path))
	return err == nil && stampOf(at).Device != stampOf(above).Device
}

// putInPlace writes to a mount point, file by file. Each file is complete at any time. Files that rein had put there and that aren't part
// of the new content are removed last. A file that is itself a mount point can only be overwritten.
func (p *destination) putInPlace(now *tree) error {
	if !now.dir {
		return overwrite(now.root, p.path)
	}
	tmp := filepath.Join(p.path, p.record.Temp) // the name is recorded, so that it is never taken for the user's
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return err
	}
	defer RemoveAll(tmp)
	keep := map[string]bool{}
	for _, d := range now.dirs {
		keep[d] = true
		if err := os.MkdirAll(filepath.Join(p.path, filepath.FromSlash(d)), 0o777); err != nil {
			return err
		}
	}
	for _, f := range now.files {
		keep[f.name] = true
		fresh := filepath.Join(tmp, "file")
		if err := copyFile(f.path, fresh, f.info.Mode().Perm()); err != nil {
			return err
		}
		if err := os.Rename(fresh, filepath.Join(p.path, filepath.FromSlash(f.name))); err != nil {
			return err
		}
	}
	if err := RemoveAll(tmp); err != nil {
		return err
	}
	return p.removeOthers(keep)
}

// removeOthers removes what rein had put at the path, except what is in keep. look has made sure that nothing else is there.
func (p *destination) removeOthers(keep map[string]bool) error {
	t, err := readTree(p.path)
	if err != nil {
		return err
	}
	held, err := p.held()
	if err != nil {
		return err
	}
	for _, f := range t.files {
		if _, ours := held.files[f.name]; ours && !keep[f.name] {
			if err := os.Remove(f.path); err != nil {
				return err
			}
		}
	}
	for i := len(t.dirs) - 1; i >= 0; i-- { // a folder comes before its content
		if d := t.dirs[i]; held.dirs[d] && !keep[d] {
			_ = os.Remove(filepath.Join(p.path, filepath.FromSlash(d))) // a folder that isn't empty holds files of the user's
		}
	}
	return nil
}

func overwrite(src, dst string) (err error) {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(dst, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// mountedOnly is what an empty file system may hold.
const mountedOnly = "lost+found"

// tempName begins the name of what is about to be published, beside its path, and of a folder in a mount point. With oldName at its end, it
// is the name of what was replaced.
const (
	tempName = ".rein-"
	oldName  = ".old"
)

// discard removes what a publication leaves that has ended, or was killed.
func discard(tmp string) error { return errors.Join(RemoveAll(tmp), RemoveAll(tmp+oldName)) }

// userMode is the mode of files for the user, before the umask.
const userMode fs.FileMode = 0o666

// isTemp tells a path that begins with tempName.
func isTemp(path string) bool { return strings.HasPrefix(filepath.Base(path), tempName) }
