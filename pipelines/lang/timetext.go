package lang

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// parseTime reads a duration in Go's form ("90m", "1h30m") or in Slurm's: [DAYS-]HOURS:MINUTES:SECONDS, or DAYS-HOURS[:MINUTES]. Slurm's
// other forms, "90" and "90:00", are refused: Slurm means minutes by them, and most people something else.
func parseTime(s string) (time.Duration, error) {
	wrong := fmt.Errorf("not a time: %q", s)
	if d, err := time.ParseDuration(s); err == nil {
		if d <= 0 {
			return 0, wrong
		}
		return d, nil
	}
	dayText, rest, hasDays := strings.Cut(s, "-")
	if !hasDays {
		dayText, rest = "0", s
	}
	parts := strings.Split(rest, ":")
	if len(parts) > 3 || !hasDays && len(parts) != 3 {
		return 0, wrong
	}
	var d time.Duration
	units := []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second}
	for i, p := range append([]string{dayText}, parts...) {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 || n > 100_000 {
			return 0, wrong
		}
		d += time.Duration(n) * units[i]
	}
	if d <= 0 {
		return 0, wrong
	}
	return d, nil
}
