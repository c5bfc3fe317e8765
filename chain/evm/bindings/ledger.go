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

// ILedgerLaneRef is an auto generated low-level Go binding around an user-defined struct.
type ILedgerLaneRef struct {
	Party common.Address
	Lane  uint64
}

// ILedgerRes is an auto generated low-level Go binding around an user-defined struct.
type ILedgerRes struct {
	Provider common.Address
	Lane     uint64
	Cap      *big.Int
}

// ILedgerSignedRes is an auto generated low-level Go binding around an user-defined struct.
type ILedgerSignedRes struct {
	Renter     common.Address
	Provider   common.Address
	Lane       uint64
	Epoch      *big.Int
	Cap        *big.Int
	ValidUntil *big.Int
	R          [32]byte
	Vs         [32]byte
}

// ILedgerV is an auto generated low-level Go binding around an user-defined struct.
type ILedgerV struct {
	Renter     common.Address
	Lane       uint64
	Cumulative *big.Int
	Memo       [32]byte
	R          [32]byte
	Vs         [32]byte
}

// LedgerMetaData contains all meta data concerning the Ledger contract.
var LedgerMetaData = bind.MetaData{
	ABI: "[{\"type\":\"constructor\",\"inputs\":[{\"name\":\"token_\",\"type\":\"address\",\"internalType\":\"contractIERC20\"},{\"name\":\"delay_\",\"type\":\"uint40\",\"internalType\":\"uint40\"}],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"WINDOW\",\"inputs\":[],\"outputs\":[{\"name\":\"\",\"type\":\"uint40\",\"internalType\":\"uint40\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"accounts\",\"inputs\":[{\"name\":\"account\",\"type\":\"address\",\"internalType\":\"address\"}],\"outputs\":[{\"name\":\"deposit\",\"type\":\"uint96\",\"internalType\":\"uint96\"},{\"name\":\"earned\",\"type\":\"uint96\",\"internalType\":\"uint96\"},{\"name\":\"exitAt\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"gap\",\"type\":\"uint24\",\"internalType\":\"uint24\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"delay\",\"inputs\":[],\"outputs\":[{\"name\":\"\",\"type\":\"uint40\",\"internalType\":\"uint40\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"deposit\",\"inputs\":[{\"name\":\"to\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"amount\",\"type\":\"uint96\",\"internalType\":\"uint96\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"depositWithPermit\",\"inputs\":[{\"name\":\"to\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"amount\",\"type\":\"uint96\",\"internalType\":\"uint96\"},{\"name\":\"deadline\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"v\",\"type\":\"uint8\",\"internalType\":\"uint8\"},{\"name\":\"r\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"s\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"eip712Domain\",\"inputs\":[],\"outputs\":[{\"name\":\"fields\",\"type\":\"bytes1\",\"internalType\":\"bytes1\"},{\"name\":\"name\",\"type\":\"string\",\"internalType\":\"string\"},{\"name\":\"version\",\"type\":\"string\",\"internalType\":\"string\"},{\"name\":\"chainId\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"verifyingContract\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"salt\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"extensions\",\"type\":\"uint256[]\",\"internalType\":\"uint256[]\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"exit\",\"inputs\":[{\"name\":\"to\",\"type\":\"address\",\"internalType\":\"address\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"exitAmount\",\"inputs\":[{\"name\":\"account\",\"type\":\"address\",\"internalType\":\"address\"}],\"outputs\":[{\"name\":\"\",\"type\":\"uint96\",\"internalType\":\"uint96\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"isSigner\",\"inputs\":[{\"name\":\"account\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"key\",\"type\":\"address\",\"internalType\":\"address\"}],\"outputs\":[{\"name\":\"\",\"type\":\"bool\",\"internalType\":\"bool\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"laneStatus\",\"inputs\":[{\"name\":\"renter\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"provider\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"lane\",\"type\":\"uint64\",\"internalType\":\"uint64\"}],\"outputs\":[{\"name\":\"\",\"type\":\"uint8\",\"internalType\":\"enumILedger.LaneStatus\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"lanes\",\"inputs\":[{\"name\":\"renter\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"provider\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"lane\",\"type\":\"uint64\",\"internalType\":\"uint64\"}],\"outputs\":[{\"name\":\"cap\",\"type\":\"uint96\",\"internalType\":\"uint96\"},{\"name\":\"paid\",\"type\":\"uint96\",\"internalType\":\"uint96\"},{\"name\":\"releaseAt\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"epoch\",\"type\":\"uint24\",\"internalType\":\"uint24\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"payoutOf\",\"inputs\":[{\"name\":\"account\",\"type\":\"address\",\"internalType\":\"address\"}],\"outputs\":[{\"name\":\"to\",\"type\":\"address\",\"internalType\":\"address\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"payouts\",\"inputs\":[{\"name\":\"account\",\"type\":\"address\",\"internalType\":\"address\"}],\"outputs\":[{\"name\":\"to\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"changesAt\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"next\",\"type\":\"address\",\"internalType\":\"address\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"redeem\",\"inputs\":[{\"name\":\"provider\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"vouchers\",\"type\":\"tuple[]\",\"internalType\":\"structILedger.V[]\",\"components\":[{\"name\":\"renter\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"lane\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"cumulative\",\"type\":\"uint96\",\"internalType\":\"uint96\"},{\"name\":\"memo\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"r\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"vs\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]}],\"outputs\":[{\"name\":\"sum\",\"type\":\"uint256\",\"internalType\":\"uint256\"}],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"release\",\"inputs\":[{\"name\":\"renter\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"list\",\"type\":\"tuple[]\",\"internalType\":\"structILedger.LaneRef[]\",\"components\":[{\"name\":\"party\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"lane\",\"type\":\"uint64\",\"internalType\":\"uint64\"}]}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"requestExit\",\"inputs\":[{\"name\":\"amount\",\"type\":\"uint96\",\"internalType\":\"uint96\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"reserve\",\"inputs\":[{\"name\":\"list\",\"type\":\"tuple[]\",\"internalType\":\"structILedger.Res[]\",\"components\":[{\"name\":\"provider\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"lane\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"cap\",\"type\":\"uint96\",\"internalType\":\"uint96\"}]}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"reserveDigest\",\"inputs\":[{\"name\":\"renter\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"provider\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"lane\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"epoch\",\"type\":\"uint24\",\"internalType\":\"uint24\"},{\"name\":\"cap\",\"type\":\"uint96\",\"internalType\":\"uint96\"},{\"name\":\"validUntil\",\"type\":\"uint40\",\"internalType\":\"uint40\"}],\"outputs\":[{\"name\":\"\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"reserveFor\",\"inputs\":[{\"name\":\"list\",\"type\":\"tuple[]\",\"internalType\":\"structILedger.SignedRes[]\",\"components\":[{\"name\":\"renter\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"provider\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"lane\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"epoch\",\"type\":\"uint24\",\"internalType\":\"uint24\"},{\"name\":\"cap\",\"type\":\"uint96\",\"internalType\":\"uint96\"},{\"name\":\"validUntil\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"r\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"vs\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"setPayout\",\"inputs\":[{\"name\":\"to\",\"type\":\"address\",\"internalType\":\"address\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"setSigner\",\"inputs\":[{\"name\":\"key\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"allowance\",\"type\":\"uint96\",\"internalType\":\"uint96\"},{\"name\":\"until\",\"type\":\"uint40\",\"internalType\":\"uint40\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"signerUntil\",\"inputs\":[{\"name\":\"account\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"key\",\"type\":\"address\",\"internalType\":\"address\"}],\"outputs\":[{\"name\":\"\",\"type\":\"uint40\",\"internalType\":\"uint40\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"signers\",\"inputs\":[{\"name\":\"account\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"key\",\"type\":\"address\",\"internalType\":\"address\"}],\"outputs\":[{\"name\":\"allowance\",\"type\":\"uint96\",\"internalType\":\"uint96\"},{\"name\":\"until\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"booked\",\"type\":\"uint96\",\"internalType\":\"uint96\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"startRelease\",\"inputs\":[{\"name\":\"list\",\"type\":\"tuple[]\",\"internalType\":\"structILedger.LaneRef[]\",\"components\":[{\"name\":\"party\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"lane\",\"type\":\"uint64\",\"internalType\":\"uint64\"}]}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"token\",\"inputs\":[],\"outputs\":[{\"name\":\"\",\"type\":\"address\",\"internalType\":\"contractIERC20\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"voucherDigest\",\"inputs\":[{\"name\":\"renter\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"provider\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"lane\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"cumulative\",\"type\":\"uint96\",\"internalType\":\"uint96\"},{\"name\":\"memo\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}],\"outputs\":[{\"name\":\"\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"waive\",\"inputs\":[{\"name\":\"list\",\"type\":\"tuple[]\",\"internalType\":\"structILedger.LaneRef[]\",\"components\":[{\"name\":\"party\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"lane\",\"type\":\"uint64\",\"internalType\":\"uint64\"}]}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"withdrawEarned\",\"inputs\":[{\"name\":\"amount\",\"type\":\"uint96\",\"internalType\":\"uint96\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"withdrawEarnedFor\",\"inputs\":[{\"name\":\"account\",\"type\":\"address\",\"internalType\":\"address\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"event\",\"name\":\"Deposited\",\"inputs\":[{\"name\":\"account\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"amount\",\"type\":\"uint96\",\"indexed\":false,\"internalType\":\"uint96\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"EIP712DomainChanged\",\"inputs\":[],\"anonymous\":false},{\"type\":\"event\",\"name\":\"EarnedWithdrawn\",\"inputs\":[{\"name\":\"account\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"to\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"amount\",\"type\":\"uint96\",\"indexed\":false,\"internalType\":\"uint96\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"ExitRequested\",\"inputs\":[{\"name\":\"account\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"amount\",\"type\":\"uint96\",\"indexed\":false,\"internalType\":\"uint96\"},{\"name\":\"exitAt\",\"type\":\"uint40\",\"indexed\":false,\"internalType\":\"uint40\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"Exited\",\"inputs\":[{\"name\":\"account\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"to\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"amount\",\"type\":\"uint96\",\"indexed\":false,\"internalType\":\"uint96\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"PayoutSet\",\"inputs\":[{\"name\":\"account\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"to\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"changesAt\",\"type\":\"uint40\",\"indexed\":false,\"internalType\":\"uint40\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"Redeemed\",\"inputs\":[{\"name\":\"renter\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"provider\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"lane\",\"type\":\"uint64\",\"indexed\":false,\"internalType\":\"uint64\"},{\"name\":\"paid\",\"type\":\"uint96\",\"indexed\":false,\"internalType\":\"uint96\"},{\"name\":\"cumulative\",\"type\":\"uint96\",\"indexed\":false,\"internalType\":\"uint96\"},{\"name\":\"memo\",\"type\":\"bytes32\",\"indexed\":false,\"internalType\":\"bytes32\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"Released\",\"inputs\":[{\"name\":\"renter\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"provider\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"lane\",\"type\":\"uint64\",\"indexed\":false,\"internalType\":\"uint64\"},{\"name\":\"amount\",\"type\":\"uint96\",\"indexed\":false,\"internalType\":\"uint96\"},{\"name\":\"epoch\",\"type\":\"uint24\",\"indexed\":false,\"internalType\":\"uint24\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"Releasing\",\"inputs\":[{\"name\":\"renter\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"provider\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"lane\",\"type\":\"uint64\",\"indexed\":false,\"internalType\":\"uint64\"},{\"name\":\"releaseAt\",\"type\":\"uint40\",\"indexed\":false,\"internalType\":\"uint40\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"Reserved\",\"inputs\":[{\"name\":\"renter\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"provider\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"lane\",\"type\":\"uint64\",\"indexed\":false,\"internalType\":\"uint64\"},{\"name\":\"cap\",\"type\":\"uint96\",\"indexed\":false,\"internalType\":\"uint96\"},{\"name\":\"epoch\",\"type\":\"uint24\",\"indexed\":false,\"internalType\":\"uint24\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"SignerSet\",\"inputs\":[{\"name\":\"account\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"key\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"allowance\",\"type\":\"uint96\",\"indexed\":false,\"internalType\":\"uint96\"},{\"name\":\"until\",\"type\":\"uint40\",\"indexed\":false,\"internalType\":\"uint40\"}],\"anonymous\":false},{\"type\":\"event\",\"name\":\"Waived\",\"inputs\":[{\"name\":\"renter\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"provider\",\"type\":\"address\",\"indexed\":true,\"internalType\":\"address\"},{\"name\":\"lane\",\"type\":\"uint64\",\"indexed\":false,\"internalType\":\"uint64\"},{\"name\":\"amount\",\"type\":\"uint96\",\"indexed\":false,\"internalType\":\"uint96\"},{\"name\":\"epoch\",\"type\":\"uint24\",\"indexed\":false,\"internalType\":\"uint24\"}],\"anonymous\":false},{\"type\":\"error\",\"name\":\"AllowanceExceeded\",\"inputs\":[{\"name\":\"account\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"key\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"left\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"needed\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"DelayOutOfRange\",\"inputs\":[{\"name\":\"delay\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"least\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"most\",\"type\":\"uint40\",\"internalType\":\"uint40\"}]},{\"type\":\"error\",\"name\":\"ECDSAInvalidSignature\",\"inputs\":[]},{\"type\":\"error\",\"name\":\"ECDSAInvalidSignatureLength\",\"inputs\":[{\"name\":\"length\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"ECDSAInvalidSignatureS\",\"inputs\":[{\"name\":\"s\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]},{\"type\":\"error\",\"name\":\"FeeOnTransfer\",\"inputs\":[{\"name\":\"expected\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"received\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"InsufficientDeposit\",\"inputs\":[{\"name\":\"account\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"deposit\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"needed\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"InsufficientEarned\",\"inputs\":[{\"name\":\"account\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"earned\",\"type\":\"uint256\",\"internalType\":\"uint256\"},{\"name\":\"wanted\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"InvalidShortString\",\"inputs\":[]},{\"type\":\"error\",\"name\":\"LaneWornOut\",\"inputs\":[{\"name\":\"renter\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"provider\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"lane\",\"type\":\"uint64\",\"internalType\":\"uint64\"}]},{\"type\":\"error\",\"name\":\"NotExitable\",\"inputs\":[{\"name\":\"account\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"from\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"to\",\"type\":\"uint40\",\"internalType\":\"uint40\"}]},{\"type\":\"error\",\"name\":\"NotReleasable\",\"inputs\":[{\"name\":\"renter\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"provider\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"lane\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"from\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"to\",\"type\":\"uint40\",\"internalType\":\"uint40\"}]},{\"type\":\"error\",\"name\":\"ReentrancyGuardReentrantCall\",\"inputs\":[]},{\"type\":\"error\",\"name\":\"ReserveExpired\",\"inputs\":[{\"name\":\"validUntil\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"time\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"SafeCastOverflowedUintDowncast\",\"inputs\":[{\"name\":\"bits\",\"type\":\"uint8\",\"internalType\":\"uint8\"},{\"name\":\"value\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"SafeERC20FailedOperation\",\"inputs\":[{\"name\":\"token\",\"type\":\"address\",\"internalType\":\"address\"}]},{\"type\":\"error\",\"name\":\"SignerNotOnLane\",\"inputs\":[{\"name\":\"key\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"lane\",\"type\":\"uint64\",\"internalType\":\"uint64\"}]},{\"type\":\"error\",\"name\":\"SignerNotValid\",\"inputs\":[{\"name\":\"account\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"key\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"until\",\"type\":\"uint40\",\"internalType\":\"uint40\"}]},{\"type\":\"error\",\"name\":\"StringTooLong\",\"inputs\":[{\"name\":\"str\",\"type\":\"string\",\"internalType\":\"string\"}]},{\"type\":\"error\",\"name\":\"WrongEpoch\",\"inputs\":[{\"name\":\"renter\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"provider\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"lane\",\"type\":\"uint64\",\"internalType\":\"uint64\"},{\"name\":\"epoch\",\"type\":\"uint24\",\"internalType\":\"uint24\"},{\"name\":\"signed\",\"type\":\"uint24\",\"internalType\":\"uint24\"}]},{\"type\":\"error\",\"name\":\"ZeroAddress\",\"inputs\":[]}]",
	ID:  "Ledger",
	Bin: "0x6101a080604052346102195760408161364e8038038091610020828561021d565b8339810103126102195780516001600160a01b0381169182820361021957602001519164ffffffffff8316908184036102195760405161006160408261021d565b600c815260208101906b30b93a32b6102632b233b2b960a11b82526040519161008b60408461021d565b600183526020830191603160f81b83526100a481610254565b610120526100b184610254565b61014052519020918260e05251902080610100524660a0526040519060208201927f8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f8452604083015260608201524660808201523060a082015260a0815261011a60c08261021d565b5190206080523060c0521561020a576001811080156101fd575b6101de5750610160526101805260405161338e90816102c0823960805181612e30015260a05181612ee7015260c05181612e01015260e05181612e7f01526101005181612ea5015261012051816115470152610140518161157101526101605181818161018901528181610e8b015281816117f3015281816126610152612a0301526101805181818161067e01528181610fd9015281816111c0015281816119bb0152611c1d0152f35b63116e778760e21b5f5260045260016024526301e1338060445260645ffd5b506301e133808111610134565b63d92e233d60e01b5f5260045ffd5b5f80fd5b601f909101601f19168101906001600160401b0382119082101761024057604052565b634e487b7160e01b5f52604160045260245ffd5b601f81511161027f576020815191015160208210610270571790565b5f198260200360031b1b161790565b604460209160405192839163305a27a960e01b83528160048401528051918291826024860152018484015e5f828201840152601f01601f19168101030190fdfe6080806040526004361015610012575f80fd5b5f905f3560e01c908163049750c6146120aa575080630f02dcdf14611fc057806318e7f6e514611db45780633ae50b7314611d825780633ed2670a14611d2457806345a51e9d14611b875780634ee1f0ae14611b385780635e5c06e214611ab057806365bcfbe714611a2457806369904f63146119df5780636a42b8f81461199e5780636da61d1e1461195d57806378b248e4146118b55780637e9b9b18146117a3578063809ef4111461164557806384b0196e1461152d5780638e890ab4146112bf578063a3ff39b214611172578063a53e541214611154578063a8417efd14610fa2578063ab44d63914610f49578063b42652e914610d18578063bd9ee66b14610c95578063c0488b1c14610bcd578063c24b170114610b1d578063c3aa466e146106af578063c93a4e821461052e578063ea1ca906146101b05763fc0c546a1461015d575f80fd5b346101ad57806003193601126101ad57602060405173ffffffffffffffffffffffffffffffffffffffff7f0000000000000000000000000000000000000000000000000000000000000000168152f35b80fd5b50346101ad5760406003193601126101ad576101ca6120f9565b906024359067ffffffffffffffff82116101ad57366023830112156101ad5781600401359067ffffffffffffffff82116101ad5736602460c08402850101116101ad5790918190610219612dea565b908273ffffffffffffffffffffffffffffffffffffffff8716945b868210156104985790856102d36bffffffffffffffffffffffff94938a60c085028601916024830173ffffffffffffffffffffffffffffffffffffffff61027a82612237565b168b52600460205260408b20865f5260205260405f2093604481019467ffffffffffffffff6102a887612258565b165f5260205260405f20908c8254918d8d8416928e8560601c16938f91818693606487019e8f61226d565b161015905061049157506102e68b61226d565b9e8f5b16111561047d5790610333916103238a8c61031561030f6103098c612237565b93612258565b9161226d565b9060848601359c8d93612bf6565b60a460c484013593013591612f0d565b73ffffffffffffffffffffffffffffffffffffffff61035186612237565b1673ffffffffffffffffffffffffffffffffffffffff82160361045a575b508b036bffffffffffffffffffffffff168094019a60601b77ffffffffffffffffffffffff00000000000000000000000016907fffffffffffffffff000000000000000000000000ffffffffffffffffffffffff161790556103d090612237565b926103da90612258565b936103e49061226d565b906040519467ffffffffffffffff16855260208501526bffffffffffffffffffffffff166040840152606083015273ffffffffffffffffffffffffffffffffffffffff169060807f3c84fc226a0839ae54749846551d2f9a99427774bac6ea54991b0c9e7d658f0791a36001905b019091610234565b6104779061046786612237565b906104718a612258565b916130d7565b5f61036f565b505050505050965050505050600190610452565b9e8f6102e9565b6020908587826104ad575b5050604051908152f35b81604091610527935260028552206104df6104da846bffffffffffffffffffffffff845460601c166124ed565b612ba2565b7fffffffffffffffff000000000000000000000000ffffffffffffffffffffffff77ffffffffffffffffffffffff00000000000000000000000083549260601b169116179055565b82806104a3565b50346101ad5760206003193601126101ad57610548612171565b6bffffffffffffffffffffffff8116610655577f6651bd8bcc605d7a35cd80b7d4f3e207b92b24fe4db50e076b609ef9552d017661064f835b3385526003602052604085206bffffffffffffffffffffffff85167fffffffffffffffffffffffffffffffffffffffff00000000000000000000000082541617905533855260026020526106218160408720907fffffff0000000000ffffffffffffffffffffffffffffffffffffffffffffffff7cffffffffff00000000000000000000000000000000000000000000000083549260c01b169116179055565b604080516bffffffffffffffffffffffff909516855264ffffffffff90911660208501523393918291820190565b0390a280f35b7f6651bd8bcc605d7a35cd80b7d4f3e207b92b24fe4db50e076b609ef9552d017661064f6106aa7f000000000000000000000000000000000000000000000000000000000000000064ffffffffff4216612286565b610581565b50346101ad5760206003193601126101ad576004359067ffffffffffffffff82116101ad57366023830112156101ad5781600401359067ffffffffffffffff82116101ad573660248360081b850101116101ad5761070b612dea565b92815b83811015610b19578060081b82016024810173ffffffffffffffffffffffffffffffffffffffff61073e82612237565b168552600460205260408520604483019073ffffffffffffffffffffffffffffffffffffffff61076d83612237565b165f5260205260405f2092606481019367ffffffffffffffff61078f86612258565b165f5260205260405f209060c4810164ffffffffff6107ad826124fa565b164211610ada576084820162ffffff6107c58261250c565b855460e81c9182911603610a45575061083b61085e94938d61082a888b966108419661080c6108066108008f6107fa90612237565b95612237565b9a612258565b9161250c565b9060a487019961082461081e8c61226d565b946124fa565b94612d4f565b60e461010484013593013591612f0d565b94612237565b9061084e61030f88612258565b9161085887612237565b93612f90565b9273ffffffffffffffffffffffffffffffffffffffff61087d84612237565b169173ffffffffffffffffffffffffffffffffffffffff81169283036108bc575b505050600192916108b16108b692612237565b61251c565b0161070e565b906108d3916104716108cd86612237565b92612258565b73ffffffffffffffffffffffffffffffffffffffff6108f183612237565b16808752600560205260408720825f5260205260405f20918254916bffffffffffffffffffffffff8316916bffffffffffffffffffffffff8460881c1680938181115f14610a3057036bffffffffffffffffffffffff8111610a03576bffffffffffffffffffffffff905b16908188116109c0575050507fffffff000000000000000000000000ffffffffffffffffffffffffffffffffff90911690840160881b7cffffffffffffffffffffffff000000000000000000000000000000000016179055816108b16108b661089e565b608492918891604051937f2817560a0000000000000000000000000000000000000000000000000000000085526004850152602484015260448301526064820152fd5b60248b7f4e487b710000000000000000000000000000000000000000000000000000000081526011600452fd5b50506bffffffffffffffffffffffff8a61095c565b62ffffff88879267ffffffffffffffff60a49573ffffffffffffffffffffffffffffffffffffffff610a92610a8c610a868f610a8090612237565b99612237565b96612258565b9261250c565b9481604051987f9ce592e3000000000000000000000000000000000000000000000000000000008a521660048901521660248701521660448501526064840152166084820152fd5b8864ffffffffff610aec6044936124fa565b7f3a0c4ff70000000000000000000000000000000000000000000000000000000083521660045242602452fd5b8280f35b50346101ad5760406003193601126101ad57610b376120f9565b9073ffffffffffffffffffffffffffffffffffffffff610b5561211c565b921673ffffffffffffffffffffffffffffffffffffffff83168103610b8f57505050602064ffffffffff5b64ffffffffff60405191168152f35b8160409173ffffffffffffffffffffffffffffffffffffffff935260056020522091165f52602052602064ffffffffff60405f205460601c16610b80565b50346101ad5760c06003193601126101ad57610be76120f9565b610bef61211c565b610bf761213f565b6064359162ffffff83168303610c9157608435936bffffffffffffffffffffffff85168503610c8d5760a4359564ffffffffff871687036101ad576020610c85610c45898989898989612d4f565b610c4d612dea565b604291604051917f19010000000000000000000000000000000000000000000000000000000000008352600283015260228201522090565b604051908152f35b8580fd5b8480fd5b50346101ad5760406003193601126101ad5773ffffffffffffffffffffffffffffffffffffffff6040610cc66120f9565b9282610cd061211c565b9416815260056020522091165f52602052606060405f20546bffffffffffffffffffffffff60405191818116835264ffffffffff81851c16602084015260881c166040820152f35b50346101ad5760206003193601126101ad57610d326120f9565b90610d3b6125ce565b73ffffffffffffffffffffffffffffffffffffffff82168015610f21573382526002602052604082209283549164ffffffffff6bffffffffffffffffffffffff84169360c01c1694610d8c86612a5d565b15610edd57610eaf94955033865260036020526bffffffffffffffffffffffff60408720541693808511610ed5575b6bffffffffffffffffffffffff8581920316167fffffffffffffffffffffffffffffffffffffffff0000000000000000000000008254161781557fffffff0000000000ffffffffffffffffffffffffffffffffffffffffffffffff81541690553385526003602052604085207fffffffffffffffffffffffffffffffffffffffff00000000000000000000000081541690556bffffffffffffffffffffffff6040519316928381527fff9be077e76962fe17a975b6c3cc3be5a1ff1c2b0cefdd142cd946383353e74860203392a37f0000000000000000000000000000000000000000000000000000000000000000612c85565b807f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d80f35b935083610dbb565b60648564ffffffffff88610ef081612b7d565b907f3cb4da200000000000000000000000000000000000000000000000000000000084523360045260245216604452fd5b6004827fd92e233d000000000000000000000000000000000000000000000000000000008152fd5b50346101ad5760a06003193601126101ad57610f636120f9565b90610f6c61211c565b610f7461213f565b90606435926bffffffffffffffffffffffff841684036101ad576020610c85610c456084358787878b612bf6565b50346101ad5760206003193601126101ad5760043567ffffffffffffffff811161115057610fd49036906004016121c3565b6110057f000000000000000000000000000000000000000000000000000000000000000064ffffffffff4216612286565b9164ffffffffff831691845b81811061101c578580f35b60019033875260046020526040872073ffffffffffffffffffffffffffffffffffffffff61105361104e848789612486565b612237565b165f5260205260405f2067ffffffffffffffff61107c602061107685888a612486565b01612258565b165f526020526110d88660405f20907fffffff0000000000ffffffffffffffffffffffffffffffffffffffffffffffff7cffffffffff00000000000000000000000000000000000000000000000083549260c01b169116179055565b6110e661104e828587612486565b73ffffffffffffffffffffffffffffffffffffffff61110b602061107685888a612486565b9167ffffffffffffffff6040519316835287602084015216907f1a75f38e11382ff56f05227e12927930f0f3de1f70c8cb6eecd10ef76ce57d7d60403392a301611011565b5080fd5b50346101ad57806003193601126101ad576020604051620151808152f35b50346101ad5760206003193601126101ad5761118c6120f9565b338252600660205273ffffffffffffffffffffffffffffffffffffffff604083209160016111b984612a9d565b93836111ec7f000000000000000000000000000000000000000000000000000000000000000064ffffffffff4216612286565b95167fffffffffffffffffffffffff000000000000000000000000000000000000000082541617815580547fffffffffffffff0000000000ffffffffffffffffffffffffffffffffffffffff78ffffffffff00000000000000000000000000000000000000008760a01b169116178155018282167fffffffffffffffffffffffff000000000000000000000000000000000000000082541617905564ffffffffff6040519316835216907f88e55011094df75cb1196fde54111d89812e0fcf8ea7694a08b402510bf0f24b60203392a380f35b50346101ad5760406003193601126101ad576112d96120f9565b60243567ffffffffffffffff8111611529576112f99036906004016121c3565b839173ffffffffffffffffffffffffffffffffffffffff859416935b82811061138b575050506104da6113469183855260026020526bffffffffffffffffffffffff6040862054166124ed565b90825260026020526bffffffffffffffffffffffff6040832091167fffffffffffffffffffffffffffffffffffffffff00000000000000000000000082541617905580f35b61139961104e828585612486565b6113a96020611076848787612486565b9086885260046020526040882073ffffffffffffffffffffffffffffffffffffffff82165f5260205260405f2067ffffffffffffffff83165f5260205260405f2064ffffffffff815460c01c166113ff81612a5d565b156114b057507f88fdfea8c35ce59c6694331d1627c208a92d146d84014a92fa731560d058bf4273ffffffffffffffffffffffffffffffffffffffff60019594936114a76bffffffffffffffffffffffff61146861145d8e97612aeb565b92819e9116906124ed565b9b6040519485941697849160409194936bffffffffffffffffffffffff62ffffff9267ffffffffffffffff606087019816865216602085015216910152565b0390a301611315565b8864ffffffffff848367ffffffffffffffff8873ffffffffffffffffffffffffffffffffffffffff6114e360a498612b7d565b94604051977fa11fee4f00000000000000000000000000000000000000000000000000000000895260048901521660248701521660448501526064840152166084820152fd5b8280fd5b50346101ad57806003193601126101ad576115e99061156b7f00000000000000000000000000000000000000000000000000000000000000006131e1565b906115957f00000000000000000000000000000000000000000000000000000000000000006131e1565b9060206115f7604051936115a983866122cf565b8385525f3681376040519687967f0f00000000000000000000000000000000000000000000000000000000000000885260e08589015260e08801906121f4565b9086820360408801526121f4565b904660608601523060808601528260a086015284820360c08601528080855193848152019401925b82811061162e57505050500390f35b83518552869550938101939281019260010161161f565b50346101ad5760206003193601126101ad5760043567ffffffffffffffff8111611150576116779036906004016121c3565b9033835b838110611686578480f35b8061169761104e6001938787612486565b73ffffffffffffffffffffffffffffffffffffffff6116bc6020611076858a8a612486565b9116808852600460205260408820855f5260205260405f2067ffffffffffffffff83165f526020527fb8d204ed7ae2184048ed193236f721c929a5d8c49ab94e605305adb6ec8781e361171160405f20612aeb565b90838b52600260205260408b206bffffffffffffffffffffffff61173883828454166124c3565b82547fffffffffffffffffffffffffffffffffffffffff0000000000000000000000001691161790556040805167ffffffffffffffff90961686526bffffffffffffffffffffffff909116602086015262ffffff90911690840152339280606081010390a30161167b565b50346118b15760c06003193601126118b1576117bd6120f9565b906117c6612156565b60643560ff81168091036118b1576117dc6125ce565b73ffffffffffffffffffffffffffffffffffffffff7f00000000000000000000000000000000000000000000000000000000000000001690813b156118b1575f9160e4839260405194859384927fd505accf0000000000000000000000000000000000000000000000000000000084523360048501523060248501526bffffffffffffffffffffffff891660448501526044356064850152608484015260843560a484015260a43560c48401525af161189b575b50610eaf9192612642565b610eaf92505f6118aa916122cf565b5f91611890565b5f80fd5b346118b15760406003193601126118b1576118ce6120f9565b73ffffffffffffffffffffffffffffffffffffffff6118eb61211c565b911673ffffffffffffffffffffffffffffffffffffffff8216811490811561191b575b6020826040519015158152f35b90505f52600560205273ffffffffffffffffffffffffffffffffffffffff60405f2091165f52602052602064ffffffffff60405f205460601c1615158261190e565b346118b15760206003193601126118b157602061198061197b6120f9565b612437565b73ffffffffffffffffffffffffffffffffffffffff60405191168152f35b346118b1575f6003193601126118b157602060405164ffffffffff7f0000000000000000000000000000000000000000000000000000000000000000168152f35b346118b15760606003193601126118b1576020611a136119fd6120f9565b611a0561211c565b611a0d61213f565b9161233d565b60405190611a208161218c565b8152f35b346118b15760206003193601126118b15773ffffffffffffffffffffffffffffffffffffffff611a526120f9565b165f526006602052606060405f2073ffffffffffffffffffffffffffffffffffffffff600182549201541664ffffffffff6040519273ffffffffffffffffffffffffffffffffffffffff8116845260a01c1660208301526040820152f35b346118b15760206003193601126118b15773ffffffffffffffffffffffffffffffffffffffff611ade6120f9565b165f908152600260209081526040918290205482516bffffffffffffffffffffffff8083168252606083811c9091169382019390935260c082901c64ffffffffff169381019390935260e81c9082015280608081015b0390f35b346118b15760206003193601126118b157611b62611b54612171565b611b5c6125ce565b336128fd565b5f7f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d005b346118b15760606003193601126118b157611ba06120f9565b611ba8612156565b6044359164ffffffffff8316928381036118b15773ffffffffffffffffffffffffffffffffffffffff909116928315611cfc577f104ff0f053698703882eff80edf0309fb35d96dc00ff9da21396c98209ea6b6a91611ce791335f52600560205260405f20865f5260205260405f2090611c497f000000000000000000000000000000000000000000000000000000000000000064ffffffffff4216612286565b9064ffffffffff835460601c168064ffffffffff841611611cf4575b5064ffffffffff821611611cec575b5080547fffffffffffffffffffffffffffffff0000000000000000000000000000000000166bffffffffffffffffffffffff95909516948517606083901b70ffffffffff000000000000000000000000161790556040805194855264ffffffffff90911660208501523393918291820190565b0390a3005b915086611c74565b915088611c65565b7fd92e233d000000000000000000000000000000000000000000000000000000005f5260045ffd5b346118b15760206003193601126118b157611b62611d406120f9565b611d486125ce565b73ffffffffffffffffffffffffffffffffffffffff81165f5260026020526bffffffffffffffffffffffff60405f205460601c16906128fd565b346118b15760406003193601126118b157611b62611d9e6120f9565b611da6612156565b90611daf6125ce565b612642565b346118b15760206003193601126118b15760043567ffffffffffffffff81116118b157366023820112156118b157806004013567ffffffffffffffff81116118b15736602460608302840101116118b157335f52600460205260405f205f925f5b83811015611fb457606081028201611e2f60248201612237565b90611e486064611e4160448401612258565b920161226d565b9173ffffffffffffffffffffffffffffffffffffffff81165f528560205260405f2067ffffffffffffffff83165f5260205260405f20978854986bffffffffffffffffffffffff8a16906bffffffffffffffffffffffff86169082821115611fa4578b60e81c9b62ffffff8d14611f5057938383611f469373ffffffffffffffffffffffffffffffffffffffff9660019c9b9a99967fbd3ef9b1dd5d0dcab630719cb381a9d9ac34f72f5e4b0bd3a8995de489463767990103905503019b60405193849316963396849160409194936bffffffffffffffffffffffff62ffffff9267ffffffffffffffff606087019816865216602085015216910152565b0390a35b01611e15565b67ffffffffffffffff8773ffffffffffffffffffffffffffffffffffffffff887f46e71638000000000000000000000000000000000000000000000000000000005f5233600452166024521660445260645ffd5b5050509750505050600190611f4a565b611fbe853361251c565b005b346118b15760606003193601126118b157611fd96120f9565b611fe161211c565b73ffffffffffffffffffffffffffffffffffffffff611ffe61213f565b92165f52600460205273ffffffffffffffffffffffffffffffffffffffff60405f2091165f5260205267ffffffffffffffff60405f2091165f52602052611b3460405f20546040519181839260e81c9064ffffffffff8160c01c16906bffffffffffffffffffffffff808260601c16911685929364ffffffffff62ffffff9296956bffffffffffffffffffffffff60609581608089019a16885216602087015216604085015216910152565b346118b15760206003193601126118b15760209073ffffffffffffffffffffffffffffffffffffffff6120db6120f9565b165f52600382526bffffffffffffffffffffffff60405f2054168152f35b6004359073ffffffffffffffffffffffffffffffffffffffff821682036118b157565b6024359073ffffffffffffffffffffffffffffffffffffffff821682036118b157565b6044359067ffffffffffffffff821682036118b157565b602435906bffffffffffffffffffffffff821682036118b157565b600435906bffffffffffffffffffffffff821682036118b157565b6004111561219657565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52602160045260245ffd5b9181601f840112156118b15782359167ffffffffffffffff83116118b1576020808501948460061b0101116118b157565b907fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0601f602080948051918291828752018686015e5f8582860101520116010190565b3573ffffffffffffffffffffffffffffffffffffffff811681036118b15790565b3567ffffffffffffffff811681036118b15790565b356bffffffffffffffffffffffff811681036118b15790565b9064ffffffffff8091169116019064ffffffffff82116122a257565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52601160045260245ffd5b90601f7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0910116810190811067ffffffffffffffff82111761231057604052565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52604160045260245ffd5b73ffffffffffffffffffffffffffffffffffffffff165f52600460205273ffffffffffffffffffffffffffffffffffffffff60405f2091165f5260205267ffffffffffffffff60405f2091165f5260205260405f20604051906080820182811067ffffffffffffffff82111761231057604052546bffffffffffffffffffffffff811682526bffffffffffffffffffffffff8160601c1660208301526123fc64ffffffffff8260c01c16604084019281845260e81c6060850152612a5d565b612430575164ffffffffff16421061242a57516bffffffffffffffffffffffff16612425575f90565b600190565b50600290565b5050600390565b9073ffffffffffffffffffffffffffffffffffffffff82165f52600660205261246260405f20612a9d565b9173ffffffffffffffffffffffffffffffffffffffff8316156124825750565b9150565b91908110156124965760061b0190565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52603260045260245ffd5b906bffffffffffffffffffffffff809116911601906bffffffffffffffffffffffff82116122a257565b919082018092116122a257565b3564ffffffffff811681036118b15790565b3562ffffff811681036118b15790565b81156125ca5773ffffffffffffffffffffffffffffffffffffffff1690815f52600260205260405f20916bffffffffffffffffffffffff83541690818311612599575082547fffffffffffffffffffffffffffffffffffffffff000000000000000000000000169190036bffffffffffffffffffffffff16179055565b7f2fc28c53000000000000000000000000000000000000000000000000000000005f5260045260245260445260645ffd5b5050565b7f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005c61261a5760017f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d565b7f3ee5aeb5000000000000000000000000000000000000000000000000000000005f5260045ffd5b73ffffffffffffffffffffffffffffffffffffffff16908115611cfc577f00000000000000000000000000000000000000000000000000000000000000009073ffffffffffffffffffffffffffffffffffffffff8216916040517f70a08231000000000000000000000000000000000000000000000000000000008152306004820152602081602481875afa908115612876575f916128cb575b506bffffffffffffffffffffffff831693604051927f23b872dd000000000000000000000000000000000000000000000000000000005f5233600452306024528560445260205f60648180855af19060015f51148216156128ac575b50836040525f6060521561288157826024816020937f70a082310000000000000000000000000000000000000000000000000000000082523060048301525afa918215612876575f92612842575b5081039081116122a25782810361281357507fdda0f60b22a66d7dc2e2a6fa8fd7def45a6f707773244ca1852ecca2b6cbb5fe91602091845f52600283526bffffffffffffffffffffffff6127e260405f2092828454166124c3565b167fffffffffffffffffffffffffffffffffffffffff000000000000000000000000825416179055604051908152a2565b827fca0dd236000000000000000000000000000000000000000000000000000000005f5260045260245260445ffd5b9091506020813d60201161286e575b8161285e602093836122cf565b810103126118b15751905f612786565b3d9150612851565b6040513d5f823e3d90fd5b7f5274afe7000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b60018215166128c2573b15153d1516165f612738565b843d5f823e3d90fd5b90506020813d6020116128f5575b816128e6602093836122cf565b810103126118b157515f6126dc565b3d91506128d9565b73ffffffffffffffffffffffffffffffffffffffff811690815f5260026020526bffffffffffffffffffffffff60405f205460601c16926bffffffffffffffffffffffff811693808511612a29579161197b6bffffffffffffffffffffffff6129bd938695612a2798975f526002602052031660405f20907fffffffffffffffff000000000000000000000000ffffffffffffffffffffffff77ffffffffffffffffffffffff00000000000000000000000083549260601b169116179055565b90604051908382527fae1949bd40bb46e6faa100f336fffc9834ae0cea74838315a1ce1fe55a165901602073ffffffffffffffffffffffffffffffffffffffff851693a37f0000000000000000000000000000000000000000000000000000000000000000612c85565b565b8490847f885dc6c5000000000000000000000000000000000000000000000000000000005f5260045260245260445260645ffd5b64ffffffffff8116908115159182612a92575b5081612a7a575090565b64ffffffffff9150612a8b90612b7d565b1642111590565b42101591505f612a70565b73ffffffffffffffffffffffffffffffffffffffff9080549064ffffffffff8260a01c168015159081612ae0575b5015612adb576001915001541690565b501690565b90504210155f612acb565b8054916bffffffffffffffffffffffff8360601c16918360e81c936bffffffffffffffffffffffff8481831603169462ffffff81145f14612b6f57935b77ffffffffffffffffffffffff0000000000000000000000007fffffff00000000000000000000000000000000000000000000000000000000008660e81b16921617179055565b60010162ffffff1693612b28565b64ffffffffff1680612b8e57505f90565b620151800164ffffffffff81116122a25790565b6bffffffffffffffffffffffff8111612bc6576bffffffffffffffffffffffff1690565b7f6dfcc650000000000000000000000000000000000000000000000000000000005f52606060045260245260445ffd5b93919267ffffffffffffffff6bffffffffffffffffffffffff929473ffffffffffffffffffffffffffffffffffffffff604051968160208901997fc43a773dd1af1a5833e82e31e211803a4d3d8dcadfca23240369eb46396427128b521660408901521660608701521660808501521660a083015260c082015260c08152612c7f60e0826122cf565b51902090565b9173ffffffffffffffffffffffffffffffffffffffff604051927fa9059cbb000000000000000000000000000000000000000000000000000000005f521660045260245260205f60448180865af19060015f5114821615612d2e575b60405215612cec5750565b73ffffffffffffffffffffffffffffffffffffffff907f5274afe7000000000000000000000000000000000000000000000000000000005f521660045260245ffd5b906001811516612d4657823b15153d15161690612ce1565b503d5f823e3d90fd5b9362ffffff64ffffffffff9467ffffffffffffffff7f2a5836137187409402bd23b7276c2cfa63e8240b209bc074f7dcbbcbd7a18e0f989573ffffffffffffffffffffffffffffffffffffffff6bffffffffffffffffffffffff96816040519b60208d019d8e521660408c01521660608a01521660808801521660a08601521660c08401521660e082015260e08152612c7f610100826122cf565b73ffffffffffffffffffffffffffffffffffffffff7f000000000000000000000000000000000000000000000000000000000000000016301480612ee4575b15612e52577f000000000000000000000000000000000000000000000000000000000000000090565b60405160208101907f8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f82527f000000000000000000000000000000000000000000000000000000000000000060408201527f000000000000000000000000000000000000000000000000000000000000000060608201524660808201523060a082015260a08152612c7f60c0826122cf565b507f00000000000000000000000000000000000000000000000000000000000000004614612e29565b91612f52612f8d9492612f8494604291604051917f19010000000000000000000000000000000000000000000000000000000000008352600283015260228201522090565b60ff601b7f7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff851694821c0116906132ff565b90929192613238565b90565b949392918554926bffffffffffffffffffffffff84166bffffffffffffffffffffffff82168181115f146130ce5703965b87156130c3577fffffff000000000000000000000000000000000000000000000000000000000085101561306d5787850190556040805167ffffffffffffffff9390931683526bffffffffffffffffffffffff91909116602083015260e89390931c9281019290925273ffffffffffffffffffffffffffffffffffffffff9081169216907fbd3ef9b1dd5d0dcab630719cb381a9d9ac34f72f5e4b0bd3a8995de48946376790606090a3565b67ffffffffffffffff8373ffffffffffffffffffffffffffffffffffffffff86818a7f46e71638000000000000000000000000000000000000000000000000000000005f5216600452166024521660445260645ffd5b505f96505050505050565b50505f96612fc1565b73ffffffffffffffffffffffffffffffffffffffff16805f52600560205260405f2073ffffffffffffffffffffffffffffffffffffffff83165f5260205264ffffffffff60405f205460601c169081421161319857505063ffffffff811663ffffffff8360201c1603613148575050565b9073ffffffffffffffffffffffffffffffffffffffff67ffffffffffffffff927f5180ae4c000000000000000000000000000000000000000000000000000000005f52166004521660245260445ffd5b8273ffffffffffffffffffffffffffffffffffffffff917f1424d87f000000000000000000000000000000000000000000000000000000005f526004521660245260445260645ffd5b60ff811690601f821161321057604051916131fd6040846122cf565b6020808452838101919036833783525290565b7fb3512b0c000000000000000000000000000000000000000000000000000000005f5260045ffd5b6132418161218c565b8061324a575050565b6132538161218c565b60018103613283577ff645eedf000000000000000000000000000000000000000000000000000000005f5260045ffd5b61328c8161218c565b600281036132c057507ffce698f7000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b6003906132cc8161218c565b146132d45750565b7fd78bce0c000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b91907f7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a08411613383579160209360809260ff5f9560405194855216868401526040830152606082015282805260015afa15612876575f5173ffffffffffffffffffffffffffffffffffffffff81161561337957905f905f90565b505f906001905f90565b5050505f916003919056",
}

// Ledger is an auto generated Go binding around an Ethereum contract.
type Ledger struct {
	abi abi.ABI
}

// GetABI returns the ABI associated with this contract binding.
func (c *Ledger) GetABI() abi.ABI {
	return c.abi
}

// NewLedger creates a new instance of Ledger.
func NewLedger() *Ledger {
	parsed, err := LedgerMetaData.ParseABI()
	if err != nil {
		panic(errors.New("invalid ABI: " + err.Error()))
	}
	return &Ledger{abi: *parsed}
}

// Instance creates a wrapper for a deployed contract instance at the given address.
// Use this to create the instance object passed to abigen v2 library functions Call, Transact, etc.
func (c *Ledger) Instance(backend bind.ContractBackend, addr common.Address) *bind.BoundContract {
	return bind.NewBoundContract(addr, c.abi, backend, backend, backend)
}

// PackConstructor is the Go binding used to pack the parameters required for
// contract deployment.
//
// Solidity: constructor(address token_, uint40 delay_) returns()
func (ledger *Ledger) PackConstructor(token_ common.Address, delay_ *big.Int) []byte {
	enc, err := ledger.abi.Pack("", token_, delay_)
	if err != nil {
		panic(err)
	}
	return enc
}

// PackWINDOW is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xa53e5412.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function WINDOW() view returns(uint40)
func (ledger *Ledger) PackWINDOW() []byte {
	enc, err := ledger.abi.Pack("WINDOW")
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
func (ledger *Ledger) TryPackWINDOW() ([]byte, error) {
	return ledger.abi.Pack("WINDOW")
}

// UnpackWINDOW is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xa53e5412.
//
// Solidity: function WINDOW() view returns(uint40)
func (ledger *Ledger) UnpackWINDOW(data []byte) (*big.Int, error) {
	out, err := ledger.abi.Unpack("WINDOW", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackAccounts is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x5e5c06e2.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function accounts(address account) view returns(uint96 deposit, uint96 earned, uint40 exitAt, uint24 gap)
func (ledger *Ledger) PackAccounts(account common.Address) []byte {
	enc, err := ledger.abi.Pack("accounts", account)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackAccounts is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x5e5c06e2.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function accounts(address account) view returns(uint96 deposit, uint96 earned, uint40 exitAt, uint24 gap)
func (ledger *Ledger) TryPackAccounts(account common.Address) ([]byte, error) {
	return ledger.abi.Pack("accounts", account)
}

// LedgerAccountsOutput serves as a container for the return parameters of contract
// method Accounts.
type LedgerAccountsOutput struct {
	Deposit *big.Int
	Earned  *big.Int
	ExitAt  *big.Int
	Gap     *big.Int
}

// UnpackAccounts is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x5e5c06e2.
//
// Solidity: function accounts(address account) view returns(uint96 deposit, uint96 earned, uint40 exitAt, uint24 gap)
func (ledger *Ledger) UnpackAccounts(data []byte) (LedgerAccountsOutput, error) {
	out, err := ledger.abi.Unpack("accounts", data)
	outstruct := new(LedgerAccountsOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.Deposit = abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	outstruct.Earned = abi.ConvertType(out[1], new(big.Int)).(*big.Int)
	outstruct.ExitAt = abi.ConvertType(out[2], new(big.Int)).(*big.Int)
	outstruct.Gap = abi.ConvertType(out[3], new(big.Int)).(*big.Int)
	return *outstruct, nil
}

// PackDelay is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x6a42b8f8.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function delay() view returns(uint40)
func (ledger *Ledger) PackDelay() []byte {
	enc, err := ledger.abi.Pack("delay")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackDelay is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x6a42b8f8.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function delay() view returns(uint40)
func (ledger *Ledger) TryPackDelay() ([]byte, error) {
	return ledger.abi.Pack("delay")
}

// UnpackDelay is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x6a42b8f8.
//
// Solidity: function delay() view returns(uint40)
func (ledger *Ledger) UnpackDelay(data []byte) (*big.Int, error) {
	out, err := ledger.abi.Unpack("delay", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackDeposit is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x3ae50b73.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function deposit(address to, uint96 amount) returns()
func (ledger *Ledger) PackDeposit(to common.Address, amount *big.Int) []byte {
	enc, err := ledger.abi.Pack("deposit", to, amount)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackDeposit is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x3ae50b73.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function deposit(address to, uint96 amount) returns()
func (ledger *Ledger) TryPackDeposit(to common.Address, amount *big.Int) ([]byte, error) {
	return ledger.abi.Pack("deposit", to, amount)
}

// PackDepositWithPermit is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x7e9b9b18.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function depositWithPermit(address to, uint96 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) returns()
func (ledger *Ledger) PackDepositWithPermit(to common.Address, amount *big.Int, deadline *big.Int, v uint8, r [32]byte, s [32]byte) []byte {
	enc, err := ledger.abi.Pack("depositWithPermit", to, amount, deadline, v, r, s)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackDepositWithPermit is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x7e9b9b18.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function depositWithPermit(address to, uint96 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) returns()
func (ledger *Ledger) TryPackDepositWithPermit(to common.Address, amount *big.Int, deadline *big.Int, v uint8, r [32]byte, s [32]byte) ([]byte, error) {
	return ledger.abi.Pack("depositWithPermit", to, amount, deadline, v, r, s)
}

// PackEip712Domain is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x84b0196e.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function eip712Domain() view returns(bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] extensions)
func (ledger *Ledger) PackEip712Domain() []byte {
	enc, err := ledger.abi.Pack("eip712Domain")
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
func (ledger *Ledger) TryPackEip712Domain() ([]byte, error) {
	return ledger.abi.Pack("eip712Domain")
}

// LedgerEip712DomainOutput serves as a container for the return parameters of contract
// method Eip712Domain.
type LedgerEip712DomainOutput struct {
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
func (ledger *Ledger) UnpackEip712Domain(data []byte) (LedgerEip712DomainOutput, error) {
	out, err := ledger.abi.Unpack("eip712Domain", data)
	outstruct := new(LedgerEip712DomainOutput)
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

// PackExit is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb42652e9.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function exit(address to) returns()
func (ledger *Ledger) PackExit(to common.Address) []byte {
	enc, err := ledger.abi.Pack("exit", to)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackExit is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb42652e9.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function exit(address to) returns()
func (ledger *Ledger) TryPackExit(to common.Address) ([]byte, error) {
	return ledger.abi.Pack("exit", to)
}

// PackExitAmount is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x049750c6.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function exitAmount(address account) view returns(uint96)
func (ledger *Ledger) PackExitAmount(account common.Address) []byte {
	enc, err := ledger.abi.Pack("exitAmount", account)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackExitAmount is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x049750c6.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function exitAmount(address account) view returns(uint96)
func (ledger *Ledger) TryPackExitAmount(account common.Address) ([]byte, error) {
	return ledger.abi.Pack("exitAmount", account)
}

// UnpackExitAmount is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x049750c6.
//
// Solidity: function exitAmount(address account) view returns(uint96)
func (ledger *Ledger) UnpackExitAmount(data []byte) (*big.Int, error) {
	out, err := ledger.abi.Unpack("exitAmount", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackIsSigner is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x78b248e4.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function isSigner(address account, address key) view returns(bool)
func (ledger *Ledger) PackIsSigner(account common.Address, key common.Address) []byte {
	enc, err := ledger.abi.Pack("isSigner", account, key)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackIsSigner is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x78b248e4.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function isSigner(address account, address key) view returns(bool)
func (ledger *Ledger) TryPackIsSigner(account common.Address, key common.Address) ([]byte, error) {
	return ledger.abi.Pack("isSigner", account, key)
}

// UnpackIsSigner is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x78b248e4.
//
// Solidity: function isSigner(address account, address key) view returns(bool)
func (ledger *Ledger) UnpackIsSigner(data []byte) (bool, error) {
	out, err := ledger.abi.Unpack("isSigner", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackLaneStatus is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x69904f63.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function laneStatus(address renter, address provider, uint64 lane) view returns(uint8)
func (ledger *Ledger) PackLaneStatus(renter common.Address, provider common.Address, lane uint64) []byte {
	enc, err := ledger.abi.Pack("laneStatus", renter, provider, lane)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackLaneStatus is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x69904f63.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function laneStatus(address renter, address provider, uint64 lane) view returns(uint8)
func (ledger *Ledger) TryPackLaneStatus(renter common.Address, provider common.Address, lane uint64) ([]byte, error) {
	return ledger.abi.Pack("laneStatus", renter, provider, lane)
}

// UnpackLaneStatus is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x69904f63.
//
// Solidity: function laneStatus(address renter, address provider, uint64 lane) view returns(uint8)
func (ledger *Ledger) UnpackLaneStatus(data []byte) (uint8, error) {
	out, err := ledger.abi.Unpack("laneStatus", data)
	if err != nil {
		return *new(uint8), err
	}
	out0 := *abi.ConvertType(out[0], new(uint8)).(*uint8)
	return out0, nil
}

// PackLanes is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x0f02dcdf.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function lanes(address renter, address provider, uint64 lane) view returns(uint96 cap, uint96 paid, uint40 releaseAt, uint24 epoch)
func (ledger *Ledger) PackLanes(renter common.Address, provider common.Address, lane uint64) []byte {
	enc, err := ledger.abi.Pack("lanes", renter, provider, lane)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackLanes is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x0f02dcdf.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function lanes(address renter, address provider, uint64 lane) view returns(uint96 cap, uint96 paid, uint40 releaseAt, uint24 epoch)
func (ledger *Ledger) TryPackLanes(renter common.Address, provider common.Address, lane uint64) ([]byte, error) {
	return ledger.abi.Pack("lanes", renter, provider, lane)
}

// LedgerLanesOutput serves as a container for the return parameters of contract
// method Lanes.
type LedgerLanesOutput struct {
	Cap       *big.Int
	Paid      *big.Int
	ReleaseAt *big.Int
	Epoch     *big.Int
}

// UnpackLanes is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x0f02dcdf.
//
// Solidity: function lanes(address renter, address provider, uint64 lane) view returns(uint96 cap, uint96 paid, uint40 releaseAt, uint24 epoch)
func (ledger *Ledger) UnpackLanes(data []byte) (LedgerLanesOutput, error) {
	out, err := ledger.abi.Unpack("lanes", data)
	outstruct := new(LedgerLanesOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.Cap = abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	outstruct.Paid = abi.ConvertType(out[1], new(big.Int)).(*big.Int)
	outstruct.ReleaseAt = abi.ConvertType(out[2], new(big.Int)).(*big.Int)
	outstruct.Epoch = abi.ConvertType(out[3], new(big.Int)).(*big.Int)
	return *outstruct, nil
}

// PackPayoutOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x6da61d1e.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function payoutOf(address account) view returns(address to)
func (ledger *Ledger) PackPayoutOf(account common.Address) []byte {
	enc, err := ledger.abi.Pack("payoutOf", account)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackPayoutOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x6da61d1e.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function payoutOf(address account) view returns(address to)
func (ledger *Ledger) TryPackPayoutOf(account common.Address) ([]byte, error) {
	return ledger.abi.Pack("payoutOf", account)
}

// UnpackPayoutOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x6da61d1e.
//
// Solidity: function payoutOf(address account) view returns(address to)
func (ledger *Ledger) UnpackPayoutOf(data []byte) (common.Address, error) {
	out, err := ledger.abi.Unpack("payoutOf", data)
	if err != nil {
		return *new(common.Address), err
	}
	out0 := *abi.ConvertType(out[0], new(common.Address)).(*common.Address)
	return out0, nil
}

// PackPayouts is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x65bcfbe7.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function payouts(address account) view returns(address to, uint40 changesAt, address next)
func (ledger *Ledger) PackPayouts(account common.Address) []byte {
	enc, err := ledger.abi.Pack("payouts", account)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackPayouts is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x65bcfbe7.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function payouts(address account) view returns(address to, uint40 changesAt, address next)
func (ledger *Ledger) TryPackPayouts(account common.Address) ([]byte, error) {
	return ledger.abi.Pack("payouts", account)
}

// LedgerPayoutsOutput serves as a container for the return parameters of contract
// method Payouts.
type LedgerPayoutsOutput struct {
	To        common.Address
	ChangesAt *big.Int
	Next      common.Address
}

// UnpackPayouts is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x65bcfbe7.
//
// Solidity: function payouts(address account) view returns(address to, uint40 changesAt, address next)
func (ledger *Ledger) UnpackPayouts(data []byte) (LedgerPayoutsOutput, error) {
	out, err := ledger.abi.Unpack("payouts", data)
	outstruct := new(LedgerPayoutsOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.To = *abi.ConvertType(out[0], new(common.Address)).(*common.Address)
	outstruct.ChangesAt = abi.ConvertType(out[1], new(big.Int)).(*big.Int)
	outstruct.Next = *abi.ConvertType(out[2], new(common.Address)).(*common.Address)
	return *outstruct, nil
}

// PackRedeem is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xea1ca906.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function redeem(address provider, (address,uint64,uint96,bytes32,bytes32,bytes32)[] vouchers) returns(uint256 sum)
func (ledger *Ledger) PackRedeem(provider common.Address, vouchers []ILedgerV) []byte {
	enc, err := ledger.abi.Pack("redeem", provider, vouchers)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackRedeem is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xea1ca906.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function redeem(address provider, (address,uint64,uint96,bytes32,bytes32,bytes32)[] vouchers) returns(uint256 sum)
func (ledger *Ledger) TryPackRedeem(provider common.Address, vouchers []ILedgerV) ([]byte, error) {
	return ledger.abi.Pack("redeem", provider, vouchers)
}

// UnpackRedeem is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xea1ca906.
//
// Solidity: function redeem(address provider, (address,uint64,uint96,bytes32,bytes32,bytes32)[] vouchers) returns(uint256 sum)
func (ledger *Ledger) UnpackRedeem(data []byte) (*big.Int, error) {
	out, err := ledger.abi.Unpack("redeem", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackRelease is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x8e890ab4.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function release(address renter, (address,uint64)[] list) returns()
func (ledger *Ledger) PackRelease(renter common.Address, list []ILedgerLaneRef) []byte {
	enc, err := ledger.abi.Pack("release", renter, list)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackRelease is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x8e890ab4.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function release(address renter, (address,uint64)[] list) returns()
func (ledger *Ledger) TryPackRelease(renter common.Address, list []ILedgerLaneRef) ([]byte, error) {
	return ledger.abi.Pack("release", renter, list)
}

// PackRequestExit is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc93a4e82.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function requestExit(uint96 amount) returns()
func (ledger *Ledger) PackRequestExit(amount *big.Int) []byte {
	enc, err := ledger.abi.Pack("requestExit", amount)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackRequestExit is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc93a4e82.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function requestExit(uint96 amount) returns()
func (ledger *Ledger) TryPackRequestExit(amount *big.Int) ([]byte, error) {
	return ledger.abi.Pack("requestExit", amount)
}

// PackReserve is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x18e7f6e5.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function reserve((address,uint64,uint96)[] list) returns()
func (ledger *Ledger) PackReserve(list []ILedgerRes) []byte {
	enc, err := ledger.abi.Pack("reserve", list)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackReserve is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x18e7f6e5.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function reserve((address,uint64,uint96)[] list) returns()
func (ledger *Ledger) TryPackReserve(list []ILedgerRes) ([]byte, error) {
	return ledger.abi.Pack("reserve", list)
}

// PackReserveDigest is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc0488b1c.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function reserveDigest(address renter, address provider, uint64 lane, uint24 epoch, uint96 cap, uint40 validUntil) view returns(bytes32)
func (ledger *Ledger) PackReserveDigest(renter common.Address, provider common.Address, lane uint64, epoch *big.Int, cap *big.Int, validUntil *big.Int) []byte {
	enc, err := ledger.abi.Pack("reserveDigest", renter, provider, lane, epoch, cap, validUntil)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackReserveDigest is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc0488b1c.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function reserveDigest(address renter, address provider, uint64 lane, uint24 epoch, uint96 cap, uint40 validUntil) view returns(bytes32)
func (ledger *Ledger) TryPackReserveDigest(renter common.Address, provider common.Address, lane uint64, epoch *big.Int, cap *big.Int, validUntil *big.Int) ([]byte, error) {
	return ledger.abi.Pack("reserveDigest", renter, provider, lane, epoch, cap, validUntil)
}

// UnpackReserveDigest is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xc0488b1c.
//
// Solidity: function reserveDigest(address renter, address provider, uint64 lane, uint24 epoch, uint96 cap, uint40 validUntil) view returns(bytes32)
func (ledger *Ledger) UnpackReserveDigest(data []byte) ([32]byte, error) {
	out, err := ledger.abi.Unpack("reserveDigest", data)
	if err != nil {
		return *new([32]byte), err
	}
	out0 := *abi.ConvertType(out[0], new([32]byte)).(*[32]byte)
	return out0, nil
}

// PackReserveFor is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc3aa466e.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function reserveFor((address,address,uint64,uint24,uint96,uint40,bytes32,bytes32)[] list) returns()
func (ledger *Ledger) PackReserveFor(list []ILedgerSignedRes) []byte {
	enc, err := ledger.abi.Pack("reserveFor", list)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackReserveFor is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc3aa466e.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function reserveFor((address,address,uint64,uint24,uint96,uint40,bytes32,bytes32)[] list) returns()
func (ledger *Ledger) TryPackReserveFor(list []ILedgerSignedRes) ([]byte, error) {
	return ledger.abi.Pack("reserveFor", list)
}

// PackSetPayout is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xa3ff39b2.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function setPayout(address to) returns()
func (ledger *Ledger) PackSetPayout(to common.Address) []byte {
	enc, err := ledger.abi.Pack("setPayout", to)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSetPayout is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xa3ff39b2.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function setPayout(address to) returns()
func (ledger *Ledger) TryPackSetPayout(to common.Address) ([]byte, error) {
	return ledger.abi.Pack("setPayout", to)
}

// PackSetSigner is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x45a51e9d.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function setSigner(address key, uint96 allowance, uint40 until) returns()
func (ledger *Ledger) PackSetSigner(key common.Address, allowance *big.Int, until *big.Int) []byte {
	enc, err := ledger.abi.Pack("setSigner", key, allowance, until)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSetSigner is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x45a51e9d.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function setSigner(address key, uint96 allowance, uint40 until) returns()
func (ledger *Ledger) TryPackSetSigner(key common.Address, allowance *big.Int, until *big.Int) ([]byte, error) {
	return ledger.abi.Pack("setSigner", key, allowance, until)
}

// PackSignerUntil is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc24b1701.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function signerUntil(address account, address key) view returns(uint40)
func (ledger *Ledger) PackSignerUntil(account common.Address, key common.Address) []byte {
	enc, err := ledger.abi.Pack("signerUntil", account, key)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSignerUntil is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc24b1701.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function signerUntil(address account, address key) view returns(uint40)
func (ledger *Ledger) TryPackSignerUntil(account common.Address, key common.Address) ([]byte, error) {
	return ledger.abi.Pack("signerUntil", account, key)
}

// UnpackSignerUntil is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xc24b1701.
//
// Solidity: function signerUntil(address account, address key) view returns(uint40)
func (ledger *Ledger) UnpackSignerUntil(data []byte) (*big.Int, error) {
	out, err := ledger.abi.Unpack("signerUntil", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackSigners is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xbd9ee66b.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function signers(address account, address key) view returns(uint96 allowance, uint40 until, uint96 booked)
func (ledger *Ledger) PackSigners(account common.Address, key common.Address) []byte {
	enc, err := ledger.abi.Pack("signers", account, key)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSigners is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xbd9ee66b.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function signers(address account, address key) view returns(uint96 allowance, uint40 until, uint96 booked)
func (ledger *Ledger) TryPackSigners(account common.Address, key common.Address) ([]byte, error) {
	return ledger.abi.Pack("signers", account, key)
}

// LedgerSignersOutput serves as a container for the return parameters of contract
// method Signers.
type LedgerSignersOutput struct {
	Allowance *big.Int
	Until     *big.Int
	Booked    *big.Int
}

// UnpackSigners is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xbd9ee66b.
//
// Solidity: function signers(address account, address key) view returns(uint96 allowance, uint40 until, uint96 booked)
func (ledger *Ledger) UnpackSigners(data []byte) (LedgerSignersOutput, error) {
	out, err := ledger.abi.Unpack("signers", data)
	outstruct := new(LedgerSignersOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.Allowance = abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	outstruct.Until = abi.ConvertType(out[1], new(big.Int)).(*big.Int)
	outstruct.Booked = abi.ConvertType(out[2], new(big.Int)).(*big.Int)
	return *outstruct, nil
}

// PackStartRelease is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xa8417efd.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function startRelease((address,uint64)[] list) returns()
func (ledger *Ledger) PackStartRelease(list []ILedgerLaneRef) []byte {
	enc, err := ledger.abi.Pack("startRelease", list)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackStartRelease is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xa8417efd.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function startRelease((address,uint64)[] list) returns()
func (ledger *Ledger) TryPackStartRelease(list []ILedgerLaneRef) ([]byte, error) {
	return ledger.abi.Pack("startRelease", list)
}

// PackToken is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xfc0c546a.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function token() view returns(address)
func (ledger *Ledger) PackToken() []byte {
	enc, err := ledger.abi.Pack("token")
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
func (ledger *Ledger) TryPackToken() ([]byte, error) {
	return ledger.abi.Pack("token")
}

// UnpackToken is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xfc0c546a.
//
// Solidity: function token() view returns(address)
func (ledger *Ledger) UnpackToken(data []byte) (common.Address, error) {
	out, err := ledger.abi.Unpack("token", data)
	if err != nil {
		return *new(common.Address), err
	}
	out0 := *abi.ConvertType(out[0], new(common.Address)).(*common.Address)
	return out0, nil
}

// PackVoucherDigest is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xab44d639.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function voucherDigest(address renter, address provider, uint64 lane, uint96 cumulative, bytes32 memo) view returns(bytes32)
func (ledger *Ledger) PackVoucherDigest(renter common.Address, provider common.Address, lane uint64, cumulative *big.Int, memo [32]byte) []byte {
	enc, err := ledger.abi.Pack("voucherDigest", renter, provider, lane, cumulative, memo)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackVoucherDigest is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xab44d639.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function voucherDigest(address renter, address provider, uint64 lane, uint96 cumulative, bytes32 memo) view returns(bytes32)
func (ledger *Ledger) TryPackVoucherDigest(renter common.Address, provider common.Address, lane uint64, cumulative *big.Int, memo [32]byte) ([]byte, error) {
	return ledger.abi.Pack("voucherDigest", renter, provider, lane, cumulative, memo)
}

// UnpackVoucherDigest is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xab44d639.
//
// Solidity: function voucherDigest(address renter, address provider, uint64 lane, uint96 cumulative, bytes32 memo) view returns(bytes32)
func (ledger *Ledger) UnpackVoucherDigest(data []byte) ([32]byte, error) {
	out, err := ledger.abi.Unpack("voucherDigest", data)
	if err != nil {
		return *new([32]byte), err
	}
	out0 := *abi.ConvertType(out[0], new([32]byte)).(*[32]byte)
	return out0, nil
}

// PackWaive is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x809ef411.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function waive((address,uint64)[] list) returns()
func (ledger *Ledger) PackWaive(list []ILedgerLaneRef) []byte {
	enc, err := ledger.abi.Pack("waive", list)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackWaive is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x809ef411.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function waive((address,uint64)[] list) returns()
func (ledger *Ledger) TryPackWaive(list []ILedgerLaneRef) ([]byte, error) {
	return ledger.abi.Pack("waive", list)
}

// PackWithdrawEarned is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x4ee1f0ae.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function withdrawEarned(uint96 amount) returns()
func (ledger *Ledger) PackWithdrawEarned(amount *big.Int) []byte {
	enc, err := ledger.abi.Pack("withdrawEarned", amount)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackWithdrawEarned is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x4ee1f0ae.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function withdrawEarned(uint96 amount) returns()
func (ledger *Ledger) TryPackWithdrawEarned(amount *big.Int) ([]byte, error) {
	return ledger.abi.Pack("withdrawEarned", amount)
}

// PackWithdrawEarnedFor is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x3ed2670a.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function withdrawEarnedFor(address account) returns()
func (ledger *Ledger) PackWithdrawEarnedFor(account common.Address) []byte {
	enc, err := ledger.abi.Pack("withdrawEarnedFor", account)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackWithdrawEarnedFor is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x3ed2670a.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function withdrawEarnedFor(address account) returns()
func (ledger *Ledger) TryPackWithdrawEarnedFor(account common.Address) ([]byte, error) {
	return ledger.abi.Pack("withdrawEarnedFor", account)
}

// LedgerDeposited represents a Deposited event raised by the Ledger contract.
type LedgerDeposited struct {
	Account common.Address
	Amount  *big.Int
	Raw     *types.Log // Blockchain specific contextual infos
}

const LedgerDepositedEventName = "Deposited"

// ContractEventName returns the user-defined event name.
func (LedgerDeposited) ContractEventName() string {
	return LedgerDepositedEventName
}

// UnpackDepositedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Deposited(address indexed account, uint96 amount)
func (ledger *Ledger) UnpackDepositedEvent(log *types.Log) (*LedgerDeposited, error) {
	event := "Deposited"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != ledger.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(LedgerDeposited)
	if len(log.Data) > 0 {
		if err := ledger.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range ledger.abi.Events[event].Inputs {
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

// LedgerEIP712DomainChanged represents a EIP712DomainChanged event raised by the Ledger contract.
type LedgerEIP712DomainChanged struct {
	Raw *types.Log // Blockchain specific contextual infos
}

const LedgerEIP712DomainChangedEventName = "EIP712DomainChanged"

// ContractEventName returns the user-defined event name.
func (LedgerEIP712DomainChanged) ContractEventName() string {
	return LedgerEIP712DomainChangedEventName
}

// UnpackEIP712DomainChangedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event EIP712DomainChanged()
func (ledger *Ledger) UnpackEIP712DomainChangedEvent(log *types.Log) (*LedgerEIP712DomainChanged, error) {
	event := "EIP712DomainChanged"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != ledger.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(LedgerEIP712DomainChanged)
	if len(log.Data) > 0 {
		if err := ledger.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range ledger.abi.Events[event].Inputs {
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

// LedgerEarnedWithdrawn represents a EarnedWithdrawn event raised by the Ledger contract.
type LedgerEarnedWithdrawn struct {
	Account common.Address
	To      common.Address
	Amount  *big.Int
	Raw     *types.Log // Blockchain specific contextual infos
}

const LedgerEarnedWithdrawnEventName = "EarnedWithdrawn"

// ContractEventName returns the user-defined event name.
func (LedgerEarnedWithdrawn) ContractEventName() string {
	return LedgerEarnedWithdrawnEventName
}

// UnpackEarnedWithdrawnEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event EarnedWithdrawn(address indexed account, address indexed to, uint96 amount)
func (ledger *Ledger) UnpackEarnedWithdrawnEvent(log *types.Log) (*LedgerEarnedWithdrawn, error) {
	event := "EarnedWithdrawn"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != ledger.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(LedgerEarnedWithdrawn)
	if len(log.Data) > 0 {
		if err := ledger.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range ledger.abi.Events[event].Inputs {
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

// LedgerExitRequested represents a ExitRequested event raised by the Ledger contract.
type LedgerExitRequested struct {
	Account common.Address
	Amount  *big.Int
	ExitAt  *big.Int
	Raw     *types.Log // Blockchain specific contextual infos
}

const LedgerExitRequestedEventName = "ExitRequested"

// ContractEventName returns the user-defined event name.
func (LedgerExitRequested) ContractEventName() string {
	return LedgerExitRequestedEventName
}

// UnpackExitRequestedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event ExitRequested(address indexed account, uint96 amount, uint40 exitAt)
func (ledger *Ledger) UnpackExitRequestedEvent(log *types.Log) (*LedgerExitRequested, error) {
	event := "ExitRequested"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != ledger.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(LedgerExitRequested)
	if len(log.Data) > 0 {
		if err := ledger.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range ledger.abi.Events[event].Inputs {
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

// LedgerExited represents a Exited event raised by the Ledger contract.
type LedgerExited struct {
	Account common.Address
	To      common.Address
	Amount  *big.Int
	Raw     *types.Log // Blockchain specific contextual infos
}

const LedgerExitedEventName = "Exited"

// ContractEventName returns the user-defined event name.
func (LedgerExited) ContractEventName() string {
	return LedgerExitedEventName
}

// UnpackExitedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Exited(address indexed account, address indexed to, uint96 amount)
func (ledger *Ledger) UnpackExitedEvent(log *types.Log) (*LedgerExited, error) {
	event := "Exited"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != ledger.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(LedgerExited)
	if len(log.Data) > 0 {
		if err := ledger.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range ledger.abi.Events[event].Inputs {
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

// LedgerPayoutSet represents a PayoutSet event raised by the Ledger contract.
type LedgerPayoutSet struct {
	Account   common.Address
	To        common.Address
	ChangesAt *big.Int
	Raw       *types.Log // Blockchain specific contextual infos
}

const LedgerPayoutSetEventName = "PayoutSet"

// ContractEventName returns the user-defined event name.
func (LedgerPayoutSet) ContractEventName() string {
	return LedgerPayoutSetEventName
}

// UnpackPayoutSetEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event PayoutSet(address indexed account, address indexed to, uint40 changesAt)
func (ledger *Ledger) UnpackPayoutSetEvent(log *types.Log) (*LedgerPayoutSet, error) {
	event := "PayoutSet"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != ledger.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(LedgerPayoutSet)
	if len(log.Data) > 0 {
		if err := ledger.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range ledger.abi.Events[event].Inputs {
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

// LedgerRedeemed represents a Redeemed event raised by the Ledger contract.
type LedgerRedeemed struct {
	Renter     common.Address
	Provider   common.Address
	Lane       uint64
	Paid       *big.Int
	Cumulative *big.Int
	Memo       [32]byte
	Raw        *types.Log // Blockchain specific contextual infos
}

const LedgerRedeemedEventName = "Redeemed"

// ContractEventName returns the user-defined event name.
func (LedgerRedeemed) ContractEventName() string {
	return LedgerRedeemedEventName
}

// UnpackRedeemedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Redeemed(address indexed renter, address indexed provider, uint64 lane, uint96 paid, uint96 cumulative, bytes32 memo)
func (ledger *Ledger) UnpackRedeemedEvent(log *types.Log) (*LedgerRedeemed, error) {
	event := "Redeemed"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != ledger.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(LedgerRedeemed)
	if len(log.Data) > 0 {
		if err := ledger.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range ledger.abi.Events[event].Inputs {
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

// LedgerReleased represents a Released event raised by the Ledger contract.
type LedgerReleased struct {
	Renter   common.Address
	Provider common.Address
	Lane     uint64
	Amount   *big.Int
	Epoch    *big.Int
	Raw      *types.Log // Blockchain specific contextual infos
}

const LedgerReleasedEventName = "Released"

// ContractEventName returns the user-defined event name.
func (LedgerReleased) ContractEventName() string {
	return LedgerReleasedEventName
}

// UnpackReleasedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Released(address indexed renter, address indexed provider, uint64 lane, uint96 amount, uint24 epoch)
func (ledger *Ledger) UnpackReleasedEvent(log *types.Log) (*LedgerReleased, error) {
	event := "Released"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != ledger.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(LedgerReleased)
	if len(log.Data) > 0 {
		if err := ledger.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range ledger.abi.Events[event].Inputs {
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

// LedgerReleasing represents a Releasing event raised by the Ledger contract.
type LedgerReleasing struct {
	Renter    common.Address
	Provider  common.Address
	Lane      uint64
	ReleaseAt *big.Int
	Raw       *types.Log // Blockchain specific contextual infos
}

const LedgerReleasingEventName = "Releasing"

// ContractEventName returns the user-defined event name.
func (LedgerReleasing) ContractEventName() string {
	return LedgerReleasingEventName
}

// UnpackReleasingEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Releasing(address indexed renter, address indexed provider, uint64 lane, uint40 releaseAt)
func (ledger *Ledger) UnpackReleasingEvent(log *types.Log) (*LedgerReleasing, error) {
	event := "Releasing"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != ledger.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(LedgerReleasing)
	if len(log.Data) > 0 {
		if err := ledger.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range ledger.abi.Events[event].Inputs {
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

// LedgerReserved represents a Reserved event raised by the Ledger contract.
type LedgerReserved struct {
	Renter   common.Address
	Provider common.Address
	Lane     uint64
	Cap      *big.Int
	Epoch    *big.Int
	Raw      *types.Log // Blockchain specific contextual infos
}

const LedgerReservedEventName = "Reserved"

// ContractEventName returns the user-defined event name.
func (LedgerReserved) ContractEventName() string {
	return LedgerReservedEventName
}

// UnpackReservedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Reserved(address indexed renter, address indexed provider, uint64 lane, uint96 cap, uint24 epoch)
func (ledger *Ledger) UnpackReservedEvent(log *types.Log) (*LedgerReserved, error) {
	event := "Reserved"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != ledger.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(LedgerReserved)
	if len(log.Data) > 0 {
		if err := ledger.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range ledger.abi.Events[event].Inputs {
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

// LedgerSignerSet represents a SignerSet event raised by the Ledger contract.
type LedgerSignerSet struct {
	Account   common.Address
	Key       common.Address
	Allowance *big.Int
	Until     *big.Int
	Raw       *types.Log // Blockchain specific contextual infos
}

const LedgerSignerSetEventName = "SignerSet"

// ContractEventName returns the user-defined event name.
func (LedgerSignerSet) ContractEventName() string {
	return LedgerSignerSetEventName
}

// UnpackSignerSetEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event SignerSet(address indexed account, address indexed key, uint96 allowance, uint40 until)
func (ledger *Ledger) UnpackSignerSetEvent(log *types.Log) (*LedgerSignerSet, error) {
	event := "SignerSet"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != ledger.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(LedgerSignerSet)
	if len(log.Data) > 0 {
		if err := ledger.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range ledger.abi.Events[event].Inputs {
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

// LedgerWaived represents a Waived event raised by the Ledger contract.
type LedgerWaived struct {
	Renter   common.Address
	Provider common.Address
	Lane     uint64
	Amount   *big.Int
	Epoch    *big.Int
	Raw      *types.Log // Blockchain specific contextual infos
}

const LedgerWaivedEventName = "Waived"

// ContractEventName returns the user-defined event name.
func (LedgerWaived) ContractEventName() string {
	return LedgerWaivedEventName
}

// UnpackWaivedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Waived(address indexed renter, address indexed provider, uint64 lane, uint96 amount, uint24 epoch)
func (ledger *Ledger) UnpackWaivedEvent(log *types.Log) (*LedgerWaived, error) {
	event := "Waived"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != ledger.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(LedgerWaived)
	if len(log.Data) > 0 {
		if err := ledger.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range ledger.abi.Events[event].Inputs {
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
func (ledger *Ledger) UnpackError(raw []byte) (any, error) {
	if bytes.Equal(raw[:4], ledger.abi.Errors["AllowanceExceeded"].ID.Bytes()[:4]) {
		return ledger.UnpackAllowanceExceededError(raw[4:])
	}
	if bytes.Equal(raw[:4], ledger.abi.Errors["DelayOutOfRange"].ID.Bytes()[:4]) {
		return ledger.UnpackDelayOutOfRangeError(raw[4:])
	}
	if bytes.Equal(raw[:4], ledger.abi.Errors["ECDSAInvalidSignature"].ID.Bytes()[:4]) {
		return ledger.UnpackECDSAInvalidSignatureError(raw[4:])
	}
	if bytes.Equal(raw[:4], ledger.abi.Errors["ECDSAInvalidSignatureLength"].ID.Bytes()[:4]) {
		return ledger.UnpackECDSAInvalidSignatureLengthError(raw[4:])
	}
	if bytes.Equal(raw[:4], ledger.abi.Errors["ECDSAInvalidSignatureS"].ID.Bytes()[:4]) {
		return ledger.UnpackECDSAInvalidSignatureSError(raw[4:])
	}
	if bytes.Equal(raw[:4], ledger.abi.Errors["FeeOnTransfer"].ID.Bytes()[:4]) {
		return ledger.UnpackFeeOnTransferError(raw[4:])
	}
	if bytes.Equal(raw[:4], ledger.abi.Errors["InsufficientDeposit"].ID.Bytes()[:4]) {
		return ledger.UnpackInsufficientDepositError(raw[4:])
	}
	if bytes.Equal(raw[:4], ledger.abi.Errors["InsufficientEarned"].ID.Bytes()[:4]) {
		return ledger.UnpackInsufficientEarnedError(raw[4:])
	}
	if bytes.Equal(raw[:4], ledger.abi.Errors["InvalidShortString"].ID.Bytes()[:4]) {
		return ledger.UnpackInvalidShortStringError(raw[4:])
	}
	if bytes.Equal(raw[:4], ledger.abi.Errors["LaneWornOut"].ID.Bytes()[:4]) {
		return ledger.UnpackLaneWornOutError(raw[4:])
	}
	if bytes.Equal(raw[:4], ledger.abi.Errors["NotExitable"].ID.Bytes()[:4]) {
		return ledger.UnpackNotExitableError(raw[4:])
	}
	if bytes.Equal(raw[:4], ledger.abi.Errors["NotReleasable"].ID.Bytes()[:4]) {
		return ledger.UnpackNotReleasableError(raw[4:])
	}
	if bytes.Equal(raw[:4], ledger.abi.Errors["ReentrancyGuardReentrantCall"].ID.Bytes()[:4]) {
		return ledger.UnpackReentrancyGuardReentrantCallError(raw[4:])
	}
	if bytes.Equal(raw[:4], ledger.abi.Errors["ReserveExpired"].ID.Bytes()[:4]) {
		return ledger.UnpackReserveExpiredError(raw[4:])
	}
	if bytes.Equal(raw[:4], ledger.abi.Errors["SafeCastOverflowedUintDowncast"].ID.Bytes()[:4]) {
		return ledger.UnpackSafeCastOverflowedUintDowncastError(raw[4:])
	}
	if bytes.Equal(raw[:4], ledger.abi.Errors["SafeERC20FailedOperation"].ID.Bytes()[:4]) {
		return ledger.UnpackSafeERC20FailedOperationError(raw[4:])
	}
	if bytes.Equal(raw[:4], ledger.abi.Errors["SignerNotOnLane"].ID.Bytes()[:4]) {
		return ledger.UnpackSignerNotOnLaneError(raw[4:])
	}
	if bytes.Equal(raw[:4], ledger.abi.Errors["SignerNotValid"].ID.Bytes()[:4]) {
		return ledger.UnpackSignerNotValidError(raw[4:])
	}
	if bytes.Equal(raw[:4], ledger.abi.Errors["StringTooLong"].ID.Bytes()[:4]) {
		return ledger.UnpackStringTooLongError(raw[4:])
	}
	if bytes.Equal(raw[:4], ledger.abi.Errors["WrongEpoch"].ID.Bytes()[:4]) {
		return ledger.UnpackWrongEpochError(raw[4:])
	}
	if bytes.Equal(raw[:4], ledger.abi.Errors["ZeroAddress"].ID.Bytes()[:4]) {
		return ledger.UnpackZeroAddressError(raw[4:])
	}
	return nil, errors.New("Unknown error")
}

// LedgerAllowanceExceeded represents a AllowanceExceeded error raised by the Ledger contract.
type LedgerAllowanceExceeded struct {
	Account common.Address
	Key     common.Address
	Left    *big.Int
	Needed  *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error AllowanceExceeded(address account, address key, uint256 left, uint256 needed)
func LedgerAllowanceExceededErrorID() common.Hash {
	return common.HexToHash("0x2817560a3765692af545548645a2415c1ff7f0371ca36e99e710e6d42c4146eb")
}

// UnpackAllowanceExceededError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error AllowanceExceeded(address account, address key, uint256 left, uint256 needed)
func (ledger *Ledger) UnpackAllowanceExceededError(raw []byte) (*LedgerAllowanceExceeded, error) {
	out := new(LedgerAllowanceExceeded)
	if err := ledger.abi.UnpackIntoInterface(out, "AllowanceExceeded", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// LedgerDelayOutOfRange represents a DelayOutOfRange error raised by the Ledger contract.
type LedgerDelayOutOfRange struct {
	Delay *big.Int
	Least *big.Int
	Most  *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error DelayOutOfRange(uint40 delay, uint40 least, uint40 most)
func LedgerDelayOutOfRangeErrorID() common.Hash {
	return common.HexToHash("0x45b9de1c2111bf3b5b6bc3243b945cdf494644b5a83e1e7712f314ed0d51e711")
}

// UnpackDelayOutOfRangeError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error DelayOutOfRange(uint40 delay, uint40 least, uint40 most)
func (ledger *Ledger) UnpackDelayOutOfRangeError(raw []byte) (*LedgerDelayOutOfRange, error) {
	out := new(LedgerDelayOutOfRange)
	if err := ledger.abi.UnpackIntoInterface(out, "DelayOutOfRange", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// LedgerECDSAInvalidSignature represents a ECDSAInvalidSignature error raised by the Ledger contract.
type LedgerECDSAInvalidSignature struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ECDSAInvalidSignature()
func LedgerECDSAInvalidSignatureErrorID() common.Hash {
	return common.HexToHash("0xf645eedf0193584640b6b90cb9477e4c95b98636c148a891d4c0a146dc46e75a")
}

// UnpackECDSAInvalidSignatureError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ECDSAInvalidSignature()
func (ledger *Ledger) UnpackECDSAInvalidSignatureError(raw []byte) (*LedgerECDSAInvalidSignature, error) {
	out := new(LedgerECDSAInvalidSignature)
	if err := ledger.abi.UnpackIntoInterface(out, "ECDSAInvalidSignature", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// LedgerECDSAInvalidSignatureLength represents a ECDSAInvalidSignatureLength error raised by the Ledger contract.
type LedgerECDSAInvalidSignatureLength struct {
	Length *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ECDSAInvalidSignatureLength(uint256 length)
func LedgerECDSAInvalidSignatureLengthErrorID() common.Hash {
	return common.HexToHash("0xfce698f7e8e5342cd615f641317bc45fe7e1e4a8b0a14dd1383ff8dc9c41917f")
}

// UnpackECDSAInvalidSignatureLengthError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ECDSAInvalidSignatureLength(uint256 length)
func (ledger *Ledger) UnpackECDSAInvalidSignatureLengthError(raw []byte) (*LedgerECDSAInvalidSignatureLength, error) {
	out := new(LedgerECDSAInvalidSignatureLength)
	if err := ledger.abi.UnpackIntoInterface(out, "ECDSAInvalidSignatureLength", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// LedgerECDSAInvalidSignatureS represents a ECDSAInvalidSignatureS error raised by the Ledger contract.
type LedgerECDSAInvalidSignatureS struct {
	S [32]byte
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ECDSAInvalidSignatureS(bytes32 s)
func LedgerECDSAInvalidSignatureSErrorID() common.Hash {
	return common.HexToHash("0xd78bce0cccb935155ed6428d1c13e50b7f3550fd2b66b9fe266006fea4a5e1eb")
}

// UnpackECDSAInvalidSignatureSError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ECDSAInvalidSignatureS(bytes32 s)
func (ledger *Ledger) UnpackECDSAInvalidSignatureSError(raw []byte) (*LedgerECDSAInvalidSignatureS, error) {
	out := new(LedgerECDSAInvalidSignatureS)
	if err := ledger.abi.UnpackIntoInterface(out, "ECDSAInvalidSignatureS", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// LedgerFeeOnTransfer represents a FeeOnTransfer error raised by the Ledger contract.
type LedgerFeeOnTransfer struct {
	Expected *big.Int
	Received *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error FeeOnTransfer(uint256 expected, uint256 received)
func LedgerFeeOnTransferErrorID() common.Hash {
	return common.HexToHash("0xca0dd23612559db056192da443044598512e4263465720cea1acc3529a5751fd")
}

// UnpackFeeOnTransferError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error FeeOnTransfer(uint256 expected, uint256 received)
func (ledger *Ledger) UnpackFeeOnTransferError(raw []byte) (*LedgerFeeOnTransfer, error) {
	out := new(LedgerFeeOnTransfer)
	if err := ledger.abi.UnpackIntoInterface(out, "FeeOnTransfer", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// LedgerInsufficientDeposit represents a InsufficientDeposit error raised by the Ledger contract.
type LedgerInsufficientDeposit struct {
	Account common.Address
	Deposit *big.Int
	Needed  *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error InsufficientDeposit(address account, uint256 deposit, uint256 needed)
func LedgerInsufficientDepositErrorID() common.Hash {
	return common.HexToHash("0x2fc28c5342bc0732eba3524892d84c6255fcaf1bf05955b00d251c7dd6b9371a")
}

// UnpackInsufficientDepositError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error InsufficientDeposit(address account, uint256 deposit, uint256 needed)
func (ledger *Ledger) UnpackInsufficientDepositError(raw []byte) (*LedgerInsufficientDeposit, error) {
	out := new(LedgerInsufficientDeposit)
	if err := ledger.abi.UnpackIntoInterface(out, "InsufficientDeposit", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// LedgerInsufficientEarned represents a InsufficientEarned error raised by the Ledger contract.
type LedgerInsufficientEarned struct {
	Account common.Address
	Earned  *big.Int
	Wanted  *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error InsufficientEarned(address account, uint256 earned, uint256 wanted)
func LedgerInsufficientEarnedErrorID() common.Hash {
	return common.HexToHash("0x885dc6c5020b03b6b5f461ca13f883b48646ee4ca82fdd963c765d8617e50919")
}

// UnpackInsufficientEarnedError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error InsufficientEarned(address account, uint256 earned, uint256 wanted)
func (ledger *Ledger) UnpackInsufficientEarnedError(raw []byte) (*LedgerInsufficientEarned, error) {
	out := new(LedgerInsufficientEarned)
	if err := ledger.abi.UnpackIntoInterface(out, "InsufficientEarned", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// LedgerInvalidShortString represents a InvalidShortString error raised by the Ledger contract.
type LedgerInvalidShortString struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error InvalidShortString()
func LedgerInvalidShortStringErrorID() common.Hash {
	return common.HexToHash("0xb3512b0c6163e5f0bafab72bb631b9d58cd7a731b082f910338aa21c83d5c274")
}

// UnpackInvalidShortStringError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error InvalidShortString()
func (ledger *Ledger) UnpackInvalidShortStringError(raw []byte) (*LedgerInvalidShortString, error) {
	out := new(LedgerInvalidShortString)
	if err := ledger.abi.UnpackIntoInterface(out, "InvalidShortString", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// LedgerLaneWornOut represents a LaneWornOut error raised by the Ledger contract.
type LedgerLaneWornOut struct {
	Renter   common.Address
	Provider common.Address
	Lane     uint64
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error LaneWornOut(address renter, address provider, uint64 lane)
func LedgerLaneWornOutErrorID() common.Hash {
	return common.HexToHash("0x46e7163893755f72d66f76cb98c2c60b4c0c18430ef636648695a2750da235e6")
}

// UnpackLaneWornOutError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error LaneWornOut(address renter, address provider, uint64 lane)
func (ledger *Ledger) UnpackLaneWornOutError(raw []byte) (*LedgerLaneWornOut, error) {
	out := new(LedgerLaneWornOut)
	if err := ledger.abi.UnpackIntoInterface(out, "LaneWornOut", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// LedgerNotExitable represents a NotExitable error raised by the Ledger contract.
type LedgerNotExitable struct {
	Account common.Address
	From    *big.Int
	To      *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NotExitable(address account, uint40 from, uint40 to)
func LedgerNotExitableErrorID() common.Hash {
	return common.HexToHash("0x3cb4da2039cbce313e3149aa0b9c5f47f2cf12a020bd9c8778aa508cf0f2f827")
}

// UnpackNotExitableError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NotExitable(address account, uint40 from, uint40 to)
func (ledger *Ledger) UnpackNotExitableError(raw []byte) (*LedgerNotExitable, error) {
	out := new(LedgerNotExitable)
	if err := ledger.abi.UnpackIntoInterface(out, "NotExitable", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// LedgerNotReleasable represents a NotReleasable error raised by the Ledger contract.
type LedgerNotReleasable struct {
	Renter   common.Address
	Provider common.Address
	Lane     uint64
	From     *big.Int
	To       *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NotReleasable(address renter, address provider, uint64 lane, uint40 from, uint40 to)
func LedgerNotReleasableErrorID() common.Hash {
	return common.HexToHash("0xa11fee4f5861cfad465f1c2e42d907bb6519b1dcb340eb2e1eb5b745d28e36ce")
}

// UnpackNotReleasableError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NotReleasable(address renter, address provider, uint64 lane, uint40 from, uint40 to)
func (ledger *Ledger) UnpackNotReleasableError(raw []byte) (*LedgerNotReleasable, error) {
	out := new(LedgerNotReleasable)
	if err := ledger.abi.UnpackIntoInterface(out, "NotReleasable", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// LedgerReentrancyGuardReentrantCall represents a ReentrancyGuardReentrantCall error raised by the Ledger contract.
type LedgerReentrancyGuardReentrantCall struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ReentrancyGuardReentrantCall()
func LedgerReentrancyGuardReentrantCallErrorID() common.Hash {
	return common.HexToHash("0x3ee5aeb571de7fc460830b4d0017439a1ca56fb0bc39062227ade4fe4a24c1ca")
}

// UnpackReentrancyGuardReentrantCallError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ReentrancyGuardReentrantCall()
func (ledger *Ledger) UnpackReentrancyGuardReentrantCallError(raw []byte) (*LedgerReentrancyGuardReentrantCall, error) {
	out := new(LedgerReentrancyGuardReentrantCall)
	if err := ledger.abi.UnpackIntoInterface(out, "ReentrancyGuardReentrantCall", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// LedgerReserveExpired represents a ReserveExpired error raised by the Ledger contract.
type LedgerReserveExpired struct {
	ValidUntil *big.Int
	Time       *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ReserveExpired(uint40 validUntil, uint256 time)
func LedgerReserveExpiredErrorID() common.Hash {
	return common.HexToHash("0x3a0c4ff783db03359c285a33b99b7889a9de6bec1938f06a8aa0cbe6d5f7a0e8")
}

// UnpackReserveExpiredError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ReserveExpired(uint40 validUntil, uint256 time)
func (ledger *Ledger) UnpackReserveExpiredError(raw []byte) (*LedgerReserveExpired, error) {
	out := new(LedgerReserveExpired)
	if err := ledger.abi.UnpackIntoInterface(out, "ReserveExpired", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// LedgerSafeCastOverflowedUintDowncast represents a SafeCastOverflowedUintDowncast error raised by the Ledger contract.
type LedgerSafeCastOverflowedUintDowncast struct {
	Bits  uint8
	Value *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error SafeCastOverflowedUintDowncast(uint8 bits, uint256 value)
func LedgerSafeCastOverflowedUintDowncastErrorID() common.Hash {
	return common.HexToHash("0x6dfcc6503a32754ce7a89698e18201fc5294fd4aad43edefee786f88423b1a12")
}

// UnpackSafeCastOverflowedUintDowncastError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error SafeCastOverflowedUintDowncast(uint8 bits, uint256 value)
func (ledger *Ledger) UnpackSafeCastOverflowedUintDowncastError(raw []byte) (*LedgerSafeCastOverflowedUintDowncast, error) {
	out := new(LedgerSafeCastOverflowedUintDowncast)
	if err := ledger.abi.UnpackIntoInterface(out, "SafeCastOverflowedUintDowncast", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// LedgerSafeERC20FailedOperation represents a SafeERC20FailedOperation error raised by the Ledger contract.
type LedgerSafeERC20FailedOperation struct {
	Token common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error SafeERC20FailedOperation(address token)
func LedgerSafeERC20FailedOperationErrorID() common.Hash {
	return common.HexToHash("0x5274afe73c98b4749fc91ffae6b7b574e7842cb2144a159e9377a5f20b32edf9")
}

// UnpackSafeERC20FailedOperationError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error SafeERC20FailedOperation(address token)
func (ledger *Ledger) UnpackSafeERC20FailedOperationError(raw []byte) (*LedgerSafeERC20FailedOperation, error) {
	out := new(LedgerSafeERC20FailedOperation)
	if err := ledger.abi.UnpackIntoInterface(out, "SafeERC20FailedOperation", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// LedgerSignerNotOnLane represents a SignerNotOnLane error raised by the Ledger contract.
type LedgerSignerNotOnLane struct {
	Key  common.Address
	Lane uint64
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error SignerNotOnLane(address key, uint64 lane)
func LedgerSignerNotOnLaneErrorID() common.Hash {
	return common.HexToHash("0x5180ae4c38fa39c41d71e1032e66b5e4f936a5622ef2bac5472e5b7f0cc3a371")
}

// UnpackSignerNotOnLaneError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error SignerNotOnLane(address key, uint64 lane)
func (ledger *Ledger) UnpackSignerNotOnLaneError(raw []byte) (*LedgerSignerNotOnLane, error) {
	out := new(LedgerSignerNotOnLane)
	if err := ledger.abi.UnpackIntoInterface(out, "SignerNotOnLane", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// LedgerSignerNotValid represents a SignerNotValid error raised by the Ledger contract.
type LedgerSignerNotValid struct {
	Account common.Address
	Key     common.Address
	Until   *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error SignerNotValid(address account, address key, uint40 until)
func LedgerSignerNotValidErrorID() common.Hash {
	return common.HexToHash("0x1424d87fe2d1bc2a29bfdaec3be8383cc0035fd5a791ad0542560cf69e7497aa")
}

// UnpackSignerNotValidError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error SignerNotValid(address account, address key, uint40 until)
func (ledger *Ledger) UnpackSignerNotValidError(raw []byte) (*LedgerSignerNotValid, error) {
	out := new(LedgerSignerNotValid)
	if err := ledger.abi.UnpackIntoInterface(out, "SignerNotValid", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// LedgerStringTooLong represents a StringTooLong error raised by the Ledger contract.
type LedgerStringTooLong struct {
	Str string
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error StringTooLong(string str)
func LedgerStringTooLongErrorID() common.Hash {
	return common.HexToHash("0x305a27a93f8e33b7392df0a0f91d6fc63847395853c45991eec52dbf24d72381")
}

// UnpackStringTooLongError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error StringTooLong(string str)
func (ledger *Ledger) UnpackStringTooLongError(raw []byte) (*LedgerStringTooLong, error) {
	out := new(LedgerStringTooLong)
	if err := ledger.abi.UnpackIntoInterface(out, "StringTooLong", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// LedgerWrongEpoch represents a WrongEpoch error raised by the Ledger contract.
type LedgerWrongEpoch struct {
	Renter   common.Address
	Provider common.Address
	Lane     uint64
	Epoch    *big.Int
	Signed   *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error WrongEpoch(address renter, address provider, uint64 lane, uint24 epoch, uint24 signed)
func LedgerWrongEpochErrorID() common.Hash {
	return common.HexToHash("0x9ce592e30cab9618c8b3257d3274b28ff0b8ff16316cabb55f045ca32958af56")
}

// UnpackWrongEpochError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error WrongEpoch(address renter, address provider, uint64 lane, uint24 epoch, uint24 signed)
func (ledger *Ledger) UnpackWrongEpochError(raw []byte) (*LedgerWrongEpoch, error) {
	out := new(LedgerWrongEpoch)
	if err := ledger.abi.UnpackIntoInterface(out, "WrongEpoch", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// LedgerZeroAddress represents a ZeroAddress error raised by the Ledger contract.
type LedgerZeroAddress struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ZeroAddress()
func LedgerZeroAddressErrorID() common.Hash {
	return common.HexToHash("0xd92e233df2717d4a40030e20904abd27b68fcbeede117eaaccbbdac9618c8c73")
}

// UnpackZeroAddressError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ZeroAddress()
func (ledger *Ledger) UnpackZeroAddressError(raw []byte) (*LedgerZeroAddress, error) {
	out := new(LedgerZeroAddress)
	if err := ledger.abi.UnpackIntoInterface(out, "ZeroAddress", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// LedgerRuntime is the runtime code in hex, with zeroes at LedgerImmutables.
const LedgerRuntime = "0x6080806040526004361015610012575f80fd5b5f905f3560e01c908163049750c6146120aa575080630f02dcdf14611fc057806318e7f6e514611db45780633ae50b7314611d825780633ed2670a14611d2457806345a51e9d14611b875780634ee1f0ae14611b385780635e5c06e214611ab057806365bcfbe714611a2457806369904f63146119df5780636a42b8f81461199e5780636da61d1e1461195d57806378b248e4146118b55780637e9b9b18146117a3578063809ef4111461164557806384b0196e1461152d5780638e890ab4146112bf578063a3ff39b214611172578063a53e541214611154578063a8417efd14610fa2578063ab44d63914610f49578063b42652e914610d18578063bd9ee66b14610c95578063c0488b1c14610bcd578063c24b170114610b1d578063c3aa466e146106af578063c93a4e821461052e578063ea1ca906146101b05763fc0c546a1461015d575f80fd5b346101ad57806003193601126101ad57602060405173ffffffffffffffffffffffffffffffffffffffff7f0000000000000000000000000000000000000000000000000000000000000000168152f35b80fd5b50346101ad5760406003193601126101ad576101ca6120f9565b906024359067ffffffffffffffff82116101ad57366023830112156101ad5781600401359067ffffffffffffffff82116101ad5736602460c08402850101116101ad5790918190610219612dea565b908273ffffffffffffffffffffffffffffffffffffffff8716945b868210156104985790856102d36bffffffffffffffffffffffff94938a60c085028601916024830173ffffffffffffffffffffffffffffffffffffffff61027a82612237565b168b52600460205260408b20865f5260205260405f2093604481019467ffffffffffffffff6102a887612258565b165f5260205260405f20908c8254918d8d8416928e8560601c16938f91818693606487019e8f61226d565b161015905061049157506102e68b61226d565b9e8f5b16111561047d5790610333916103238a8c61031561030f6103098c612237565b93612258565b9161226d565b9060848601359c8d93612bf6565b60a460c484013593013591612f0d565b73ffffffffffffffffffffffffffffffffffffffff61035186612237565b1673ffffffffffffffffffffffffffffffffffffffff82160361045a575b508b036bffffffffffffffffffffffff168094019a60601b77ffffffffffffffffffffffff00000000000000000000000016907fffffffffffffffff000000000000000000000000ffffffffffffffffffffffff161790556103d090612237565b926103da90612258565b936103e49061226d565b906040519467ffffffffffffffff16855260208501526bffffffffffffffffffffffff166040840152606083015273ffffffffffffffffffffffffffffffffffffffff169060807f3c84fc226a0839ae54749846551d2f9a99427774bac6ea54991b0c9e7d658f0791a36001905b019091610234565b6104779061046786612237565b906104718a612258565b916130d7565b5f61036f565b505050505050965050505050600190610452565b9e8f6102e9565b6020908587826104ad575b5050604051908152f35b81604091610527935260028552206104df6104da846bffffffffffffffffffffffff845460601c166124ed565b612ba2565b7fffffffffffffffff000000000000000000000000ffffffffffffffffffffffff77ffffffffffffffffffffffff00000000000000000000000083549260601b169116179055565b82806104a3565b50346101ad5760206003193601126101ad57610548612171565b6bffffffffffffffffffffffff8116610655577f6651bd8bcc605d7a35cd80b7d4f3e207b92b24fe4db50e076b609ef9552d017661064f835b3385526003602052604085206bffffffffffffffffffffffff85167fffffffffffffffffffffffffffffffffffffffff00000000000000000000000082541617905533855260026020526106218160408720907fffffff0000000000ffffffffffffffffffffffffffffffffffffffffffffffff7cffffffffff00000000000000000000000000000000000000000000000083549260c01b169116179055565b604080516bffffffffffffffffffffffff909516855264ffffffffff90911660208501523393918291820190565b0390a280f35b7f6651bd8bcc605d7a35cd80b7d4f3e207b92b24fe4db50e076b609ef9552d017661064f6106aa7f000000000000000000000000000000000000000000000000000000000000000064ffffffffff4216612286565b610581565b50346101ad5760206003193601126101ad576004359067ffffffffffffffff82116101ad57366023830112156101ad5781600401359067ffffffffffffffff82116101ad573660248360081b850101116101ad5761070b612dea565b92815b83811015610b19578060081b82016024810173ffffffffffffffffffffffffffffffffffffffff61073e82612237565b168552600460205260408520604483019073ffffffffffffffffffffffffffffffffffffffff61076d83612237565b165f5260205260405f2092606481019367ffffffffffffffff61078f86612258565b165f5260205260405f209060c4810164ffffffffff6107ad826124fa565b164211610ada576084820162ffffff6107c58261250c565b855460e81c9182911603610a45575061083b61085e94938d61082a888b966108419661080c6108066108008f6107fa90612237565b95612237565b9a612258565b9161250c565b9060a487019961082461081e8c61226d565b946124fa565b94612d4f565b60e461010484013593013591612f0d565b94612237565b9061084e61030f88612258565b9161085887612237565b93612f90565b9273ffffffffffffffffffffffffffffffffffffffff61087d84612237565b169173ffffffffffffffffffffffffffffffffffffffff81169283036108bc575b505050600192916108b16108b692612237565b61251c565b0161070e565b906108d3916104716108cd86612237565b92612258565b73ffffffffffffffffffffffffffffffffffffffff6108f183612237565b16808752600560205260408720825f5260205260405f20918254916bffffffffffffffffffffffff8316916bffffffffffffffffffffffff8460881c1680938181115f14610a3057036bffffffffffffffffffffffff8111610a03576bffffffffffffffffffffffff905b16908188116109c0575050507fffffff000000000000000000000000ffffffffffffffffffffffffffffffffff90911690840160881b7cffffffffffffffffffffffff000000000000000000000000000000000016179055816108b16108b661089e565b608492918891604051937f2817560a0000000000000000000000000000000000000000000000000000000085526004850152602484015260448301526064820152fd5b60248b7f4e487b710000000000000000000000000000000000000000000000000000000081526011600452fd5b50506bffffffffffffffffffffffff8a61095c565b62ffffff88879267ffffffffffffffff60a49573ffffffffffffffffffffffffffffffffffffffff610a92610a8c610a868f610a8090612237565b99612237565b96612258565b9261250c565b9481604051987f9ce592e3000000000000000000000000000000000000000000000000000000008a521660048901521660248701521660448501526064840152166084820152fd5b8864ffffffffff610aec6044936124fa565b7f3a0c4ff70000000000000000000000000000000000000000000000000000000083521660045242602452fd5b8280f35b50346101ad5760406003193601126101ad57610b376120f9565b9073ffffffffffffffffffffffffffffffffffffffff610b5561211c565b921673ffffffffffffffffffffffffffffffffffffffff83168103610b8f57505050602064ffffffffff5b64ffffffffff60405191168152f35b8160409173ffffffffffffffffffffffffffffffffffffffff935260056020522091165f52602052602064ffffffffff60405f205460601c16610b80565b50346101ad5760c06003193601126101ad57610be76120f9565b610bef61211c565b610bf761213f565b6064359162ffffff83168303610c9157608435936bffffffffffffffffffffffff85168503610c8d5760a4359564ffffffffff871687036101ad576020610c85610c45898989898989612d4f565b610c4d612dea565b604291604051917f19010000000000000000000000000000000000000000000000000000000000008352600283015260228201522090565b604051908152f35b8580fd5b8480fd5b50346101ad5760406003193601126101ad5773ffffffffffffffffffffffffffffffffffffffff6040610cc66120f9565b9282610cd061211c565b9416815260056020522091165f52602052606060405f20546bffffffffffffffffffffffff60405191818116835264ffffffffff81851c16602084015260881c166040820152f35b50346101ad5760206003193601126101ad57610d326120f9565b90610d3b6125ce565b73ffffffffffffffffffffffffffffffffffffffff82168015610f21573382526002602052604082209283549164ffffffffff6bffffffffffffffffffffffff84169360c01c1694610d8c86612a5d565b15610edd57610eaf94955033865260036020526bffffffffffffffffffffffff60408720541693808511610ed5575b6bffffffffffffffffffffffff8581920316167fffffffffffffffffffffffffffffffffffffffff0000000000000000000000008254161781557fffffff0000000000ffffffffffffffffffffffffffffffffffffffffffffffff81541690553385526003602052604085207fffffffffffffffffffffffffffffffffffffffff00000000000000000000000081541690556bffffffffffffffffffffffff6040519316928381527fff9be077e76962fe17a975b6c3cc3be5a1ff1c2b0cefdd142cd946383353e74860203392a37f0000000000000000000000000000000000000000000000000000000000000000612c85565b807f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d80f35b935083610dbb565b60648564ffffffffff88610ef081612b7d565b907f3cb4da200000000000000000000000000000000000000000000000000000000084523360045260245216604452fd5b6004827fd92e233d000000000000000000000000000000000000000000000000000000008152fd5b50346101ad5760a06003193601126101ad57610f636120f9565b90610f6c61211c565b610f7461213f565b90606435926bffffffffffffffffffffffff841684036101ad576020610c85610c456084358787878b612bf6565b50346101ad5760206003193601126101ad5760043567ffffffffffffffff811161115057610fd49036906004016121c3565b6110057f000000000000000000000000000000000000000000000000000000000000000064ffffffffff4216612286565b9164ffffffffff831691845b81811061101c578580f35b60019033875260046020526040872073ffffffffffffffffffffffffffffffffffffffff61105361104e848789612486565b612237565b165f5260205260405f2067ffffffffffffffff61107c602061107685888a612486565b01612258565b165f526020526110d88660405f20907fffffff0000000000ffffffffffffffffffffffffffffffffffffffffffffffff7cffffffffff00000000000000000000000000000000000000000000000083549260c01b169116179055565b6110e661104e828587612486565b73ffffffffffffffffffffffffffffffffffffffff61110b602061107685888a612486565b9167ffffffffffffffff6040519316835287602084015216907f1a75f38e11382ff56f05227e12927930f0f3de1f70c8cb6eecd10ef76ce57d7d60403392a301611011565b5080fd5b50346101ad57806003193601126101ad576020604051620151808152f35b50346101ad5760206003193601126101ad5761118c6120f9565b338252600660205273ffffffffffffffffffffffffffffffffffffffff604083209160016111b984612a9d565b93836111ec7f000000000000000000000000000000000000000000000000000000000000000064ffffffffff4216612286565b95167fffffffffffffffffffffffff000000000000000000000000000000000000000082541617815580547fffffffffffffff0000000000ffffffffffffffffffffffffffffffffffffffff78ffffffffff00000000000000000000000000000000000000008760a01b169116178155018282167fffffffffffffffffffffffff000000000000000000000000000000000000000082541617905564ffffffffff6040519316835216907f88e55011094df75cb1196fde54111d89812e0fcf8ea7694a08b402510bf0f24b60203392a380f35b50346101ad5760406003193601126101ad576112d96120f9565b60243567ffffffffffffffff8111611529576112f99036906004016121c3565b839173ffffffffffffffffffffffffffffffffffffffff859416935b82811061138b575050506104da6113469183855260026020526bffffffffffffffffffffffff6040862054166124ed565b90825260026020526bffffffffffffffffffffffff6040832091167fffffffffffffffffffffffffffffffffffffffff00000000000000000000000082541617905580f35b61139961104e828585612486565b6113a96020611076848787612486565b9086885260046020526040882073ffffffffffffffffffffffffffffffffffffffff82165f5260205260405f2067ffffffffffffffff83165f5260205260405f2064ffffffffff815460c01c166113ff81612a5d565b156114b057507f88fdfea8c35ce59c6694331d1627c208a92d146d84014a92fa731560d058bf4273ffffffffffffffffffffffffffffffffffffffff60019594936114a76bffffffffffffffffffffffff61146861145d8e97612aeb565b92819e9116906124ed565b9b6040519485941697849160409194936bffffffffffffffffffffffff62ffffff9267ffffffffffffffff606087019816865216602085015216910152565b0390a301611315565b8864ffffffffff848367ffffffffffffffff8873ffffffffffffffffffffffffffffffffffffffff6114e360a498612b7d565b94604051977fa11fee4f00000000000000000000000000000000000000000000000000000000895260048901521660248701521660448501526064840152166084820152fd5b8280fd5b50346101ad57806003193601126101ad576115e99061156b7f00000000000000000000000000000000000000000000000000000000000000006131e1565b906115957f00000000000000000000000000000000000000000000000000000000000000006131e1565b9060206115f7604051936115a983866122cf565b8385525f3681376040519687967f0f00000000000000000000000000000000000000000000000000000000000000885260e08589015260e08801906121f4565b9086820360408801526121f4565b904660608601523060808601528260a086015284820360c08601528080855193848152019401925b82811061162e57505050500390f35b83518552869550938101939281019260010161161f565b50346101ad5760206003193601126101ad5760043567ffffffffffffffff8111611150576116779036906004016121c3565b9033835b838110611686578480f35b8061169761104e6001938787612486565b73ffffffffffffffffffffffffffffffffffffffff6116bc6020611076858a8a612486565b9116808852600460205260408820855f5260205260405f2067ffffffffffffffff83165f526020527fb8d204ed7ae2184048ed193236f721c929a5d8c49ab94e605305adb6ec8781e361171160405f20612aeb565b90838b52600260205260408b206bffffffffffffffffffffffff61173883828454166124c3565b82547fffffffffffffffffffffffffffffffffffffffff0000000000000000000000001691161790556040805167ffffffffffffffff90961686526bffffffffffffffffffffffff909116602086015262ffffff90911690840152339280606081010390a30161167b565b50346118b15760c06003193601126118b1576117bd6120f9565b906117c6612156565b60643560ff81168091036118b1576117dc6125ce565b73ffffffffffffffffffffffffffffffffffffffff7f00000000000000000000000000000000000000000000000000000000000000001690813b156118b1575f9160e4839260405194859384927fd505accf0000000000000000000000000000000000000000000000000000000084523360048501523060248501526bffffffffffffffffffffffff891660448501526044356064850152608484015260843560a484015260a43560c48401525af161189b575b50610eaf9192612642565b610eaf92505f6118aa916122cf565b5f91611890565b5f80fd5b346118b15760406003193601126118b1576118ce6120f9565b73ffffffffffffffffffffffffffffffffffffffff6118eb61211c565b911673ffffffffffffffffffffffffffffffffffffffff8216811490811561191b575b6020826040519015158152f35b90505f52600560205273ffffffffffffffffffffffffffffffffffffffff60405f2091165f52602052602064ffffffffff60405f205460601c1615158261190e565b346118b15760206003193601126118b157602061198061197b6120f9565b612437565b73ffffffffffffffffffffffffffffffffffffffff60405191168152f35b346118b1575f6003193601126118b157602060405164ffffffffff7f0000000000000000000000000000000000000000000000000000000000000000168152f35b346118b15760606003193601126118b1576020611a136119fd6120f9565b611a0561211c565b611a0d61213f565b9161233d565b60405190611a208161218c565b8152f35b346118b15760206003193601126118b15773ffffffffffffffffffffffffffffffffffffffff611a526120f9565b165f526006602052606060405f2073ffffffffffffffffffffffffffffffffffffffff600182549201541664ffffffffff6040519273ffffffffffffffffffffffffffffffffffffffff8116845260a01c1660208301526040820152f35b346118b15760206003193601126118b15773ffffffffffffffffffffffffffffffffffffffff611ade6120f9565b165f908152600260209081526040918290205482516bffffffffffffffffffffffff8083168252606083811c9091169382019390935260c082901c64ffffffffff169381019390935260e81c9082015280608081015b0390f35b346118b15760206003193601126118b157611b62611b54612171565b611b5c6125ce565b336128fd565b5f7f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d005b346118b15760606003193601126118b157611ba06120f9565b611ba8612156565b6044359164ffffffffff8316928381036118b15773ffffffffffffffffffffffffffffffffffffffff909116928315611cfc577f104ff0f053698703882eff80edf0309fb35d96dc00ff9da21396c98209ea6b6a91611ce791335f52600560205260405f20865f5260205260405f2090611c497f000000000000000000000000000000000000000000000000000000000000000064ffffffffff4216612286565b9064ffffffffff835460601c168064ffffffffff841611611cf4575b5064ffffffffff821611611cec575b5080547fffffffffffffffffffffffffffffff0000000000000000000000000000000000166bffffffffffffffffffffffff95909516948517606083901b70ffffffffff000000000000000000000000161790556040805194855264ffffffffff90911660208501523393918291820190565b0390a3005b915086611c74565b915088611c65565b7fd92e233d000000000000000000000000000000000000000000000000000000005f5260045ffd5b346118b15760206003193601126118b157611b62611d406120f9565b611d486125ce565b73ffffffffffffffffffffffffffffffffffffffff81165f5260026020526bffffffffffffffffffffffff60405f205460601c16906128fd565b346118b15760406003193601126118b157611b62611d9e6120f9565b611da6612156565b90611daf6125ce565b612642565b346118b15760206003193601126118b15760043567ffffffffffffffff81116118b157366023820112156118b157806004013567ffffffffffffffff81116118b15736602460608302840101116118b157335f52600460205260405f205f925f5b83811015611fb457606081028201611e2f60248201612237565b90611e486064611e4160448401612258565b920161226d565b9173ffffffffffffffffffffffffffffffffffffffff81165f528560205260405f2067ffffffffffffffff83165f5260205260405f20978854986bffffffffffffffffffffffff8a16906bffffffffffffffffffffffff86169082821115611fa4578b60e81c9b62ffffff8d14611f5057938383611f469373ffffffffffffffffffffffffffffffffffffffff9660019c9b9a99967fbd3ef9b1dd5d0dcab630719cb381a9d9ac34f72f5e4b0bd3a8995de489463767990103905503019b60405193849316963396849160409194936bffffffffffffffffffffffff62ffffff9267ffffffffffffffff606087019816865216602085015216910152565b0390a35b01611e15565b67ffffffffffffffff8773ffffffffffffffffffffffffffffffffffffffff887f46e71638000000000000000000000000000000000000000000000000000000005f5233600452166024521660445260645ffd5b5050509750505050600190611f4a565b611fbe853361251c565b005b346118b15760606003193601126118b157611fd96120f9565b611fe161211c565b73ffffffffffffffffffffffffffffffffffffffff611ffe61213f565b92165f52600460205273ffffffffffffffffffffffffffffffffffffffff60405f2091165f5260205267ffffffffffffffff60405f2091165f52602052611b3460405f20546040519181839260e81c9064ffffffffff8160c01c16906bffffffffffffffffffffffff808260601c16911685929364ffffffffff62ffffff9296956bffffffffffffffffffffffff60609581608089019a16885216602087015216604085015216910152565b346118b15760206003193601126118b15760209073ffffffffffffffffffffffffffffffffffffffff6120db6120f9565b165f52600382526bffffffffffffffffffffffff60405f2054168152f35b6004359073ffffffffffffffffffffffffffffffffffffffff821682036118b157565b6024359073ffffffffffffffffffffffffffffffffffffffff821682036118b157565b6044359067ffffffffffffffff821682036118b157565b602435906bffffffffffffffffffffffff821682036118b157565b600435906bffffffffffffffffffffffff821682036118b157565b6004111561219657565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52602160045260245ffd5b9181601f840112156118b15782359167ffffffffffffffff83116118b1576020808501948460061b0101116118b157565b907fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0601f602080948051918291828752018686015e5f8582860101520116010190565b3573ffffffffffffffffffffffffffffffffffffffff811681036118b15790565b3567ffffffffffffffff811681036118b15790565b356bffffffffffffffffffffffff811681036118b15790565b9064ffffffffff8091169116019064ffffffffff82116122a257565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52601160045260245ffd5b90601f7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0910116810190811067ffffffffffffffff82111761231057604052565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52604160045260245ffd5b73ffffffffffffffffffffffffffffffffffffffff165f52600460205273ffffffffffffffffffffffffffffffffffffffff60405f2091165f5260205267ffffffffffffffff60405f2091165f5260205260405f20604051906080820182811067ffffffffffffffff82111761231057604052546bffffffffffffffffffffffff811682526bffffffffffffffffffffffff8160601c1660208301526123fc64ffffffffff8260c01c16604084019281845260e81c6060850152612a5d565b612430575164ffffffffff16421061242a57516bffffffffffffffffffffffff16612425575f90565b600190565b50600290565b5050600390565b9073ffffffffffffffffffffffffffffffffffffffff82165f52600660205261246260405f20612a9d565b9173ffffffffffffffffffffffffffffffffffffffff8316156124825750565b9150565b91908110156124965760061b0190565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52603260045260245ffd5b906bffffffffffffffffffffffff809116911601906bffffffffffffffffffffffff82116122a257565b919082018092116122a257565b3564ffffffffff811681036118b15790565b3562ffffff811681036118b15790565b81156125ca5773ffffffffffffffffffffffffffffffffffffffff1690815f52600260205260405f20916bffffffffffffffffffffffff83541690818311612599575082547fffffffffffffffffffffffffffffffffffffffff000000000000000000000000169190036bffffffffffffffffffffffff16179055565b7f2fc28c53000000000000000000000000000000000000000000000000000000005f5260045260245260445260645ffd5b5050565b7f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005c61261a5760017f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d565b7f3ee5aeb5000000000000000000000000000000000000000000000000000000005f5260045ffd5b73ffffffffffffffffffffffffffffffffffffffff16908115611cfc577f00000000000000000000000000000000000000000000000000000000000000009073ffffffffffffffffffffffffffffffffffffffff8216916040517f70a08231000000000000000000000000000000000000000000000000000000008152306004820152602081602481875afa908115612876575f916128cb575b506bffffffffffffffffffffffff831693604051927f23b872dd000000000000000000000000000000000000000000000000000000005f5233600452306024528560445260205f60648180855af19060015f51148216156128ac575b50836040525f6060521561288157826024816020937f70a082310000000000000000000000000000000000000000000000000000000082523060048301525afa918215612876575f92612842575b5081039081116122a25782810361281357507fdda0f60b22a66d7dc2e2a6fa8fd7def45a6f707773244ca1852ecca2b6cbb5fe91602091845f52600283526bffffffffffffffffffffffff6127e260405f2092828454166124c3565b167fffffffffffffffffffffffffffffffffffffffff000000000000000000000000825416179055604051908152a2565b827fca0dd236000000000000000000000000000000000000000000000000000000005f5260045260245260445ffd5b9091506020813d60201161286e575b8161285e602093836122cf565b810103126118b15751905f612786565b3d9150612851565b6040513d5f823e3d90fd5b7f5274afe7000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b60018215166128c2573b15153d1516165f612738565b843d5f823e3d90fd5b90506020813d6020116128f5575b816128e6602093836122cf565b810103126118b157515f6126dc565b3d91506128d9565b73ffffffffffffffffffffffffffffffffffffffff811690815f5260026020526bffffffffffffffffffffffff60405f205460601c16926bffffffffffffffffffffffff811693808511612a29579161197b6bffffffffffffffffffffffff6129bd938695612a2798975f526002602052031660405f20907fffffffffffffffff000000000000000000000000ffffffffffffffffffffffff77ffffffffffffffffffffffff00000000000000000000000083549260601b169116179055565b90604051908382527fae1949bd40bb46e6faa100f336fffc9834ae0cea74838315a1ce1fe55a165901602073ffffffffffffffffffffffffffffffffffffffff851693a37f0000000000000000000000000000000000000000000000000000000000000000612c85565b565b8490847f885dc6c5000000000000000000000000000000000000000000000000000000005f5260045260245260445260645ffd5b64ffffffffff8116908115159182612a92575b5081612a7a575090565b64ffffffffff9150612a8b90612b7d565b1642111590565b42101591505f612a70565b73ffffffffffffffffffffffffffffffffffffffff9080549064ffffffffff8260a01c168015159081612ae0575b5015612adb576001915001541690565b501690565b90504210155f612acb565b8054916bffffffffffffffffffffffff8360601c16918360e81c936bffffffffffffffffffffffff8481831603169462ffffff81145f14612b6f57935b77ffffffffffffffffffffffff0000000000000000000000007fffffff00000000000000000000000000000000000000000000000000000000008660e81b16921617179055565b60010162ffffff1693612b28565b64ffffffffff1680612b8e57505f90565b620151800164ffffffffff81116122a25790565b6bffffffffffffffffffffffff8111612bc6576bffffffffffffffffffffffff1690565b7f6dfcc650000000000000000000000000000000000000000000000000000000005f52606060045260245260445ffd5b93919267ffffffffffffffff6bffffffffffffffffffffffff929473ffffffffffffffffffffffffffffffffffffffff604051968160208901997fc43a773dd1af1a5833e82e31e211803a4d3d8dcadfca23240369eb46396427128b521660408901521660608701521660808501521660a083015260c082015260c08152612c7f60e0826122cf565b51902090565b9173ffffffffffffffffffffffffffffffffffffffff604051927fa9059cbb000000000000000000000000000000000000000000000000000000005f521660045260245260205f60448180865af19060015f5114821615612d2e575b60405215612cec5750565b73ffffffffffffffffffffffffffffffffffffffff907f5274afe7000000000000000000000000000000000000000000000000000000005f521660045260245ffd5b906001811516612d4657823b15153d15161690612ce1565b503d5f823e3d90fd5b9362ffffff64ffffffffff9467ffffffffffffffff7f2a5836137187409402bd23b7276c2cfa63e8240b209bc074f7dcbbcbd7a18e0f989573ffffffffffffffffffffffffffffffffffffffff6bffffffffffffffffffffffff96816040519b60208d019d8e521660408c01521660608a01521660808801521660a08601521660c08401521660e082015260e08152612c7f610100826122cf565b73ffffffffffffffffffffffffffffffffffffffff7f000000000000000000000000000000000000000000000000000000000000000016301480612ee4575b15612e52577f000000000000000000000000000000000000000000000000000000000000000090565b60405160208101907f8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f82527f000000000000000000000000000000000000000000000000000000000000000060408201527f000000000000000000000000000000000000000000000000000000000000000060608201524660808201523060a082015260a08152612c7f60c0826122cf565b507f00000000000000000000000000000000000000000000000000000000000000004614612e29565b91612f52612f8d9492612f8494604291604051917f19010000000000000000000000000000000000000000000000000000000000008352600283015260228201522090565b60ff601b7f7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff851694821c0116906132ff565b90929192613238565b90565b949392918554926bffffffffffffffffffffffff84166bffffffffffffffffffffffff82168181115f146130ce5703965b87156130c3577fffffff000000000000000000000000000000000000000000000000000000000085101561306d5787850190556040805167ffffffffffffffff9390931683526bffffffffffffffffffffffff91909116602083015260e89390931c9281019290925273ffffffffffffffffffffffffffffffffffffffff9081169216907fbd3ef9b1dd5d0dcab630719cb381a9d9ac34f72f5e4b0bd3a8995de48946376790606090a3565b67ffffffffffffffff8373ffffffffffffffffffffffffffffffffffffffff86818a7f46e71638000000000000000000000000000000000000000000000000000000005f5216600452166024521660445260645ffd5b505f96505050505050565b50505f96612fc1565b73ffffffffffffffffffffffffffffffffffffffff16805f52600560205260405f2073ffffffffffffffffffffffffffffffffffffffff83165f5260205264ffffffffff60405f205460601c169081421161319857505063ffffffff811663ffffffff8360201c1603613148575050565b9073ffffffffffffffffffffffffffffffffffffffff67ffffffffffffffff927f5180ae4c000000000000000000000000000000000000000000000000000000005f52166004521660245260445ffd5b8273ffffffffffffffffffffffffffffffffffffffff917f1424d87f000000000000000000000000000000000000000000000000000000005f526004521660245260445260645ffd5b60ff811690601f821161321057604051916131fd6040846122cf565b6020808452838101919036833783525290565b7fb3512b0c000000000000000000000000000000000000000000000000000000005f5260045ffd5b6132418161218c565b8061324a575050565b6132538161218c565b60018103613283577ff645eedf000000000000000000000000000000000000000000000000000000005f5260045ffd5b61328c8161218c565b600281036132c057507ffce698f7000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b6003906132cc8161218c565b146132d45750565b7fd78bce0c000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b91907f7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a08411613383579160209360809260ff5f9560405194855216868401526040830152606082015282805260015afa15612876575f5173ffffffffffffffffffffffffffffffffffffffff81161561337957905f905f90565b505f906001905f90565b5050505f916003919056"

// LedgerImmutables are the offset and length in bytes of each immutable value.
var LedgerImmutables = [][2]int{{393, 32}, {1662, 32}, {3723, 32}, {4057, 32}, {4544, 32}, {5447, 32}, {5489, 32}, {6131, 32}, {6587, 32}, {7197, 32}, {9825, 32}, {10755, 32}, {11777, 32}, {11824, 32}, {11903, 32}, {11941, 32}, {12007, 32}}
