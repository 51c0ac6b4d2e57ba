package ahead

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"rein/pipelines/compare/render/markup"
)

// Same fails where a file isn't what the templates compile to, or writes it.
func Same(t testing.TB, file string, update bool, in Input) {
	t.Helper()
	code, err := Compile(in)
	if err != nil {
		t.Fatal(err)
	}
	if update {
		if err := os.WriteFile(file, code, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if was, err := os.ReadFile(file); err != nil || !bytes.Equal(was, code) {
		t.Errorf("%s isn't what its templates compile to: go generate makes it (%v)", file, err)
	}
}

// Draws fails where a compiled template writes anything else than html/template does with the same data: with empty ones, and with a text in
// every place that ends attributes, elements and scripts, is markup, and is an address of a script.
func Draws[T any](t *testing.T, in Input, name string, draw func(*markup.Writer, T)) {
	t.Helper()
	drawn, shown := 0, false
	for seed := range 24 {
		var data T
		if seed > 0 {
			f := filler{n: seed}
			f.fill(reflect.ValueOf(&data).Elem(), 0)
		} else if v := reflect.ValueOf(&data).Elem(); v.Kind() == reflect.Pointer {
			v.Set(reflect.New(v.Type().Elem()))
		}
		var want bytes.Buffer
		if err := in.Templates.ExecuteTemplate(&want, name, data); err != nil {
			t.Logf("%s, data %d: %v", name, seed, err)
			continue // such data don't come: a pointer is nil that never is
		}
		drawn++
		var got markup.Writer
		draw(&got, data)
		if got.String() != want.String() {
			t.Fatalf("%s, data %d: %s", name, seed, firstDifference(got.String(), want.String()))
		}
		if strings.Contains(got.String(), "<xx") {
			t.Errorf("%s, data %d: a text is markup", name, seed)
		}
		shown = shown || strings.Contains(got.String(), "xx")
	}
	if drawn < 12 || !shown {
		t.Errorf("%s can be drawn with %d of 24 data; a text of them appears: %v", name, drawn, shown)
	}
}

func firstDifference(got, want string) string {
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	around := func(s string) string { return s[max(0, i-80):min(len(s), i+80)] }
	return fmt.Sprintf("at byte %d it writes\n%s\nwhere html/template writes\n%s", i, around(got), around(want))
}

// hostile are texts that no place may take for anything else than text.
var hostile = []string{
	`<xx onload=alert(1)>"'>&amp;`, "javascript:alert(1)//<xx>", `"><xx>x</xx><script>alert(1)</script>`, "</title></textarea></script><xx>", "a+b=%41%zz\x00\xff<xx ` {{.}} `",
	"http://x/?a=<xx>&b='c' d", " :x<xx", "/runs/../<xx>?x=y#z", "JaVaScRiPt:<xx", "fe\u202egnirts <xx", "0", "",
}

// filler fills data: the n-th has other texts, numbers and lengths than the one before.
type filler struct{ n, made int }

func (f *filler) next(n int) int {
	f.made++
	return (f.n + f.made*(1+f.n%5)) % n
}

func (f *filler) fill(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() == reflect.TypeFor[markup.HTML]() || v.Type() == reflect.TypeFor[markup.CSS]() || v.Type() == reflect.TypeFor[markup.JS]() {
			v.SetString("/* code */") // which was made elsewhere
			return
		}
		v.SetString(hostile[f.next(len(hostile))])
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(f.next(4)))
	case reflect.Float64:
		v.SetFloat([]float64{0, 0.25, -3, 1e9}[f.next(4)])
	case reflect.Bool:
		v.SetBool(f.next(2) == 1)
	case reflect.Pointer:
		if depth < 2 || f.n%4 > 0 && depth < 12 {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem(), depth+1)
		}
	case reflect.Slice: // all lists have one length: some are read side by side
		if depth < 12 {
			v.Set(reflect.MakeSlice(v.Type(), f.n%3, f.n%3))
		}
		for i := range v.Len() {
			f.fill(v.Index(i), depth+1)
		}
	case reflect.Array:
		for i := range v.Len() {
			f.fill(v.Index(i), depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		if v.Type().Key().Kind() == reflect.String {
			key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			f.fill(key, depth+1)
			f.fill(elem, depth+1)
			v.SetMapIndex(key, elem)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 11, 1, f.next(24), 0, 0, 0, time.UTC)))
			return
		}
		for i := range v.NumField() {
			if v.Field(i).CanSet() || v.Type().Field(i).Anonymous && v.Field(i).Kind() == reflect.Struct {
				f.fill(v.Field(i), depth)
			}
		}
	}
}
