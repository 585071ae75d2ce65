package deploy

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A cold engine behind nginx is answered for by nginx's own page.
func TestC14AnErrorPageIsOneSentence(t *testing.T) {
	for _, row := range []struct{ why, body, want string }{
		{"nginx", "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body><h1>504 Gateway Time-out</h1></body>\r\n</html>\r\n",
			"a completion fails: HTTP 504: Gateway Time-out"},
		{"vLLM", `{"error":{"message":"the model is loading","type":"x"}}`, "a completion fails: HTTP 504: the model is loading"},
		{"a long answer keeps its end", strings.Repeat("x ", 5000) + "the cause", "the cause"},
	} {
		c := &chat{answer: func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusGatewayTimeout)
			_, _ = io.WriteString(w, row.body)
		}}
		err := c.smoke(t, t.Context(), 0, time.Hour)
		if err == nil || !strings.HasSuffix(err.Error(), row.want) || len(err.Error()) > 600 {
			t.Errorf("%s: got %v, want %q", row.why, err, row.want)
		}
	}
}
