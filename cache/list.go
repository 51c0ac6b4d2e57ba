package cache

// File is a file of a folder, as the folder's digest counts it.
type File struct {
	Name string // slash-separated, relative to the folder
	Path string // to read it from
	Size int64
	Exec bool // may be executed
}

// List lists the folders and files that a folder's digest covers, each sorted by name. It follows symbolic links.
func List(path string) (folders []string, files []File, err error) {
	t, err := readTree(path)
	if err != nil {
		return nil, nil, err
	}
	files = make([]File, len(t.files))
	for i, f := range t.files {
		files[i] = File{f.name, f.path, f.info.Size(), f.info.Mode()&0o100 != 0}
	}
	return t.dirs, files, nil
}
