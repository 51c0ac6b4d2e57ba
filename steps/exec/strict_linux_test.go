package exec_test

import (
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"rein/engine"
	"rein/engine/enginetest"
	"rein/steps/exec"
)

// strict is a node that runs a shell script in a strict sandbox.
func strict(t *testing.T, name, script string, in ...engine.Input) *engine.Node {
	t.Helper()
	n := program(t, name, script, []string{"o"}, in...)
	op, err := exec.Step().Op(cty.ObjectVal(map[string]cty.Value{
		"command": cty.TupleVal([]cty.Value{cty.StringVal("sh"), cty.StringVal("-c"), cty.StringVal(script)}),
		"outputs": cty.TupleVal([]cty.Value{cty.StringVal("o")}), "sandbox": cty.StringVal("strict")}))
	if err != nil {
		t.Fatal(err)
	}
	n.Op = op
	return n
}

func needNamespaces(t *testing.T) {
	t.Helper()
	cmd := osexec.Command("true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}}
	if err := cmd.Run(); err != nil {
		t.Skipf("this system doesn't let users make namespaces: %v", err)
	}
}

// A strict sandbox shows the inputs and nothing else of the user's, has no network, writes to nothing but its own, and can't be
// left by who is in it.
func TestStrictSandbox(t *testing.T) {
	needNamespaces(t)
	b := newBench(t)
	dir := t.TempDir()
	in := write(t, filepath.Join(dir, "in.txt"), "declared")
	write(t, filepath.Join(dir, "beside.txt"), "undeclared")
	r := b.run(
		strict(t, "reads", `cat "$REIN_IN_f" > "$REIN_OUT_o"; ls `+dir+` >> "$REIN_OUT_o" 2>&1; id -u >> "$REIN_OUT_o"`, enginetest.Path("f", engine.PathFile, in)),
		strict(t, "folder", `mkdir "$REIN_OUT_o"; echo x > "$REIN_OUT_o/x"; echo > /dev/null; test -d /tmp && touch /tmp/x`),
		strict(t, "writes", `for f in /usr/x /etc/x /x /opt/x /bin/x; do (echo > $f) 2>/dev/null && echo "wrote $f"; done; mount -o remount,rw /usr 2>/dev/null && echo remounted; umount /proc 2>/dev/null && echo unmounted; ls /proc | grep -c '^[0-9]' > "$REIN_OUT_o"; [ -z "$(ls `+dir+` 2>/dev/null)" ] || echo sees; exit 0`),
		strict(t, "network", `grep -c : /proc/net/dev > "$REIN_OUT_o"`),
		strict(t, "daemon", `setsid env -i sh -c 'sleep 3600 & sleep 3600' >/dev/null 2>&1 & echo started > "$REIN_OUT_o"`),
	)
	if got := b.output(r, "reads", "o"); !strings.HasPrefix(got, "declared") || strings.Contains(got, "undeclared") || strings.Contains(got, "beside") {
		t.Errorf("%s", got)
	}
	if s := enginetest.Find(r, "folder"); !s.Outputs["o"].Dir {
		t.Errorf("%+v", s)
	}
	for _, e := range b.events.All() {
		if e.Action == engine.ActionLog {
			t.Errorf("step %s: %s", e.Step, e.Text)
		}
	}
	if got := strings.TrimSpace(b.output(r, "writes", "o")); len(got) > 1 {
		t.Errorf("it sees %s processes", got)
	}
	if got := b.output(r, "network", "o"); got != "1\n" {
		t.Errorf("it has %s network interfaces", got)
	}
	b.output(r, "daemon", "o")
}

// A program that fails in a strict sandbox fails as elsewhere.
func TestStrictSandboxFails(t *testing.T) {
	needNamespaces(t)
	b := newBench(t)
	r := b.run(strict(t, "bad", `echo "disk on fire" >&2; exit 7`))
	if e := enginetest.Find(r, "bad").Error; !strings.Contains(e, "exit status 7") || !strings.Contains(e, "disk on fire") {
		t.Error(e)
	}
}
