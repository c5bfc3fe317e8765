package artel

import (
	"encoding/json"
	"os"
	"strconv"
	"testing"
)

// vectors/eip712.json was made without this package; Solidity reads it too.
func TestDigestsAgainstVectors(t *testing.T) {
	raw, err := os.ReadFile("vectors/eip712.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			Name   string
			Domain struct {
				Name              string
				ChainID           uint64
				VerifyingContract Address
			}
			Type       string
			Fields     map[string]string
			Digest     Hash
			PrivateKey Hash
			Signer     Address
			R, VS      Hash
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, v := range file.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			seen[v.Type]++
			var d Domain
			switch v.Domain.Name {
			case "artel Ledger":
				d = NewDomain(v.Domain.ChainID, v.Domain.VerifyingContract, Address{1})
			case "artel Stake":
				d = NewDomain(v.Domain.ChainID, Address{1}, v.Domain.VerifyingContract)
			default:
				t.Fatalf("domain %q", v.Domain.Name)
			}
			f := fields{t, v.Fields}
			var got Hash
			switch v.Type {
			case "Voucher":
				got = Voucher{f.address("renter"), f.address("provider"), f.uint("lane", 64), f.amount("cumulative"), f.hash("memo")}.Digest(d)
			case "Reserve":
				got = Reserve{f.address("renter"), f.address("provider"), f.uint("lane", 64), uint32(f.uint("epoch", 24)), f.amount("cap"), f.uint("validUntil", 40)}.Digest(d)
			case "Lease":
				got = Lease{f.address("renter"), f.address("provider"), f.uint("lane", 64), f.uint("start", 40), f.uint("end", 40),
					f.amount("penalty"), Rule(f.uint("rule", 8)), f.hash("terms")}.ID(d)
			case "Result":
				exit, err := strconv.ParseInt(v.Fields["exitCode"], 10, 32)
				if err != nil {
					t.Fatal(err)
				}
				got = Result{f.hash("lease"), f.uint("task", 64), uint32(f.uint("attempt", 32)), f.hash("outputRoot"), int32(exit)}.Digest(d)
			default:
				t.Fatalf("type %q", v.Type)
			}
			if got != v.Digest {
				t.Errorf("digest: got %s, want %s", got, v.Digest)
			}
			key, err := KeyFromBytes(v.PrivateKey[:])
			if err != nil {
				t.Fatal(err)
			}
			if key.Address() != v.Signer {
				t.Errorf("address: got %s, want %s", key.Address(), v.Signer)
			}
			sig := key.Sign(v.Digest)
			if sig.R() != v.R || sig.VS() != v.VS {
				t.Errorf("signature: got %x %x, want %s %s", sig.R(), sig.VS(), v.R, v.VS)
			}
			var theirs Signature
			copy(theirs[:32], v.R[:])
			copy(theirs[32:], v.VS[:])
			if by, err := theirs.Signer(v.Digest); err != nil || by != v.Signer {
				t.Errorf("signer: got %s, %v, want %s", by, err, v.Signer)
			}
		})
	}
	for _, kind := range []string{"Voucher", "Reserve", "Lease", "Result"} {
		if seen[kind] == 0 {
			t.Errorf("no vector of type %s", kind)
		}
	}
}

type fields struct {
	*testing.T
	m map[string]string
}

func (f fields) address(name string) Address {
	a, err := ParseAddress(f.m[name])
	if err != nil {
		f.Fatalf("%s: %v", name, err)
	}
	return a
}

func (f fields) hash(name string) Hash {
	h, err := ParseHash(f.m[name])
	if err != nil {
		f.Fatalf("%s: %v", name, err)
	}
	return h
}

func (f fields) uint(name string, bits int) uint64 {
	n, err := strconv.ParseUint(f.m[name], 10, bits)
	if err != nil {
		f.Fatalf("%s: %v", name, err)
	}
	return n
}

func (f fields) amount(name string) Amount {
	a, err := ParseAmount(f.m[name])
	if err != nil {
		f.Fatalf("%s: %v", name, err)
	}
	return a
}
