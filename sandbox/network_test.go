package sandbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/artel-network/artel/sandbox"
)

func TestParseAllow(t *testing.T) {
	for _, c := range []struct{ entry, want, ports string }{
		{"pypi.org", "pypi.org", "[80 443]"},
		{"PyPI.org.", "pypi.org", "[80 443]"},
		{"pypi.org:8443", "pypi.org:8443", "[8443]"},
		{"*.pythonhosted.org", "*.pythonhosted.org", "[80 443]"},
		{"*.pythonhosted.org:443", "*.pythonhosted.org:443", "[443]"},
		{"_dmarc.a-b.example", "_dmarc.a-b.example", "[80 443]"},
		{"93.184.215.14", "93.184.215.14", "[80 443]"},
		{"93.184.215.14:22", "93.184.215.14:22", "[22]"},
		{"2606:4700::1111", "2606:4700::1111", "[80 443]"},
		{"[2606:4700::1111]", "2606:4700::1111", "[80 443]"},
		{"[2606:4700::1111]:853", "[2606:4700::1111]:853", "[853]"},
		{"::ffff:93.184.215.14", "93.184.215.14", "[80 443]"},
	} {
		d, err := sandbox.ParseAllow(c.entry)
		if err != nil {
			t.Errorf("%s: %v", c.entry, err)
		} else if d.String() != c.want || fmt.Sprint(d.Ports) != c.ports {
			t.Errorf("%s: read as %s %v, want %s %s", c.entry, d, d.Ports, c.want, c.ports)
		}
	}
}

func TestParseAllowRefuses(t *testing.T) {
	for entry, hint := range map[string]string{
		"":                                "give a host",
		"https://pypi.org":                "URL",
		"pypi.org/simple":                 "paths",
		"10.0.0.0/8":                      "address ranges",
		"a.org, b.org":                    "entry of its own",
		"a.org:0":                         "1 to 65535",
		"a.org:65536":                     "1 to 65535",
		"a.org:+80":                       "1 to 65535",
		"a.org:80-90":                     "1 to 65535",
		"a.org:":                          "1 to 65535",
		"2606:4700::1111:zz":              "[2001:db8::1]:443",
		"fe80::1%eth0":                    "local network",
		"*":                               "in front",
		"*.org":                           "top-level",
		"a.*.org":                         "in front",
		"localhost":                       "without a dot",
		"127.1":                           "192.0.2.1",
		"0x7f.0x1":                        "192.0.2.1",
		"1.2.3.4.5":                       "192.0.2.1",
		"a..org":                          "empty",
		"-a.org":                          "hyphen",
		"bücher.example":                  "xn--",
		"a!.org":                          "no host name",
		strings.Repeat("a", 64) + ".org":  "63",
		strings.Repeat("a.", 130) + "org": "253",
	} {
		_, err := sandbox.ParseAllow(entry)
		if err == nil {
			t.Errorf("%q was read", entry)
		} else if !strings.Contains(err.Error(), hint) || !strings.Contains(err.Error(), "allow-list entry") {
			t.Errorf("%q: %v; want a word of %q", entry, err, hint)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		entry, name string
		want        bool
	}{
		{"pypi.org", "pypi.org", true}, {"pypi.org", "PYPI.org.", true}, {"pypi.org", "x.pypi.org", false},
		{"pypi.org", "notpypi.org", false}, {"pypi.org", "pypi.org.evil.example", false}, {"pypi.org", "", false},
		{"*.pypi.org", "x.pypi.org", true}, {"*.pypi.org", "y.x.pypi.org", true}, {"*.pypi.org", "pypi.org", false},
		{"*.pypi.org", ".pypi.org", false}, {"*.pypi.org", "xpypi.org", false}, {"93.184.215.14", "93.184.215.14", false},
	} {
		d, err := sandbox.ParseAllow(c.entry)
		if err != nil {
			t.Fatal(err)
		}
		if d.Match(c.name) != c.want {
			t.Errorf("%s matches %q: %v, want %v", c.entry, c.name, !c.want, c.want)
		}
	}
}

func TestNetworkCheck(t *testing.T) {
	many := slices.Repeat([]string{"a.example"}, sandbox.MaxAllow+1)
	for _, c := range []struct {
		n    sandbox.Network
		want string
	}{
		{sandbox.Network{}, ""},
		{sandbox.Network{Allow: []string{"pypi.org", "*.pypi.org:443"}, Bytes: 1 << 30}, ""},
		{sandbox.Network{Allow: []string{"pypi.org", "nas"}}, `"nas"`},
		{sandbox.Network{Allow: many}, "at most 256"},
		{sandbox.Network{Bytes: -1}, "positive"},
	} {
		err := c.n.Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("Check: %v; want %q", err, c.want)
		}
	}
}

func FuzzParseAllow(f *testing.F) {
	for _, s := range []string{"pypi.org", "*.a.example:1", "[::1]:2", "1.2.3.4", "a:b:c", "[", "]:1", "[]:1", "x.0x1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := sandbox.ParseAllow(s)
		if err != nil {
			return
		}
		if len(d.Ports) == 0 || (d.Host == "") == !d.Addr.IsValid() {
			t.Fatalf("%q: read as %+v", s, d)
		}
		again, err := sandbox.ParseAllow(d.String())
		if err != nil || again.String() != d.String() {
			t.Fatalf("%q: read as %s, which is read as %s, %v", s, d, again, err)
		}
	})
}
