package dataset

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// layouts lists the formats of times in data sets, besides seconds and milliseconds since 1970.
var layouts = []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05.999999999 -0700 MST", "2006-01-02", time.RFC1123Z, time.RFC1123}

// instant converts a time to the form in rows: RFC 3339 in UTC with fixed width, which sorts as text.
func instant(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", nil
	}
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		if n > 1e11 { // as seconds this would be after the year 5000, so it is milliseconds
			n /= 1000
		}
		if n < 0 || n > 1e11 {
			return "", fmt.Errorf("%q is no time since 1970", s)
		}
		return time.UnixMilli(int64(n * 1000)).UTC().Format("2006-01-02T15:04:05.000Z"), nil
	}
	for _, l := range layouts {
		if t, err := time.Parse(l, s); err == nil {
			return t.UTC().Format("2006-01-02T15:04:05.000Z"), nil
		}
	}
	return "", fmt.Errorf("%q is no time: want 2026-01-31T12:00:00Z, 2026-01-31 or seconds since 1970", s)
}
