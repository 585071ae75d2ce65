package result

import (
	"bytes"
	"slices"
)

// maxNames is how many names of one object are compared one by one. The largest
// object of an export has 80.
const maxNames = 256

// names are those of the objects that are open at a place of a document.
type names struct {
	hashes []uint64
	first  int   // where the names of the innermost object begin
	outer  []int // and those of the objects around it
}

// distinct reports that no object in data, if data is JSON, has two members of
// one name. False may also mean that it cannot tell: a name is known by its
// hash, and where there are escapes one name can be written in two ways.
func distinct(data []byte) bool {
	if bytes.IndexByte(data, '\\') >= 0 {
		return false
	}
	n := names{hashes: make([]uint64, 0, maxNames)}
	for i := 0; i < len(data); i++ {
		c := data[i]
		if c != '"' && c < '{' { // most bytes
			continue
		}
		fine := true
		switch c {
		case '{':
			n.open()
		case '}':
			fine = n.close()
		case '"':
			hash := uint64(14695981039346656037) // FNV-1a
			for i++; i < len(data) && data[i] != '"'; i++ {
				hash = (hash ^ uint64(data[i])) * 1099511628211
			}
			fine = !colonNext(data, i+1) || n.add(hash)
		}
		if !fine {
			return false
		}
	}
	return true
}

// colonNext tells the name of a member from a value.
func colonNext(data []byte, i int) bool {
	for i < len(data) && (data[i] == ' ' || data[i] == '\n' || data[i] == '\r' || data[i] == '\t') {
		i++
	}
	return i < len(data) && data[i] == ':'
}

func (n *names) open() { n.outer, n.first = append(n.outer, n.first), len(n.hashes) }

// close fails where there is nothing to close.
func (n *names) close() bool {
	last := len(n.outer) - 1
	if last < 0 {
		return false
	}
	n.hashes, n.first, n.outer = n.hashes[:n.first], n.outer[last], n.outer[:last]
	return true
}

// add fails if the innermost object has such a name, or too many.
func (n *names) add(hash uint64) bool {
	mine := n.hashes[n.first:]
	if len(mine) == maxNames || slices.Contains(mine, hash) {
		return false
	}
	n.hashes = append(n.hashes, hash)
	return true
}
