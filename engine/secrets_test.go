package engine

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"html"
	"net/url"
	"strconv"
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

// Programs print a secret in the forms of their own language: no part of it that is worth anything is left.
func TestMaskHidesForms(t *testing.T) {
	const secret = "tok-9f8A+/x\"q<&\u00e9 'y'\\z$1\U0001F600end"
	for name, printed := range map[string]string{
		"base64":                   base64.StdEncoding.EncodeToString([]byte(secret)),
		"base64 with a line end":   base64.StdEncoding.EncodeToString([]byte(secret + "\n")),
		"base64 after user:":       base64.StdEncoding.EncodeToString([]byte("user:" + secret)),
		"base64 after a user:":     base64.StdEncoding.EncodeToString([]byte("a user:" + secret + "@host")),
		"base64 of URLs":           base64.RawURLEncoding.EncodeToString([]byte("1234:" + secret)),
		"hexadecimal":              hex.EncodeToString([]byte(secret)),
		"HEXADECIMAL":              strings.ToUpper(hex.EncodeToString([]byte("x" + secret))),
		"Go, ASCII":                strconv.QuoteToASCII(secret),
		"Go, twice":                strconv.Quote(strconv.Quote(secret)),
		"JSON of Python":           `"tok-9f8A+/x\"q<&\u00e9 'y'\\z$1\ud83d\ude00end"`,
		"JSON of Go":               `"tok-9f8A+/x\"q\u003c\u0026é 'y'\\z$1😀end"`,
		"JSON of PHP":              `"tok-9f8A+\/x\"q<&\u00e9 'y'\\z$1\ud83d\ude00end"`,
		"JSON in JSON":             `"\"tok-9f8A+/x\\\"q<&\\u00e9 'y'\\\\z$1\\ud83d\\ude00end\""`,
		"Python's ascii":           `'tok-9f8A+/x"q<&\xe9 \'y\'\\z$1\U0001f600end'`,
		"Python's bytes":           `b'tok-9f8A+/x"q<&\xc3\xa9 \'y\'\\z$1\xf0\x9f\x98\x80end'`,
		"printf %q":                `tok-9f8A+/x\"q\<\&é\ \'y\'\\z\$1😀end`,
		"printf %q of ASCII":       `$'tok-9f8A+/x"q<&\303\251 \'y\'\\z$1\360\237\230\200end'`,
		"set -x":                   `+ x='tok-9f8A+/x"q<&é '\''y'\''\z$1😀end'`,
		"shlex.quote":              `'tok-9f8A+/x"q<&é '"'"'y'"'"'\z$1😀end'`,
		"SQL":                      `'tok-9f8A+/x"q<&é ''y''\z$1😀end'`,
		"CSV":                      `"tok-9f8A+/x""q<&é 'y'\z$1😀end"`,
		"HTML of Go":               html.EscapeString(secret),
		"HTML of Python":           `tok-9f8A+/x&quot;q&lt;&amp;é &#x27;y&#x27;\z$1😀end`,
		"HTML in HTML":             html.EscapeString(html.EscapeString(secret)),
		"a query":                  url.QueryEscape(secret),
		"a path":                   url.PathEscape(secret),
		"a URL of Python":          "tok-9f8A%2B/x%22q%3C%26%C3%A9%20%27y%27%5Cz%241%F0%9F%98%80end",
		"a URL in small digits":    strings.ToLower(url.QueryEscape("T"))[1:] + "tok-9f8A%2b%2fx%22q%3c%26%c3%a9%20%27y%27%5cz%241%f0%9f%98%80end",
		"a URL in a URL":           url.QueryEscape(url.QueryEscape(secret)),
		"as it is, next to itself": secret + secret,
	} {
		got := newMask([]string{secret, "tok", "end of it"}).text("before " + printed + " after")
		if !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") || len(got) > len("before  after")+32 || strings.Contains(got, "tok") || strings.Contains(got, "1") && strings.Contains(got, "end") {
			t.Errorf("%s: %s\nis masked as %s", name, printed, got)
		}
	}
	// The tools break long lines.
	long := strings.Repeat("0123456789abcdefghij", 8)
	b64 := base64.StdEncoding.EncodeToString([]byte(long))
	for _, line := range []string{b64[:76], b64[76:152], b64[152:], b64[:64], b64[64:128], hex.EncodeToString([]byte(long))[60:120]} {
		if got := newMask([]string{long}).text(line); got != hidden {
			t.Errorf("%s is masked as %s", line, got)
		}
	}
	for _, plain := range []string{"a total of 9 files", "(sensitive)", `\\\\`, "%%%%"} {
		if got := newMask([]string{secret, "sens"}).text(plain); got != plain {
			t.Errorf("%s became %s", plain, got)
		}
	}
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
