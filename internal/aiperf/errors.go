package aiperf

import (
	"errors"
	"fmt"
)

// MaxBytes is the largest file that is read. An export is about 42 KB.
const MaxBytes = 64 << 20

// What can be wrong with a file. Each comes wrapped in a *FileError.
var (
	ErrEmpty     = errors.New("the file is empty; its writer was probably stopped")
	ErrTruncated = errors.New("the file ends in the middle; its writer was probably stopped")
	ErrTooLarge  = fmt.Errorf("the file is larger than %d MiB", MaxBytes>>20)
	ErrNotFile   = errors.New("it is not a regular file")
	ErrNUL       = errors.New("it holds NUL bytes; the disk was probably full or the machine lost power")
	ErrBOM       = errors.New("it starts with a byte order mark; save it as UTF-8 without one")
	ErrEncoding  = errors.New("it is not UTF-8")
	ErrSyntax    = errors.New("it is not JSON")
	ErrNaN       = errors.New("NaN and Infinity are not numbers")
	ErrRange     = errors.New("the number is out of range")
	ErrNegative  = errors.New("the number is negative")
	ErrDuplicate = errors.New("the key occurs twice")
	ErrTrailing  = errors.New("something follows the document")
	ErrType      = errors.New("the value is of the wrong type")
	ErrNoKey     = errors.New("the key is missing")
	ErrNoMetric  = errors.New("it is JSON, but holds no metric of aiperf")
	ErrNoResult  = errors.New("aiperf wrote no result (" + ExportName + "); its log has the reason")
)

// FileError is a fault of a file, with its place.
type FileError struct {
	Path   string
	Offset int64  // byte at or before the fault; 0 if it is the whole file
	Key    string // JSON pointer such as /request_count/avg, or ""
	Err    error  // one of the errors above, perhaps with a detail
}

func (e *FileError) Error() string {
	where := ""
	if e.Offset > 0 {
		where = fmt.Sprintf(" at byte %d", e.Offset)
	}
	if e.Key != "" {
		where += fmt.Sprintf(", key %q", e.Key)
	}
	return fmt.Sprintf("cannot use %s%s: %v", e.Path, where, e.Err)
}

func (e *FileError) Unwrap() error { return e.Err }

// MissingError is a statistic that an export lacks: the metric is absent, or the statistic
// is absent or null.
type MissingError struct{ Path, Tag, Stat string }

func (e *MissingError) Error() string {
	return fmt.Sprintf("cannot use %s: it has no %s of %s", e.Path, e.Stat, e.Tag)
}
