package lang

import (
	"bytes"
	"sync/atomic"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// pieceSize is how many bytes a piece of a file has at least. The parser's list of tokens takes 30 times the size of the text and grows by
// being copied, so small pieces need less memory than a large file.
const pieceSize = 2 << 10

// piece is a part of a file, and where that begins.
type piece struct {
	text []byte
	at   hcl.Pos
	file *hcl.File
}

// parsePieces parses a file in pieces, on all cores. It gives what parsing the whole file would give. It gives nil if there is one piece only,
// or anything to report, since a message may depend on other pieces.
//
// The lexer and the parser go from left to right. If the pieces so far have no mistake, the last one ends outside of all blocks, texts and
// comments, and what follows is parsed as if it were the beginning of a file.
func parsePieces(name string, text []byte, size int) *hcl.File {
	pieces := cutFile(text, size)
	if len(pieces) < 2 {
		return nil
	}
	var broken atomic.Bool
	onAllCores(len(pieces), func(i int) {
		if !broken.Load() && !pieces[i].parse(name) {
			broken.Store(true)
		}
	})
	if broken.Load() {
		return nil
	}
	return joinPieces(pieces, text)
}

// cutFile cuts a file behind lines that look like the ends of blocks. It doesn't cut before a byte order mark, which is only skipped at the
// beginning of a file.
func cutFile(text []byte, size int) []piece {
	end := []byte("\n}\n")
	var out []piece
	p := piece{text: text, at: hcl.InitialPos}
	for len(p.text) > size {
		i := bytes.Index(p.text[size:], end)
		if i < 0 {
			break
		}
		n := size + i + len(end)
		if n == len(p.text) || p.text[n] >= 0x80 {
			break
		}
		rest := piece{text: p.text[n:], at: hcl.Pos{Line: p.at.Line + bytes.Count(p.text[:n], end[:1]), Column: 1, Byte: p.at.Byte + n}}
		p.text = p.text[:n]
		out, p = append(out, p), rest
	}
	return append(out, p)
}

// parse reports whether a piece has no mistake, and is not too deep.
func (p *piece) parse(name string) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false // the whole file is parsed where a panic is handled
		}
	}()
	if !seemsShallow(p.text) {
		return false
	}
	f, diags := hclsyntax.ParseConfig(p.text, name, p.at)
	p.file = f
	return len(diags) == 0
}

// joinPieces makes the first piece's file that of the whole text; nil if an argument is there twice.
func joinPieces(pieces []piece, text []byte) *hcl.File {
	f := pieces[0].file
	f.Bytes = text
	all := f.Body.(*hclsyntax.Body)
	for _, p := range pieces[1:] {
		b := p.file.Body.(*hclsyntax.Body)
		for name, a := range b.Attributes {
			if all.Attributes[name] != nil {
				return nil
			}
			all.Attributes[name] = a
		}
		all.Blocks = append(all.Blocks, b.Blocks...)
		all.SrcRange.End, all.EndRange = b.SrcRange.End, b.EndRange
	}
	return f
}
