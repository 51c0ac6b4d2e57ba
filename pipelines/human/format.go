package human

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Count writes n with a comma between thousands.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	neg := ""
	if n < 0 {
		neg, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return neg + s
}

// Many is n of something: "no steps", "1 step", "1,200 steps".
func Many(n int, what string) string {
	switch n {
	case 0:
		return "no " + what + "s"
	case 1:
		return "1 " + what
	}
	return Count(int64(n)) + " " + what + "s"
}

// Rate writes how many things are done in a second. A slow rate has two digits.
func Rate(perSecond float64) string {
	if perSecond < 9.95 {
		return strconv.FormatFloat(perSecond, 'g', 2, 64)
	}
	return Count(int64(math.Round(perSecond)))
}

// Time is a time to the minute, in the zone of this machine: 2006-01-02 15:04.
func Time(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }

// Duration writes d with as many digits as a person wants: "4 ms", "1.2 s", "42 s", "3 min 5 s", "2 h 10 min".
func Duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 9950*time.Millisecond:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 59500*time.Millisecond:
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	d = d.Round(time.Second)
	if d < time.Hour {
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

// Bytes writes n in binary units: "512 B", "1.5 KiB", "3.2 GiB".
func Bytes(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, u := float64(n)/1024, 0
	for v >= 1023.95 && // 1023.95 would be written as 1024.0
		u < len(units)-1 {
		v, u = v/1024, u+1
	}
	return fmt.Sprintf("%.1f %ciB", v, units[u])
}
