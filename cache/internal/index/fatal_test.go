package index

import (
	"errors"
	"fmt"
	"log"
	"strings"
	"syscall"
	"testing"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/y"
)

// Badger's log.Fatal in what we call is an error; it ends neither the program nor the next use.
func TestFatalIsAnError(t *testing.T) {
	x := newIndex(t, filled(t), false)
	err := x.use(t.Context(), true, func(*badger.DB) error {
		y.AssertTrue(false)
		return nil
	})
	var damage *Damage
	if !errors.As(err, &damage) || !strings.Contains(damage.Reason, "Assert failed") {
		t.Errorf("%v, want that the index is damaged", err)
	}
	if _, err := get(t, x, "k"); err == nil {
		t.Error("a Badger that gave up is used again")
	}
	x = newIndex(t, filled(t), false)
	if err := x.use(t.Context(), true, func(*badger.DB) error { y.Check(syscall.EMFILE); return nil }); !Outside(err) {
		t.Errorf("%v, want the machine's fault", err)
	}
}

// Badger's log.Fatal on a goroutine of its own ends that one; who uses the index is told.
func TestFatalInTheBackground(t *testing.T) {
	x := newIndex(t, filled(t), false)
	ended := make(chan struct{})
	err := x.use(t.Context(), true, func(*badger.DB) error {
		go func() {
			defer close(ended)
			y.Check(syscall.EMFILE)
		}()
		<-ended
		select {} // as it hangs in Badger
	})
	if !Outside(err) {
		t.Errorf("%v, want the machine's fault", err)
	}
	if err := x.Close(); !Outside(err) {
		t.Errorf("closing: %v", err)
	}
}

// What the system refuses is no damage, also where Badger has made text of the error. A file that isn't there, or is a folder, may be damage.
func TestOutside(t *testing.T) {
	for e, want := range map[syscall.Errno]bool{
		syscall.ENOSPC: true, syscall.EMFILE: true, syscall.EFBIG: true, syscall.ESTALE: true, syscall.ENOTCONN: true,
		syscall.ETIMEDOUT: true, syscall.ENOENT: false, syscall.EISDIR: false, syscall.EINVAL: false,
	} {
		for _, err := range []error{e, fmt.Errorf("while opening: %w", e), errors.New("truncate 00001.mem: " + e.Error() + "\nerror while truncation")} {
			if Outside(err) != want {
				t.Errorf("%q: the machine's fault %v, want %v", err, !want, want)
			}
		}
	}
}

// What others log is written as before.
func TestOthersLog(t *testing.T) {
	guardLog()
	var b strings.Builder
	old := log.Writer().(guard)
	defer log.SetOutput(old)
	log.SetOutput(guard{&b})
	log.Print("said")
	if !strings.Contains(b.String(), "said") {
		t.Errorf("%q", b.String())
	}
}
