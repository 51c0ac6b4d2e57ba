// Package ngram turns text into hashed n-gram ids and classifies it with a small network over them.
//
// # From text to ids
//
// The rules below are the whole specification, so that a packaged model can be run by other programs:
//
//  1. Invalid UTF-8 becomes U+FFFD. A text of more than Config.MaxBytes bytes keeps its first and last half of
//     that (cut at whole characters), with a space between.
//  2. Text is put in Unicode form NFKD, nonspacing marks (category Mn) that follow a character below U+0530 (Latin, Greek,
//     Cyrillic) are dropped, and it is put in form NFKC and lower-cased character by character.
//  3. Format characters (category Cf: zero-width and direction marks) are dropped.
//  4. A word is a longest run of letters, digits and marks; apostrophes inside a word are dropped. Any other character
//     that isn't white space is a symbol.
//  5. Features: each word (kind w), each pair of neighbouring words (kind b, parts joined by a space), each symbol
//     (kind s), and, of "<word>" with its two guards, every substring of 3 to 5 characters (kind c), of its first 32 starts.
//     For characters from U+2E80 on (scripts without spaces) also every substring of 2.
//  6. A word with look-alikes in it (digits for letters, Cyrillic or Greek letters for Latin ones) gives the
//     features of its folded form, too, if it has a Latin letter before or nothing else after folding. Three or more single letters in a row give those of the joined word.
//  7. Signals (kind x) say what steps 2 to 6 undid: zero-width, fullwidth, lookalike, spaced, mixed (scripts in one word),
//     long (a word over 32 characters), caps (a third or more of 8 or more letters are capitals), symbols (a third or
//     more of 8 or more visible characters are neither letters nor digits), words1 to words64 (how many words there are: the bits of that number).
//  8. With h = fmix32(FNV-1a-32(kind byte, UTF-8 bytes)) and H = Config.Buckets / 2, rounded down, the id of a feature of kind c is
//     H + h mod (Config.Buckets - H), of any other kind 1 + h mod (H - 1). Id 0 is padding. A row's ids are sorted and distinct.
//
// # From ids to a score
//
// Each id has a weight, its inverse document frequency 1 + ln((1 + N) / (1 + n)), where n of the N training rows have the id, and
// twice that below H; where none has, it weighs nothing. The weighted sum of the ids' embedding rows over the root of the sum of
// the weights' squares goes through one hidden layer (ReLU) to logits over the classes. Beside that network there is a linear
// part: each id also has a linear weight, and their weighted sum over the same root, with a bias, is added to the logits of all classes
// but the first, which is benign. The softmax of the logits gives probabilities, and the threat score is 1 - P(benign). The
// stored embedding and linear weights have the ids' weights in them.
package ngram
