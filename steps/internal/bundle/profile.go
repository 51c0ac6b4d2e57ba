package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// profiles is the folder of a package with its user's thresholds. Its files aren't in the list of checksums: they are written after the
// package was signed, and the list must stay as it was signed.
const profiles = "profiles"

var profileName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$`) })

// Profile is a threshold that a package's user chose.
type Profile struct {
	Name      string  `json:"name"`
	Threshold float64 `json:"threshold"`
	Rule      string  `json:"rule"`  // how it was chosen
	Model     string  `json:"model"` // the package's identity; a threshold fits only the model it was chosen with
}

func isProfile(name string) bool { return path.Dir(name) == profiles && path.Ext(name) == ".json" }

// CheckProfile returns an error if name can't be the name of a profile.
func CheckProfile(name string) error {
	if profileName().MatchString(name) {
		return nil
	}
	return fmt.Errorf("profile %q: want letters, digits, dots, - and _, 64 at most", name)
}

// identity is the SHA-256 of a folder's list of checksums, in hex.
func identity(dir string) (string, error) {
	list, err := os.ReadFile(filepath.Join(dir, SumsFile))
	if errors.Is(err, fs.ErrNotExist) { // a model that was never packaged has no list, so make one
		var sums []string
		sums, _, err = sumsOf(dir)
		list = []byte(strings.Join(slices.DeleteFunc(sums, func(line string) bool {
			_, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
			return isProfile(name)
		}), ""))
	}
	sum := sha256.Sum256(list)
	return hex.EncodeToString(sum[:]), err
}

// ReadProfile reads a profile from a package's folder. A profile of another model is an error.
func ReadProfile(dir, name string) (p Profile, err error) {
	if err := CheckProfile(name); err != nil {
		return p, err
	}
	file := filepath.Join(dir, profiles, name+".json")
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return p, fmt.Errorf("no profile %q: %s; rein calibrate PACKAGE --traffic rows.jsonl --profile %s makes it", name, available(dir), name)
	}
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(b, &p); err != nil || !(p.Threshold >= 0 && p.Threshold <= 1) {
		return p, fmt.Errorf("%s is damaged: no threshold between 0 and 1 is in it; run rein calibrate again", file)
	}
	id, err := identity(dir)
	if err == nil && p.Model != id {
		err = fmt.Errorf("profile %q was made for another model, whose scores mean something else; run rein calibrate again", name)
	}
	return p, err
}

// available says which profiles a folder has.
func available(dir string) string {
	files, _ := fs.Glob(os.DirFS(dir), profiles+"/*.json") // the pattern is valid, so there is no error
	if len(files) == 0 {
		return "the package has none"
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(path.Base(f), ".json")
	}
	return "the package has " + strings.Join(files, ", ")
}

// WriteProfile adds a profile to a package, which is a folder or an archive. If it fails, the package stays as it was.
func WriteProfile(pkg string, p Profile) (err error) {
	if err := CheckProfile(p.Name); err != nil {
		return err
	}
	dir, done, err := Folder(pkg)
	if err != nil {
		return err
	}
	defer done()
	if p.Model, err = identity(dir); err != nil {
		return err
	}
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, profiles), 0o755); err != nil {
		return err
	}
	err = replace(filepath.Join(dir, profiles, p.Name+".json"), func(f *os.File) error {
		_, err := f.Write(append(b, '\n'))
		return err
	})
	if err != nil || dir == pkg {
		return err
	}
	return replace(pkg, func(f *os.File) error { return Archive(f, dir) })
}

// replace writes a temporary file beside the one named file, then renames it to that name. Of a link, what it leads to is replaced.
func replace(file string, write func(*os.File) error) error {
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".new-*")
	if err != nil {
		return err
	}
	err = errors.Join(f.Chmod(0o644), write(f), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}
