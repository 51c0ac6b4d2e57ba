// Package ngram turns text into hashed n-gram ids, and classifies it with a small network over them.
//
// # From text to ids
//
// These rules are the whole specification: another program that follows them can run a packaged model.
//
//  1. Invalid UTF-8 becomes U+FFFD. A text longer than Config.MaxBytes bytes is cut: it keeps its first and its last
//     MaxBytes/2 bytes (rounded to whole characters), with a space between them.
//  2. The text is put in Unicode form NFKD. Nonspacing marks (category Mn) that follow a character below U+0530 (Latin, Greek,
//     Cyrillic) are dropped. The rest is put in form NFKC and lower-cased character by character.
//  3. Format characters (category Cf: zero-width and direction marks) are dropped.
//  4. A word is a longest run of letters, digits and marks; apostrophes inside a word are dropped. Any other character
//     that isn't white space is a symbol.
//  5. The features of a text are each word (kind w), each pair of neighbouring words (kind b, joined by a space), each symbol
//     (kind s), and the character n-grams of each word (kind c). These are the substrings of "<word>", with the two guards, that
//     have 3 to 5 characters and begin at one of its first 32 characters. From U+2E80 on, where scripts write no spaces,
//     substrings of 2 characters count, too.
//  6. A word with look-alikes in it (digits for letters, Cyrillic or Greek letters for Latin ones) also gives the features of its
//     folded form, in which they are replaced. It must have a Latin letter, or consist only of Latin ones after folding.
//     Three or more single letters in a row also give the features of the joined word.
//  7. Signals (kind x) tell what steps 2 to 6 undid: zero-width, fullwidth, lookalike, spaced, mixed (two scripts in one word),
//     long (a word over 32 characters), caps (a third or more of at least 8 letters are capitals), symbols (a third or
//     more of at least 8 visible characters are neither letters nor digits), words1 to words64 (how many bits the number of words has).
//  8. With h = fmix32(FNV-1a-32(kind byte, UTF-8 bytes)) and H = Config.Buckets / 2, rounded down, a feature of kind c has the id
//     H + h mod (Config.Buckets - H), a feature of any other kind 1 + h mod (H - 1). Id 0 is padding. A row's ids are sorted and distinct.
//
// # From ids to a score
//
// Each id has a weight. It is the inverse document frequency 1 + ln((1 + N) / (1 + n)), where n of the N training rows have the
// id; below H it is twice that. An id that no training row has weighs 0.
//
// The network takes the weighted sum of the ids' embedding rows, divided by the norm: the root of the sum of the weights' squares.
// One hidden layer (ReLU) turns it into logits over the classes. Beside the network there is a linear part, which has a linear weight
// for each id. Their weighted sum, divided by the same norm, plus a bias is added to the logits of all classes but the first, which
// is benign. The softmax of the logits gives probabilities, and the threat score is 1 - P(benign). The stored embedding and linear
// weights are already multiplied by the ids' weights.
package ngram
