package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestShippedStrategies runs the tests that stand beside the strategies, as rein test does.
func TestShippedStrategies(t *testing.T) {
	t.Chdir(root)
	var out, errs bytes.Buffer
	code := execute(t.Context(), streams{strings.NewReader(""), &out, &errs}, []string{"test", "--state", t.TempDir(), "pipelines"})
	if code != exitOK {
		t.Errorf("exit %d\n%s%s", code, out.String(), errs.String())
	}
	if _, err := os.Stat("pipelines/strategies.test.hcl"); err != nil {
		t.Fatal(err)
	}
}
