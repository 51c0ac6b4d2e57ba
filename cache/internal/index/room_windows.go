package index

func freeBytes(string) (free int64, known bool) { return 0, false }

func canOpen(int) error { return nil } // there is no such limit
