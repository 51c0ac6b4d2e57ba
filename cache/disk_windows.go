package cache

import "io/fs"

// allocated is what a file takes on disk.
func allocated(i fs.FileInfo) int64 { return i.Size() }
