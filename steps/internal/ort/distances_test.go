package ort

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
)

// The same function is called from two places, and the same constant is read: the operands are equal afterwards.
func TestPositionsAreTheSameEverywhere(t *testing.T) {
	for arch, code := range map[string]string{
		"amd64": "\x90\x90\x90" + "\xE8\x64\x00\x00\x00" + "\x48\x8D\x3D\x64\x01\x00\x00" + "\xE8\x58\x00\x00\x00" + "\x48\x8D\x3D\x58\x01\x00\x00",
		"arm64": "\x40\x00\x00\x94" + "\x00\x00\x00\xB0" + "\x3E\x00\x00\x94" + "\x00\x00\x00\xB0",
	} {
		file := append([]byte(code), make([]byte, 1000)...)
		toPositions(arch, file)
		if n := len(code) / 2; arch == "amd64" && !bytes.Equal(file[3:15], file[15:27]) || arch == "arm64" && !bytes.Equal(file[:n], file[n:2*n]) {
			t.Errorf("%s: % x", arch, file[:len(code)])
		}
	}
}

// Any bytes come back, also those that only look like instructions, overlap, or end in the middle of one.
func TestDistancesComeBack(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	likely := []byte{0xE8, 0xE8, 0x48, 0x0F, 0x05, 0x0D, 0x8D, 0x84, 0, 0, 0, 1, 0xFF, 0xFF, 0x90, 0x94, 0xB0}
	changed := map[string]int{}
	for n := range 3000 {
		file := make([]byte, n)
		for i := range file {
			if file[i] = likely[random.IntN(len(likely))]; random.IntN(8) == 0 {
				file[i] = byte(random.Uint32())
			}
		}
		for _, arch := range []string{"amd64", "arm64", "riscv64"} {
			got := bytes.Clone(file)
			toPositions(arch, got)
			if !bytes.Equal(got, file) {
				changed[arch]++
			}
			toDistances(arch, got)
			if !bytes.Equal(got, file) {
				t.Fatalf("%s: % x became % x", arch, file, got)
			}
		}
	}
	if changed["amd64"] < 1000 || changed["arm64"] < 1000 || changed["riscv64"] > 0 {
		t.Errorf("changed: %v of 3000", changed)
	}
}

// Each platform's library unpacks to what its Go file says, also those of other platforms.
func TestCarriedForAllPlatforms(t *testing.T) {
	said := regexp.MustCompile(`sha256: +"([0-9a-f]{64})"`)
	packed, err := filepath.Glob("carried/*.br")
	if err != nil || len(packed) != 4 {
		t.Fatalf("%q, %v", packed, err)
	}
	for _, path := range packed {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		platform := strings.TrimSuffix(filepath.Base(path), ".br")
		code, err := os.ReadFile("carried_" + platform + ".go")
		if err != nil {
			t.Fatal(err)
		}
		file, err := io.ReadAll(brotli.NewReader(bytes.NewReader(content)))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		toDistances(platform[strings.IndexByte(platform, '_')+1:], file)
		sum := sha256.Sum256(file)
		if m := said.FindSubmatch(code); m == nil || hex.EncodeToString(sum[:]) != string(m[1]) {
			t.Errorf("%s has the SHA-256 %x, said is %q", path, sum, m)
		}
	}
}

// TestPack packs a library for .ci/onnxruntime: REIN_PACK names its architecture, the library and the file to write.
func TestPack(t *testing.T) {
	args := strings.Fields(os.Getenv("REIN_PACK"))
	if len(args) != 3 {
		t.Skip("REIN_PACK isn't set")
	}
	file, err := os.ReadFile(args[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(args[2], pack(t, args[0], file), 0o644); err != nil {
		t.Fatal(err)
	}
}

// pack makes of a library what rein carries.
func pack(t *testing.T, arch string, file []byte) []byte {
	t.Helper()
	file = bytes.Clone(file)
	toPositions(arch, file)
	var out bytes.Buffer
	w := brotli.NewWriterOptions(&out, brotli.WriterOptions{Quality: brotli.BestCompression, LGWin: 24})
	if _, err := w.Write(file); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
