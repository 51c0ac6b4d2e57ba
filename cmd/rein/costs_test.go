package main

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// built is a package that the program is made of.
type built struct {
	ImportPath string
	Imports    []string
	Module     *struct{ Path string }
}

// TestCosts prints what each direct dependency costs: what of the program would go with it, that is its packages and those that nothing
// else imports, in MB of code and data, and in ms of work before main. The table is in docs/measured.md.
func TestCosts(t *testing.T) {
	if os.Getenv("REIN_COSTS") == "" {
		t.Skip("REIN_COSTS isn't set")
	}
	program := filepath.Join(t.TempDir(), "rein")
	said(t, nil, "go", "build", "-o", program, "rein/cmd/rein")
	size, inits := symbolSizes(t, program), initTimes(t, program)
	all := map[string]built{}
	for dec := json.NewDecoder(bytes.NewReader(said(t, nil, "go", "list", "-deps", "-json=ImportPath,Imports,Module", "rein/cmd/rein"))); ; {
		var p built
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p
	}
	type cost struct {
		module string
		mb, ms float64
	}
	var costs []cost
	for module := range directModules(t) {
		c := cost{module: module}
		kept := reachable(all, "rein/cmd/rein", module)
		for name := range all {
			if !kept[name] {
				c.mb, c.ms = c.mb+size[name]/1e6, c.ms+inits[name]
			}
		}
		if kept := len(kept); kept < len(all) {
			costs = append(costs, c)
		}
	}
	slices.SortFunc(costs, func(a, b cost) int { return cmp.Or(cmp.Compare(b.mb, a.mb), strings.Compare(a.module, b.module)) })
	for _, c := range costs {
		fmt.Printf("| %s | %.2f | %.2f |\n", c.module, c.mb, c.ms)
	}
}

func said(t *testing.T, env []string, name string, args ...string) []byte {
	t.Helper()
	c := exec.Command(name, args...)
	c.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, stderr.String())
	}
	return append(out, stderr.Bytes()...)
}

// directModules are those that go.mod requires by itself.
func directModules(t *testing.T) map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(string(said(t, nil, "go", "list", "-m", "-f", "{{if not (or .Indirect .Main)}}{{.Path}}{{end}}", "all"))) {
		if m := strings.TrimSpace(line); m != "" {
			out[m] = true
		}
	}
	return out
}

// reachable are the packages that a program has without a module's.
func reachable(all map[string]built, from, without string) map[string]bool {
	seen := map[string]bool{}
	for todo := []string{from}; len(todo) > 0; {
		name := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		p, ok := all[name]
		if !ok || seen[name] || p.Module != nil && p.Module.Path == without {
			continue
		}
		seen[name] = true
		todo = append(todo, p.Imports...)
	}
	return seen
}

// symbolSizes adds up the symbols of each package that the program's file has, in bytes. What is zero at the start isn't in the file.
func symbolSizes(t *testing.T, program string) map[string]float64 {
	f, err := elf.Open(program)
	if err != nil {
		t.Skip("only Linux has such programs: ", err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, s := range symbols {
		if int(s.Section) >= len(f.Sections) || f.Sections[s.Section].Type == elf.SHT_NOBITS {
			continue
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(s.Name, "type:.eq."), "[") // a type argument has slashes, too
		slash := strings.LastIndexByte(name, '/')
		if dot := strings.IndexByte(name[slash+1:], '.'); dot > 0 {
			out[strings.ReplaceAll(name[:slash+1+dot], "%2e", ".")] += float64(s.Size)
		}
	}
	return out
}

// initTimes are what the packages do before main, in ms: the least of five runs.
func initTimes(t *testing.T, program string) map[string]float64 {
	out := map[string]float64{}
	for range 5 {
		once := map[string]float64{}
		for line := range strings.Lines(string(said(t, []string{"GODEBUG=inittrace=1"}, program, "version"))) {
			if f := strings.Fields(line); len(f) > 5 && f[0] == "init" {
				once[f[1]], _ = strconv.ParseFloat(f[4], 64) // what isn't a number counts as nothing
			}
		}
		for name, ms := range once {
			if least, ok := out[name]; !ok || ms < least {
				out[name] = ms
			}
		}
	}
	return out
}
