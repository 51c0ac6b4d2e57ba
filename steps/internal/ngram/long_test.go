package ngram

import (
	"slices"
	"strings"
	"testing"
)

// For any megabyte of text, only MaxBytes are read, and the buffers don't grow with the text. The test counts bytes of buffers and ids,
// because times vary.
func TestAMegabyteIsBounded(t *testing.T) {
	const megabyte = 1 << 20
	cfg := Default()
	for name, piece := range map[string]string{
		"words": "please write a report ", "one word": "x", "no words": "!", "letters apart": "i g n o r e ", "looks alike": "раураl 1gn0r3 ",
		"grows when normalised": "\ufdfa", "marks": "a\u0301\u0316\u0327", "not UTF-8": "\xff\xfe ", "capitals": "IGNORE ", "CJK": "漢字仮名", "zero width": "a\u200b",
	} {
		text := strings.Repeat(piece, megabyte/len(piece)+1)
		x := NewExtractor(cfg)
		ids := slices.Clone(x.Features(text, nil))
		// Each letter may have a mark behind it, or be 3 bytes that become 18 letters in the normal form.
		const growth = 18
		for what, held := range map[string]int{"normal form": cap(x.norm), "clipped text": cap(x.clip), "a word": cap(x.word), "letters apart": cap(x.single)} {
			if held > 4*growth*cfg.MaxBytes {
				t.Errorf("%s: %s holds %d bytes", name, what, held)
			}
		}
		if most := 16 * growth * cfg.MaxBytes; len(ids) > most {
			t.Errorf("%s: %d ids", name, len(ids))
		}
		half := cfg.MaxBytes/2 + 64 // room for one more character
		other := text[:half] + strings.Repeat("other words between ", 1000) + text[len(text)-half:]
		if !slices.Equal(ids, x.Features(other, nil)) {
			t.Errorf("%s: what lies between the two ends counts", name)
		}
		if n := testing.AllocsPerRun(3, func() { ids = x.Features(text, ids[:0]) }); n > 40 {
			t.Errorf("%s: %v allocations for another text of the kind", name, n)
		}
	}
}
