package profile

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestPathsBecomeAbsolute(t *testing.T) {
	working, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	const file, builtin = "/etc/profiles/p.yaml", "built-in p"
	for _, c := range []struct{ why, source, line, want string }{
		{"an id stays", file, "model: Qwen/Qwen3-0.6B", "Qwen/Qwen3-0.6B"},
		{"an absolute model", file, "model: /m//tiny/", "/m/tiny"},
		{"beside the profile", file, "model: ./tiny", "/etc/profiles/tiny"},
		{"above the profile", file, "model: ../tiny", "/etc/tiny"},
		{"a built-in starts from the working directory", builtin, "model: ./tiny", filepath.Join(working, "tiny")},
		{"home", file, "model: ~/tiny", "/home/someone/tiny"},
		{"the cache", file, "model: ${CACHE}/models/tiny", "/home/someone/.cache/topobench/models/tiny"},
	} {
		text := strings.Replace(valid, "model: m", c.line, 1)
		p, err := atHome.Parse(c.source, []byte(text))
		if err != nil || p.Model != c.want {
			t.Errorf("%s: %q, want %q (error %v)", c.why, p.Model, c.want, err)
		}
	}
	p := mustParse(t, strings.Replace(valid, "[0]", "[0], port: 1", 1)+
		"tokenizer: ../t\nvllm: venv/bin/vllm\naiperf: aiperf\nnginx: ~/nginx\netcd: ${CACHE}/etcd\nbalancer: {config: my.conf}\n")
	got := []string{p.Tokenizer, p.VLLM, p.AIPerf, p.Nginx, p.Etcd, p.Balancer.Config}
	want := "/etc/t /etc/profiles/venv/bin/vllm aiperf /home/someone/nginx /home/someone/.cache/topobench/etcd /etc/profiles/my.conf"
	if strings.Join(got, " ") != want {
		t.Errorf("got %s\nwant %s", strings.Join(got, " "), want)
	}
}

func TestOnlyOneVariableIsExpanded(t *testing.T) {
	checkRows(t, []row{
		{"another variable", valid + "vllm: ${HOME}/vllm\n", "6:7", words("${CACHE}", "cannot expand")},
		{"the cache in the middle", valid + "vllm: /a/${CACHE}/vllm\n", "6:7", words("at the start")},
		{"another user's home", valid + "vllm: ~bob/vllm\n", "6:7", words("only ~/")},
	})
	nowhere := Reader{Getenv: func(string) string { return "" }}
	for line, word := range map[string]string{"etcd: ${CACHE}/etcd": "set TOPOBENCH_CACHE or HOME", "etcd: ~/etcd": "needs HOME"} {
		if _, err := nowhere.Parse("p", []byte(valid+line)); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s without HOME: %v", line, err)
		}
	}
}
