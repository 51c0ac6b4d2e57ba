package render

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
)

// luminance is the relative luminance of WCAG 2.
func luminance(hex string) float64 {
	var c [3]int
	if _, err := fmt.Sscanf(hex, "#%02x%02x%02x", &c[0], &c[1], &c[2]); err != nil {
		return math.NaN()
	}
	linear := func(v int) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}

func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// Text has a contrast of 4.5 with all that it stands on, and what is drawn 3, in both schemes (WCAG 2, AA).
func TestColoursCanBeToldApart(t *testing.T) {
	light, dark, ok := strings.Cut(pageStyle, "prefers-color-scheme: dark")
	if !ok {
		t.Fatal("the page has no dark scheme")
	}
	for name, css := range map[string]string{"light": light, "dark": dark[:strings.Index(dark, "* {")]} {
		colour := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z0-9]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(css, -1) {
			colour[m[1]] = m[2]
		}
		for _, ground := range []string{"paper", "shade", "star"} {
			for _, text := range []string{"ink", "soft", "good", "warn", "bad"} {
				if c := contrast(colour[text], colour[ground]); !(c >= 4.5) {
					t.Errorf("%s: %s on %s has a contrast of %.2f", name, text, ground, c)
				}
			}
		}
		for _, drawn := range []string{"c0", "c1", "c2", "c3", "c4", "c5", "c6", "benign", "malicious"} {
			if c := contrast(colour[drawn], colour["paper"]); !(c >= 3) {
				t.Errorf("%s: %s has a contrast of %.2f", name, drawn, c)
			}
		}
	}
}
