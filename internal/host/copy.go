package host

import (
	"context"
	"io"
)

// copyPiece is how many bytes of a file one call gets: an agent gives the end of a file in no larger pieces.
const copyPiece = 4 << 20

// Getter is a host that reads files.
type Getter interface {
	Get(ctx context.Context, path string, from, limit int64) ([]byte, error)
}

// Copy writes at most limit bytes of a file that does not grow, from an offset on, in pieces. A negative offset counts
// from the end, and the file must have as many bytes.
func Copy(ctx context.Context, to io.Writer, on Getter, path string, from, limit int64) error {
	for end := from + limit; from < end; from += copyPiece {
		want := min(end-from, copyPiece)
		data, err := on.Get(ctx, path, from, want)
		if err == nil {
			_, err = to.Write(data)
		}
		if err != nil || int64(len(data)) < want {
			return err
		}
	}
	return nil
}
