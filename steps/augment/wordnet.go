package augment

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// readWordNet reads a lexicon from WordNet's dictionary folder, as Debian's wordnet-base ships it. Each word gets the synonyms of its most
// frequent sense. Synonyms of other senses would change what a text says.
func readWordNet(dir string) (lexicon, error) {
	lex, files := lexicon{}, 0
	for _, class := range []string{"noun", "verb", "adj", "adv"} {
		err := lex.readClass(dir, class)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		files++
	}
	if files == 0 {
		return nil, fmt.Errorf("%s is no WordNet dictionary: it has no index.noun and data.noun", dir)
	}
	return lex, nil
}

// readClass adds the words of one part of speech. wndb(5WN) describes the format.
func (l lexicon) readClass(dir, class string) error {
	synsets := map[string][]string{} // synonyms, by the offset of their set
	err := eachLine(filepath.Join(dir, "data."+class), func(f []string) error {
		if len(f) < 4 {
			return errors.New("too few fields")
		}
		n, err := strconv.ParseInt(f[3], 16, 0)
		if err != nil || n < 0 || len(f) < 4+2*int(n) {
			return fmt.Errorf("%q is not the number of its words", f[3])
		}
		var words []string
		for i := range int(n) {
			w, _, _ := strings.Cut(f[4+2*i], "(") // adjectives carry a marker: "galore(ip)"
			words = append(words, w)
		}
		synsets[f[0]] = words
		return nil
	})
	if err != nil {
		return err
	}
	return eachLine(filepath.Join(dir, "index."+class), func(f []string) error {
		if len(f) < 4 {
			return errors.New("too few fields")
		}
		pointers, err := strconv.Atoi(f[3])
		if err != nil || pointers < 0 || len(f) < 4+pointers+3 {
			return fmt.Errorf("%q is not the number of its pointers", f[3])
		}
		lemma, first := f[0], f[4+pointers+2]
		if !plainWord(lemma) {
			return nil
		}
		for _, w := range synsets[first] {
			if plainWord(w) && w != lemma {
				l[lemma] = append(l[lemma], w)
			}
		}
		return nil
	})
}

// plainWord tells whether w is one word of lower-case letters.
func plainWord(w string) bool {
	for _, c := range w {
		if c < 'a' || c > 'z' {
			return false
		}
	}
	return len(w) > 2
}

// eachLine calls do with the fields of each line. It skips the lines of the licence, which are indented.
func eachLine(path string, do func([]string) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for n := 1; sc.Scan(); n++ {
		if strings.HasPrefix(sc.Text(), " ") {
			continue
		}
		if err := do(strings.Fields(sc.Text())); err != nil {
			return fmt.Errorf("%s:%d: %w", path, n, err)
		}
	}
	return sc.Err()
}
