package engine

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Whatever a secret looks like, and however it is quoted, the masked text doesn't hold it.
func TestMaskHidesSecrets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringN(shortestSecret, 12, -1).Filter(func(s string) bool {
			s = strings.TrimSpace(s)
			return len(s) >= shortestSecret && !strings.Contains(s, "\n") && !strings.Contains(hidden, s)
		}).Draw(t, "secret")
		around := rapid.StringMatching(`[a-z ]{0,8}`).Draw(t, "around")
		secret = strings.TrimSpace(secret)
		m := newMask([]string{"other-secret", secret})
		for _, format := range []string{"%s", "%q", "%v"} {
			text := around + fmt.Sprintf(format, secret) + around
			if got := m.text(text); strings.Contains(strings.ReplaceAll(got, hidden, "\x00"), secret) {
				t.Fatalf("%q is masked as %q", text, got)
			}
		}
	})
}

func TestMaskKeepsKindsOfErrors(t *testing.T) {
	m := newMask([]string{"hunter2", "line one\nline two"})
	cause := errors.New("cause")
	if err := m.error(fmt.Errorf("hunter2: %w", cause)); !errors.Is(err, cause) || err.Error() != "(sensitive): cause" {
		t.Errorf("%v", err)
	}
	if err := m.error(fmt.Errorf("gate: %w", &Verdict{"no: hunter2"})); !isVerdict(err) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
	if got := m.text("a line two b"); got != "a (sensitive) b" {
		t.Errorf("%q", got)
	}
	if err := m.error(nil); err != nil {
		t.Error(err)
	}
}

// The digest of a secret depends on the state folder's salt.
func TestSecretsAreSalted(t *testing.T) {
	if secretDigest([]byte("a"), "exec", "env.PIN", "1234") == secretDigest([]byte("b"), "exec", "env.PIN", "1234") {
		t.Error("two salts give one digest")
	}
}
