package chainnode

import (
	"bytes"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// keeper is a contract whose constructor stores CALLER, CHAINID, ADDRESS and
// its one argument in the slots 0 to 3, and whose code answers with the storage
// slot it is asked for.
var keeper = common.FromHex("" +
	"335f55" + // SSTORE(0, CALLER)
	"46600155" + // SSTORE(1, CHAINID)
	"30600255" + // SSTORE(2, ADDRESS)
	"602060203803" + // size of the argument, and where it starts: CODESIZE-32
	"5f39" + // CODECOPY(0, start, 32)
	"5f51600355" + // SSTORE(3, MLOAD(0))
	"6009" + "6022" + "5f39" + // CODECOPY(0, 34, 9): the runtime code
	"60095ff3" + // RETURN(0, 9)
	"5f35545f5260205ff3") // runtime: return SLOAD(CALLDATALOAD(0))

func TestDeployInGenesis(t *testing.T) {
	at, deployer := common.HexToAddress("0xc0ffee"), common.HexToAddress("0xd0")
	argument := common.HexToHash("0x1234")
	alloc := types.GenesisAlloc{deployer: {Balance: big.NewInt(9)}}
	if err := DeployInGenesis(alloc, 777, at, deployer, append(bytes.Clone(keeper), argument[:]...)); err != nil {
		t.Fatal(err)
	}
	got := alloc[at]
	if want := common.FromHex("5f35545f5260205ff3"); !bytes.Equal(got.Code, want) {
		t.Errorf("code %x, want %x", got.Code, want)
	}
	if got.Nonce != 1 {
		t.Errorf("nonce %d, want 1, as for every contract", got.Nonce)
	}
	for slot, want := range map[int64]common.Hash{
		0: common.BytesToHash(deployer[:]), 1: common.BigToHash(big.NewInt(777)), 2: common.BytesToHash(at[:]), 3: argument,
	} {
		if have := got.Storage[common.BigToHash(big.NewInt(slot))]; have != want {
			t.Errorf("slot %d: %s, want %s", slot, have, want)
		}
	}
	if alloc[deployer].Balance.Int64() != 9 || len(alloc) != 2 {
		t.Errorf("other accounts changed: %v", alloc)
	}

	if err := DeployInGenesis(alloc, 777, at, deployer, keeper); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("second contract at one address: %v", err)
	}
	for name, code := range map[string][]byte{
		"no code":        nil,
		"reverts":        common.FromHex("5f5ffd"),
		"stops":          common.FromHex("00"),
		"not code":       common.FromHex("fe"),
		"reserved first": common.FromHex("60ef5f5360015ff3"),
	} {
		clean := types.GenesisAlloc{}
		if err := DeployInGenesis(clean, 777, at, deployer, code); err == nil {
			t.Errorf("%s: no error", name)
		}
		if len(clean) != 0 {
			t.Errorf("%s: left something behind", name)
		}
	}
}

// TestDeployCallsOthers: a constructor that calls a contract deployed before it
// leaves that one's storage changed too.
func TestDeployCallsOthers(t *testing.T) {
	counter, caller, deployer := common.Address{1, 1}, common.Address{2, 2}, common.Address{3, 3}
	alloc := types.GenesisAlloc{}
	// Runtime: SSTORE(0, SLOAD(0)+1). Constructor returns it.
	if err := DeployInGenesis(alloc, 1, counter, deployer, common.FromHex("66"+"5f546001015f55"+"5f5260076019f3")); err != nil {
		t.Fatal(err)
	}
	call := "5f5f5f5f5f73" + common.Bytes2Hex(counter[:]) + "5af150"
	if err := DeployInGenesis(alloc, 1, caller, deployer, common.FromHex(call+call+"60015ff3")); err != nil {
		t.Fatal(err)
	}
	if got := alloc[counter].Storage[common.Hash{}]; got != (common.Hash{31: 2}) {
		t.Errorf("counter is %s, want 2", got)
	}
}
