package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// Every command's page is one that man shows as the help has it, backslashes, dots and dashes too.
func TestManPagesShowTheHelp(t *testing.T) {
	if got := roff("a\\b -x\n.no command\n'nor this"); got != "a\\eb \\-x\n\\&.no command\n\\&'nor this" {
		t.Errorf("%q", got)
	}
	root := newRoot(streams{})
	run, _, err := root.Find([]string{"run"})
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	manPage(&page, run)
	for _, want := range []string{".SH NAME\nrein\\-run \\- Run what is not cached\n", "\\fB\\-\\-force\\fP \\fISTEP\\fP\nrun this STEP", "\\fB\\-j, \\-\\-jobs\\fP", ".SH EXIT STATUS\n", "SEE ALSO\n\\fBrein\\fP(1)"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page of run lacks %q:\n%s", want, page.String())
		}
	}
	if strings.Contains(page.String(), ".SH DESCRIPTION\n.nf") {
		t.Error("man doesn't fill the description's lines")
	}
	if _, err := exec.LookPath("groff"); err != nil {
		t.Skip("groff isn't installed: nothing shows the page")
	}
	shown := exec.Command("groff", "-man", "-Tascii", "-P-cbou", "-ww")
	shown.Stdin = &page
	out, err := shown.CombinedOutput()
	if err != nil || strings.Contains(string(out), "warning") {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"--force STEP", "  rein run --var variations=10 --budget 20m pipelines/hybrid.hcl", "130  interrupted"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("groff shows no %q", want)
		}
	}
}
