package ort

import "encoding/binary"

// Machine code says where a function or a constant is by its distance from the instruction that needs it, so the same one has other bytes in
// each place. As positions in the file they are the same bytes everywhere, and the library compresses to a fifth less. The functions
// below replace one by the other, in all of the file: what only looks like an instruction is replaced, too, and put back all the same.

// toDistances undoes toPositions.
func toDistances(arch string, file []byte) {
	switch arch {
	case "amd64":
		for at := opcodes; at+4 <= len(file); at++ {
			amd64(file, at, false)
		}
	case "arm64":
		for at := 0; at+4 <= len(file); at += 4 {
			arm64(file, at, false)
		}
	}
}

// toPositions prepares a library of an architecture for compression. On amd64 it goes from the end to the beginning and toDistances the other
// way: so both see the same bytes before an operand, and the same after it.
func toPositions(arch string, file []byte) {
	switch arch {
	case "amd64":
		for at := len(file) - 4; at >= opcodes; at-- {
			amd64(file, at, true)
		}
	case "arm64":
		for at := 0; at+4 <= len(file); at += 4 {
			arm64(file, at, true)
		}
	}
}

// opcodes are the bytes before an operand that tell whether it is a distance.
const opcodes = 3

// amd64 replaces the operand at a place, if a call is before it, or an instruction with a REX prefix or of two bytes that addresses memory
// by a distance. Distances to places within the file change places with the numbers from -size up, so each result has one origin.
func amd64(file []byte, at int, position bool) {
	op := file[at-opcodes : at]
	if op[2] != 0xE8 && (op[2]&0xC7 != 0x05 || op[0]&0xF8 != 0x48 && (op[0] != 0x0F || op[1]>>4 == 8)) {
		return
	}
	size, next := int64(len(file)), int64(at+4)
	v := int64(int32(binary.LittleEndian.Uint32(file[at:])))
	switch {
	case v < -next || v >= size:
		return
	case position && v >= size-next:
		v -= size
	case position:
		v += next
	case v < 0:
		v += size
	default:
		v -= next
	}
	binary.LittleEndian.PutUint32(file[at:], uint32(v))
}

// arm64 replaces the operand of the instruction at a place, if it is a call (BL) or takes the address of a page (ADRP).
func arm64(file []byte, at int, position bool) {
	words, pages := uint32(at)>>2, uint32(at)>>12
	if !position {
		words, pages = -words, -pages
	}
	op := binary.LittleEndian.Uint32(file[at:])
	switch {
	case op>>26 == 0x25:
		op = op&^0x3FFFFFF | (op+words)&0x3FFFFFF
	case op>>24&0x9F == 0x90: // its number has the lowest two bits at the top
		page := op>>5&0x7FFFF<<2 | op>>29&3
		page += pages
		op = op&0x9F00001F | page>>2&0x7FFFF<<5 | page&3<<29
	}
	binary.LittleEndian.PutUint32(file[at:], op)
}
