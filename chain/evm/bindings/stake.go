// SPDX-License-Identifier: Apache-2.0

// Code generated via abigen V2 - DO NOT EDIT.
// This file is a generated binding and any manual changes will be lost.

package bindings

import (
	"bytes"
	"errors"
	"math/big"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/accounts/abi/bind/v2"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// Reference imports to suppress errors if they are not otherwise used.
var (
	_ = bytes.Equal
	_ = errors.New
	_ = big.NewInt
	_ = common.Big1
	_ = types.BloomLookup
	_ = abi.ConvertType
)

// IStakeEquivocation is an auto generated low-level Go binding around an user-defined struct.
type IStakeEquivocation struct {
	Lease      IStakeLease
	ByRenter   IStakeSig
	ByProvider IStakeSig
	A          IStakeResult
	SigA       IStakeSig
	B          IStakeResult
	SigB       IStakeSig
}

// IStakeLease is an auto generated low-level Go binding around an user-defined struct.
type IStakeLease struct {
	Renter   common.Address
	Provider common.Address
	Lane     uint64
	Start    *big.Int
	End      *big.Int
	Penalty  *big.Int
	Rule     uint8
	Terms    [32]byte
}

// IStakeResult is an auto generated low-level Go binding around an user-defined struct.
type IStakeResult struct {
	Lease      [32]byte
	Task       uint64
	Attempt    uint32
	OutputRoot [32]byte
	ExitCode   int32
}

// IStakeSig is an auto generated low-level Go binding around an user-defined struct.
type IStakeSig struct {
	R  [32]byte
	Vs [32]byte
}

// StakeMetaData contains all meta data concerning the Stake contract.
var StakeMetaData = bind.MetaData{
	ABI: "[{\"type\":\"constructor\",\"inputs\":[{\"name\":\"ledger_\",\"type\":\"address\",\"internalType\":\"contractILedger\"},{\"name\":\"leaveDelay_\",\"type\":\"uint40\",\"internalType\":\"uint40\"}],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"BURN\",\"inputs\":[],\"outputs\":[{\"name\":\"\",\"type\":\"address\",\"internalType\":\"address\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"LONGEST_LEASE\",\"inputs\":[],\"outputs\":[{\"name\":\"\",\"type\":\"uint40\",\"internalType\":\"uint40\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"REPORTER_PERCENT\",\"inputs\":[],\"outputs\":[{\"name\":\"\",\"type\":\"uint256\",\"internalType\":\"uint256\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"WINDOW\",\"inputs\":[],\"outputs\":[{\"name\":\"\",\"type\":\"uint40\",\"internalType\":\"uint40\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"admit\",\"inputs\":[{\"name\":\"judge\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"limit\",\"type\":\"uint96\",\"internalType\":\"uint96\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"claim\",\"inputs\":[{\"name\":\"claimableAt\",\"type\":\"uint40[]\",\"internalType\":\"uint40[]\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"claims\",\"inputs\":[{\"name\":\"reporter\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"claimableAt\",\"type\":\"uint40\",\"internalType\":\"uint40\"}],\"outputs\":[{\"name\":\"\",\"type\":\"uint96\",\"internalType\":\"uint96\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"dismiss\",\"inputs\":[{\"name\":\"judge\",\"type\":\"address\",\"internalType\":\"address\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"eip712Domain\",\"inputs\":[],\"outputs\":[{\"name\":\"fields\",\"type\":\"bytes1\",\"internalType\":\"bytes1\"},{\"name\":\"name\",\"type\":\"string\",\"internalType\":\"string\"},{\"name\":\"version\",\"type\":\"string\",\"internalType\":\"string\"},{\"name\":\"chainId\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"verifyingContract\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"salt\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"extensions\",\"type\":\"uint256[]\",\"internalType\":\"uint256[]\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"judges\",\"inputs\":[{\"name\":\"staker\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"judge\",\"type\":\"address\",\"internalType\":\"address\"}],\"outputs\":[{\"name\":\"limit\",\"type\":\"uint96\",\"internalType\":\"uint96\"},{\"name\":\"slashed\",\"type\":\"uint96\",\"internalType\":\"uint96\"},{\"name\":\"until\",\"type\":\"uint40\",\"internalType\":\"uint40\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"leaseDigest\",\"inputs\":[{\"name\":\"lease\",\"type\":\"tuple\",\"internalType\":\"structIStake.Lease\",\"components\":[{\"name\":\"renter\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"provider\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"lane\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"start\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"end\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"penalty\",\"type\":\"uint96\",\"internalType\":\"uint96\"},{\"name\":\"rule\",\"type\":\"uint8\",\"internalType\":\"uint8\"},{\"name\":\"terms\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]}],\"outputs\":[{\"name\":\"\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"leave\",\"inputs\":[{\"name\":\"amount\",\"type\":\"uint96\",\"internalType\":\"uint96\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"leaveDelay\",\"inputs\":[],\"outputs\":[{\"name\":\"\",\"type\":\"uint40\",\"internalType\":\"uint40\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"ledger\",\"inputs\":[],\"outputs\":[{\"name\":\"\",\"type\":\"address\",\"internalType\":\"contractILedger\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"proveEquivocation\",\"inputs\":[{\"name\":\"proof\",\"type\":\"tuple\",\"internalType\":\"structIStake.Equivocation\",\"components\":[{\"name\":\"lease\",\"type\":\"tuple\",\"internalType\":\"structIStake.Lease\",\"components\":[{\"name\":\"renter\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"provider\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"lane\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"start\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"end\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"penalty\",\"type\":\"uint96\",\"internalType\":\"uint96\"},{\"name\":\"rule\",\"type\":\"uint8\",\"internalType\":\"uint8\"},{\"name\":\"terms\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]},{\"name\":\"byRenter\",\"type\":\"tuple\",\"internalType\":\"structIStake.Sig\",\"components\":[{\"name\":\"r\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"vs\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]},{\"name\":\"byProvider\",\"type\":\"tuple\",\"internalType\":\"structIStake.Sig\",\"components\":[{\"name\":\"r\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"vs\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]},{\"name\":\"a\",\"type\":\"tuple\",\"internalType\":\"structIStake.Result\",\"components\":[{\"name\":\"lease\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"task\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"attempt\",\"type\":\"uint32\",\"internalType\":\"uint32\"},{\"name\":\"outputRoot\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"exitCode\",\"type\":\"int32\",\"internalType\":\"int32\"}]},{\"name\":\"sigA\",\"type\":\"tuple\",\"internalType\":\"structIStake.Sig\",\"components\":[{\"name\":\"r\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"vs\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]},{\"name\":\"b\",\"type\":\"tuple\",\"internalType\":\"structIStake.Result\",\"components\":[{\"name\":\"lease\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"task\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"attempt\",\"type\":\"uint32\",\"internalType\":\"uint32\"},{\"name\":\"outputRoot\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"exitCode\",\"type\":\"int32\",\"internalType\":\"int32\"}]},{\"name\":\"sigB\",\"type\":\"tuple\",\"internalType\":\"structIStake.Sig\",\"components\":[{\"name\":\"r\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"vs\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]}]},{\"name\":\"reporter\",\"type\":\"address\",\"internalType\":\"address\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"proven\",\"inputs\":[{\"name\":\"attempt\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}],\"outputs\":[{\"name\":\"\",\"type\":\"bool\",\"internalType\":\"bool\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"resultDigest\",\"inputs\":[{\"name\":\"result\",\"type\":\"tuple\",\"internalType\":\"structIStake.Result\",\"components\":[{\"name\":\"lease\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"task\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"attempt\",\"type\":\"uint32\",\"internalType\":\"uint32\"},{\"name\":\"outputRoot\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"exitCode\",\"type\":\"int32\",\"internalType\":\"int32\"}]}],\"outputs\":[{\"name\":\"\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"slash\",\"inputs\":[{\"name\":\"staker\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"amount\",\"type\":\"uint96\",\"internalType\":\"uint96\"},{\"name\":\"reporter\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"reason\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"stake\",\"inputs\":[{\"name\":\"to\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"amount\",\"type\":\"uint96\",\"internalType\":\"uint96\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"stakeOf\",\"inputs\":[{\"name\":\"staker\",\"type\":\"address\",\"internalType\":\"address\"}],\"outputs\":[{\"name\":\"\",\"type\":\"uint96\",\"internalType\":\"uint96\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"stakeWithPermit\",\"inputs\":[{\"name\":\"to\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"amount\",\"type\":\"uint96\",\"internalType\":\"uint96\"},{\"name\":\"deadline\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"v\",\"type\":\"uint8\",\"internalType\":\"uint8\"},{\"name\":\"r\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"s\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"stakers\",\"inputs\":[{\"name\":\"staker\",\"type\":\"address\",\"internalType\":\"address\"}],\"outputs\":[{\"name\":\"amount\",\"type\":\"uint96\",\"internalType\":\"uint96\"},{\"name\":\"leaving\",\"type\":\"uint96\",\"internalType\":\"uint96\"},{\"name\":\"leaveAt\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"faults\",\"type\":\"uint24\",\"internalType\":\"uint24\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"token\",\"inputs\":[],\"outputs\":[{\"name\":\"\",\"type\":\"address\",\"internalType\":\"contractIERC20\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"unstake\",\"inputs\":[],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"event\",\"name\":\"ClaimOpened\",\"inputs\":[{\"name\":\"reporter\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"claimableAt\",\"type\":\"uint40\",\"indexed\":false,\"internalType\":\"uint40\"},{\"name\":\"amount\",\"type\":\"uint96\",\"indexed\":false,\"internalType\":\"uint96\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"Claimed\",\"inputs\":[{\"name\":\"reporter\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"amount\",\"type\":\"uint96\",\"indexed\":false,\"internalType\":\"uint96\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"EIP712DomainChanged\",\"inputs\":[],\"anonymous\":false},{\"type\":\"event\",\"name\":\"Equivocated\",\"inputs\":[{\"name\":\"provider\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"lease\",\"type\":\"bytes32\",\"indexed\":true,\"internalType\":\"bytes32\"},{\"name\":\"task\",\"type\":\"uint64\",\"indexed\":false,\"internalType\":\"uint64\"},{\"name\":\"attempt\",\"type\":\"uint32\",\"indexed\":false,\"internalType\":\"uint32\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"JudgeAdmitted\",\"inputs\":[{\"name\":\"staker\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"judge\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"limit\",\"type\":\"uint96\",\"indexed\":false,\"internalType\":\"uint96\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"JudgeDismissed\",\"inputs\":[{\"name\":\"staker\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"judge\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"until\",\"type\":\"uint40\",\"indexed\":false,\"internalType\":\"uint40\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"Leaving\",\"inputs\":[{\"name\":\"staker\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"amount\",\"type\":\"uint96\",\"indexed\":false,\"internalType\":\"uint96\"},{\"name\":\"leaveAt\",\"type\":\"uint40\",\"indexed\":false,\"internalType\":\"uint40\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"Slashed\",\"inputs\":[{\"name\":\"staker\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"by\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"reason\",\"type\":\"bytes32\",\"indexed\":true,\"internalType\":\"bytes32\"},{\"name\":\"burned\",\"type\":\"uint96\",\"indexed\":false,\"internalType\":\"uint96\"},{\"name\":\"share\",\"type\":\"uint96\",\"indexed\":false,\"internalType\":\"uint96\"},{\"name\":\"reporter\",\"type\":\"address\",\"indexed\":false,\"internalType\":\"address\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"Staked\",\"inputs\":[{\"name\":\"staker\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"amount\",\"type\":\"uint96\",\"indexed\":false,\"internalType\":\"uint96\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"Unstaked\",\"inputs\":[{\"name\":\"staker\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"to\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"amount\",\"type\":\"uint96\",\"indexed\":false,\"internalType\":\"uint96\"}],\"anonymous\":false},{\"type\":\"error\",\"name\":\"AlreadyProven\",\"inputs\":[{\"name\":\"lease\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"task\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"attempt\",\"type\":\"uint32\",\"internalType\":\"uint32\"}]},{\"type\":\"error\",\"name\":\"DelayOutOfRange\",\"inputs\":[{\"name\":\"delay\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"least\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"most\",\"type\":\"uint40\",\"internalType\":\"uint40\"}]},{\"type\":\"error\",\"name\":\"DifferentAttempts\",\"inputs\":[]},{\"type\":\"error\",\"name\":\"ECDSAInvalidSignature\",\"inputs\":[]},{\"type\":\"error\",\"name\":\"ECDSAInvalidSignatureLength\",\"inputs\":[{\"name\":\"length\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"ECDSAInvalidSignatureS\",\"inputs\":[{\"name\":\"s\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]},{\"type\":\"error\",\"name\":\"FeeOnTransfer\",\"inputs\":[{\"name\":\"expected\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"received\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"InsufficientStake\",\"inputs\":[{\"name\":\"staker\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"amount\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"wanted\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"InvalidShortString\",\"inputs\":[]},{\"type\":\"error\",\"name\":\"JudgeLimitExceeded\",\"inputs\":[{\"name\":\"staker\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"judge\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"left\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"wanted\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"LeaseOutOfRange\",\"inputs\":[{\"name\":\"start\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"end\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"longest\",\"type\":\"uint40\",\"internalType\":\"uint40\"}]},{\"type\":\"error\",\"name\":\"LeaseTooOld\",\"inputs\":[{\"name\":\"end\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"provableUntil\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"NoPenalty\",\"inputs\":[]},{\"type\":\"error\",\"name\":\"NotJudge\",\"inputs\":[{\"name\":\"staker\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"judge\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"until\",\"type\":\"uint40\",\"internalType\":\"uint40\"}]},{\"type\":\"error\",\"name\":\"NotSignedBy\",\"inputs\":[{\"name\":\"account\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"recovered\",\"type\":\"address\",\"internalType\":\"address\"}]},{\"type\":\"error\",\"name\":\"NotUnstakable\",\"inputs\":[{\"name\":\"staker\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"from\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"to\",\"type\":\"uint40\",\"internalType\":\"uint40\"}]},{\"type\":\"error\",\"name\":\"NothingToClaim\",\"inputs\":[{\"name\":\"reporter\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"claimableAt\",\"type\":\"uint40\",\"internalType\":\"uint40\"}]},{\"type\":\"error\",\"name\":\"NothingToSlash\",\"inputs\":[{\"name\":\"staker\",\"type\":\"address\",\"internalType\":\"address\"}]},{\"type\":\"error\",\"name\":\"ReentrancyGuardReentrantCall\",\"inputs\":[]},{\"type\":\"error\",\"name\":\"SafeERC20FailedOperation\",\"inputs\":[{\"name\":\"token\",\"type\":\"address\",\"internalType\":\"address\"}]},{\"type\":\"error\",\"name\":\"SameResult\",\"inputs\":[]},{\"type\":\"error\",\"name\":\"StringTooLong\",\"inputs\":[{\"name\":\"str\",\"type\":\"string\",\"internalType\":\"string\"}]},{\"type\":\"error\",\"name\":\"WrongLease\",\"inputs\":[{\"name\":\"lease\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"a\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"b\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]},{\"type\":\"error\",\"name\":\"ZeroAddress\",\"inputs\":[]}]",
	ID:  "Stake",
	Bin: "0x6101c08060405234610290576040816134218038038091610020828561030f565b833981010312610290578051906001600160a01b0382169081830361029057602061004b9101610346565b9160405161005a60408261030f565b600b815260208101906a617274656c205374616b6560a81b82526040519161008360408461030f565b600183526020830191603160f81b835261009c81610358565b610120526100a984610358565b61014052519020918260e05251902080610100524660a0526040519060208201927f8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f8452604083015260608201524660808201523060a082015260a0815261011260c08261030f565b5190206080523060c052604051630d48571f60e31b8152602081600481865afa801561029c575f906102d1575b64ffffffffff91501664ffffffffff841681811080156102c4575b6102a757610180839052604051637e062a3560e11b81528590602081600481895afa90811561029c575f91610256575b50610160526101a05260405161305d90816103c482396080518161294a015260a05181612a01015260c0518161291b015260e05181612999015261010051816129bf015261012051816117b4015261014051816117de01526101605181818161014e01528181610734015281816114e201528181611a5401528181611aee01528181612064015261252b015261018051818181611bd801528181611fea0152612b3601526101a0518181816102c701528181610cb70152818161101d0152818161152f0152611e5b0152f35b90506020813d602011610294575b816102716020938361030f565b8101031261029057516001600160a01b0381168103610290578261018a565b5f80fd5b3d9150610264565b6040513d5f823e3d90fd5b63116e778760e21b5f526004526024526301e1338060445260645ffd5b506301e13380811161015a565b506020813d602011610307575b816102eb6020938361030f565b810103126102905761030264ffffffffff91610346565b61013f565b3d91506102de565b601f909101601f19168101906001600160401b0382119082101761033257604052565b634e487b7160e01b5f52604160045260245ffd5b519064ffffffffff8216820361029057565b601f815111610383576020815191015160208210610374571790565b5f198260200360031b1b161790565b604460209160405192839163305a27a960e01b83528160048401528051918291826024860152018484015e5f828201840152601f01601f19168101030190fdfe60806040526004361015610011575f80fd5b5f5f3560e01c80630685289a146121525780632def662014611ed6578063304d335814611e7f57806335bd2e4814611e3e578063412f286814611d845780634262336014611c1a57806343776f1614611bfc57806356397c3514611bac578063818fa6ca14611a9e57806381c0ba94146118b257806384b0196e1461179a57806387bc0da3146112385780639168ae72146111b45780639e4169031461113b578063a53e54121461111d578063b2d0b3c2146110ee578063bac33fe5146110d2578063bf41a91b146110a1578063c0a2526c14611084578063c3c4dd8e14610ee1578063c534b5ea14610dc9578063e7bdd0bf14610c2f578063ebc03f8f146101755763fc0c546a14610122575f80fd5b34610172578060031936011261017257602060405173ffffffffffffffffffffffffffffffffffffffff7f0000000000000000000000000000000000000000000000000000000000000000168152f35b80fd5b50346101725760031936016103608112610c2b5761034013610172576103443573ffffffffffffffffffffffffffffffffffffffff8116809103610c2b576101bb6123ce565b6101c3612904565b916101cc6127e4565b92610211846101d9612904565b604291604051917f19010000000000000000000000000000000000000000000000000000000000008352600283015260228201522090565b6101843594818614801590610c1e575b610be75761022d612364565b610284359367ffffffffffffffff851691828603610be35767ffffffffffffffff168214801590610bb4575b610b8c576101e435946102c4359889871480610b62575b610b3a576bffffffffffffffffffffffff610289612390565b1615610b1257610297612312565b64ffffffffff806102a6612326565b169116108015610aaa575b610a5a5764ffffffffff6102c3612312565b16967f00000000000000000000000000000000000000000000000000000000000000009764ffffffffff89168101809111610a2d578042116109ef575088610309612364565b63ffffffff61031661237c565b67ffffffffffffffff604051936020850195508c8652166040840152166060820152606081526103476080826122d1565b51902095868a52600560205260ff60408b20541661099c5760043573ffffffffffffffffffffffffffffffffffffffff8116810361098857906103998187846103b09550610393612326565b90612a27565b856103a26123ab565b6103aa612326565b90612cb8565b6103b86123ab565b916103c1612326565b916101a4359067ffffffffffffffff82169182810361099857506101c4359063ffffffff821691828103610994575061020435918260030b9283810361099057918995939161046b98979593506040519360208501957fa1c76bb8ff7252c783f04945356502e57d9fe3ff60746eef415e3088dba2c6fa875260408601526060850152608084015260a083015260c082015260c0815261046260e0826122d1565b51902092612d3a565b6104736123ab565b9261047c612326565b91506102a43563ffffffff81169081810361098c57506102e4359a8b60030b90818d036109885761050e9798999a9b9c506040519260208401947fa1c76bb8ff7252c783f04945356502e57d9fe3ff60746eef415e3088dba2c6fa86526102643560408601526060850152608084015260a083015260c082015260c0815261050560e0826122d1565b51902092612dbc565b835260056020526040832060017fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff0082541617905561054a6123ab565b7f1e871a27c43f5f6c48c72afc3af9236a7de8077d80f84b0b268cc4da207224f2604073ffffffffffffffffffffffffffffffffffffffff61058a612364565b9363ffffffff61059861237c565b67ffffffffffffffff8551971687521660208601521692a36105b86123ab565b926105c1612390565b9381156109605773ffffffffffffffffffffffffffffffffffffffff1691828452600260205260408420906bffffffffffffffffffffffff82541695866bffffffffffffffffffffffff8216105f1461095857915b6bffffffffffffffffffffffff831696871561092c5783610636916122a7565b81547fffffffffffffffffffffffffffffffffffffffff000000000000000000000000166bffffffffffffffffffffffff82811691821780855560601c16116108df575b5080548060e81c62ffffff81148015610859575b505050506005860295860460050361082c577f65717569766f636174696f6e00000000000000000000000000000000000000006106e16bffffffffffffffffffffffff60646107589899041680946122a7565b6bffffffffffffffffffffffff6040519116958682528460208301528560408301527f5a7f8d537556082d2f5fe978a0a0093d760a1b8f80b6dd96539fa3d38b30ad0260603393a48161077f575b5050507f0000000000000000000000000000000000000000000000000000000000000000612e3e565b50807f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d80f35b7fb527cd5f943479569fbddc1d2b88f222c67d16281e74721461b73add5dde9ace916107b460409264ffffffffff421661228b565b90848852600460205282882064ffffffffff83165f52602052825f206bffffffffffffffffffffffff6107ea838284541661233a565b167fffffffffffffffffffffffffffffffffffffffff00000000000000000000000082541617905564ffffffffff8351921682526020820152a25f808061072f565b6024857f4e487b710000000000000000000000000000000000000000000000000000000081526011600452fd5b6108b2577fffffff000000000000000000000000000000000000000000000000000000000060017cffffffffffffffffffffffffffffffffffffffffffffffffffffffffff920160e81b1691161790555f80808061068e565b6024887f4e487b710000000000000000000000000000000000000000000000000000000081526011600452fd5b81547fffffffffffffffff000000000000000000000000ffffffffffffffffffffffff1660609190911b77ffffffffffffffffffffffff000000000000000000000000161781555f61067a565b602487877fea532960000000000000000000000000000000000000000000000000000000008252600452fd5b508591610616565b6004847fd92e233d000000000000000000000000000000000000000000000000000000008152fd5b8a80fd5b8980fd5b8e80fd5b8d80fd5b8c80fd5b60648a63ffffffff8a67ffffffffffffffff6109b6612364565b6109be61237c565b927f457c18680000000000000000000000000000000000000000000000000000000086526004521660245216604452fd5b8960449164ffffffffff610a01612312565b7f70fd9b4800000000000000000000000000000000000000000000000000000000845216600452602452fd5b60248a7f4e487b710000000000000000000000000000000000000000000000000000000081526011600452fd5b60648864ffffffffff610a6b612326565b81610a74612312565b917f8a0e7d0600000000000000000000000000000000000000000000000000000000855216600452166024526301e28500604452fd5b50610ab3612312565b64ffffffffff80610ac2612326565b1691160364ffffffffff8111610ae55764ffffffffff6301e285009116116102b1565b6024897f4e487b710000000000000000000000000000000000000000000000000000000081526011600452fd5b6004887f4d876e69000000000000000000000000000000000000000000000000000000008152fd5b6004887fc3014912000000000000000000000000000000000000000000000000000000008152fd5b50610204358060030b9081810361098c57506102e435908160030b91828103610988575014610270565b6004867f441c1916000000000000000000000000000000000000000000000000000000008152fd5b50610bbd61237c565b6102a4359063ffffffff821691828103610bdf575063ffffffff161415610259565b8880fd5b8680fd5b60648487847fb40ff93f00000000000000000000000000000000000000000000000000000000835260045260245261026435604452fd5b5081610264351415610221565b5080fd5b503461017257602060031936011261017257610c4961220a565b33825260036020526040822073ffffffffffffffffffffffffffffffffffffffff82165f5260205260405f2080546bffffffffffffffffffffffff8116158015610db6575b610d63575064ffffffffff73ffffffffffffffffffffffffffffffffffffffff91610d2c610cde7f000000000000000000000000000000000000000000000000000000000000000084421661228b565b82547fffffff0000000000ffffffffffffffffffffffffffffffffffffffffffffffff1660c09190911b7cffffffffff00000000000000000000000000000000000000000000000016178255565b5460c01c169160405192835216907fcbac54dafa3d0b4130a80131f63b84e03637e2b19de6666c1623699cbc6c835460203392a380f35b7fdab853900000000000000000000000000000000000000000000000000000000084523360045273ffffffffffffffffffffffffffffffffffffffff831660245260c01c64ffffffffff16604452606483fd5b5064ffffffffff8160c01c161515610c8e565b503461017257604060031936011261017257610de361220a565b73ffffffffffffffffffffffffffffffffffffffff610e0061222d565b9116908115610eb957338352600360205260408320825f5260205260405f206bffffffffffffffffffffffff815416806bffffffffffffffffffffffff841610610eb1575b5080547fffffff0000000000ffffffffffffffffffffffff000000000000000000000000166bffffffffffffffffffffffff92909216918217905560405190815233907fea0b089f30e45d8153530e954a81736b48cb41c7f13635993a907f103a8201f790602090a380f35b91505f610e45565b6004837fd92e233d000000000000000000000000000000000000000000000000000000008152fd5b5034610172576020600319360112610172576004356bffffffffffffffffffffffff811690818103611080573383526002602052604083206bffffffffffffffffffffffff81541680841161104c5750610fe364ffffffffff92610f959285155f1461101857869384925b82547fffffffffffffffff000000000000000000000000ffffffffffffffffffffffff1660609190911b77ffffffffffffffffffffffff00000000000000000000000016178255565b907fffffff0000000000ffffffffffffffffffffffffffffffffffffffffffffffff7cffffffffff00000000000000000000000000000000000000000000000083549260c01b169116179055565b6040519283521660208201527f6c1512140dc098a0029f57d9b10ff8fb1b8a8edf902d687ed5fcc4e428478da160403392a280f35b6110447f000000000000000000000000000000000000000000000000000000000000000086421661228b565b938492610f4c565b84846064927f936d426d00000000000000000000000000000000000000000000000000000000835233600452602452604452fd5b8280fd5b5034610172578060031936011261017257602060405161dead8152f35b503461017257610100600319360112610172575060206110ca6110c26127e4565b6101d9612904565b604051908152f35b5034610172578060031936011261017257602060405160058152f35b50346101725760206003193601126101725760ff60406020926004358152600584522054166040519015158152f35b50346101725780600319360112610172576020604051620151808152f35b50346101725760406003193601126101725761115561220a565b906024359164ffffffffff83168303610c2b5764ffffffffff9173ffffffffffffffffffffffffffffffffffffffff60409216815260046020522091165f5260205260206bffffffffffffffffffffffff60405f205416604051908152f35b503461017257602060031936011261017257604060809173ffffffffffffffffffffffffffffffffffffffff6111e861220a565b16815260026020522054604051906bffffffffffffffffffffffff811682526bffffffffffffffffffffffff8160601c16602083015264ffffffffff8160c01c16604083015260e81c6060820152f35b50346101725760806003193601126101725761125261220a565b9061125b61222d565b60443573ffffffffffffffffffffffffffffffffffffffff8116809103611080576112846123ce565b73ffffffffffffffffffffffffffffffffffffffff8294169182845260036020526040842073ffffffffffffffffffffffffffffffffffffffff33165f5260205260405f20908154906bffffffffffffffffffffffff821664ffffffffff6bffffffffffffffffffffffff8460601c169360c01c1681158015611787575b61175357506bffffffffffffffffffffffff61131f8482936122a7565b16911690808211611710575084865260026020526bffffffffffffffffffffffff604087205416809111611706575b509061135d866113a59361233a565b7fffffffffffffffff000000000000000000000000ffffffffffffffffffffffff77ffffffffffffffffffffffff00000000000000000000000083549260601b169116179055565b8015610eb9578183526002602052604083206bffffffffffffffffffffffff81541694856bffffffffffffffffffffffff8216105f146116fe57905b6bffffffffffffffffffffffff82169586156116d25782611401916122a7565b81547fffffffffffffffffffffffffffffffffffffffff000000000000000000000000166bffffffffffffffffffffffff82811691821780855560601c1611611685575b5080548060e81c62ffffff811480156115ff575b50505050600585029485046005036115d25761148b6bffffffffffffffffffffffff60646107589697041680926122a7565b926bffffffffffffffffffffffff604051941693848152826020820152836040820152606435917f5a7f8d537556082d2f5fe978a0a0093d760a1b8f80b6dd96539fa3d38b30ad0260603393a480611506575b50507f0000000000000000000000000000000000000000000000000000000000000000612e3e565b60407fb527cd5f943479569fbddc1d2b88f222c67d16281e74721461b73add5dde9ace9161155b7f000000000000000000000000000000000000000000000000000000000000000064ffffffffff421661228b565b90848852600460205282882064ffffffffff83165f52602052825f206bffffffffffffffffffffffff611591838284541661233a565b167fffffffffffffffffffffffffffffffffffffffff00000000000000000000000082541617905564ffffffffff8351921682526020820152a25f806114de565b6024847f4e487b710000000000000000000000000000000000000000000000000000000081526011600452fd5b611658577fffffff000000000000000000000000000000000000000000000000000000000060017cffffffffffffffffffffffffffffffffffffffffffffffffffffffffff920160e81b1691161790555f808080611459565b6024877f4e487b710000000000000000000000000000000000000000000000000000000081526011600452fd5b81547fffffffffffffffff000000000000000000000000ffffffffffffffffffffffff1660609190911b77ffffffffffffffffffffffff000000000000000000000000161781555f611445565b602486867fea532960000000000000000000000000000000000000000000000000000000008252600452fd5b5084906113e1565b955061135d61134e565b6084918691604051927f95b36bb7000000000000000000000000000000000000000000000000000000008452600484015233602484015260448301526064820152fd5b87606491887fdab8539000000000000000000000000000000000000000000000000000000000835260045233602452604452fd5b5080151580156113025750804211611302565b5034610172578060031936011261017257611856906117d87f0000000000000000000000000000000000000000000000000000000000000000612e9f565b906118027f0000000000000000000000000000000000000000000000000000000000000000612e9f565b9060206118646040519361181683866122d1565b8385525f3681376040519687967f0f00000000000000000000000000000000000000000000000000000000000000885260e08589015260e0880190612248565b908682036040880152612248565b904660608601523060808601528260a086015284820360c08601528080855193848152019401925b82811061189b57505050500390f35b83518552869550938101939281019260010161188c565b5034610172576020600319360112610172576004359067ffffffffffffffff821161017257366023830112156101725781600401359067ffffffffffffffff8211610172573660248360051b850101116101725761190e6123ce565b809281935b83851015611a105760248560051b830101359064ffffffffff82168203611a0c5733845260046020526040842064ffffffffff83165f526020526bffffffffffffffffffffffff60405f20541691821580156119fc575b6119c657916119be91600193338752600460205264ffffffffff6040882091165f5260205260405f207fffffffffffffffffffffffffffffffffffffffff000000000000000000000000815416905561233a565b940193611913565b7f427692bb0000000000000000000000000000000000000000000000000000000085523360045264ffffffffff16602452604484fd5b5064ffffffffff8116421061196a565b5f80fd5b611a7891506bffffffffffffffffffffffff6040519116908181527f1f1f3fe51e971f9768a1b748e2a520609176b6de88aa4d9c02ace9fb9177189f60203392a2337f0000000000000000000000000000000000000000000000000000000000000000612442565b807f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d80f35b5034611a0c5760c0600319360112611a0c57611ab861220a565b90611ac161222d565b60643560ff8116809103611a0c57611ad76123ce565b73ffffffffffffffffffffffffffffffffffffffff7f00000000000000000000000000000000000000000000000000000000000000001690813b15611a0c575f9160e4839260405194859384927fd505accf0000000000000000000000000000000000000000000000000000000084523360048501523060248501526bffffffffffffffffffffffff891660448501526044356064850152608484015260843560a484015260a43560c48401525af1611b96575b50611a78919261250c565b611a7892505f611ba5916122d1565b5f91611b8b565b34611a0c575f600319360112611a0c57602060405173ffffffffffffffffffffffffffffffffffffffff7f0000000000000000000000000000000000000000000000000000000000000000168152f35b34611a0c575f600319360112611a0c5760206040516301e285008152f35b34611a0c576020600319360112611a0c5773ffffffffffffffffffffffffffffffffffffffff611c4861220a565b165f52600260205260405f20604051906080820182811067ffffffffffffffff821117611d575760405254906bffffffffffffffffffffffff82168152602081016bffffffffffffffffffffffff8360601c16815264ffffffffff8360c01c169283604084015260e81c606083015282151580611d11575b6020935015611cfc576bffffffffffffffffffffffff80611ce6935116915116906122a7565b6bffffffffffffffffffffffff60405191168152f35b50516bffffffffffffffffffffffff16611ce6565b50620151808301809311611d2a57602092421115611cc0565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52601160045260245ffd5b7f4e487b71000000000000000000000000000000000000000000000000000000005f52604160045260245ffd5b34611a0c576040600319360112611a0c57611d9d61220a565b6024359073ffffffffffffffffffffffffffffffffffffffff82168203611a0c5773ffffffffffffffffffffffffffffffffffffffff165f52600360205273ffffffffffffffffffffffffffffffffffffffff60405f2091165f52602052606060405f205464ffffffffff604051916bffffffffffffffffffffffff811683526bffffffffffffffffffffffff81851c16602084015260c01c166040820152f35b34611a0c575f600319360112611a0c57602060405164ffffffffff7f0000000000000000000000000000000000000000000000000000000000000000168152f35b34611a0c576040600319360112611a0c57611eb1611e9b61220a565b611ea361222d565b90611eac6123ce565b61250c565b5f7f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d005b34611a0c575f600319360112611a0c57611eee6123ce565b335f52600260205260405f208054906bffffffffffffffffffffffff8260601c169164ffffffffff8160c01c16801590815f1461213a575f915b8015612131575b8015612121575b6120e6575050611f55836bffffffffffffffffffffffff8093166122a7565b82547fffffff00000000000000000000000000000000000000000000000000000000001691167fffffff0000000000000000000000000000000000ffffffffffffffffffffffff161790556040517f6da61d1e0000000000000000000000000000000000000000000000000000000081523360048201529060208260248173ffffffffffffffffffffffffffffffffffffffff7f0000000000000000000000000000000000000000000000000000000000000000165afa80156120db575f90612088575b611eb1925060405182815273ffffffffffffffffffffffffffffffffffffffff8216907f247a04e0f77ada6710b28cdf375d24d75a9fc164b3722d886eba6e1eacc70fc660203392a37f0000000000000000000000000000000000000000000000000000000000000000612442565b50906020813d6020116120d3575b816120a3602093836122d1565b81010312611a0c57519073ffffffffffffffffffffffffffffffffffffffff82168203611a0c57611eb191612019565b3d9150612096565b6040513d5f823e3d90fd5b64ffffffffff92507f05e52cda000000000000000000000000000000000000000000000000000000005f52336004526024521660445260645ffd5b5064ffffffffff82164211611f36565b50804210611f2f565b62015180810164ffffffffff8111611d2a5791611f28565b34611a0c5760a0600319360112611a0c5760243567ffffffffffffffff811690818103611a0c57506044359063ffffffff821691828103611a0c5750608435908160030b92838303611a0c576020936110ca935060405191858301937fa1c76bb8ff7252c783f04945356502e57d9fe3ff60746eef415e3088dba2c6fa855260043560408501526060840152608083015260643560a083015260c082015260c081526121ff60e0826122d1565b5190206101d9612904565b6004359073ffffffffffffffffffffffffffffffffffffffff82168203611a0c57565b602435906bffffffffffffffffffffffff82168203611a0c57565b907fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0601f602080948051918291828752018686015e5f8582860101520116010190565b9064ffffffffff8091169116019064ffffffffff8211611d2a57565b906bffffffffffffffffffffffff809116911603906bffffffffffffffffffffffff8211611d2a57565b90601f7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0910116810190811067ffffffffffffffff821117611d5757604052565b60843564ffffffffff81168103611a0c5790565b60643564ffffffffff81168103611a0c5790565b906bffffffffffffffffffffffff809116911601906bffffffffffffffffffffffff8211611d2a57565b6101a43567ffffffffffffffff81168103611a0c5790565b6101c43563ffffffff81168103611a0c5790565b60a4356bffffffffffffffffffffffff81168103611a0c5790565b60243573ffffffffffffffffffffffffffffffffffffffff81168103611a0c5790565b7f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005c61241a5760017f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d565b7f3ee5aeb5000000000000000000000000000000000000000000000000000000005f5260045ffd5b9173ffffffffffffffffffffffffffffffffffffffff604051927fa9059cbb000000000000000000000000000000000000000000000000000000005f521660045260245260205f60448180865af19060015f51148216156124eb575b604052156124a95750565b73ffffffffffffffffffffffffffffffffffffffff907f5274afe7000000000000000000000000000000000000000000000000000000005f521660045260245ffd5b90600181151661250357823b15153d1516169061249e565b503d5f823e3d90fd5b73ffffffffffffffffffffffffffffffffffffffff169081156127bc577f00000000000000000000000000000000000000000000000000000000000000009073ffffffffffffffffffffffffffffffffffffffff8216916040517f70a08231000000000000000000000000000000000000000000000000000000008152306004820152602081602481875afa9081156120db575f9161278a575b506bffffffffffffffffffffffff831693604051927f23b872dd000000000000000000000000000000000000000000000000000000005f5233600452306024528560445260205f60648180855af19060015f511482161561276b575b50836040525f6060521561274057826024816020937f70a082310000000000000000000000000000000000000000000000000000000082523060048301525afa9182156120db575f9261270c575b508103908111611d2a578281036126dd57507fdc131fa0c2da1e17e756d092eb135d51effbfd68712c89339c4550cbfbeef6a391602091845f52600283526bffffffffffffffffffffffff6126ac60405f20928284541661233a565b167fffffffffffffffffffffffffffffffffffffffff000000000000000000000000825416179055604051908152a2565b827fca0dd236000000000000000000000000000000000000000000000000000000005f5260045260245260445ffd5b9091506020813d602011612738575b81612728602093836122d1565b81010312611a0c5751905f612650565b3d915061271b565b7f5274afe7000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b6001821516612781573b15153d1516165f612602565b843d5f823e3d90fd5b90506020813d6020116127b4575b816127a5602093836122d1565b81010312611a0c57515f6125a6565b3d9150612798565b7fd92e233d000000000000000000000000000000000000000000000000000000005f5260045ffd5b60043573ffffffffffffffffffffffffffffffffffffffff811690818103611a0c575060243573ffffffffffffffffffffffffffffffffffffffff811690818103611a0c575060443567ffffffffffffffff811690818103611a0c575060643564ffffffffff811690818103611a0c575060843564ffffffffff811690818103611a0c575060a435916bffffffffffffffffffffffff831692838103611a0c575060c4359360ff8516809503611a0c576040519560208701977faa4068246fc58bebf0c9fe9e1619e700a2d3b6a060d2f1b884ee1adc42e35403895260408801526060870152608086015260a085015260c084015260e083015261010082015260e43561012082015261012081526128fe610140826122d1565b51902090565b73ffffffffffffffffffffffffffffffffffffffff7f0000000000000000000000000000000000000000000000000000000000000000163014806129fe575b1561296c577f000000000000000000000000000000000000000000000000000000000000000090565b60405160208101907f8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f82527f000000000000000000000000000000000000000000000000000000000000000060408201527f000000000000000000000000000000000000000000000000000000000000000060608201524660808201523060a082015260a081526128fe60c0826122d1565b507f00000000000000000000000000000000000000000000000000000000000000004614612943565b9091612aa990612a71612ab2956101243592604291604051917f19010000000000000000000000000000000000000000000000000000000000008352600283015260228201522090565b907f7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff81169160ff601b6101043593821c011690612fce565b90949194612ef6565b73ffffffffffffffffffffffffffffffffffffffff81169173ffffffffffffffffffffffffffffffffffffffff841693838514612cb1576040517f78b248e400000000000000000000000000000000000000000000000000000000815273ffffffffffffffffffffffffffffffffffffffff848116600483015282811660248301527f00000000000000000000000000000000000000000000000000000000000000001690602081604481855afa9081156120db575f91612c76575b5015938415612bb2575b50505050612b84575050565b7fca66d4f3000000000000000000000000000000000000000000000000000000005f5260045260245260445ffd5b6040517fc24b170100000000000000000000000000000000000000000000000000000000815273ffffffffffffffffffffffffffffffffffffffff918216600482015292166024830152909250602090839060449082905afa9182156120db575f92612c2f575b5064ffffffffff8091169116105f808080612b78565b9091506020813d602011612c6e575b81612c4b602093836122d1565b81010312611a0c575164ffffffffff81168103611a0c579064ffffffffff612c19565b3d9150612c3e565b90506020813d602011612ca9575b81612c91602093836122d1565b81010312611a0c57518015158103611a0c575f612b6e565b3d9150612c84565b5050505050565b9091612aa990612d02612ab2956101643592604291604051917f19010000000000000000000000000000000000000000000000000000000000008352600283015260228201522090565b907f7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff81169160ff601b6101443593821c011690612fce565b9091612aa990612d84612ab2956102443592604291604051917f19010000000000000000000000000000000000000000000000000000000000008352600283015260228201522090565b907f7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff81169160ff601b6102243593821c011690612fce565b9091612aa990612e06612ab2956103243592604291604051917f19010000000000000000000000000000000000000000000000000000000000008352600283015260228201522090565b907f7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff81169160ff601b6103043593821c011690612fce565b9190604051907fa9059cbb000000000000000000000000000000000000000000000000000000005f5261dead60045260245260205f60448180875af19260015f5114841615612e8e575b50604052565b3d15903b151516909216915f612e88565b60ff811690601f8211612ece5760405191612ebb6040846122d1565b6020808452838101919036833783525290565b7fb3512b0c000000000000000000000000000000000000000000000000000000005f5260045ffd5b6004811015612fa15780612f08575050565b60018103612f38577ff645eedf000000000000000000000000000000000000000000000000000000005f5260045ffd5b60028103612f6c57507ffce698f7000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b600314612f765750565b7fd78bce0c000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b7f4e487b71000000000000000000000000000000000000000000000000000000005f52602160045260245ffd5b91907f7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a08411613052579160209360809260ff5f9560405194855216868401526040830152606082015282805260015afa156120db575f5173ffffffffffffffffffffffffffffffffffffffff81161561304857905f905f90565b505f906001905f90565b5050505f916003919056",
}

// Stake is an auto generated Go binding around an Ethereum contract.
type Stake struct {
	abi abi.ABI
}

// GetABI returns the ABI associated with this contract binding.
func (c *Stake) GetABI() abi.ABI {
	return c.abi
}

// NewStake creates a new instance of Stake.
func NewStake() *Stake {
	parsed, err := StakeMetaData.ParseABI()
	if err != nil {
		panic(errors.New("invalid ABI: " + err.Error()))
	}
	return &Stake{abi: *parsed}
}

// Instance creates a wrapper for a deployed contract instance at the given address.
// Use this to create the instance object passed to abigen v2 library functions Call, Transact, etc.
func (c *Stake) Instance(backend bind.ContractBackend, addr common.Address) *bind.BoundContract {
	return bind.NewBoundContract(addr, c.abi, backend, backend, backend)
}

// PackConstructor is the Go binding used to pack the parameters required for
// contract deployment.
//
// Solidity: constructor(address ledger_, uint40 leaveDelay_) returns()
func (stake *Stake) PackConstructor(ledger_ common.Address, leaveDelay_ *big.Int) []byte {
	enc, err := stake.abi.Pack("", ledger_, leaveDelay_)
	if err != nil {
		panic(err)
	}
	return enc
}

// PackBURN is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc0a2526c.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function BURN() view returns(address)
func (stake *Stake) PackBURN() []byte {
	enc, err := stake.abi.Pack("BURN")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackBURN is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc0a2526c.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function BURN() view returns(address)
func (stake *Stake) TryPackBURN() ([]byte, error) {
	return stake.abi.Pack("BURN")
}

// UnpackBURN is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xc0a2526c.
//
// Solidity: function BURN() view returns(address)
func (stake *Stake) UnpackBURN(data []byte) (common.Address, error) {
	out, err := stake.abi.Unpack("BURN", data)
	if err != nil {
		return *new(common.Address), err
	}
	out0 := *abi.ConvertType(out[0], new(common.Address)).(*common.Address)
	return out0, nil
}

// PackLONGESTLEASE is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x43776f16.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function LONGEST_LEASE() view returns(uint40)
func (stake *Stake) PackLONGESTLEASE() []byte {
	enc, err := stake.abi.Pack("LONGEST_LEASE")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackLONGESTLEASE is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x43776f16.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function LONGEST_LEASE() view returns(uint40)
func (stake *Stake) TryPackLONGESTLEASE() ([]byte, error) {
	return stake.abi.Pack("LONGEST_LEASE")
}

// UnpackLONGESTLEASE is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x43776f16.
//
// Solidity: function LONGEST_LEASE() view returns(uint40)
func (stake *Stake) UnpackLONGESTLEASE(data []byte) (*big.Int, error) {
	out, err := stake.abi.Unpack("LONGEST_LEASE", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackREPORTERPERCENT is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xbac33fe5.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function REPORTER_PERCENT() view returns(uint256)
func (stake *Stake) PackREPORTERPERCENT() []byte {
	enc, err := stake.abi.Pack("REPORTER_PERCENT")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackREPORTERPERCENT is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xbac33fe5.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function REPORTER_PERCENT() view returns(uint256)
func (stake *Stake) TryPackREPORTERPERCENT() ([]byte, error) {
	return stake.abi.Pack("REPORTER_PERCENT")
}

// UnpackREPORTERPERCENT is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xbac33fe5.
//
// Solidity: function REPORTER_PERCENT() view returns(uint256)
func (stake *Stake) UnpackREPORTERPERCENT(data []byte) (*big.Int, error) {
	out, err := stake.abi.Unpack("REPORTER_PERCENT", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackWINDOW is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xa53e5412.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function WINDOW() view returns(uint40)
func (stake *Stake) PackWINDOW() []byte {
	enc, err := stake.abi.Pack("WINDOW")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackWINDOW is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xa53e5412.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function WINDOW() view returns(uint40)
func (stake *Stake) TryPackWINDOW() ([]byte, error) {
	return stake.abi.Pack("WINDOW")
}

// UnpackWINDOW is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xa53e5412.
//
// Solidity: function WINDOW() view returns(uint40)
func (stake *Stake) UnpackWINDOW(data []byte) (*big.Int, error) {
	out, err := stake.abi.Unpack("WINDOW", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackAdmit is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc534b5ea.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function admit(address judge, uint96 limit) returns()
func (stake *Stake) PackAdmit(judge common.Address, limit *big.Int) []byte {
	enc, err := stake.abi.Pack("admit", judge, limit)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackAdmit is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc534b5ea.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function admit(address judge, uint96 limit) returns()
func (stake *Stake) TryPackAdmit(judge common.Address, limit *big.Int) ([]byte, error) {
	return stake.abi.Pack("admit", judge, limit)
}

// PackClaim is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x81c0ba94.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function claim(uint40[] claimableAt) returns()
func (stake *Stake) PackClaim(claimableAt []*big.Int) []byte {
	enc, err := stake.abi.Pack("claim", claimableAt)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackClaim is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x81c0ba94.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function claim(uint40[] claimableAt) returns()
func (stake *Stake) TryPackClaim(claimableAt []*big.Int) ([]byte, error) {
	return stake.abi.Pack("claim", claimableAt)
}

// PackClaims is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x9e416903.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function claims(address reporter, uint40 claimableAt) view returns(uint96)
func (stake *Stake) PackClaims(reporter common.Address, claimableAt *big.Int) []byte {
	enc, err := stake.abi.Pack("claims", reporter, claimableAt)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackClaims is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x9e416903.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function claims(address reporter, uint40 claimableAt) view returns(uint96)
func (stake *Stake) TryPackClaims(reporter common.Address, claimableAt *big.Int) ([]byte, error) {
	return stake.abi.Pack("claims", reporter, claimableAt)
}

// UnpackClaims is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x9e416903.
//
// Solidity: function claims(address reporter, uint40 claimableAt) view returns(uint96)
func (stake *Stake) UnpackClaims(data []byte) (*big.Int, error) {
	out, err := stake.abi.Unpack("claims", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackDismiss is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xe7bdd0bf.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function dismiss(address judge) returns()
func (stake *Stake) PackDismiss(judge common.Address) []byte {
	enc, err := stake.abi.Pack("dismiss", judge)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackDismiss is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xe7bdd0bf.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function dismiss(address judge) returns()
func (stake *Stake) TryPackDismiss(judge common.Address) ([]byte, error) {
	return stake.abi.Pack("dismiss", judge)
}

// PackEip712Domain is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x84b0196e.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function eip712Domain() view returns(bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] extensions)
func (stake *Stake) PackEip712Domain() []byte {
	enc, err := stake.abi.Pack("eip712Domain")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackEip712Domain is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x84b0196e.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function eip712Domain() view returns(bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] extensions)
func (stake *Stake) TryPackEip712Domain() ([]byte, error) {
	return stake.abi.Pack("eip712Domain")
}

// StakeEip712DomainOutput serves as a container for the return parameters of contract
// method Eip712Domain.
type StakeEip712DomainOutput struct {
	Fields            [1]byte
	Name              string
	Version           string
	ChainId           *big.Int
	VerifyingContract common.Address
	Salt              [32]byte
	Extensions        []*big.Int
}

// UnpackEip712Domain is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x84b0196e.
//
// Solidity: function eip712Domain() view returns(bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] extensions)
func (stake *Stake) UnpackEip712Domain(data []byte) (StakeEip712DomainOutput, error) {
	out, err := stake.abi.Unpack("eip712Domain", data)
	outstruct := new(StakeEip712DomainOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.Fields = *abi.ConvertType(out[0], new([1]byte)).(*[1]byte)
	outstruct.Name = *abi.ConvertType(out[1], new(string)).(*string)
	outstruct.Version = *abi.ConvertType(out[2], new(string)).(*string)
	outstruct.ChainId = abi.ConvertType(out[3], new(big.Int)).(*big.Int)
	outstruct.VerifyingContract = *abi.ConvertType(out[4], new(common.Address)).(*common.Address)
	outstruct.Salt = *abi.ConvertType(out[5], new([32]byte)).(*[32]byte)
	outstruct.Extensions = *abi.ConvertType(out[6], new([]*big.Int)).(*[]*big.Int)
	return *outstruct, nil
}

// PackJudges is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x412f2868.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function judges(address staker, address judge) view returns(uint96 limit, uint96 slashed, uint40 until)
func (stake *Stake) PackJudges(staker common.Address, judge common.Address) []byte {
	enc, err := stake.abi.Pack("judges", staker, judge)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackJudges is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x412f2868.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function judges(address staker, address judge) view returns(uint96 limit, uint96 slashed, uint40 until)
func (stake *Stake) TryPackJudges(staker common.Address, judge common.Address) ([]byte, error) {
	return stake.abi.Pack("judges", staker, judge)
}

// StakeJudgesOutput serves as a container for the return parameters of contract
// method Judges.
type StakeJudgesOutput struct {
	Limit   *big.Int
	Slashed *big.Int
	Until   *big.Int
}

// UnpackJudges is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x412f2868.
//
// Solidity: function judges(address staker, address judge) view returns(uint96 limit, uint96 slashed, uint40 until)
func (stake *Stake) UnpackJudges(data []byte) (StakeJudgesOutput, error) {
	out, err := stake.abi.Unpack("judges", data)
	outstruct := new(StakeJudgesOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.Limit = abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	outstruct.Slashed = abi.ConvertType(out[1], new(big.Int)).(*big.Int)
	outstruct.Until = abi.ConvertType(out[2], new(big.Int)).(*big.Int)
	return *outstruct, nil
}

// PackLeaseDigest is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xbf41a91b.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function leaseDigest((address,address,uint64,uint40,uint40,uint96,uint8,bytes32) lease) view returns(bytes32)
func (stake *Stake) PackLeaseDigest(lease IStakeLease) []byte {
	enc, err := stake.abi.Pack("leaseDigest", lease)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackLeaseDigest is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xbf41a91b.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function leaseDigest((address,address,uint64,uint40,uint40,uint96,uint8,bytes32) lease) view returns(bytes32)
func (stake *Stake) TryPackLeaseDigest(lease IStakeLease) ([]byte, error) {
	return stake.abi.Pack("leaseDigest", lease)
}

// UnpackLeaseDigest is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xbf41a91b.
//
// Solidity: function leaseDigest((address,address,uint64,uint40,uint40,uint96,uint8,bytes32) lease) view returns(bytes32)
func (stake *Stake) UnpackLeaseDigest(data []byte) ([32]byte, error) {
	out, err := stake.abi.Unpack("leaseDigest", data)
	if err != nil {
		return *new([32]byte), err
	}
	out0 := *abi.ConvertType(out[0], new([32]byte)).(*[32]byte)
	return out0, nil
}

// PackLeave is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc3c4dd8e.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function leave(uint96 amount) returns()
func (stake *Stake) PackLeave(amount *big.Int) []byte {
	enc, err := stake.abi.Pack("leave", amount)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackLeave is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc3c4dd8e.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function leave(uint96 amount) returns()
func (stake *Stake) TryPackLeave(amount *big.Int) ([]byte, error) {
	return stake.abi.Pack("leave", amount)
}

// PackLeaveDelay is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x35bd2e48.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function leaveDelay() view returns(uint40)
func (stake *Stake) PackLeaveDelay() []byte {
	enc, err := stake.abi.Pack("leaveDelay")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackLeaveDelay is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x35bd2e48.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function leaveDelay() view returns(uint40)
func (stake *Stake) TryPackLeaveDelay() ([]byte, error) {
	return stake.abi.Pack("leaveDelay")
}

// UnpackLeaveDelay is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x35bd2e48.
//
// Solidity: function leaveDelay() view returns(uint40)
func (stake *Stake) UnpackLeaveDelay(data []byte) (*big.Int, error) {
	out, err := stake.abi.Unpack("leaveDelay", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackLedger is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x56397c35.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function ledger() view returns(address)
func (stake *Stake) PackLedger() []byte {
	enc, err := stake.abi.Pack("ledger")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackLedger is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x56397c35.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function ledger() view returns(address)
func (stake *Stake) TryPackLedger() ([]byte, error) {
	return stake.abi.Pack("ledger")
}

// UnpackLedger is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x56397c35.
//
// Solidity: function ledger() view returns(address)
func (stake *Stake) UnpackLedger(data []byte) (common.Address, error) {
	out, err := stake.abi.Unpack("ledger", data)
	if err != nil {
		return *new(common.Address), err
	}
	out0 := *abi.ConvertType(out[0], new(common.Address)).(*common.Address)
	return out0, nil
}

// PackProveEquivocation is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xebc03f8f.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function proveEquivocation(((address,address,uint64,uint40,uint40,uint96,uint8,bytes32),(bytes32,bytes32),(bytes32,bytes32),(bytes32,uint64,uint32,bytes32,int32),(bytes32,bytes32),(bytes32,uint64,uint32,bytes32,int32),(bytes32,bytes32)) proof, address reporter) returns()
func (stake *Stake) PackProveEquivocation(proof IStakeEquivocation, reporter common.Address) []byte {
	enc, err := stake.abi.Pack("proveEquivocation", proof, reporter)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackProveEquivocation is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xebc03f8f.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function proveEquivocation(((address,address,uint64,uint40,uint40,uint96,uint8,bytes32),(bytes32,bytes32),(bytes32,bytes32),(bytes32,uint64,uint32,bytes32,int32),(bytes32,bytes32),(bytes32,uint64,uint32,bytes32,int32),(bytes32,bytes32)) proof, address reporter) returns()
func (stake *Stake) TryPackProveEquivocation(proof IStakeEquivocation, reporter common.Address) ([]byte, error) {
	return stake.abi.Pack("proveEquivocation", proof, reporter)
}

// PackProven is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb2d0b3c2.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function proven(bytes32 attempt) view returns(bool)
func (stake *Stake) PackProven(attempt [32]byte) []byte {
	enc, err := stake.abi.Pack("proven", attempt)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackProven is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb2d0b3c2.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function proven(bytes32 attempt) view returns(bool)
func (stake *Stake) TryPackProven(attempt [32]byte) ([]byte, error) {
	return stake.abi.Pack("proven", attempt)
}

// UnpackProven is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xb2d0b3c2.
//
// Solidity: function proven(bytes32 attempt) view returns(bool)
func (stake *Stake) UnpackProven(data []byte) (bool, error) {
	out, err := stake.abi.Unpack("proven", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackResultDigest is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x0685289a.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function resultDigest((bytes32,uint64,uint32,bytes32,int32) result) view returns(bytes32)
func (stake *Stake) PackResultDigest(result IStakeResult) []byte {
	enc, err := stake.abi.Pack("resultDigest", result)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackResultDigest is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x0685289a.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function resultDigest((bytes32,uint64,uint32,bytes32,int32) result) view returns(bytes32)
func (stake *Stake) TryPackResultDigest(result IStakeResult) ([]byte, error) {
	return stake.abi.Pack("resultDigest", result)
}

// UnpackResultDigest is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x0685289a.
//
// Solidity: function resultDigest((bytes32,uint64,uint32,bytes32,int32) result) view returns(bytes32)
func (stake *Stake) UnpackResultDigest(data []byte) ([32]byte, error) {
	out, err := stake.abi.Unpack("resultDigest", data)
	if err != nil {
		return *new([32]byte), err
	}
	out0 := *abi.ConvertType(out[0], new([32]byte)).(*[32]byte)
	return out0, nil
}

// PackSlash is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x87bc0da3.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function slash(address staker, uint96 amount, address reporter, bytes32 reason) returns()
func (stake *Stake) PackSlash(staker common.Address, amount *big.Int, reporter common.Address, reason [32]byte) []byte {
	enc, err := stake.abi.Pack("slash", staker, amount, reporter, reason)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSlash is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x87bc0da3.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function slash(address staker, uint96 amount, address reporter, bytes32 reason) returns()
func (stake *Stake) TryPackSlash(staker common.Address, amount *big.Int, reporter common.Address, reason [32]byte) ([]byte, error) {
	return stake.abi.Pack("slash", staker, amount, reporter, reason)
}

// PackStake is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x304d3358.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function stake(address to, uint96 amount) returns()
func (stake *Stake) PackStake(to common.Address, amount *big.Int) []byte {
	enc, err := stake.abi.Pack("stake", to, amount)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackStake is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x304d3358.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function stake(address to, uint96 amount) returns()
func (stake *Stake) TryPackStake(to common.Address, amount *big.Int) ([]byte, error) {
	return stake.abi.Pack("stake", to, amount)
}

// PackStakeOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x42623360.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function stakeOf(address staker) view returns(uint96)
func (stake *Stake) PackStakeOf(staker common.Address) []byte {
	enc, err := stake.abi.Pack("stakeOf", staker)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackStakeOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x42623360.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function stakeOf(address staker) view returns(uint96)
func (stake *Stake) TryPackStakeOf(staker common.Address) ([]byte, error) {
	return stake.abi.Pack("stakeOf", staker)
}

// UnpackStakeOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x42623360.
//
// Solidity: function stakeOf(address staker) view returns(uint96)
func (stake *Stake) UnpackStakeOf(data []byte) (*big.Int, error) {
	out, err := stake.abi.Unpack("stakeOf", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackStakeWithPermit is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x818fa6ca.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function stakeWithPermit(address to, uint96 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) returns()
func (stake *Stake) PackStakeWithPermit(to common.Address, amount *big.Int, deadline *big.Int, v uint8, r [32]byte, s [32]byte) []byte {
	enc, err := stake.abi.Pack("stakeWithPermit", to, amount, deadline, v, r, s)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackStakeWithPermit is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x818fa6ca.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function stakeWithPermit(address to, uint96 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) returns()
func (stake *Stake) TryPackStakeWithPermit(to common.Address, amount *big.Int, deadline *big.Int, v uint8, r [32]byte, s [32]byte) ([]byte, error) {
	return stake.abi.Pack("stakeWithPermit", to, amount, deadline, v, r, s)
}

// PackStakers is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x9168ae72.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function stakers(address staker) view returns(uint96 amount, uint96 leaving, uint40 leaveAt, uint24 faults)
func (stake *Stake) PackStakers(staker common.Address) []byte {
	enc, err := stake.abi.Pack("stakers", staker)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackStakers is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x9168ae72.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function stakers(address staker) view returns(uint96 amount, uint96 leaving, uint40 leaveAt, uint24 faults)
func (stake *Stake) TryPackStakers(staker common.Address) ([]byte, error) {
	return stake.abi.Pack("stakers", staker)
}

// StakeStakersOutput serves as a container for the return parameters of contract
// method Stakers.
type StakeStakersOutput struct {
	Amount  *big.Int
	Leaving *big.Int
	LeaveAt *big.Int
	Faults  *big.Int
}

// UnpackStakers is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x9168ae72.
//
// Solidity: function stakers(address staker) view returns(uint96 amount, uint96 leaving, uint40 leaveAt, uint24 faults)
func (stake *Stake) UnpackStakers(data []byte) (StakeStakersOutput, error) {
	out, err := stake.abi.Unpack("stakers", data)
	outstruct := new(StakeStakersOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.Amount = abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	outstruct.Leaving = abi.ConvertType(out[1], new(big.Int)).(*big.Int)
	outstruct.LeaveAt = abi.ConvertType(out[2], new(big.Int)).(*big.Int)
	outstruct.Faults = abi.ConvertType(out[3], new(big.Int)).(*big.Int)
	return *outstruct, nil
}

// PackToken is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xfc0c546a.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function token() view returns(address)
func (stake *Stake) PackToken() []byte {
	enc, err := stake.abi.Pack("token")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackToken is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xfc0c546a.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function token() view returns(address)
func (stake *Stake) TryPackToken() ([]byte, error) {
	return stake.abi.Pack("token")
}

// UnpackToken is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xfc0c546a.
//
// Solidity: function token() view returns(address)
func (stake *Stake) UnpackToken(data []byte) (common.Address, error) {
	out, err := stake.abi.Unpack("token", data)
	if err != nil {
		return *new(common.Address), err
	}
	out0 := *abi.ConvertType(out[0], new(common.Address)).(*common.Address)
	return out0, nil
}

// PackUnstake is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x2def6620.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function unstake() returns()
func (stake *Stake) PackUnstake() []byte {
	enc, err := stake.abi.Pack("unstake")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackUnstake is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x2def6620.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function unstake() returns()
func (stake *Stake) TryPackUnstake() ([]byte, error) {
	return stake.abi.Pack("unstake")
}

// StakeClaimOpened represents a ClaimOpened event raised by the Stake contract.
type StakeClaimOpened struct {
	Reporter    common.Address
	ClaimableAt *big.Int
	Amount      *big.Int
	Raw         *types.Log // Blockchain specific contextual infos
}

const StakeClaimOpenedEventName = "ClaimOpened"

// ContractEventName returns the user-defined event name.
func (StakeClaimOpened) ContractEventName() string {
	return StakeClaimOpenedEventName
}

// UnpackClaimOpenedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event ClaimOpened(address indexed reporter, uint40 claimableAt, uint96 amount)
func (stake *Stake) UnpackClaimOpenedEvent(log *types.Log) (*StakeClaimOpened, error) {
	event := "ClaimOpened"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != stake.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(StakeClaimOpened)
	if len(log.Data) > 0 {
		if err := stake.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range stake.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// StakeClaimed represents a Claimed event raised by the Stake contract.
type StakeClaimed struct {
	Reporter common.Address
	Amount   *big.Int
	Raw      *types.Log // Blockchain specific contextual infos
}

const StakeClaimedEventName = "Claimed"

// ContractEventName returns the user-defined event name.
func (StakeClaimed) ContractEventName() string {
	return StakeClaimedEventName
}

// UnpackClaimedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Claimed(address indexed reporter, uint96 amount)
func (stake *Stake) UnpackClaimedEvent(log *types.Log) (*StakeClaimed, error) {
	event := "Claimed"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != stake.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(StakeClaimed)
	if len(log.Data) > 0 {
		if err := stake.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range stake.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// StakeEIP712DomainChanged represents a EIP712DomainChanged event raised by the Stake contract.
type StakeEIP712DomainChanged struct {
	Raw *types.Log // Blockchain specific contextual infos
}

const StakeEIP712DomainChangedEventName = "EIP712DomainChanged"

// ContractEventName returns the user-defined event name.
func (StakeEIP712DomainChanged) ContractEventName() string {
	return StakeEIP712DomainChangedEventName
}

// UnpackEIP712DomainChangedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event EIP712DomainChanged()
func (stake *Stake) UnpackEIP712DomainChangedEvent(log *types.Log) (*StakeEIP712DomainChanged, error) {
	event := "EIP712DomainChanged"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != stake.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(StakeEIP712DomainChanged)
	if len(log.Data) > 0 {
		if err := stake.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range stake.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// StakeEquivocated represents a Equivocated event raised by the Stake contract.
type StakeEquivocated struct {
	Provider common.Address
	Lease    [32]byte
	Task     uint64
	Attempt  uint32
	Raw      *types.Log // Blockchain specific contextual infos
}

const StakeEquivocatedEventName = "Equivocated"

// ContractEventName returns the user-defined event name.
func (StakeEquivocated) ContractEventName() string {
	return StakeEquivocatedEventName
}

// UnpackEquivocatedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Equivocated(address indexed provider, bytes32 indexed lease, uint64 task, uint32 attempt)
func (stake *Stake) UnpackEquivocatedEvent(log *types.Log) (*StakeEquivocated, error) {
	event := "Equivocated"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != stake.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(StakeEquivocated)
	if len(log.Data) > 0 {
		if err := stake.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range stake.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// StakeJudgeAdmitted represents a JudgeAdmitted event raised by the Stake contract.
type StakeJudgeAdmitted struct {
	Staker common.Address
	Judge  common.Address
	Limit  *big.Int
	Raw    *types.Log // Blockchain specific contextual infos
}

const StakeJudgeAdmittedEventName = "JudgeAdmitted"

// ContractEventName returns the user-defined event name.
func (StakeJudgeAdmitted) ContractEventName() string {
	return StakeJudgeAdmittedEventName
}

// UnpackJudgeAdmittedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event JudgeAdmitted(address indexed staker, address indexed judge, uint96 limit)
func (stake *Stake) UnpackJudgeAdmittedEvent(log *types.Log) (*StakeJudgeAdmitted, error) {
	event := "JudgeAdmitted"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != stake.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(StakeJudgeAdmitted)
	if len(log.Data) > 0 {
		if err := stake.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range stake.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// StakeJudgeDismissed represents a JudgeDismissed event raised by the Stake contract.
type StakeJudgeDismissed struct {
	Staker common.Address
	Judge  common.Address
	Until  *big.Int
	Raw    *types.Log // Blockchain specific contextual infos
}

const StakeJudgeDismissedEventName = "JudgeDismissed"

// ContractEventName returns the user-defined event name.
func (StakeJudgeDismissed) ContractEventName() string {
	return StakeJudgeDismissedEventName
}

// UnpackJudgeDismissedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event JudgeDismissed(address indexed staker, address indexed judge, uint40 until)
func (stake *Stake) UnpackJudgeDismissedEvent(log *types.Log) (*StakeJudgeDismissed, error) {
	event := "JudgeDismissed"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != stake.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(StakeJudgeDismissed)
	if len(log.Data) > 0 {
		if err := stake.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range stake.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// StakeLeaving represents a Leaving event raised by the Stake contract.
type StakeLeaving struct {
	Staker  common.Address
	Amount  *big.Int
	LeaveAt *big.Int
	Raw     *types.Log // Blockchain specific contextual infos
}

const StakeLeavingEventName = "Leaving"

// ContractEventName returns the user-defined event name.
func (StakeLeaving) ContractEventName() string {
	return StakeLeavingEventName
}

// UnpackLeavingEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Leaving(address indexed staker, uint96 amount, uint40 leaveAt)
func (stake *Stake) UnpackLeavingEvent(log *types.Log) (*StakeLeaving, error) {
	event := "Leaving"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != stake.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(StakeLeaving)
	if len(log.Data) > 0 {
		if err := stake.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range stake.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// StakeSlashed represents a Slashed event raised by the Stake contract.
type StakeSlashed struct {
	Staker   common.Address
	By       common.Address
	Reason   [32]byte
	Burned   *big.Int
	Share    *big.Int
	Reporter common.Address
	Raw      *types.Log // Blockchain specific contextual infos
}

const StakeSlashedEventName = "Slashed"

// ContractEventName returns the user-defined event name.
func (StakeSlashed) ContractEventName() string {
	return StakeSlashedEventName
}

// UnpackSlashedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Slashed(address indexed staker, address indexed by, bytes32 indexed reason, uint96 burned, uint96 share, address reporter)
func (stake *Stake) UnpackSlashedEvent(log *types.Log) (*StakeSlashed, error) {
	event := "Slashed"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != stake.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(StakeSlashed)
	if len(log.Data) > 0 {
		if err := stake.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range stake.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// StakeStaked represents a Staked event raised by the Stake contract.
type StakeStaked struct {
	Staker common.Address
	Amount *big.Int
	Raw    *types.Log // Blockchain specific contextual infos
}

const StakeStakedEventName = "Staked"

// ContractEventName returns the user-defined event name.
func (StakeStaked) ContractEventName() string {
	return StakeStakedEventName
}

// UnpackStakedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Staked(address indexed staker, uint96 amount)
func (stake *Stake) UnpackStakedEvent(log *types.Log) (*StakeStaked, error) {
	event := "Staked"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != stake.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(StakeStaked)
	if len(log.Data) > 0 {
		if err := stake.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range stake.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// StakeUnstaked represents a Unstaked event raised by the Stake contract.
type StakeUnstaked struct {
	Staker common.Address
	To     common.Address
	Amount *big.Int
	Raw    *types.Log // Blockchain specific contextual infos
}

const StakeUnstakedEventName = "Unstaked"

// ContractEventName returns the user-defined event name.
func (StakeUnstaked) ContractEventName() string {
	return StakeUnstakedEventName
}

// UnpackUnstakedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Unstaked(address indexed staker, address indexed to, uint96 amount)
func (stake *Stake) UnpackUnstakedEvent(log *types.Log) (*StakeUnstaked, error) {
	event := "Unstaked"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != stake.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(StakeUnstaked)
	if len(log.Data) > 0 {
		if err := stake.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range stake.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// UnpackError attempts to decode the provided error data using user-defined
// error definitions.
func (stake *Stake) UnpackError(raw []byte) (any, error) {
	if bytes.Equal(raw[:4], stake.abi.Errors["AlreadyProven"].ID.Bytes()[:4]) {
		return stake.UnpackAlreadyProvenError(raw[4:])
	}
	if bytes.Equal(raw[:4], stake.abi.Errors["DelayOutOfRange"].ID.Bytes()[:4]) {
		return stake.UnpackDelayOutOfRangeError(raw[4:])
	}
	if bytes.Equal(raw[:4], stake.abi.Errors["DifferentAttempts"].ID.Bytes()[:4]) {
		return stake.UnpackDifferentAttemptsError(raw[4:])
	}
	if bytes.Equal(raw[:4], stake.abi.Errors["ECDSAInvalidSignature"].ID.Bytes()[:4]) {
		return stake.UnpackECDSAInvalidSignatureError(raw[4:])
	}
	if bytes.Equal(raw[:4], stake.abi.Errors["ECDSAInvalidSignatureLength"].ID.Bytes()[:4]) {
		return stake.UnpackECDSAInvalidSignatureLengthError(raw[4:])
	}
	if bytes.Equal(raw[:4], stake.abi.Errors["ECDSAInvalidSignatureS"].ID.Bytes()[:4]) {
		return stake.UnpackECDSAInvalidSignatureSError(raw[4:])
	}
	if bytes.Equal(raw[:4], stake.abi.Errors["FeeOnTransfer"].ID.Bytes()[:4]) {
		return stake.UnpackFeeOnTransferError(raw[4:])
	}
	if bytes.Equal(raw[:4], stake.abi.Errors["InsufficientStake"].ID.Bytes()[:4]) {
		return stake.UnpackInsufficientStakeError(raw[4:])
	}
	if bytes.Equal(raw[:4], stake.abi.Errors["InvalidShortString"].ID.Bytes()[:4]) {
		return stake.UnpackInvalidShortStringError(raw[4:])
	}
	if bytes.Equal(raw[:4], stake.abi.Errors["JudgeLimitExceeded"].ID.Bytes()[:4]) {
		return stake.UnpackJudgeLimitExceededError(raw[4:])
	}
	if bytes.Equal(raw[:4], stake.abi.Errors["LeaseOutOfRange"].ID.Bytes()[:4]) {
		return stake.UnpackLeaseOutOfRangeError(raw[4:])
	}
	if bytes.Equal(raw[:4], stake.abi.Errors["LeaseTooOld"].ID.Bytes()[:4]) {
		return stake.UnpackLeaseTooOldError(raw[4:])
	}
	if bytes.Equal(raw[:4], stake.abi.Errors["NoPenalty"].ID.Bytes()[:4]) {
		return stake.UnpackNoPenaltyError(raw[4:])
	}
	if bytes.Equal(raw[:4], stake.abi.Errors["NotJudge"].ID.Bytes()[:4]) {
		return stake.UnpackNotJudgeError(raw[4:])
	}
	if bytes.Equal(raw[:4], stake.abi.Errors["NotSignedBy"].ID.Bytes()[:4]) {
		return stake.UnpackNotSignedByError(raw[4:])
	}
	if bytes.Equal(raw[:4], stake.abi.Errors["NotUnstakable"].ID.Bytes()[:4]) {
		return stake.UnpackNotUnstakableError(raw[4:])
	}
	if bytes.Equal(raw[:4], stake.abi.Errors["NothingToClaim"].ID.Bytes()[:4]) {
		return stake.UnpackNothingToClaimError(raw[4:])
	}
	if bytes.Equal(raw[:4], stake.abi.Errors["NothingToSlash"].ID.Bytes()[:4]) {
		return stake.UnpackNothingToSlashError(raw[4:])
	}
	if bytes.Equal(raw[:4], stake.abi.Errors["ReentrancyGuardReentrantCall"].ID.Bytes()[:4]) {
		return stake.UnpackReentrancyGuardReentrantCallError(raw[4:])
	}
	if bytes.Equal(raw[:4], stake.abi.Errors["SafeERC20FailedOperation"].ID.Bytes()[:4]) {
		return stake.UnpackSafeERC20FailedOperationError(raw[4:])
	}
	if bytes.Equal(raw[:4], stake.abi.Errors["SameResult"].ID.Bytes()[:4]) {
		return stake.UnpackSameResultError(raw[4:])
	}
	if bytes.Equal(raw[:4], stake.abi.Errors["StringTooLong"].ID.Bytes()[:4]) {
		return stake.UnpackStringTooLongError(raw[4:])
	}
	if bytes.Equal(raw[:4], stake.abi.Errors["WrongLease"].ID.Bytes()[:4]) {
		return stake.UnpackWrongLeaseError(raw[4:])
	}
	if bytes.Equal(raw[:4], stake.abi.Errors["ZeroAddress"].ID.Bytes()[:4]) {
		return stake.UnpackZeroAddressError(raw[4:])
	}
	return nil, errors.New("Unknown error")
}

// StakeAlreadyProven represents a AlreadyProven error raised by the Stake contract.
type StakeAlreadyProven struct {
	Lease   [32]byte
	Task    uint64
	Attempt uint32
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error AlreadyProven(bytes32 lease, uint64 task, uint32 attempt)
func StakeAlreadyProvenErrorID() common.Hash {
	return common.HexToHash("0x457c18681ad40d6fc0288c1c5fa963680bab34a73ff1e989bbab30a2be3f0962")
}

// UnpackAlreadyProvenError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error AlreadyProven(bytes32 lease, uint64 task, uint32 attempt)
func (stake *Stake) UnpackAlreadyProvenError(raw []byte) (*StakeAlreadyProven, error) {
	out := new(StakeAlreadyProven)
	if err := stake.abi.UnpackIntoInterface(out, "AlreadyProven", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakeDelayOutOfRange represents a DelayOutOfRange error raised by the Stake contract.
type StakeDelayOutOfRange struct {
	Delay *big.Int
	Least *big.Int
	Most  *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error DelayOutOfRange(uint40 delay, uint40 least, uint40 most)
func StakeDelayOutOfRangeErrorID() common.Hash {
	return common.HexToHash("0x45b9de1c2111bf3b5b6bc3243b945cdf494644b5a83e1e7712f314ed0d51e711")
}

// UnpackDelayOutOfRangeError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error DelayOutOfRange(uint40 delay, uint40 least, uint40 most)
func (stake *Stake) UnpackDelayOutOfRangeError(raw []byte) (*StakeDelayOutOfRange, error) {
	out := new(StakeDelayOutOfRange)
	if err := stake.abi.UnpackIntoInterface(out, "DelayOutOfRange", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakeDifferentAttempts represents a DifferentAttempts error raised by the Stake contract.
type StakeDifferentAttempts struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error DifferentAttempts()
func StakeDifferentAttemptsErrorID() common.Hash {
	return common.HexToHash("0x441c191648041736472cc98d643bdd8e5453f84e5c7b3862002c4c2fc9e5eedc")
}

// UnpackDifferentAttemptsError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error DifferentAttempts()
func (stake *Stake) UnpackDifferentAttemptsError(raw []byte) (*StakeDifferentAttempts, error) {
	out := new(StakeDifferentAttempts)
	if err := stake.abi.UnpackIntoInterface(out, "DifferentAttempts", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakeECDSAInvalidSignature represents a ECDSAInvalidSignature error raised by the Stake contract.
type StakeECDSAInvalidSignature struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ECDSAInvalidSignature()
func StakeECDSAInvalidSignatureErrorID() common.Hash {
	return common.HexToHash("0xf645eedf0193584640b6b90cb9477e4c95b98636c148a891d4c0a146dc46e75a")
}

// UnpackECDSAInvalidSignatureError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ECDSAInvalidSignature()
func (stake *Stake) UnpackECDSAInvalidSignatureError(raw []byte) (*StakeECDSAInvalidSignature, error) {
	out := new(StakeECDSAInvalidSignature)
	if err := stake.abi.UnpackIntoInterface(out, "ECDSAInvalidSignature", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakeECDSAInvalidSignatureLength represents a ECDSAInvalidSignatureLength error raised by the Stake contract.
type StakeECDSAInvalidSignatureLength struct {
	Length *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ECDSAInvalidSignatureLength(uint256 length)
func StakeECDSAInvalidSignatureLengthErrorID() common.Hash {
	return common.HexToHash("0xfce698f7e8e5342cd615f641317bc45fe7e1e4a8b0a14dd1383ff8dc9c41917f")
}

// UnpackECDSAInvalidSignatureLengthError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ECDSAInvalidSignatureLength(uint256 length)
func (stake *Stake) UnpackECDSAInvalidSignatureLengthError(raw []byte) (*StakeECDSAInvalidSignatureLength, error) {
	out := new(StakeECDSAInvalidSignatureLength)
	if err := stake.abi.UnpackIntoInterface(out, "ECDSAInvalidSignatureLength", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakeECDSAInvalidSignatureS represents a ECDSAInvalidSignatureS error raised by the Stake contract.
type StakeECDSAInvalidSignatureS struct {
	S [32]byte
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ECDSAInvalidSignatureS(bytes32 s)
func StakeECDSAInvalidSignatureSErrorID() common.Hash {
	return common.HexToHash("0xd78bce0cccb935155ed6428d1c13e50b7f3550fd2b66b9fe266006fea4a5e1eb")
}

// UnpackECDSAInvalidSignatureSError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ECDSAInvalidSignatureS(bytes32 s)
func (stake *Stake) UnpackECDSAInvalidSignatureSError(raw []byte) (*StakeECDSAInvalidSignatureS, error) {
	out := new(StakeECDSAInvalidSignatureS)
	if err := stake.abi.UnpackIntoInterface(out, "ECDSAInvalidSignatureS", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakeFeeOnTransfer represents a FeeOnTransfer error raised by the Stake contract.
type StakeFeeOnTransfer struct {
	Expected *big.Int
	Received *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error FeeOnTransfer(uint256 expected, uint256 received)
func StakeFeeOnTransferErrorID() common.Hash {
	return common.HexToHash("0xca0dd23612559db056192da443044598512e4263465720cea1acc3529a5751fd")
}

// UnpackFeeOnTransferError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error FeeOnTransfer(uint256 expected, uint256 received)
func (stake *Stake) UnpackFeeOnTransferError(raw []byte) (*StakeFeeOnTransfer, error) {
	out := new(StakeFeeOnTransfer)
	if err := stake.abi.UnpackIntoInterface(out, "FeeOnTransfer", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakeInsufficientStake represents a InsufficientStake error raised by the Stake contract.
type StakeInsufficientStake struct {
	Staker common.Address
	Amount *big.Int
	Wanted *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error InsufficientStake(address staker, uint256 amount, uint256 wanted)
func StakeInsufficientStakeErrorID() common.Hash {
	return common.HexToHash("0x936d426dd74f230ad5a4425fb8e2282c39c20abb35ad8a2da02a9b2239d6c390")
}

// UnpackInsufficientStakeError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error InsufficientStake(address staker, uint256 amount, uint256 wanted)
func (stake *Stake) UnpackInsufficientStakeError(raw []byte) (*StakeInsufficientStake, error) {
	out := new(StakeInsufficientStake)
	if err := stake.abi.UnpackIntoInterface(out, "InsufficientStake", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakeInvalidShortString represents a InvalidShortString error raised by the Stake contract.
type StakeInvalidShortString struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error InvalidShortString()
func StakeInvalidShortStringErrorID() common.Hash {
	return common.HexToHash("0xb3512b0c6163e5f0bafab72bb631b9d58cd7a731b082f910338aa21c83d5c274")
}

// UnpackInvalidShortStringError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error InvalidShortString()
func (stake *Stake) UnpackInvalidShortStringError(raw []byte) (*StakeInvalidShortString, error) {
	out := new(StakeInvalidShortString)
	if err := stake.abi.UnpackIntoInterface(out, "InvalidShortString", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakeJudgeLimitExceeded represents a JudgeLimitExceeded error raised by the Stake contract.
type StakeJudgeLimitExceeded struct {
	Staker common.Address
	Judge  common.Address
	Left   *big.Int
	Wanted *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error JudgeLimitExceeded(address staker, address judge, uint256 left, uint256 wanted)
func StakeJudgeLimitExceededErrorID() common.Hash {
	return common.HexToHash("0x95b36bb7d96906e7eeefec8b75e63d4e18afa1f1e3215e59b53d775e5843d552")
}

// UnpackJudgeLimitExceededError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error JudgeLimitExceeded(address staker, address judge, uint256 left, uint256 wanted)
func (stake *Stake) UnpackJudgeLimitExceededError(raw []byte) (*StakeJudgeLimitExceeded, error) {
	out := new(StakeJudgeLimitExceeded)
	if err := stake.abi.UnpackIntoInterface(out, "JudgeLimitExceeded", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakeLeaseOutOfRange represents a LeaseOutOfRange error raised by the Stake contract.
type StakeLeaseOutOfRange struct {
	Start   *big.Int
	End     *big.Int
	Longest *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error LeaseOutOfRange(uint40 start, uint40 end, uint40 longest)
func StakeLeaseOutOfRangeErrorID() common.Hash {
	return common.HexToHash("0x8a0e7d0652f34f144c36ae3577dd996bb3a64ee69e6fe45178647d1aa963e16d")
}

// UnpackLeaseOutOfRangeError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error LeaseOutOfRange(uint40 start, uint40 end, uint40 longest)
func (stake *Stake) UnpackLeaseOutOfRangeError(raw []byte) (*StakeLeaseOutOfRange, error) {
	out := new(StakeLeaseOutOfRange)
	if err := stake.abi.UnpackIntoInterface(out, "LeaseOutOfRange", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakeLeaseTooOld represents a LeaseTooOld error raised by the Stake contract.
type StakeLeaseTooOld struct {
	End           *big.Int
	ProvableUntil *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error LeaseTooOld(uint40 end, uint256 provableUntil)
func StakeLeaseTooOldErrorID() common.Hash {
	return common.HexToHash("0x70fd9b48ec63c1f49260f1f8461b09f4179ed16c17b026f45f515c4eccf515a5")
}

// UnpackLeaseTooOldError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error LeaseTooOld(uint40 end, uint256 provableUntil)
func (stake *Stake) UnpackLeaseTooOldError(raw []byte) (*StakeLeaseTooOld, error) {
	out := new(StakeLeaseTooOld)
	if err := stake.abi.UnpackIntoInterface(out, "LeaseTooOld", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakeNoPenalty represents a NoPenalty error raised by the Stake contract.
type StakeNoPenalty struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NoPenalty()
func StakeNoPenaltyErrorID() common.Hash {
	return common.HexToHash("0x4d876e69112c297d93370965b1aad40c5221cade9312ef36c92cd035c23f145f")
}

// UnpackNoPenaltyError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NoPenalty()
func (stake *Stake) UnpackNoPenaltyError(raw []byte) (*StakeNoPenalty, error) {
	out := new(StakeNoPenalty)
	if err := stake.abi.UnpackIntoInterface(out, "NoPenalty", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakeNotJudge represents a NotJudge error raised by the Stake contract.
type StakeNotJudge struct {
	Staker common.Address
	Judge  common.Address
	Until  *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NotJudge(address staker, address judge, uint40 until)
func StakeNotJudgeErrorID() common.Hash {
	return common.HexToHash("0xdab853904c290cf685c388645f1336dc8594f49b03a8ba017cf9eff031d1c953")
}

// UnpackNotJudgeError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NotJudge(address staker, address judge, uint40 until)
func (stake *Stake) UnpackNotJudgeError(raw []byte) (*StakeNotJudge, error) {
	out := new(StakeNotJudge)
	if err := stake.abi.UnpackIntoInterface(out, "NotJudge", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakeNotSignedBy represents a NotSignedBy error raised by the Stake contract.
type StakeNotSignedBy struct {
	Account   common.Address
	Recovered common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NotSignedBy(address account, address recovered)
func StakeNotSignedByErrorID() common.Hash {
	return common.HexToHash("0xca66d4f3ab9841766ac85b25a386287314515479a2214bfccb4bc85d3fa6c6fc")
}

// UnpackNotSignedByError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NotSignedBy(address account, address recovered)
func (stake *Stake) UnpackNotSignedByError(raw []byte) (*StakeNotSignedBy, error) {
	out := new(StakeNotSignedBy)
	if err := stake.abi.UnpackIntoInterface(out, "NotSignedBy", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakeNotUnstakable represents a NotUnstakable error raised by the Stake contract.
type StakeNotUnstakable struct {
	Staker common.Address
	From   *big.Int
	To     *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NotUnstakable(address staker, uint40 from, uint40 to)
func StakeNotUnstakableErrorID() common.Hash {
	return common.HexToHash("0x05e52cdada5f0078f7259c0ae00493708d2e38c364d1ee32d3909508f97182e0")
}

// UnpackNotUnstakableError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NotUnstakable(address staker, uint40 from, uint40 to)
func (stake *Stake) UnpackNotUnstakableError(raw []byte) (*StakeNotUnstakable, error) {
	out := new(StakeNotUnstakable)
	if err := stake.abi.UnpackIntoInterface(out, "NotUnstakable", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakeNothingToClaim represents a NothingToClaim error raised by the Stake contract.
type StakeNothingToClaim struct {
	Reporter    common.Address
	ClaimableAt *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NothingToClaim(address reporter, uint40 claimableAt)
func StakeNothingToClaimErrorID() common.Hash {
	return common.HexToHash("0x427692bb04dd2a336f4d8144bca1006698e9e7ec3cfa5561bd6cd979e3e7657d")
}

// UnpackNothingToClaimError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NothingToClaim(address reporter, uint40 claimableAt)
func (stake *Stake) UnpackNothingToClaimError(raw []byte) (*StakeNothingToClaim, error) {
	out := new(StakeNothingToClaim)
	if err := stake.abi.UnpackIntoInterface(out, "NothingToClaim", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakeNothingToSlash represents a NothingToSlash error raised by the Stake contract.
type StakeNothingToSlash struct {
	Staker common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NothingToSlash(address staker)
func StakeNothingToSlashErrorID() common.Hash {
	return common.HexToHash("0xea53296051c9b6c5589470a9aecc521c01574552c7190c8679964112d5636f1c")
}

// UnpackNothingToSlashError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NothingToSlash(address staker)
func (stake *Stake) UnpackNothingToSlashError(raw []byte) (*StakeNothingToSlash, error) {
	out := new(StakeNothingToSlash)
	if err := stake.abi.UnpackIntoInterface(out, "NothingToSlash", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakeReentrancyGuardReentrantCall represents a ReentrancyGuardReentrantCall error raised by the Stake contract.
type StakeReentrancyGuardReentrantCall struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ReentrancyGuardReentrantCall()
func StakeReentrancyGuardReentrantCallErrorID() common.Hash {
	return common.HexToHash("0x3ee5aeb571de7fc460830b4d0017439a1ca56fb0bc39062227ade4fe4a24c1ca")
}

// UnpackReentrancyGuardReentrantCallError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ReentrancyGuardReentrantCall()
func (stake *Stake) UnpackReentrancyGuardReentrantCallError(raw []byte) (*StakeReentrancyGuardReentrantCall, error) {
	out := new(StakeReentrancyGuardReentrantCall)
	if err := stake.abi.UnpackIntoInterface(out, "ReentrancyGuardReentrantCall", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakeSafeERC20FailedOperation represents a SafeERC20FailedOperation error raised by the Stake contract.
type StakeSafeERC20FailedOperation struct {
	Token common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error SafeERC20FailedOperation(address token)
func StakeSafeERC20FailedOperationErrorID() common.Hash {
	return common.HexToHash("0x5274afe73c98b4749fc91ffae6b7b574e7842cb2144a159e9377a5f20b32edf9")
}

// UnpackSafeERC20FailedOperationError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error SafeERC20FailedOperation(address token)
func (stake *Stake) UnpackSafeERC20FailedOperationError(raw []byte) (*StakeSafeERC20FailedOperation, error) {
	out := new(StakeSafeERC20FailedOperation)
	if err := stake.abi.UnpackIntoInterface(out, "SafeERC20FailedOperation", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakeSameResult represents a SameResult error raised by the Stake contract.
type StakeSameResult struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error SameResult()
func StakeSameResultErrorID() common.Hash {
	return common.HexToHash("0xc3014912b808898d91ea2f8f69be54e47da174f88f6e6b6d309604417a26a20b")
}

// UnpackSameResultError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error SameResult()
func (stake *Stake) UnpackSameResultError(raw []byte) (*StakeSameResult, error) {
	out := new(StakeSameResult)
	if err := stake.abi.UnpackIntoInterface(out, "SameResult", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakeStringTooLong represents a StringTooLong error raised by the Stake contract.
type StakeStringTooLong struct {
	Str string
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error StringTooLong(string str)
func StakeStringTooLongErrorID() common.Hash {
	return common.HexToHash("0x305a27a93f8e33b7392df0a0f91d6fc63847395853c45991eec52dbf24d72381")
}

// UnpackStringTooLongError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error StringTooLong(string str)
func (stake *Stake) UnpackStringTooLongError(raw []byte) (*StakeStringTooLong, error) {
	out := new(StakeStringTooLong)
	if err := stake.abi.UnpackIntoInterface(out, "StringTooLong", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakeWrongLease represents a WrongLease error raised by the Stake contract.
type StakeWrongLease struct {
	Lease [32]byte
	A     [32]byte
	B     [32]byte
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error WrongLease(bytes32 lease, bytes32 a, bytes32 b)
func StakeWrongLeaseErrorID() common.Hash {
	return common.HexToHash("0xb40ff93fd106430af66f2c1cb37dd433bfbf77b38987168fc6cd68f1801acd9a")
}

// UnpackWrongLeaseError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error WrongLease(bytes32 lease, bytes32 a, bytes32 b)
func (stake *Stake) UnpackWrongLeaseError(raw []byte) (*StakeWrongLease, error) {
	out := new(StakeWrongLease)
	if err := stake.abi.UnpackIntoInterface(out, "WrongLease", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakeZeroAddress represents a ZeroAddress error raised by the Stake contract.
type StakeZeroAddress struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ZeroAddress()
func StakeZeroAddressErrorID() common.Hash {
	return common.HexToHash("0xd92e233df2717d4a40030e20904abd27b68fcbeede117eaaccbbdac9618c8c73")
}

// UnpackZeroAddressError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ZeroAddress()
func (stake *Stake) UnpackZeroAddressError(raw []byte) (*StakeZeroAddress, error) {
	out := new(StakeZeroAddress)
	if err := stake.abi.UnpackIntoInterface(out, "ZeroAddress", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakeRuntime is the runtime code in hex, with zeroes at StakeImmutables.
const StakeRuntime = "0x60806040526004361015610011575f80fd5b5f5f3560e01c80630685289a146121525780632def662014611ed6578063304d335814611e7f57806335bd2e4814611e3e578063412f286814611d845780634262336014611c1a57806343776f1614611bfc57806356397c3514611bac578063818fa6ca14611a9e57806381c0ba94146118b257806384b0196e1461179a57806387bc0da3146112385780639168ae72146111b45780639e4169031461113b578063a53e54121461111d578063b2d0b3c2146110ee578063bac33fe5146110d2578063bf41a91b146110a1578063c0a2526c14611084578063c3c4dd8e14610ee1578063c534b5ea14610dc9578063e7bdd0bf14610c2f578063ebc03f8f146101755763fc0c546a14610122575f80fd5b34610172578060031936011261017257602060405173ffffffffffffffffffffffffffffffffffffffff7f0000000000000000000000000000000000000000000000000000000000000000168152f35b80fd5b50346101725760031936016103608112610c2b5761034013610172576103443573ffffffffffffffffffffffffffffffffffffffff8116809103610c2b576101bb6123ce565b6101c3612904565b916101cc6127e4565b92610211846101d9612904565b604291604051917f19010000000000000000000000000000000000000000000000000000000000008352600283015260228201522090565b6101843594818614801590610c1e575b610be75761022d612364565b610284359367ffffffffffffffff851691828603610be35767ffffffffffffffff168214801590610bb4575b610b8c576101e435946102c4359889871480610b62575b610b3a576bffffffffffffffffffffffff610289612390565b1615610b1257610297612312565b64ffffffffff806102a6612326565b169116108015610aaa575b610a5a5764ffffffffff6102c3612312565b16967f00000000000000000000000000000000000000000000000000000000000000009764ffffffffff89168101809111610a2d578042116109ef575088610309612364565b63ffffffff61031661237c565b67ffffffffffffffff604051936020850195508c8652166040840152166060820152606081526103476080826122d1565b51902095868a52600560205260ff60408b20541661099c5760043573ffffffffffffffffffffffffffffffffffffffff8116810361098857906103998187846103b09550610393612326565b90612a27565b856103a26123ab565b6103aa612326565b90612cb8565b6103b86123ab565b916103c1612326565b916101a4359067ffffffffffffffff82169182810361099857506101c4359063ffffffff821691828103610994575061020435918260030b9283810361099057918995939161046b98979593506040519360208501957fa1c76bb8ff7252c783f04945356502e57d9fe3ff60746eef415e3088dba2c6fa875260408601526060850152608084015260a083015260c082015260c0815261046260e0826122d1565b51902092612d3a565b6104736123ab565b9261047c612326565b91506102a43563ffffffff81169081810361098c57506102e4359a8b60030b90818d036109885761050e9798999a9b9c506040519260208401947fa1c76bb8ff7252c783f04945356502e57d9fe3ff60746eef415e3088dba2c6fa86526102643560408601526060850152608084015260a083015260c082015260c0815261050560e0826122d1565b51902092612dbc565b835260056020526040832060017fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff0082541617905561054a6123ab565b7f1e871a27c43f5f6c48c72afc3af9236a7de8077d80f84b0b268cc4da207224f2604073ffffffffffffffffffffffffffffffffffffffff61058a612364565b9363ffffffff61059861237c565b67ffffffffffffffff8551971687521660208601521692a36105b86123ab565b926105c1612390565b9381156109605773ffffffffffffffffffffffffffffffffffffffff1691828452600260205260408420906bffffffffffffffffffffffff82541695866bffffffffffffffffffffffff8216105f1461095857915b6bffffffffffffffffffffffff831696871561092c5783610636916122a7565b81547fffffffffffffffffffffffffffffffffffffffff000000000000000000000000166bffffffffffffffffffffffff82811691821780855560601c16116108df575b5080548060e81c62ffffff81148015610859575b505050506005860295860460050361082c577f65717569766f636174696f6e00000000000000000000000000000000000000006106e16bffffffffffffffffffffffff60646107589899041680946122a7565b6bffffffffffffffffffffffff6040519116958682528460208301528560408301527f5a7f8d537556082d2f5fe978a0a0093d760a1b8f80b6dd96539fa3d38b30ad0260603393a48161077f575b5050507f0000000000000000000000000000000000000000000000000000000000000000612e3e565b50807f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d80f35b7fb527cd5f943479569fbddc1d2b88f222c67d16281e74721461b73add5dde9ace916107b460409264ffffffffff421661228b565b90848852600460205282882064ffffffffff83165f52602052825f206bffffffffffffffffffffffff6107ea838284541661233a565b167fffffffffffffffffffffffffffffffffffffffff00000000000000000000000082541617905564ffffffffff8351921682526020820152a25f808061072f565b6024857f4e487b710000000000000000000000000000000000000000000000000000000081526011600452fd5b6108b2577fffffff000000000000000000000000000000000000000000000000000000000060017cffffffffffffffffffffffffffffffffffffffffffffffffffffffffff920160e81b1691161790555f80808061068e565b6024887f4e487b710000000000000000000000000000000000000000000000000000000081526011600452fd5b81547fffffffffffffffff000000000000000000000000ffffffffffffffffffffffff1660609190911b77ffffffffffffffffffffffff000000000000000000000000161781555f61067a565b602487877fea532960000000000000000000000000000000000000000000000000000000008252600452fd5b508591610616565b6004847fd92e233d000000000000000000000000000000000000000000000000000000008152fd5b8a80fd5b8980fd5b8e80fd5b8d80fd5b8c80fd5b60648a63ffffffff8a67ffffffffffffffff6109b6612364565b6109be61237c565b927f457c18680000000000000000000000000000000000000000000000000000000086526004521660245216604452fd5b8960449164ffffffffff610a01612312565b7f70fd9b4800000000000000000000000000000000000000000000000000000000845216600452602452fd5b60248a7f4e487b710000000000000000000000000000000000000000000000000000000081526011600452fd5b60648864ffffffffff610a6b612326565b81610a74612312565b917f8a0e7d0600000000000000000000000000000000000000000000000000000000855216600452166024526301e28500604452fd5b50610ab3612312565b64ffffffffff80610ac2612326565b1691160364ffffffffff8111610ae55764ffffffffff6301e285009116116102b1565b6024897f4e487b710000000000000000000000000000000000000000000000000000000081526011600452fd5b6004887f4d876e69000000000000000000000000000000000000000000000000000000008152fd5b6004887fc3014912000000000000000000000000000000000000000000000000000000008152fd5b50610204358060030b9081810361098c57506102e435908160030b91828103610988575014610270565b6004867f441c1916000000000000000000000000000000000000000000000000000000008152fd5b50610bbd61237c565b6102a4359063ffffffff821691828103610bdf575063ffffffff161415610259565b8880fd5b8680fd5b60648487847fb40ff93f00000000000000000000000000000000000000000000000000000000835260045260245261026435604452fd5b5081610264351415610221565b5080fd5b503461017257602060031936011261017257610c4961220a565b33825260036020526040822073ffffffffffffffffffffffffffffffffffffffff82165f5260205260405f2080546bffffffffffffffffffffffff8116158015610db6575b610d63575064ffffffffff73ffffffffffffffffffffffffffffffffffffffff91610d2c610cde7f000000000000000000000000000000000000000000000000000000000000000084421661228b565b82547fffffff0000000000ffffffffffffffffffffffffffffffffffffffffffffffff1660c09190911b7cffffffffff00000000000000000000000000000000000000000000000016178255565b5460c01c169160405192835216907fcbac54dafa3d0b4130a80131f63b84e03637e2b19de6666c1623699cbc6c835460203392a380f35b7fdab853900000000000000000000000000000000000000000000000000000000084523360045273ffffffffffffffffffffffffffffffffffffffff831660245260c01c64ffffffffff16604452606483fd5b5064ffffffffff8160c01c161515610c8e565b503461017257604060031936011261017257610de361220a565b73ffffffffffffffffffffffffffffffffffffffff610e0061222d565b9116908115610eb957338352600360205260408320825f5260205260405f206bffffffffffffffffffffffff815416806bffffffffffffffffffffffff841610610eb1575b5080547fffffff0000000000ffffffffffffffffffffffff000000000000000000000000166bffffffffffffffffffffffff92909216918217905560405190815233907fea0b089f30e45d8153530e954a81736b48cb41c7f13635993a907f103a8201f790602090a380f35b91505f610e45565b6004837fd92e233d000000000000000000000000000000000000000000000000000000008152fd5b5034610172576020600319360112610172576004356bffffffffffffffffffffffff811690818103611080573383526002602052604083206bffffffffffffffffffffffff81541680841161104c5750610fe364ffffffffff92610f959285155f1461101857869384925b82547fffffffffffffffff000000000000000000000000ffffffffffffffffffffffff1660609190911b77ffffffffffffffffffffffff00000000000000000000000016178255565b907fffffff0000000000ffffffffffffffffffffffffffffffffffffffffffffffff7cffffffffff00000000000000000000000000000000000000000000000083549260c01b169116179055565b6040519283521660208201527f6c1512140dc098a0029f57d9b10ff8fb1b8a8edf902d687ed5fcc4e428478da160403392a280f35b6110447f000000000000000000000000000000000000000000000000000000000000000086421661228b565b938492610f4c565b84846064927f936d426d00000000000000000000000000000000000000000000000000000000835233600452602452604452fd5b8280fd5b5034610172578060031936011261017257602060405161dead8152f35b503461017257610100600319360112610172575060206110ca6110c26127e4565b6101d9612904565b604051908152f35b5034610172578060031936011261017257602060405160058152f35b50346101725760206003193601126101725760ff60406020926004358152600584522054166040519015158152f35b50346101725780600319360112610172576020604051620151808152f35b50346101725760406003193601126101725761115561220a565b906024359164ffffffffff83168303610c2b5764ffffffffff9173ffffffffffffffffffffffffffffffffffffffff60409216815260046020522091165f5260205260206bffffffffffffffffffffffff60405f205416604051908152f35b503461017257602060031936011261017257604060809173ffffffffffffffffffffffffffffffffffffffff6111e861220a565b16815260026020522054604051906bffffffffffffffffffffffff811682526bffffffffffffffffffffffff8160601c16602083015264ffffffffff8160c01c16604083015260e81c6060820152f35b50346101725760806003193601126101725761125261220a565b9061125b61222d565b60443573ffffffffffffffffffffffffffffffffffffffff8116809103611080576112846123ce565b73ffffffffffffffffffffffffffffffffffffffff8294169182845260036020526040842073ffffffffffffffffffffffffffffffffffffffff33165f5260205260405f20908154906bffffffffffffffffffffffff821664ffffffffff6bffffffffffffffffffffffff8460601c169360c01c1681158015611787575b61175357506bffffffffffffffffffffffff61131f8482936122a7565b16911690808211611710575084865260026020526bffffffffffffffffffffffff604087205416809111611706575b509061135d866113a59361233a565b7fffffffffffffffff000000000000000000000000ffffffffffffffffffffffff77ffffffffffffffffffffffff00000000000000000000000083549260601b169116179055565b8015610eb9578183526002602052604083206bffffffffffffffffffffffff81541694856bffffffffffffffffffffffff8216105f146116fe57905b6bffffffffffffffffffffffff82169586156116d25782611401916122a7565b81547fffffffffffffffffffffffffffffffffffffffff000000000000000000000000166bffffffffffffffffffffffff82811691821780855560601c1611611685575b5080548060e81c62ffffff811480156115ff575b50505050600585029485046005036115d25761148b6bffffffffffffffffffffffff60646107589697041680926122a7565b926bffffffffffffffffffffffff604051941693848152826020820152836040820152606435917f5a7f8d537556082d2f5fe978a0a0093d760a1b8f80b6dd96539fa3d38b30ad0260603393a480611506575b50507f0000000000000000000000000000000000000000000000000000000000000000612e3e565b60407fb527cd5f943479569fbddc1d2b88f222c67d16281e74721461b73add5dde9ace9161155b7f000000000000000000000000000000000000000000000000000000000000000064ffffffffff421661228b565b90848852600460205282882064ffffffffff83165f52602052825f206bffffffffffffffffffffffff611591838284541661233a565b167fffffffffffffffffffffffffffffffffffffffff00000000000000000000000082541617905564ffffffffff8351921682526020820152a25f806114de565b6024847f4e487b710000000000000000000000000000000000000000000000000000000081526011600452fd5b611658577fffffff000000000000000000000000000000000000000000000000000000000060017cffffffffffffffffffffffffffffffffffffffffffffffffffffffffff920160e81b1691161790555f808080611459565b6024877f4e487b710000000000000000000000000000000000000000000000000000000081526011600452fd5b81547fffffffffffffffff000000000000000000000000ffffffffffffffffffffffff1660609190911b77ffffffffffffffffffffffff000000000000000000000000161781555f611445565b602486867fea532960000000000000000000000000000000000000000000000000000000008252600452fd5b5084906113e1565b955061135d61134e565b6084918691604051927f95b36bb7000000000000000000000000000000000000000000000000000000008452600484015233602484015260448301526064820152fd5b87606491887fdab8539000000000000000000000000000000000000000000000000000000000835260045233602452604452fd5b5080151580156113025750804211611302565b5034610172578060031936011261017257611856906117d87f0000000000000000000000000000000000000000000000000000000000000000612e9f565b906118027f0000000000000000000000000000000000000000000000000000000000000000612e9f565b9060206118646040519361181683866122d1565b8385525f3681376040519687967f0f00000000000000000000000000000000000000000000000000000000000000885260e08589015260e0880190612248565b908682036040880152612248565b904660608601523060808601528260a086015284820360c08601528080855193848152019401925b82811061189b57505050500390f35b83518552869550938101939281019260010161188c565b5034610172576020600319360112610172576004359067ffffffffffffffff821161017257366023830112156101725781600401359067ffffffffffffffff8211610172573660248360051b850101116101725761190e6123ce565b809281935b83851015611a105760248560051b830101359064ffffffffff82168203611a0c5733845260046020526040842064ffffffffff83165f526020526bffffffffffffffffffffffff60405f20541691821580156119fc575b6119c657916119be91600193338752600460205264ffffffffff6040882091165f5260205260405f207fffffffffffffffffffffffffffffffffffffffff000000000000000000000000815416905561233a565b940193611913565b7f427692bb0000000000000000000000000000000000000000000000000000000085523360045264ffffffffff16602452604484fd5b5064ffffffffff8116421061196a565b5f80fd5b611a7891506bffffffffffffffffffffffff6040519116908181527f1f1f3fe51e971f9768a1b748e2a520609176b6de88aa4d9c02ace9fb9177189f60203392a2337f0000000000000000000000000000000000000000000000000000000000000000612442565b807f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d80f35b5034611a0c5760c0600319360112611a0c57611ab861220a565b90611ac161222d565b60643560ff8116809103611a0c57611ad76123ce565b73ffffffffffffffffffffffffffffffffffffffff7f00000000000000000000000000000000000000000000000000000000000000001690813b15611a0c575f9160e4839260405194859384927fd505accf0000000000000000000000000000000000000000000000000000000084523360048501523060248501526bffffffffffffffffffffffff891660448501526044356064850152608484015260843560a484015260a43560c48401525af1611b96575b50611a78919261250c565b611a7892505f611ba5916122d1565b5f91611b8b565b34611a0c575f600319360112611a0c57602060405173ffffffffffffffffffffffffffffffffffffffff7f0000000000000000000000000000000000000000000000000000000000000000168152f35b34611a0c575f600319360112611a0c5760206040516301e285008152f35b34611a0c576020600319360112611a0c5773ffffffffffffffffffffffffffffffffffffffff611c4861220a565b165f52600260205260405f20604051906080820182811067ffffffffffffffff821117611d575760405254906bffffffffffffffffffffffff82168152602081016bffffffffffffffffffffffff8360601c16815264ffffffffff8360c01c169283604084015260e81c606083015282151580611d11575b6020935015611cfc576bffffffffffffffffffffffff80611ce6935116915116906122a7565b6bffffffffffffffffffffffff60405191168152f35b50516bffffffffffffffffffffffff16611ce6565b50620151808301809311611d2a57602092421115611cc0565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52601160045260245ffd5b7f4e487b71000000000000000000000000000000000000000000000000000000005f52604160045260245ffd5b34611a0c576040600319360112611a0c57611d9d61220a565b6024359073ffffffffffffffffffffffffffffffffffffffff82168203611a0c5773ffffffffffffffffffffffffffffffffffffffff165f52600360205273ffffffffffffffffffffffffffffffffffffffff60405f2091165f52602052606060405f205464ffffffffff604051916bffffffffffffffffffffffff811683526bffffffffffffffffffffffff81851c16602084015260c01c166040820152f35b34611a0c575f600319360112611a0c57602060405164ffffffffff7f0000000000000000000000000000000000000000000000000000000000000000168152f35b34611a0c576040600319360112611a0c57611eb1611e9b61220a565b611ea361222d565b90611eac6123ce565b61250c565b5f7f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d005b34611a0c575f600319360112611a0c57611eee6123ce565b335f52600260205260405f208054906bffffffffffffffffffffffff8260601c169164ffffffffff8160c01c16801590815f1461213a575f915b8015612131575b8015612121575b6120e6575050611f55836bffffffffffffffffffffffff8093166122a7565b82547fffffff00000000000000000000000000000000000000000000000000000000001691167fffffff0000000000000000000000000000000000ffffffffffffffffffffffff161790556040517f6da61d1e0000000000000000000000000000000000000000000000000000000081523360048201529060208260248173ffffffffffffffffffffffffffffffffffffffff7f0000000000000000000000000000000000000000000000000000000000000000165afa80156120db575f90612088575b611eb1925060405182815273ffffffffffffffffffffffffffffffffffffffff8216907f247a04e0f77ada6710b28cdf375d24d75a9fc164b3722d886eba6e1eacc70fc660203392a37f0000000000000000000000000000000000000000000000000000000000000000612442565b50906020813d6020116120d3575b816120a3602093836122d1565b81010312611a0c57519073ffffffffffffffffffffffffffffffffffffffff82168203611a0c57611eb191612019565b3d9150612096565b6040513d5f823e3d90fd5b64ffffffffff92507f05e52cda000000000000000000000000000000000000000000000000000000005f52336004526024521660445260645ffd5b5064ffffffffff82164211611f36565b50804210611f2f565b62015180810164ffffffffff8111611d2a5791611f28565b34611a0c5760a0600319360112611a0c5760243567ffffffffffffffff811690818103611a0c57506044359063ffffffff821691828103611a0c5750608435908160030b92838303611a0c576020936110ca935060405191858301937fa1c76bb8ff7252c783f04945356502e57d9fe3ff60746eef415e3088dba2c6fa855260043560408501526060840152608083015260643560a083015260c082015260c081526121ff60e0826122d1565b5190206101d9612904565b6004359073ffffffffffffffffffffffffffffffffffffffff82168203611a0c57565b602435906bffffffffffffffffffffffff82168203611a0c57565b907fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0601f602080948051918291828752018686015e5f8582860101520116010190565b9064ffffffffff8091169116019064ffffffffff8211611d2a57565b906bffffffffffffffffffffffff809116911603906bffffffffffffffffffffffff8211611d2a57565b90601f7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0910116810190811067ffffffffffffffff821117611d5757604052565b60843564ffffffffff81168103611a0c5790565b60643564ffffffffff81168103611a0c5790565b906bffffffffffffffffffffffff809116911601906bffffffffffffffffffffffff8211611d2a57565b6101a43567ffffffffffffffff81168103611a0c5790565b6101c43563ffffffff81168103611a0c5790565b60a4356bffffffffffffffffffffffff81168103611a0c5790565b60243573ffffffffffffffffffffffffffffffffffffffff81168103611a0c5790565b7f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005c61241a5760017f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d565b7f3ee5aeb5000000000000000000000000000000000000000000000000000000005f5260045ffd5b9173ffffffffffffffffffffffffffffffffffffffff604051927fa9059cbb000000000000000000000000000000000000000000000000000000005f521660045260245260205f60448180865af19060015f51148216156124eb575b604052156124a95750565b73ffffffffffffffffffffffffffffffffffffffff907f5274afe7000000000000000000000000000000000000000000000000000000005f521660045260245ffd5b90600181151661250357823b15153d1516169061249e565b503d5f823e3d90fd5b73ffffffffffffffffffffffffffffffffffffffff169081156127bc577f00000000000000000000000000000000000000000000000000000000000000009073ffffffffffffffffffffffffffffffffffffffff8216916040517f70a08231000000000000000000000000000000000000000000000000000000008152306004820152602081602481875afa9081156120db575f9161278a575b506bffffffffffffffffffffffff831693604051927f23b872dd000000000000000000000000000000000000000000000000000000005f5233600452306024528560445260205f60648180855af19060015f511482161561276b575b50836040525f6060521561274057826024816020937f70a082310000000000000000000000000000000000000000000000000000000082523060048301525afa9182156120db575f9261270c575b508103908111611d2a578281036126dd57507fdc131fa0c2da1e17e756d092eb135d51effbfd68712c89339c4550cbfbeef6a391602091845f52600283526bffffffffffffffffffffffff6126ac60405f20928284541661233a565b167fffffffffffffffffffffffffffffffffffffffff000000000000000000000000825416179055604051908152a2565b827fca0dd236000000000000000000000000000000000000000000000000000000005f5260045260245260445ffd5b9091506020813d602011612738575b81612728602093836122d1565b81010312611a0c5751905f612650565b3d915061271b565b7f5274afe7000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b6001821516612781573b15153d1516165f612602565b843d5f823e3d90fd5b90506020813d6020116127b4575b816127a5602093836122d1565b81010312611a0c57515f6125a6565b3d9150612798565b7fd92e233d000000000000000000000000000000000000000000000000000000005f5260045ffd5b60043573ffffffffffffffffffffffffffffffffffffffff811690818103611a0c575060243573ffffffffffffffffffffffffffffffffffffffff811690818103611a0c575060443567ffffffffffffffff811690818103611a0c575060643564ffffffffff811690818103611a0c575060843564ffffffffff811690818103611a0c575060a435916bffffffffffffffffffffffff831692838103611a0c575060c4359360ff8516809503611a0c576040519560208701977faa4068246fc58bebf0c9fe9e1619e700a2d3b6a060d2f1b884ee1adc42e35403895260408801526060870152608086015260a085015260c084015260e083015261010082015260e43561012082015261012081526128fe610140826122d1565b51902090565b73ffffffffffffffffffffffffffffffffffffffff7f0000000000000000000000000000000000000000000000000000000000000000163014806129fe575b1561296c577f000000000000000000000000000000000000000000000000000000000000000090565b60405160208101907f8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f82527f000000000000000000000000000000000000000000000000000000000000000060408201527f000000000000000000000000000000000000000000000000000000000000000060608201524660808201523060a082015260a081526128fe60c0826122d1565b507f00000000000000000000000000000000000000000000000000000000000000004614612943565b9091612aa990612a71612ab2956101243592604291604051917f19010000000000000000000000000000000000000000000000000000000000008352600283015260228201522090565b907f7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff81169160ff601b6101043593821c011690612fce565b90949194612ef6565b73ffffffffffffffffffffffffffffffffffffffff81169173ffffffffffffffffffffffffffffffffffffffff841693838514612cb1576040517f78b248e400000000000000000000000000000000000000000000000000000000815273ffffffffffffffffffffffffffffffffffffffff848116600483015282811660248301527f00000000000000000000000000000000000000000000000000000000000000001690602081604481855afa9081156120db575f91612c76575b5015938415612bb2575b50505050612b84575050565b7fca66d4f3000000000000000000000000000000000000000000000000000000005f5260045260245260445ffd5b6040517fc24b170100000000000000000000000000000000000000000000000000000000815273ffffffffffffffffffffffffffffffffffffffff918216600482015292166024830152909250602090839060449082905afa9182156120db575f92612c2f575b5064ffffffffff8091169116105f808080612b78565b9091506020813d602011612c6e575b81612c4b602093836122d1565b81010312611a0c575164ffffffffff81168103611a0c579064ffffffffff612c19565b3d9150612c3e565b90506020813d602011612ca9575b81612c91602093836122d1565b81010312611a0c57518015158103611a0c575f612b6e565b3d9150612c84565b5050505050565b9091612aa990612d02612ab2956101643592604291604051917f19010000000000000000000000000000000000000000000000000000000000008352600283015260228201522090565b907f7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff81169160ff601b6101443593821c011690612fce565b9091612aa990612d84612ab2956102443592604291604051917f19010000000000000000000000000000000000000000000000000000000000008352600283015260228201522090565b907f7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff81169160ff601b6102243593821c011690612fce565b9091612aa990612e06612ab2956103243592604291604051917f19010000000000000000000000000000000000000000000000000000000000008352600283015260228201522090565b907f7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff81169160ff601b6103043593821c011690612fce565b9190604051907fa9059cbb000000000000000000000000000000000000000000000000000000005f5261dead60045260245260205f60448180875af19260015f5114841615612e8e575b50604052565b3d15903b151516909216915f612e88565b60ff811690601f8211612ece5760405191612ebb6040846122d1565b6020808452838101919036833783525290565b7fb3512b0c000000000000000000000000000000000000000000000000000000005f5260045ffd5b6004811015612fa15780612f08575050565b60018103612f38577ff645eedf000000000000000000000000000000000000000000000000000000005f5260045ffd5b60028103612f6c57507ffce698f7000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b600314612f765750565b7fd78bce0c000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b7f4e487b71000000000000000000000000000000000000000000000000000000005f52602160045260245ffd5b91907f7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a08411613052579160209360809260ff5f9560405194855216868401526040830152606082015282805260015afa156120db575f5173ffffffffffffffffffffffffffffffffffffffff81161561304857905f905f90565b505f906001905f90565b5050505f916003919056"

// StakeImmutables are the offset and length in bytes of each immutable value.
var StakeImmutables = [][2]int{{334, 32}, {711, 32}, {1844, 32}, {3255, 32}, {4125, 32}, {5346, 32}, {5423, 32}, {6068, 32}, {6110, 32}, {6740, 32}, {6894, 32}, {7128, 32}, {7771, 32}, {8170, 32}, {8292, 32}, {9515, 32}, {10523, 32}, {10570, 32}, {10649, 32}, {10687, 32}, {10753, 32}, {11062, 32}}
